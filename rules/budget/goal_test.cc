#include "rules/budget/goal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/spec/rule_spec.h"

namespace barograph::rules {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Time kStart = Time(days(20'000));
constexpr std::int64_t kUsd = 1'000'000'000;
constexpr std::int64_t kPercent = 10'000'000;

GoalSpec DailyGoal() {
  GoalSpec spec;
  spec.common.name = "three-hundred-a-day";
  spec.measure = "revenue.net";
  spec.target = {Int128{300} * kUsd, "USD"};
  spec.not_before_ppb = 30 * kPercent;
  spec.alerts = {{Severity::kCritical, 50 * kPercent}, {Severity::kWarning, 75 * kPercent}};
  return spec;
}

/// Payments put straight into the cell of everything.
class GoalTest : public testing::Test {
 protected:
  void Use(const GoalSpec& spec, int past_days = 0) {
    RuleSet rules;
    rules.goals = {spec};
    windows_.Configure(PlanWindows(rules), Sequence{1});
    for (int day = -past_days; day < 2; ++day) {
      windows_.OpenPeriod("day@UTC", {kStart + days(day), kStart + days(day + 1)});
    }
    goal_.emplace(spec);
    since_ = kStart - days(past_days);
  }
  void Earn(Duration at, std::int64_t dollars) {
    storage::EventView event;
    event.kind = storage::EventKind::kPayment;
    event.payment = storage::PaymentView{};
    const MeasureId revenue = windows_.Intern({"revenue.net", "USD"});
    const std::vector<Yield> yields = {{revenue, MeasureType::kSum, 1, Int128{dollars} * kUsd}};
    windows_.Advance(kStart + at);
    windows_.Fold(event, kStart + at, yields);
  }
  void Complete(Duration at, std::int64_t tasks) {
    storage::EventView event;
    event.kind = storage::EventKind::kTask;
    event.task = storage::TaskView{};
    const MeasureId completed = windows_.Intern({"tasks.completed", ""});
    const std::vector<Yield> yields = {{completed, MeasureType::kSum, 1, Int128{tasks}}};
    windows_.Advance(kStart + at);
    windows_.Fold(event, kStart + at, yields);
  }
  [[nodiscard]] InstanceSeries Series() {
    InstanceSeries series{
        &windows_, *windows_.FindCell(windows_.FindOrBuiltIn({}), {}), {}, since_};
    for (const MeasureName& name : goal_->measures()) {
      series.measures.push_back(windows_.Intern(name));
    }
    return series;
  }
  [[nodiscard]] std::vector<std::string> Holding(Duration at) {
    std::vector<Condition::Verdict> verdicts;
    goal_->Judge(Series(), kStart + at, &verdicts);
    std::vector<std::string> holding;
    for (std::size_t i = 0; i < verdicts.size(); ++i) {
      if (verdicts[i].holds) holding.push_back(goal_->Explain(Series(), i, kStart + at).condition);
    }
    return holding;
  }

  WindowStore windows_;
  std::optional<Goal> goal_;
  Time since_{};
};

TEST_F(GoalTest, LinearExpectsThePartOfThePeriodThatIsOver) {
  Use(DailyGoal());
  Earn(hours(1), 70);
  EXPECT_THAT(Holding(hours(6)), IsEmpty()) << "30 % of the day are not over";
  EXPECT_THAT(Holding(hours(8)), ElementsAre("below 75%")) << "70 of 100 expected";
  EXPECT_THAT(Holding(hours(12)), ElementsAre("below 50%", "below 75%")) << "70 of 150";
  Earn(hours(12), 43);
  EXPECT_THAT(Holding(hours(12)), IsEmpty()) << "113 of 150";
}

TEST_F(GoalTest, ThePeriodIsNotJudgedWhenItsBeginningWasNotSeen) {
  Use(DailyGoal());
  Earn(hours(9), 1);
  since_ = kStart + hours(9);
  EXPECT_THAT(Holding(hours(20)), IsEmpty());
}

TEST_F(GoalTest, AProfileExpectsWhatTheDaysBeforeBroughtByThen) {
  GoalSpec spec = DailyGoal();
  spec.prorate = Proration::kProfile;
  Use(spec, 14);
  for (int day = -14; day < 0; ++day) {
    Earn(days(day) + hours(18), 200);
    Earn(days(day) + hours(20) + minutes(30), 200);
  }
  Earn(hours(1), 10);
  EXPECT_THAT(Holding(hours(18)), IsEmpty()) << "nothing came before 18:00 on any day";
  EXPECT_THAT(Holding(hours(19)), ElementsAre("below 50%", "below 75%")) << "10 of 150";
  Earn(hours(19), 130);
  EXPECT_THAT(Holding(hours(19) + minutes(30)), IsEmpty()) << "140 of 150";
  // Half of the hour from 20:00: half of what it brings.
  const GoalStanding standing = goal_->StandingOf(Series(), kStart + hours(20) + minutes(30));
  EXPECT_TRUE(standing.profiled);
  EXPECT_EQ(standing.expected_ppb, 75 * kPercent);
}

TEST_F(GoalTest, WithLessThanFourteenDaysAProfileIsLinear) {
  GoalSpec spec = DailyGoal();
  spec.prorate = Proration::kProfile;
  Use(spec, 13);
  Earn(hours(1), 70);
  EXPECT_THAT(Holding(hours(8)), ElementsAre("below 75%"));
}

TEST_F(GoalTest, WithoutProrationAPeriodIsJudgedInTheHourAfterIt) {
  GoalSpec spec = DailyGoal();
  spec.prorate = Proration::kNone;
  spec.not_before_ppb = 0;
  Use(spec);
  Earn(hours(1), 200);
  EXPECT_THAT(Holding(hours(23)), IsEmpty());
  EXPECT_THAT(Holding(hours(24)), ElementsAre("below 75%"));
  EXPECT_THAT(Holding(hours(24) + minutes(59)), ElementsAre("below 75%"));
  EXPECT_THAT(Holding(hours(25)), IsEmpty());
}

TEST_F(GoalTest, WhereLessIsBetterItHoldsAbove) {
  GoalSpec spec = DailyGoal();
  spec.at_most = true;
  spec.alerts = {{Severity::kWarning, 100 * kPercent}};
  Use(spec);
  Earn(hours(1), 150);
  EXPECT_THAT(Holding(hours(11)), ElementsAre("above 100%"));
  EXPECT_THAT(Holding(hours(13)), IsEmpty());
}

TEST_F(GoalTest, AMilestoneHoldsFromTheMomentItIsReached) {
  GoalSpec spec = DailyGoal();
  spec.alerts.clear();
  spec.milestones = {25 * kPercent, 100 * kPercent};
  Use(spec);
  Earn(hours(1), 74);
  EXPECT_THAT(Holding(hours(1)), IsEmpty());
  Earn(hours(1), 1);
  EXPECT_THAT(Holding(hours(1)), ElementsAre("25%"));
  Earn(hours(2), 225);
  EXPECT_THAT(Holding(hours(2)), ElementsAre("25%", "100%"));
  EXPECT_EQ(goal_->levels()[0].policy, "milestone-25");
  EXPECT_THAT(Holding(hours(24)), IsEmpty());
}

TEST_F(GoalTest, NothingHoldsWhileFewerEventsThanMinEventsWereCounted) {
  GoalSpec spec = DailyGoal();
  spec.common.min_events = 20;
  spec.measure = "tasks.completed";
  spec.target = {100, ""};
  spec.alerts = {{Severity::kWarning, 50 * kPercent}};
  spec.milestones = {10 * kPercent};
  Use(spec);
  Complete(hours(1), 19);
  EXPECT_THAT(Holding(hours(23)), IsEmpty());
  std::vector<Condition::Verdict> verdicts;
  goal_->Judge(Series(), kStart + hours(23), &verdicts);
  EXPECT_TRUE(verdicts[0].quiet && verdicts[1].quiet) << "which is no evidence of calm";
  Complete(hours(2), 1);
  EXPECT_THAT(Holding(hours(23)), ElementsAre("below 50%", "10%"));
}

TEST_F(GoalTest, MissingMoneyIsMarkedAsSuch) {
  Use(DailyGoal());
  Earn(hours(1), 1);
  std::vector<Condition::Verdict> verdicts;
  goal_->Judge(Series(), kStart + hours(20), &verdicts);
  EXPECT_TRUE(verdicts[0].holds && verdicts[0].missing);
}

}  // namespace
}  // namespace barograph::rules
