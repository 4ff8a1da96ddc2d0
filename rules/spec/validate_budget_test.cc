#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/spec/rule_spec.h"

// What Validate says of `min_events`; the other mistakes in budgets and goals are in
// tests/golden/rules/budget_mistakes.yaml, where they have lines.

namespace barograph::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::int64_t kPercent = 10'000'000;
constexpr std::int64_t kUsd = 1'000'000'000;

BudgetSpec Budget(const std::string& measure, const Quantity& limit) {
  BudgetSpec spec;
  spec.common.name = "spend";
  spec.common.min_events = 20;
  spec.measure = measure;
  spec.limit = limit;
  spec.period = Calendar{};
  spec.alert_at = {{Severity::kWarning, 80 * kPercent}};
  return spec;
}

GoalSpec Goal(const std::string& measure, const Quantity& target) {
  GoalSpec spec;
  spec.common.name = "goal";
  spec.common.min_events = 20;
  spec.measure = measure;
  spec.target = target;
  spec.alerts = {{Severity::kCritical, 25 * kPercent}, {Severity::kWarning, 50 * kPercent}};
  return spec;
}

std::vector<std::string> Mistakes(std::vector<BudgetSpec> budgets, std::vector<GoalSpec> goals) {
  RuleSet rules;
  rules.budgets = std::move(budgets);
  rules.goals = std::move(goals);
  std::vector<std::string> told;
  for (const SpecError& error : Validate(rules)) told.push_back(error.path + ": " + error.message);
  return told;
}

TEST(ValidateBudgetTest, MinEventsIsTakenWhereTheMeasureCounts) {
  EXPECT_THAT(Mistakes({Budget("tasks.failed", {100, ""})}, {Goal("payments", {100, ""})}),
              IsEmpty());
}

TEST(ValidateBudgetTest, MinEventsIsRefusedWhereTheSumCountsNoEvents) {
  EXPECT_THAT(
      Mistakes({Budget("cost", {50 * kUsd, "USD"})}, {Goal("revenue.net", {300 * kUsd, "USD"})}),
      ElementsAre("budgets[0].min_events: 'cost' counts no events, so nothing can be "
                  "fewer; leave it out, or use a measure that counts, e.g. payments",
                  HasSubstr("goals[0].min_events: 'revenue.net' counts no events")));
}

TEST(ValidateBudgetTest, AGoalThatMinEventsKeepsFromEverFiringIsRefused) {
  EXPECT_THAT(Mistakes({}, {Goal("payments", {80, ""})}),
              ElementsAre("goals[0].min_events: with at least 20 events the sum is never below 25 "
                          "% of the target: that alert can never fire"));
  GoalSpec at_most = Goal("payments", {80, ""});
  at_most.at_most = true;
  EXPECT_THAT(Mistakes({}, {at_most}), IsEmpty());
}

}  // namespace
}  // namespace barograph::rules
