#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/engine/rule_harness.h"

// Budgets and goals from the event to the transition, with periods that the log opened.

namespace barograph::rules {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::int64_t kPercent = 10'000'000;
constexpr Int128 kUsd = 1'000'000'000;

RuleSet SpendRules() {
  RuleSet rules = TaskRules(1'000'000'000);
  rules.slos.clear();
  BudgetSpec budget;
  budget.common.name = "daily-spend";
  budget.common.by = {"agent"};
  budget.measure = "cost";
  budget.limit = {50 * kUsd, "USD"};
  budget.period = Calendar{};
  budget.alert_at = {{Severity::kCritical, 120 * kPercent}, {Severity::kInfo, 80 * kPercent}};
  rules.budgets = {budget};
  return rules;
}

v1::Event Cost(int dollars) {
  v1::Event event;
  event.set_agent("a");
  event.mutable_cost()->mutable_amount()->set_currency_code("USD");
  event.mutable_cost()->mutable_amount()->set_units(dollars);
  return event;
}

storage::PeriodOpened DayOf(int day) {
  storage::PeriodOpened period;
  period.calendar = "day@UTC";
  period.start = RuleHarness::kStart + days(day);
  period.end = RuleHarness::kStart + days(day + 1);
  return period;
}

TEST(BudgetRulesTest, EachShareFiresOnceADay) {
  RuleHarness harness(SpendRules());
  harness.Append(DayOf(0));
  harness.Append(DayOf(1));
  harness.At(seconds(10), Cost(40));
  harness.At(seconds(20), Cost(25));
  harness.At(hours(24) + minutes(5), Cost(41));
  harness.RunUntil(hours(1));
  EXPECT_THAT(harness.TakeTransitions(),
              ElementsAre("10s info inactive>firing a", "20s critical inactive>firing a"));
  harness.RunUntil(hours(25));
  // The new day begins at 0; both end after keep_firing_for, and the second day fires anew.
  const std::vector<std::string> second_day = harness.TakeTransitions();
  ASSERT_EQ(second_day.size(), 3U);
  EXPECT_THAT(second_day[2], testing::HasSubstr("info"));
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(BudgetRulesTest, MissingPeriodsAreNamedUntilTheyAreOpened) {
  RuleHarness harness(SpendRules());
  const auto missing = [&] { return harness.engine().MissingPeriods(harness.Now()); };
  ASSERT_EQ(missing().size(), 1U);
  EXPECT_EQ(missing()[0].calendar.Text(), "day@UTC");
  EXPECT_EQ(missing()[0].at, harness.Now());
  harness.Append(DayOf(0));
  ASSERT_EQ(missing().size(), 1U);
  EXPECT_EQ(missing()[0].at, RuleHarness::kStart + days(1)) << "the next one is opened early";
  harness.Append(DayOf(1));
  EXPECT_THAT(missing(), IsEmpty());
  EXPECT_THAT(harness.engine().OpenPeriod(DayOf(1)), IsEmpty()) << "once is enough";
}

TEST(BudgetRulesTest, ACheckpointInTheMiddleOfADayChangesNothing) {
  RuleHarness harness(SpendRules());
  harness.Append(DayOf(0));
  harness.Append(DayOf(1));
  harness.At(seconds(10), Cost(30));
  harness.At(minutes(20), Cost(10));
  harness.RunUntil(minutes(5));
  harness.BeginCheckpoint(1);
  harness.RunUntil(minutes(10));
  harness.Restart();
  EXPECT_THAT(harness.TakeTransitions(), IsEmpty());
  harness.RunUntil(minutes(30));
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("20m info inactive>firing a"));
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(BudgetRulesTest, ABudgetThatComesInTheMiddleOfADayKnowsWhatWasSpent) {
  RuleSet without = SpendRules();
  without.budgets.clear();
  without.series = {{{"agent"}, {}}};
  RuleHarness harness(without);
  harness.At(seconds(10), Cost(45));
  harness.RunUntil(minutes(5));
  harness.Apply(SpendRules());
  harness.Append(DayOf(0));
  harness.RunUntil(minutes(6));
  EXPECT_THAT(harness.TakeTransitions(), testing::SizeIs(1));
  const std::vector<BudgetStatus> budgets =
      harness.engine().Budgets("default", harness.Now(), "", 10);
  ASSERT_EQ(budgets.size(), 1U);
  EXPECT_EQ(budgets[0].amount, 45 * kUsd);
  EXPECT_EQ(budgets[0].limit, 50 * kUsd);
  EXPECT_EQ(budgets[0].currency, "USD");
}

TEST(BudgetRulesTest, AGoalThatFallsBehindFiresAsTimePasses) {
  RuleSet rules = SpendRules();
  rules.budgets.clear();
  GoalSpec goal;
  goal.common.name = "ten-a-day";
  goal.measure = "tasks.completed";
  goal.target = {24, ""};
  goal.alerts = {{Severity::kWarning, 50 * kPercent}};
  rules.goals = {goal};
  RuleHarness harness(rules);
  harness.Append(DayOf(0));
  harness.Append(DayOf(1));
  harness.Tasks({.from = seconds(0), .to = seconds(2), .every = seconds(1)});
  harness.RunUntil(hours(4) - seconds(1));
  EXPECT_THAT(harness.TakeTransitions(), IsEmpty());
  harness.RunUntil(hours(4) + seconds(20));
  EXPECT_THAT(harness.TakeTransitions(), testing::SizeIs(1)) << "2 of 4 expected, and falling";
}

TEST(BudgetRulesTest, AfterALongStopMissingMoneyIsNoEvidence) {
  RuleSet rules = SpendRules();
  rules.budgets.clear();
  GoalSpec goal;
  goal.common.name = "ten-a-day";
  goal.measure = "tasks.completed";
  goal.target = {24, ""};
  goal.alerts = {{Severity::kWarning, 50 * kPercent}};
  rules.goals = {goal};
  RuleHarness harness(rules);
  harness.Append(DayOf(0));
  harness.Append(DayOf(1));
  harness.Tasks({.from = seconds(0), .to = seconds(2), .every = seconds(1)});
  harness.RunUntil(hours(1));
  // What was done meanwhile comes a minute after the start.
  harness.Tasks(
      {.from = hours(9) + minutes(1), .to = hours(9) + minutes(1) + seconds(1), .count = 8});
  harness.StopUntil(hours(9));
  harness.RunUntil(hours(9) + minutes(10));
  EXPECT_THAT(harness.TakeTransitions(), IsEmpty());
}

}  // namespace
}  // namespace barograph::rules
