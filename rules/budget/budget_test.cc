#include "rules/budget/budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/spec/rule_spec.h"

namespace barograph::rules {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using testing::HasSubstr;

constexpr Time kStart = Time(days(20'000));
constexpr std::int64_t kUsd = 1'000'000'000;
constexpr std::int64_t kPercent = 10'000'000;

BudgetSpec DailyBudget() {
  BudgetSpec spec;
  spec.common.name = "daily-spend";
  spec.measure = "cost";
  spec.limit = {Int128{50} * kUsd, "USD"};
  spec.period = Calendar{};
  spec.alert_at = {{Severity::kCritical, 120 * kPercent},
                   {Severity::kWarning, 110 * kPercent},
                   {Severity::kInfo, 80 * kPercent}};
  return spec;
}

/// Costs put straight into the cell of everything.
class BudgetTest : public testing::Test {
 protected:
  void Use(const BudgetSpec& spec) {
    RuleSet rules;
    rules.budgets = {spec};
    windows_.Configure(PlanWindows(rules), Sequence{1});
    windows_.OpenPeriod("day@UTC", {kStart, kStart + days(1)});
    windows_.OpenPeriod("day@UTC", {kStart + days(1), kStart + days(2)});
    budget_.emplace(spec);
  }
  void Spend(Duration at, std::int64_t cents) {
    storage::EventView event;
    event.kind = storage::EventKind::kCost;
    event.cost = storage::CostView{};
    const MeasureId cost = windows_.Intern({"cost", "USD"});
    const std::vector<Yield> yields = {{cost, MeasureType::kSum, 1, Int128{cents} * kUsd / 100}};
    windows_.Advance(kStart + at);
    windows_.Fold(event, kStart + at, yields);
  }
  void Count(const std::string& measure, Duration at, std::int64_t events) {
    storage::EventView event;
    event.kind = storage::EventKind::kTask;
    event.task = storage::TaskView{};
    const MeasureId id = windows_.Intern({measure, ""});
    const std::vector<Yield> yields = {{id, MeasureType::kSum, 1, Int128{events}}};
    windows_.Advance(kStart + at);
    windows_.Fold(event, kStart + at, yields);
  }
  [[nodiscard]] std::vector<Condition::Verdict> Judged(Duration at) {
    std::vector<Condition::Verdict> verdicts;
    budget_->Judge(Series(), kStart + at, &verdicts);
    return verdicts;
  }
  [[nodiscard]] InstanceSeries Series() {
    InstanceSeries series{&windows_, *windows_.FindCell(windows_.FindOrBuiltIn({}), {}), {}, {}};
    for (const MeasureName& name : budget_->measures()) {
      series.measures.push_back(windows_.Intern(name));
    }
    return series;
  }
  /// Which levels hold: "critical", "burn critical".
  [[nodiscard]] std::vector<std::string> Holding(Duration at) {
    const std::vector<Condition::Verdict> verdicts = Judged(at);
    std::vector<std::string> holding;
    for (std::size_t i = 0; i < verdicts.size(); ++i) {
      if (!verdicts[i].holds) continue;
      const Condition::Level& level = budget_->levels()[i];
      holding.push_back((level.policy.empty() ? "" : level.policy + " ") +
                        std::to_string(static_cast<int>(level.severity)));
    }
    return holding;
  }

  WindowStore windows_;
  std::optional<Budget> budget_;
};

TEST_F(BudgetTest, AShareHoldsFromTheMomentItIsSpentToThePeriodsEnd) {
  Use(DailyBudget());
  Spend(hours(1), 3'999);
  EXPECT_THAT(Holding(hours(1)), testing::IsEmpty());
  Spend(hours(2), 1);
  EXPECT_THAT(Holding(hours(2)), testing::ElementsAre("4")) << "exactly 80 % is reached";
  Spend(hours(3), 1'500);
  EXPECT_THAT(Holding(hours(3)), testing::ElementsAre("3", "4"));
  Spend(hours(4), 500);
  EXPECT_THAT(Holding(hours(4)), testing::ElementsAre("1", "3", "4"));
  EXPECT_THAT(Holding(hours(23)), testing::ElementsAre("1", "3", "4"));
  EXPECT_THAT(Holding(hours(24)), testing::IsEmpty()) << "a new day";
}

TEST_F(BudgetTest, TheAccountSaysWhatWasSpentOfWhatAndWhenItIsGone) {
  Use(DailyBudget());
  Spend(hours(10), 4'500);
  const Condition::Account account = budget_->Explain(Series(), 2, kStart + hours(10));
  EXPECT_DOUBLE_EQ(account.value, 45);
  EXPECT_DOUBLE_EQ(account.threshold, 40);
  EXPECT_EQ(account.condition, "80%");
  EXPECT_EQ(account.summary,
            "45.00 USD of 50.00 USD spent (90 %) in the day that began 2024-10-04T00:00:00Z, gone "
            "2024-10-04T10:06:40Z at this rate");
}

TEST_F(BudgetTest, NothingHoldsWhileFewerEventsThanMinEventsWereCounted) {
  BudgetSpec spec = DailyBudget();
  spec.common.min_events = 20;
  spec.measure = "tasks.failed";
  spec.limit = {10, ""};
  spec.alert_at = {{Severity::kWarning, 100 * kPercent}};
  spec.burn = {{hours(1), minutes(5), 50 * kPercent, Severity::kCritical}};
  Use(spec);
  Count("tasks.failed", hours(1), 19);
  EXPECT_THAT(Holding(hours(1)), testing::IsEmpty());
  EXPECT_TRUE(Judged(hours(1))[0].quiet) << "which is no evidence of calm";
  Count("tasks.failed", hours(3), 1);
  EXPECT_THAT(Holding(hours(3)), testing::ElementsAre("3")) << "the day, not the hour, has enough";
  EXPECT_FALSE(Judged(hours(3))[0].quiet);
  EXPECT_TRUE(Judged(hours(3))[1].quiet);
  Count("tasks.failed", hours(3), 19);
  EXPECT_THAT(Holding(hours(3)), testing::ElementsAre("3", "burn 1"));
}

TEST_F(BudgetTest, NothingHoldsInAPeriodThatIsNotOpen) {
  Use(DailyBudget());
  Spend(hours(49), 9'000);
  std::vector<Condition::Verdict> verdicts;
  budget_->Judge(Series(), kStart + hours(49), &verdicts);
  for (const auto& verdict : verdicts) {
    EXPECT_FALSE(verdict.holds);
    EXPECT_TRUE(verdict.quiet);
  }
}

TEST_F(BudgetTest, ARollingBudgetForgetsWhatLeftItsWindow) {
  BudgetSpec spec = DailyBudget();
  spec.period.reset();
  spec.rolling = hours(24);
  Use(spec);
  Spend(hours(1), 4'500);
  EXPECT_THAT(Holding(hours(20)), testing::ElementsAre("4"));
  EXPECT_THAT(Holding(hours(26)), testing::IsEmpty());
  EXPECT_THAT(budget_->Explain(Series(), 2, kStart + hours(20)).summary,
              HasSubstr("in the last 1d"));
}

TEST_F(BudgetTest, ABurnRowWantsBothWindows) {
  BudgetSpec spec = DailyBudget();
  spec.alert_at.clear();
  spec.burn = {{hours(1), minutes(5), 20 * kPercent, Severity::kCritical}};
  Use(spec);
  Spend(hours(1), 1'200);
  EXPECT_THAT(Holding(hours(1)), testing::ElementsAre("burn 1"));
  EXPECT_THAT(Holding(hours(1) + minutes(10)), testing::IsEmpty()) << "it has stopped";
  EXPECT_TRUE(budget_->BlindedByStop(Series(), 0, kStart + hours(1) + minutes(10),
                                     kStart + hours(1) + minutes(9)));
  EXPECT_FALSE(budget_->BlindedByStop(Series(), 0, kStart + hours(1) + minutes(10), kStart));
}

TEST_F(BudgetTest, ARateOverAWindowThatIsNoPartOfTheLongOneIsExact) {
  BudgetSpec spec = DailyBudget();
  spec.alert_at.clear();
  spec.burn = {{hours(1), minutes(25), 20 * kPercent, Severity::kCritical}};
  Use(spec);
  Spend(hours(1), 700);
  Spend(hours(1) + minutes(40), 416);
  EXPECT_THAT(Holding(hours(1) + minutes(40)), testing::IsEmpty()) << "9.98 USD an hour";
  Spend(hours(1) + minutes(40), 1);
  EXPECT_THAT(Holding(hours(1) + minutes(40)), testing::ElementsAre("burn 1")) << "10.01 USD";
}

TEST_F(BudgetTest, EveryRowIsFoundAgainByItsName) {
  BudgetSpec spec = DailyBudget();
  spec.burn = {{hours(1), minutes(5), 20 * kPercent, Severity::kCritical},
               {hours(6), minutes(30), 50 * kPercent, Severity::kCritical}};
  Use(spec);
  ASSERT_EQ(budget_->levels().size(), 4U);
  Spend(hours(1), 100);
  for (std::size_t row = 0; row < 5; ++row) {
    const std::string name = budget_->Explain(Series(), row, kStart + hours(1)).condition;
    EXPECT_EQ(budget_->RowOf(std::min<std::size_t>(row, 3), name), row) << name;
  }
}

}  // namespace
}  // namespace barograph::rules
