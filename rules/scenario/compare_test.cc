#include "rules/scenario/compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/scenario/notation.h"

namespace barograph::rules {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using storage::AlertState;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Kind = ScenarioDifference::Kind;

constexpr Time kStart = Time(std::chrono::days(20'000));

storage::AlertTransition Step(Duration at, AlertState to, const std::string& agent = "a",
                              double value = 0) {
  storage::AlertTransition step;
  step.rule = "task-success";
  step.labels = {{"agent", agent},
                 {"alertname", "task-success"},
                 {"rule", "task-success"},
                 {"severity", "critical"}};
  step.from = to == AlertState::kResolved ? AlertState::kFiring : AlertState::kInactive;
  step.to = to;
  step.at = kStart + at;
  step.value = value;
  return step;
}

ExpectedTransition Expected(Duration from, Duration to, AlertState state,
                            const storage::Labels& labels = {}) {
  ExpectedTransition expected;
  expected.place = "s.yaml:9:7";
  expected.at = {from, to};
  expected.rule = "task-success";
  expected.to = state;
  expected.labels = labels;
  return expected;
}

ScenarioNotice Told(Duration at, const std::string& receiver, const std::string& text) {
  NoticeMember member;
  member.labels = {{"agent", "a"}, {"rule", "task-success"}};
  return {kStart + at, receiver, "first notification", text, {member}, 0};
}

class CompareTest : public ::testing::Test {
 protected:
  CompareTest() {
    scenario_.place = "s.yaml:4:5";
    run_.start = kStart;
  }
  [[nodiscard]] std::vector<ScenarioDifference> Compare() const {
    return CompareScenario(scenario_, run_);
  }
  Scenario scenario_;
  ScenarioRun run_;
};

TEST_F(CompareTest, WhatIsExpectedAndNothingElseAgrees) {
  run_.transitions = {Step(minutes(12), AlertState::kFiring),
                      Step(minutes(20), AlertState::kResolved)};
  scenario_.transitions = {
      Expected(minutes(12), minutes(12), AlertState::kFiring, {{"agent", "a"}}),
      Expected(minutes(19), minutes(21), AlertState::kResolved)};
  EXPECT_THAT(Compare(), IsEmpty());
}

TEST_F(CompareTest, ADifferenceSaysInWhat) {
  run_.transitions = {Step(minutes(11) + seconds(50), AlertState::kFiring, "b", 20.48)};
  scenario_.transitions = {
      Expected(minutes(12), minutes(12), AlertState::kFiring, {{"agent", "a"}, {"team", "x"}})};
  scenario_.transitions[0].value = {20.95, 21.05, "21.0"};
  const std::vector<ScenarioDifference> differences = Compare();
  ASSERT_THAT(differences, SizeIs(1));
  EXPECT_EQ(differences[0].kind, Kind::kOther);
  EXPECT_EQ(differences[0].place, "s.yaml:9:7");
  EXPECT_EQ(differences[0].expected,
            "{at: 12m, rule: task-success, labels: {agent: a, team: x}, state: firing, value: "
            "21.0}");
  EXPECT_EQ(differences[0].came,
            "{at: 11m50s, rule: task-success, labels: {agent: b, severity: critical}, from: "
            "inactive, state: firing, value: 20.48}");
  EXPECT_THAT(differences[0].reasons,
              ElementsAre("at: 11m50s, not 12m", "labels.agent: b, not a",
                          "labels.team: is missing", "value: 20.48, not 21.0"));
}

TEST_F(CompareTest, ServesAsManyExpectationsAsCanBeServed) {
  // The first expectation fits both steps; taking the first one would leave the second without.
  run_.transitions = {Step(minutes(10), AlertState::kFiring, "a"),
                      Step(minutes(11), AlertState::kFiring, "b")};
  scenario_.transitions = {Expected(minutes(0), minutes(30), AlertState::kFiring),
                           Expected(minutes(10), minutes(10), AlertState::kFiring)};
  EXPECT_THAT(Compare(), IsEmpty());
}

TEST_F(CompareTest, WhatNobodyExpectedOfARuleIsTold) {
  run_.transitions = {Step(minutes(12), AlertState::kFiring),
                      Step(minutes(20), AlertState::kResolved)};
  scenario_.transitions = {Expected(minutes(12), minutes(12), AlertState::kFiring)};
  const std::vector<ScenarioDifference> differences = Compare();
  ASSERT_THAT(differences, SizeIs(1));
  EXPECT_EQ(differences[0].kind, Kind::kUnexpected);
  EXPECT_EQ(differences[0].place, "s.yaml:4:5");
  EXPECT_THAT(differences[0].came, HasSubstr("at: 20m"));
}

TEST_F(CompareTest, PendingCountsOnlyWhereItIsExpected) {
  run_.transitions = {Step(minutes(10), AlertState::kPending),
                      Step(minutes(12), AlertState::kFiring)};
  scenario_.transitions = {Expected(minutes(12), minutes(12), AlertState::kFiring)};
  EXPECT_THAT(Compare(), IsEmpty());
  scenario_.transitions.push_back(Expected(minutes(9), minutes(9), AlertState::kPending));
  ASSERT_THAT(Compare(), SizeIs(1));
  EXPECT_THAT(Compare()[0].reasons, ElementsAre("at: 10m, not 9m"));
}

TEST_F(CompareTest, ARuleThatMustNeverFireMayBePendingOnly) {
  scenario_.never = {"task-success"};
  run_.transitions = {Step(minutes(10), AlertState::kPending)};
  EXPECT_THAT(Compare(), IsEmpty());
  run_.transitions.push_back(Step(minutes(12), AlertState::kFiring));
  EXPECT_THAT(Compare(), SizeIs(1));
  scenario_.never.clear();
  EXPECT_THAT(Compare(), IsEmpty()) << "nothing is said of the rule";
  scenario_.others_never = true;
  EXPECT_THAT(Compare(), SizeIs(1));
}

TEST_F(CompareTest, WhyNothingCameIsSaid) {
  scenario_.transitions = {Expected(minutes(12), minutes(12), AlertState::kFiring)};
  ASSERT_THAT(Compare(), SizeIs(1));
  EXPECT_EQ(Compare()[0].kind, Kind::kMissing);
  EXPECT_THAT(Compare()[0].reasons, ElementsAre("task-success counted events and did not move"));
  run_.silent = {"task-success"};
  EXPECT_THAT(Compare()[0].reasons, ElementsAre(HasSubstr("no event counted for task-success")));
}

TEST_F(CompareTest, NoticesAreComparedByReceiverCountsAndText) {
  run_.notices = {Told(minutes(12), "ops", "[FIRING:1] task-success agent=a")};
  ExpectedNotice expected;
  expected.place = "s.yaml:12:7";
  expected.at = {minutes(12), minutes(12)};
  expected.receiver = "ops";
  expected.firing = 1;
  expected.text = {"agent=a"};
  expected.labels = {{"rule", "task-success"}};
  scenario_.notices = {expected};
  EXPECT_THAT(Compare(), IsEmpty());
  scenario_.notices[0].firing = 2;
  scenario_.notices[0].text = {"agent=b"};
  ASSERT_THAT(Compare(), SizeIs(1));
  EXPECT_THAT(Compare()[0].reasons, ElementsAre("firing: 1, not 2", HasSubstr("agent=b")));
  scenario_.notices[0].receiver = "pager";
  ASSERT_THAT(Compare(), SizeIs(1));
  EXPECT_THAT(Compare()[0].reasons, ElementsAre("pager was told nothing; told were ops"));
}

TEST_F(CompareTest, AQuietReceiverHearsNothing) {
  run_.notices = {Told(minutes(12), "ops", "x")};
  EXPECT_THAT(Compare(), IsEmpty());
  scenario_.quiet = {"ops"};
  ASSERT_THAT(Compare(), SizeIs(1));
  EXPECT_EQ(Compare()[0].kind, Kind::kUnexpected);
}

TEST_F(CompareTest, AFloodIsCountedAndNotPrintedWhole) {
  scenario_.others_never = true;
  run_.transitions.assign(500, Step(minutes(12), AlertState::kFiring));
  const std::vector<ScenarioDifference> differences = Compare();
  ASSERT_THAT(differences, SizeIs(20));
  EXPECT_THAT(differences.back().reasons, ElementsAre("and 480 more that nobody expected"));
}

TEST(NotationTest, TextsStandInQuotesWhereYamlNeedsThem) {
  EXPECT_EQ(YamlText("task-success"), "task-success");
  EXPECT_EQ(YamlText("1"), "\"1\"");
  EXPECT_EQ(YamlText("true"), "\"true\"");
  EXPECT_EQ(YamlText("a \"b\"\nc"), "\"a \\\"b\\\"\\nc\"");
  EXPECT_EQ(OffsetText(-minutes(90)), "-1h30m");
}

}  // namespace
}  // namespace barograph::rules
