#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/engine/rule_harness.h"

// Method: deploys of services and requests for their health below the simulated log.
namespace barograph::rules {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

RuleSet HealthAfterDeploy(Duration keep = 10min) {
  RuleSet rules = TaskRules(990'000'000);
  rules.slos.clear();
  ExpectationSpec spec;
  spec.common.name = "health-after-deploy";
  spec.common.by = {"service"};
  spec.common.where = {{"state", {"DONE"}}, {"type", {"DEPLOY"}}};
  spec.common.keep_firing_for = keep;
  spec.common.annotations = {{"summary", "{{labels.service}} {{event.version}} does not answer"}};
  spec.measure = "changes";
  spec.expect = {"requests.ok", {{"route", {"/health"}}}};
  spec.within = 1min;
  rules.expects.push_back(std::move(spec));
  return rules;
}

v1::Event Deploy(const std::string& service, const std::string& version = "v1",
                 v1::Change::State state = v1::Change::DONE) {
  v1::Event event;
  v1::Change& change = *event.mutable_change();
  change.set_type(v1::Change::DEPLOY);
  change.set_state(state);
  change.set_service(service);
  change.set_version(version);
  return event;
}

v1::Event Health(const std::string& service, bool ok = true, const std::string& route = "/health") {
  v1::Event event;
  v1::Request& request = *event.mutable_request();
  request.set_service(service);
  request.set_route(route);
  request.set_ok(ok);
  return event;
}

TEST(ExpectationRulesTest, WhatIsAnsweredInTimeFiresForNobody) {
  RuleHarness harness(HealthAfterDeploy());
  harness.At(10s, Deploy("web"));
  harness.At(40s, Health("web"));
  harness.At(50s, Deploy("web", "v2", v1::Change::STARTED));
  harness.RunUntil(1h);
  EXPECT_THAT(harness.TakeTransitions(), IsEmpty());
}

TEST(ExpectationRulesTest, FiresAtTheWholeSecondAtWhichTheAnswerIsMissed) {
  RuleHarness harness(HealthAfterDeploy());
  harness.At(10s + 500ms, Deploy("web", "v7"));
  harness.At(20s, Deploy("tiles"));
  harness.At(30s, Health("tiles"));
  harness.At(31s, Health("web", false));
  harness.At(32s, Health("web", true, "/"));
  harness.RunUntil(1min + 10s);
  EXPECT_THAT(harness.TakeTransitions(), IsEmpty());
  harness.RunUntil(5min);
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("1m11s warning inactive>firing"));
  EXPECT_THAT(harness.TakeNotices(), ElementsAre(HasSubstr("web v7 does not answer")));
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

/// Whole second of ten in which the service is judged whatever happens.
std::int64_t PhaseOf(const std::string& service) {
  const std::uint64_t hash =
      FingerprintValue({{"service", service}, {"rule", "health-after-deploy"}});
  return static_cast<std::int64_t>(hash % 10);
}

TEST(ExpectationRulesTest, AQuestionThatComesWhenItsAnswerIsMissedFiresInThatSecond) {
  RuleHarness harness(HealthAfterDeploy());
  v1::Event deploy = Deploy("web");
  const Duration asked = (RuleHarness::kStart + 10s).time_since_epoch();
  deploy.mutable_time()->set_seconds(asked / 1s);
  deploy.mutable_time()->set_nanos(100'000'000);
  // Nothing evaluates the record that brings it, which is newer than the moment.
  harness.At(1min + 10s + 500ms, deploy);
  harness.RunUntilFolded(1min + 10s + 500ms);
  ASSERT_NE(PhaseOf("web"), 1);
  harness.RunUntil(2min);
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("1m11s warning inactive>firing"));
}

TEST(ExpectationRulesTest, WhatIsOverEndsAtTheNextSecondThoughAMomentOfItIsNone) {
  RuleHarness harness(HealthAfterDeploy(5s));
  harness.At(80ms, Deploy("web"));
  harness.RunUntil(1min + 4s + 500ms);
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("1m1s warning inactive>firing"));
  // The answer comes, and only what is judged at 1m5.3s sees it. Until then the moment at which
  // the wait would have been over has passed, and the next deploy moves the timer.
  harness.At(1min + 4s + 500ms, Health("web"));
  harness.RunUntilFolded(1min + 4s + 500ms);
  harness.At(1min + 5s + 300ms, Health("tiles"));
  harness.RunUntil(1min + 5s + 600ms);
  harness.At(1min + 5s + 600ms, Deploy("web"));
  harness.RunUntilFolded(1min + 5s + 600ms);
  ASSERT_NE(PhaseOf("web"), 6);
  harness.RunUntil(1min + 20s);
  EXPECT_THAT(harness.TakeTransitions(),
              ElementsAre("1m6s warning firing>resolved (answered late)"));
}

TEST(ExpectationRulesTest, QuestionsWhoseTimeIsOverLeaveTheirPlacesToOthers) {
  RuleHarness harness(HealthAfterDeploy(1min));
  constexpr int kMax = static_cast<int>(kOpenSightingsMax);
  for (int i = 0; i < kMax; ++i) harness.At(i * 10ms, Deploy("web"));
  // The first would be taken by the second if those of before still had their places.
  harness.At(3min, Deploy("web"));
  harness.At(3min + 20s, Deploy("web"));
  harness.At(3min + 21s, Deploy("web"));
  harness.RunUntil(1h);
  EXPECT_THAT(
      harness.TakeTransitions(),
      ElementsAre("1m warning inactive>firing", "2m1s warning firing>resolved (not answered)",
                  "4m warning inactive>firing", "5m21s warning firing>resolved (not answered)"));
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(ExpectationRulesTest, EndsAtOnceWhenTheAnswerComesLate) {
  RuleHarness harness(HealthAfterDeploy());
  harness.At(0s, Deploy("web"));
  harness.At(3min + 200ms, Health("web"));
  harness.RunUntil(10min);
  EXPECT_THAT(
      harness.TakeTransitions(),
      ElementsAre("1m warning inactive>firing", "3m1s warning firing>resolved (answered late)"));
}

TEST(ExpectationRulesTest, EndsAfterKeepFiringForWhenNoAnswerComes) {
  RuleHarness harness(HealthAfterDeploy(5min));
  harness.At(0s, Deploy("web"));
  harness.RunUntil(1h);
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("1m warning inactive>firing",
                                                     "6m warning firing>resolved (not answered)"));
}

TEST(ExpectationRulesTest, EachDeployIsToBeAnswered) {
  RuleHarness harness(HealthAfterDeploy(2min));
  harness.At(0s, Deploy("web"));
  harness.At(2min, Deploy("web"));
  harness.At(10min, Deploy("web"));
  harness.At(10min + 30s, Health("web"));
  harness.RunUntil(1h);
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("1m warning inactive>firing",
                                                     "5m warning firing>resolved (not answered)"))
      << "the second one is missed at 3m, when the first is told until";
}

TEST(ExpectationRulesTest, StopOfTheServerBringsNoFalseAlarmAndHidesNone) {
  RuleHarness harness(HealthAfterDeploy());
  harness.At(10s, Deploy("web"));
  harness.At(10s, Deploy("tiles"));
  harness.RunUntil(30s);
  harness.StopUntil(8h);
  harness.At(8h + 3min, Health("web"));
  harness.RunUntil(9h);
  EXPECT_THAT(
      harness.TakeTransitions(),
      ElementsAre("8h5m warning inactive>firing", "8h15m warning firing>resolved (not answered)"));
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(ExpectationRulesTest, RestartAtAnyPointChangesNothing) {
  const auto run = [](const std::vector<Duration>& restarts) {
    RuleHarness harness(HealthAfterDeploy());
    for (int i = 0; i < 20; ++i) {
      harness.At(i * 7s, Deploy("s" + std::to_string(i)));
      if (i % 3 != 0) harness.At(i * 7s + 40s, Health("s" + std::to_string(i)));
    }
    for (const Duration at : restarts) {
      harness.RunUntil(at);
      harness.BeginCheckpoint(4);
      harness.RunUntil(at + 5s);
      harness.Restart();
    }
    harness.RunUntil(30min);
    EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
    return harness.TakeTransitions();
  };
  const std::vector<std::string> undisturbed = run({});
  EXPECT_THAT(undisturbed, SizeIs(2 * 7));
  EXPECT_EQ(run({20s, 61s, 100s, 8min}), undisturbed);
}

}  // namespace
}  // namespace barograph::rules
