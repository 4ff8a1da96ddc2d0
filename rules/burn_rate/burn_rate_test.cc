#include "rules/burn_rate/burn_rate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace barograph::rules {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr Time kStart = Time(days(20'000));

/// Counts put straight into the cell of everything.
class BurnRateTest : public ::testing::Test {
 protected:
  BurnRateTest() {
    good_ = windows_.Intern({"tasks.completed", ""});
    total_ = windows_.Intern({"tasks.finished", ""});
  }
  void Add(Duration at, std::int64_t good, std::int64_t bad) {
    storage::EventView event;
    event.kind = storage::EventKind::kTask;
    event.task = storage::TaskView{};
    const std::vector<Yield> yields = {{good_, MeasureType::kSum, 1, good},
                                       {total_, MeasureType::kSum, 1, good + bad}};
    windows_.Fold(event, kStart + at, yields);
    windows_.Advance(kStart + at);
  }
  [[nodiscard]] InstanceSeries Series() const {
    return {&windows_, *windows_.FindCell(windows_.FindOrBuiltIn({}), {}), {good_, total_}, {}};
  }
  static SloSpec Spec(std::int64_t objective_ppb) {
    SloSpec slo;
    slo.common.name = "task-success";
    slo.objective_ppb = objective_ppb;
    slo.period = days(30);
    if (objective_ppb < 1'000'000'000) slo.burn = DefaultBurnRows();
    return slo;
  }
  [[nodiscard]] std::vector<BurnRate::Verdict> Judge(const SloSpec& spec, Duration at) const {
    std::vector<BurnRate::Verdict> verdicts;
    BurnRate(spec).Judge(Series(), kStart + at, &verdicts);
    return verdicts;
  }

  WindowStore windows_;
  MeasureId good_, total_;
};

TEST_F(BurnRateTest, ShareMustBeStrictlyAboveWhatTheRowTolerates) {
  SloSpec slo = Spec(990'000'000);
  slo.burn.resize(1);
  Add(seconds(0), 856, 144);
  EXPECT_FALSE(Judge(slo, seconds(1))[0].holds) << "exactly 14.4 times the budget";
  Add(seconds(1), 0, 1);
  EXPECT_TRUE(Judge(slo, seconds(1))[0].holds);
}

TEST_F(BurnRateTest, BothWindowsMustBurn) {
  SloSpec slo = Spec(990'000'000);
  slo.burn.resize(1);
  Add(seconds(0), 0, 100);
  EXPECT_TRUE(Judge(slo, minutes(4))[0].holds);
  const std::vector<BurnRate::Verdict> later = Judge(slo, minutes(5));
  EXPECT_FALSE(later[0].holds) << "the short window is empty";
  EXPECT_TRUE(later[0].quiet);
  Add(minutes(6), 100, 0);
  EXPECT_FALSE(Judge(slo, minutes(6))[0].holds);
  EXPECT_FALSE(Judge(slo, minutes(6))[0].quiet);
}

TEST_F(BurnRateTest, RowsOfOneSeverityAreOneAlertThatNamesItsRow) {
  const SloSpec slo = Spec(990'000'000);
  const BurnRate burn(slo);
  ASSERT_EQ(burn.levels().size(), 2U);
  EXPECT_EQ(burn.levels()[0].severity, Severity::kCritical);
  EXPECT_EQ(burn.levels()[1].severity, Severity::kWarning);
  Add(seconds(0), 92, 8);
  const std::vector<BurnRate::Verdict> verdicts = Judge(slo, seconds(1));
  EXPECT_TRUE(verdicts[0].holds);
  const BurnRate::Account account = burn.Explain(Series(), verdicts[0].row, kStart + seconds(1));
  EXPECT_EQ(account.condition, "6h/30m") << "8 % is above 6 % but not above 14.4 %";
  EXPECT_DOUBLE_EQ(account.value, 8);
  EXPECT_DOUBLE_EQ(account.threshold, 6);
  EXPECT_THAT(account.summary, HasSubstr("8 bad of 100 in 6h"));
}

TEST_F(BurnRateTest, MinEventsCountInTheLongWindow) {
  SloSpec slo = Spec(990'000'000);
  slo.common.min_events = 20;
  Add(seconds(0), 0, 19);
  EXPECT_FALSE(Judge(slo, seconds(1))[0].holds);
  Add(seconds(1), 0, 1);
  EXPECT_TRUE(Judge(slo, seconds(1))[0].holds);
}

TEST_F(BurnRateTest, TooFewEventsAreAsQuietAsNone) {
  SloSpec slo = Spec(990'000'000);
  slo.common.min_events = 20;
  Add(seconds(0), 0, 19);
  EXPECT_TRUE(Judge(slo, seconds(1))[0].quiet);
  Add(seconds(1), 1, 0);
  EXPECT_FALSE(Judge(slo, seconds(1))[0].quiet);
}

TEST_F(BurnRateTest, AStopBlindsARowWhileTooFewEventsAreSinceItsEnd) {
  SloSpec slo = Spec(990'000'000);
  slo.burn.resize(1);
  slo.common.min_events = 20;
  const BurnRate burn(slo);
  const auto blinded = [&](Duration at, Duration resumed) {
    return burn.BlindedByStop(Series(), 0, kStart + at, kStart + resumed);
  };
  Add(seconds(0), 0, 0);
  EXPECT_TRUE(blinded(minutes(4), minutes(0))) << "nothing came yet";
  EXPECT_FALSE(blinded(minutes(5), minutes(0))) << "five minutes without events were watched";
  Add(minutes(6), 0, 3);
  EXPECT_TRUE(blinded(minutes(7), minutes(0))) << "all that came was bad, but it is too little";
  EXPECT_FALSE(blinded(minutes(7), -hours(1))) << "the long window saw no stop";
  Add(minutes(8), 100, 0);
  EXPECT_FALSE(blinded(minutes(8), minutes(0))) << "good events are evidence of calm";
}

TEST_F(BurnRateTest, FewGoodEventsAfterAStopAreEvidenceOfCalm) {
  SloSpec slo = Spec(990'000'000);
  slo.burn.resize(1);
  slo.common.min_events = 20;
  slo.freeze_below = 0.1;
  Add(seconds(0), 1, 0);
  const BurnRate burn(slo);
  EXPECT_FALSE(burn.BlindedByStop(Series(), 0, kStart + seconds(1), kStart));
  EXPECT_FALSE(burn.BlindedByStop(Series(), 1, kStart + hours(1), kStart)) << "a freeze";
}

TEST_F(BurnRateTest, WithoutABudgetTheFirstBadEventHolds) {
  const SloSpec slo = Spec(1'000'000'000);
  Add(seconds(0), 1'000'000, 0);
  EXPECT_FALSE(Judge(slo, seconds(1))[0].holds);
  Add(seconds(1), 0, 1);
  EXPECT_TRUE(Judge(slo, seconds(1))[0].holds);
  EXPECT_EQ(BurnRate(slo).Budget(Series(), kStart + seconds(1)).remaining, 0);
}

TEST_F(BurnRateTest, BudgetGoesBelowZero) {
  Add(seconds(0), 980, 20);
  const ErrorBudget budget = BurnRate(Spec(990'000'000)).Budget(Series(), kStart + seconds(1));
  EXPECT_EQ(budget.good, 980);
  EXPECT_EQ(budget.total, 1'000);
  EXPECT_DOUBLE_EQ(budget.remaining, -1);
}

TEST_F(BurnRateTest, EmptySeriesKeepsItsBudgetAndBurnsNothing) {
  Add(seconds(0), 0, 0);
  const BurnRate burn(Spec(990'000'000));
  EXPECT_EQ(burn.Budget(Series(), kStart).remaining, 1);
  for (const BurnRate::RowRates& row : burn.Rates(Series(), kStart)) EXPECT_EQ(row.long_burn, 0);
  EXPECT_TRUE(Judge(Spec(990'000'000), seconds(1))[0].quiet);
}

TEST_F(BurnRateTest, FreezeHoldsStrictlyBelowItsShare) {
  SloSpec slo = Spec(990'000'000);
  slo.freeze_below = 0.1;
  Add(seconds(0), 9'910, 90);
  EXPECT_FALSE(Judge(slo, seconds(1))[2].holds) << "exactly 10 % are left";
  Add(seconds(1), 0, 1);
  EXPECT_TRUE(Judge(slo, seconds(1))[2].holds);
}

TEST_F(BurnRateTest, PastBreachIsTheFirstStretchOfHours) {
  SloSpec slo = Spec(990'000'000);
  slo.burn.resize(1);
  for (int hour = 0; hour < 48; ++hour) {
    const bool bad = (hour >= 10 && hour < 13) || hour == 20;
    Add(hours(hour), bad ? 50 : 100, bad ? (hour == 11 ? 60 : 50) : 0);
  }
  const BurnRate burn(slo);
  const auto breach = burn.JudgePast(Series(), 0, kStart, kStart + hours(40));
  ASSERT_TRUE(breach);
  EXPECT_EQ(breach->from, kStart + hours(10));
  EXPECT_EQ(breach->to, kStart + hours(13));
  EXPECT_THAT(breach->account.summary, HasSubstr("60 bad of 110"));
  EXPECT_FALSE(burn.JudgePast(Series(), 0, kStart, kStart + hours(10)));
  EXPECT_TRUE(burn.JudgePast(Series(), 0, kStart, kStart + hours(11)));
}

TEST_F(BurnRateTest, ExcludedHoursCountInNoWindowWhateverItsBuckets) {
  const BurnRate burn(Spec(990'000'000));
  // Bad only in the hours from 2 to 4, good in all.
  for (int minute = 0; minute < 300; ++minute) {
    const bool bad = minute >= 120 && minute < 240;
    Add(minutes(minute), 100, bad ? 100 : 0);
  }
  const Time at = kStart + minutes(299);
  InstanceSeries series = Series();
  EXPECT_EQ(Count(series, at, days(3)).bad, 12'000);
  const std::vector<HourSpan> spans = {{kStart + hours(2), kStart + hours(4)}};
  series.excluded = &spans;
  for (const Duration window : {Duration(hours(6)), Duration(days(3)), Duration(days(30))}) {
    EXPECT_EQ(Count(series, at, window).bad, 0) << FormatDuration(window);
    EXPECT_EQ(Count(series, at, window).total, 18'000) << FormatDuration(window);
  }
  // 3 h 20 min back: the window begins inside the excluded hours.
  EXPECT_EQ(Count(series, at, minutes(200)).bad, 0);
  EXPECT_EQ(Count(series, at, minutes(200)).total, 8'000);
  EXPECT_EQ(burn.Budget(series, at).remaining, 1);
  EXPECT_EQ(burn.Excluded(series, at), hours(2));
  EXPECT_LT(burn.Budget(Series(), at).remaining, 0);
  EXPECT_FALSE(burn.JudgePast(series, 0, kStart, at));
  EXPECT_TRUE(burn.JudgePast(Series(), 0, kStart, at));
}

TEST(ExceedsTest, ComparesExactlyAtAnySize) {
  const auto big = [](std::int64_t high, std::int64_t low) { return (Int128{high} << 62) + low; };
  // bad / total is just above, at, and just below one half, with products of far more than 128
  // bits.
  const Int128 total = big(std::int64_t{1} << 62, 0);
  const ExactRatio half = {big(1'000'003, 0), big(2'000'006, 0)};
  EXPECT_TRUE(Exceeds({total / 2 + 1, total}, half));
  EXPECT_FALSE(Exceeds({total / 2, total}, half));
  EXPECT_FALSE(Exceeds({total / 2 - 1, total}, half));
  EXPECT_FALSE(Exceeds({0, 0}, {0, 1}));
}

}  // namespace
}  // namespace barograph::rules
