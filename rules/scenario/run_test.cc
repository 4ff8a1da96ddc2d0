#include "rules/scenario/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "barograph/v1/event.pb.h"
#include "rules/scenario/notation.h"

// Method: an objective of 100 % fires with each first bad event and ends about 6 min after the last
// one, so that what comes depends on the scenario alone.

namespace barograph::rules {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

RuleSet AnyFailure() {
  RuleSet rules;
  SloSpec& slo = rules.slos.emplace_back();
  slo.common.name = "task-success";
  slo.common.by = {"agent"};
  slo.good.measure = "tasks.completed";
  slo.total.measure = "tasks.finished";
  slo.objective_ppb = 1'000'000'000;
  slo.period = days(30);
  ReceiverSpec& receiver = rules.receivers.emplace_back();
  receiver.name = "ops";
  rules.route.receiver = "ops";
  rules.route.group_by = {"rule", "agent"};
  return rules;
}

std::string Failure(const std::string& agent) {
  v1::Event event;
  event.set_agent(agent);
  event.mutable_task()->set_status(v1::Task::FAILED);
  return event.SerializeAsString();
}

Scenario Failing(std::vector<Duration> at) {
  Scenario scenario;
  scenario.name = "fails";
  scenario.start = Time(days(20'000));
  scenario.until = hours(1);
  scenario.events = {Failure("a")};
  for (const Duration offset : at) scenario.arrivals.push_back({offset, 0});
  return scenario;
}

ScenarioWorld World() {
  return {.format =
              [](const Notice& notice, const ReceiverSpec&) {
                return NoticeBody{notice.reason, "text/plain"};
              },
          .periods = {},
          .prices = {}};
}

std::vector<std::string> Steps(const ScenarioRun& run) {
  std::vector<std::string> steps;
  for (const storage::AlertTransition& step : run.transitions)
    steps.push_back(OffsetText(step.at - run.start) + " " + std::string(Name(step.to)));
  return steps;
}

std::vector<std::string> Notices(const ScenarioRun& run) {
  std::vector<std::string> notices;
  for (const ScenarioNotice& notice : run.notices)
    notices.push_back(OffsetText(notice.at - run.start) + " " + notice.reason);
  return notices;
}

ScenarioRun RunOk(const RuleSet& rules, const Scenario& scenario) {
  Result<ScenarioRun> run = RunScenario(rules, scenario, World());
  EXPECT_TRUE(run.ok()) << (run.ok() ? "" : run.error().ToString());
  return run.ok() ? std::move(run).value() : ScenarioRun();
}

TEST(RunScenarioTest, EventsBringTransitionsAndNoticesAtTheirMoments) {
  const ScenarioRun run = RunOk(AnyFailure(), Failing({seconds(10)}));
  ASSERT_THAT(Steps(run), SizeIs(2));
  EXPECT_EQ(Steps(run)[0], "10s firing");
  EXPECT_THAT(Steps(run)[1], HasSubstr("resolved"));
  ASSERT_THAT(Notices(run), SizeIs(2));
  EXPECT_EQ(Notices(run)[0], "10s first notification");
  EXPECT_EQ(run.events, 1U);
  EXPECT_THAT(run.silent, IsEmpty());
}

TEST(RunScenarioTest, EqualScenariosGiveEqualRuns) {
  const Scenario scenario = Failing({seconds(10), minutes(20), minutes(40)});
  const ScenarioRun one = RunOk(AnyFailure(), scenario), two = RunOk(AnyFailure(), scenario);
  EXPECT_EQ(Steps(one), Steps(two));
  EXPECT_EQ(one.evaluations, two.evaluations);
}

TEST(RunScenarioTest, WhatArrivesWhileTheServerIsAwayComesAfter) {
  Scenario scenario = Failing({minutes(5)});
  scenario.stops = {{minutes(1), minutes(10)}};
  EXPECT_EQ(Steps(RunOk(AnyFailure(), scenario))[0], "10m firing");
}

TEST(RunScenarioTest, SomebodyAcknowledgesAndSilences) {
  RuleSet rules = AnyFailure();
  rules.route.repeat_interval = minutes(10);
  std::vector<Duration> failures;
  for (Duration at = seconds(10); at < minutes(55); at += minutes(1)) failures.push_back(at);
  Scenario scenario = Failing(failures);
  EXPECT_THAT(Notices(RunOk(rules, scenario)), SizeIs(6));
  const std::vector<LabelMatcher> a = {{"agent", LabelMatcher::Op::kEqual, "a"}};
  scenario.actions = {{minutes(15), ScenarioAction::Acknowledge{a}, "s.yaml:1:1"}};
  EXPECT_THAT(Notices(RunOk(rules, scenario)),
              ElementsAre("10s first notification", "10m10s repeat interval elapsed"));
  scenario.actions = {{minutes(5), ScenarioAction::Silence{a, minutes(30)}, "s.yaml:1:1"}};
  EXPECT_THAT(Notices(RunOk(rules, scenario)),
              ElementsAre("10s first notification", "35m silence ended",
                          "45m repeat interval elapsed", "55m repeat interval elapsed"));
}

TEST(RunScenarioTest, WhatTheServerRefusesIsToldWithItsPlace) {
  Scenario scenario = Failing({});
  scenario.actions = {{minutes(1),
                       ScenarioAction::Acknowledge{{{"agent", LabelMatcher::Op::kEqual, "b"}}},
                       "s.yaml:7:9"}};
  const ScenarioRun run = RunOk(AnyFailure(), scenario);
  ASSERT_THAT(run.refused, SizeIs(1));
  EXPECT_EQ(run.refused[0].first, "s.yaml:7:9");
}

TEST(RunScenarioTest, ARuleThatNoEventCountedForIsNamed) {
  RuleSet rules = AnyFailure();
  rules.slos[0].common.where = {{"type", {"research"}}};
  EXPECT_THAT(RunOk(rules, Failing({seconds(10)})).silent, ElementsAre("task-success"));
}

TEST(RunScenarioTest, PeriodsAreOpenedBeforeTheFirstEvent) {
  RuleSet rules = AnyFailure();
  rules.slos.clear();
  BudgetSpec& budget = rules.budgets.emplace_back();
  budget.common.name = "daily";
  budget.measure = "tasks.failed";
  budget.limit = {10, ""};
  budget.period = Calendar{};
  budget.alert_at = {{Severity::kWarning, 100'000'000}};
  ScenarioWorld world = World();
  world.periods = [](const Calendar& calendar, Time at) {
    storage::PeriodOpened period;
    period.calendar = calendar.Text();
    period.start = std::chrono::floor<days>(at);
    period.end = period.start + days(1);
    return std::optional(period);
  };
  const Scenario scenario = Failing({Duration(0)});
  const Result<ScenarioRun> run = RunScenario(rules, scenario, world);
  ASSERT_TRUE(run.ok());
  EXPECT_THAT(Steps(*run), ElementsAre("0s firing"));
}

}  // namespace
}  // namespace barograph::rules
