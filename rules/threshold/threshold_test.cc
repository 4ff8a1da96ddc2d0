#include "rules/threshold/threshold.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/threshold/budget_left.h"
#include "rules/threshold/novelty.h"

// Method: values put straight into the cell of everything, and the verdict at one moment.

namespace barograph::rules {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;
using Form = ThresholdSpec::Form;
using Side = ThresholdSpec::Side;
using Versus = ThresholdSpec::Versus;

constexpr Time kStart = Time(days(20'000));
constexpr std::int64_t kNano = 1'000'000'000;

ThresholdSpec Of(Form form, std::string measure, Duration over) {
  ThresholdSpec spec;
  spec.common.name = "a";
  spec.form = form;
  spec.measure = std::move(measure);
  spec.over = over;
  return spec;
}
ThresholdSpec Above(ThresholdSpec spec, std::string number) {
  spec.bound.number = std::move(number);
  return spec;
}
ThresholdSpec Below(ThresholdSpec spec, std::string number) {
  spec.side = Side::kBelow;
  spec.bound.number = std::move(number);
  return spec;
}
ThresholdSpec Beside(ThresholdSpec spec, Versus versus, Duration span) {
  spec.versus = versus;
  spec.span = span;
  return spec;
}

class ThresholdTest : public ::testing::Test {
 protected:
  void Add(Duration at, const MeasureName& measure, Int128 value,
           MeasureType type = MeasureType::kSum) {
    storage::EventView event;
    event.kind = storage::EventKind::kTask;
    event.task = storage::TaskView{};
    const std::vector<Yield> yields = {{windows_.Intern(measure), type, 1, value}};
    windows_.Advance(kStart + at);
    windows_.Fold(event, kStart + at, yields);
  }
  void Failed(Duration at, Int128 count) { Add(at, {"tasks.failed", ""}, count); }
  InstanceSeries Series(const Condition& condition) {
    InstanceSeries series{
        &windows_, *windows_.FindCell(windows_.FindOrBuiltIn({}), {}), {}, kStart};
    series.whole = whole_;
    for (const MeasureName& name : condition.measures())
      series.measures.push_back(windows_.Intern(name));
    return series;
  }
  Condition::Verdict Judge(const Condition& condition, Duration at) {
    std::vector<Condition::Verdict> verdicts;
    condition.Judge(Series(condition), kStart + at, &verdicts);
    return verdicts.at(0);
  }
  Condition::Verdict Judge(const ThresholdSpec& spec, Duration at) {
    return Judge(Threshold(spec, derived_), at);
  }
  Condition::Account Explain(const ThresholdSpec& spec, Duration at) {
    const Threshold threshold(spec, derived_);
    return threshold.Explain(Series(threshold), 0, kStart + at);
  }

  WindowStore windows_;
  std::vector<DerivedSpec> derived_;
  bool whole_ = true;
};

TEST_F(ThresholdTest, ASumMustBeStrictlyAboveItsBound) {
  const ThresholdSpec spec = Above(Of(Form::kSum, "tasks.failed", minutes(10)), "5");
  Failed(seconds(0), 5);
  EXPECT_FALSE(Judge(spec, seconds(1)).holds);
  Failed(seconds(2), 1);
  EXPECT_TRUE(Judge(spec, seconds(2)).holds);
  EXPECT_FALSE(Judge(spec, minutes(10)).holds) << "the window moved on";
  EXPECT_TRUE(Judge(spec, minutes(10)).quiet);
  EXPECT_THAT(Explain(spec, seconds(2)).summary, HasSubstr("sum of tasks.failed is 6 over 10m"));
  EXPECT_EQ(Explain(spec, seconds(2)).condition, "above 5");
}

TEST_F(ThresholdTest, BelowIsFillingWhileTheSeriesIsYoungerThanItsWindow) {
  const ThresholdSpec spec = Below(Of(Form::kSum, "tasks.failed", minutes(10)), "5");
  Failed(seconds(0), 1);
  EXPECT_FALSE(Judge(spec, minutes(9)).holds);
  EXPECT_TRUE(Judge(spec, minutes(9)).quiet);
  EXPECT_TRUE(Judge(spec, minutes(10)).holds) << "none in ten minutes";
}

TEST_F(ThresholdTest, ImportedHistoryCountsAsHistory) {
  const ThresholdSpec spec = Below(Of(Form::kSum, "tasks.failed", minutes(10)), "5");
  windows_.Advance(kStart + days(3));
  storage::EventView event;
  event.kind = storage::EventKind::kTask;
  event.task = storage::TaskView{};
  const std::vector<Yield> yields = {
      {windows_.Intern({"tasks.failed", ""}), MeasureType::kSum, 1, 1}};
  windows_.Fold(event, kStart, yields);
  EXPECT_TRUE(Judge(spec, days(3) + seconds(1)).holds);
}

TEST_F(ThresholdTest, ARateIsASumPerUnitOfTime) {
  ThresholdSpec spec = Above(Of(Form::kRate, "tasks.failed", minutes(30)), "20");
  spec.per = hours(1);
  Failed(seconds(0), 10);
  EXPECT_FALSE(Judge(spec, seconds(1)).holds) << "exactly 20 an hour";
  Failed(seconds(1), 1);
  EXPECT_TRUE(Judge(spec, seconds(1)).holds);
  EXPECT_EQ(Explain(spec, seconds(1)).value, 22);
}

TEST_F(ThresholdTest, ARatioIsExactAndNeedsItsLowerPart) {
  ThresholdSpec spec = Above(Of(Form::kRatio, "errors", minutes(15)), "0.05");
  spec.whole = "operations";
  spec.bound.unit = Bound::Unit::kPercent;
  spec.common.min_events = 40;
  Add(seconds(0), {"errors", ""}, 5);
  EXPECT_FALSE(Judge(spec, seconds(0)).holds) << "errors of nothing are no share";
  EXPECT_TRUE(Judge(spec, seconds(0)).quiet);
  Add(seconds(0), {"operations", ""}, 39);
  EXPECT_FALSE(Judge(spec, seconds(0)).holds) << "too few events";
  Add(seconds(0), {"operations", ""}, 61);
  EXPECT_FALSE(Judge(spec, seconds(0)).holds) << "exactly 5 %";
  Add(seconds(1), {"errors", ""}, 1);
  EXPECT_TRUE(Judge(spec, seconds(1)).holds);
  EXPECT_THAT(Explain(spec, seconds(1)).summary, HasSubstr("errors / operations is 6 %"));
}

TEST_F(ThresholdTest, MoneyIsThatOfTheBoundsCurrency) {
  ThresholdSpec spec = Above(Of(Form::kSum, "cost", hours(1)), "50");
  spec.bound.unit = Bound::Unit::kMoney;
  spec.currency = "USD";
  Add(seconds(0), {"cost", "EUR"}, Int128{80} * kNano);
  Add(seconds(0), {"cost", "USD"}, Int128{50} * kNano);
  EXPECT_FALSE(Judge(spec, seconds(0)).holds);
  Add(seconds(0), {"cost", "USD"}, 1);
  EXPECT_TRUE(Judge(spec, seconds(0)).holds) << "one nano above";
  EXPECT_EQ(Explain(spec, seconds(0)).condition, "above 50 USD");
  spec.currency = "EUR";
  EXPECT_EQ(Explain(spec, seconds(0)).value, 80);
}

TEST_F(ThresholdTest, AQuantileIsThatOfTheSketch) {
  ThresholdSpec spec = Above(Of(Form::kQuantile, "request.duration", minutes(5)), "0.5");
  spec.quantile_ppb = 950'000'000;
  spec.bound.unit = Bound::Unit::kTime;
  for (int i = 0; i < 95; ++i)
    Add(seconds(1), {"request.duration", ""}, 400'000'000, MeasureType::kDistribution);
  for (int i = 0; i < 5; ++i)
    Add(seconds(1), {"request.duration", ""}, 600'000'000, MeasureType::kDistribution);
  EXPECT_FALSE(Judge(spec, seconds(1)).holds) << "the 95th of 100 is fast";
  Add(seconds(2), {"request.duration", ""}, 600'000'000, MeasureType::kDistribution);
  EXPECT_TRUE(Judge(spec, seconds(2)).holds) << "the 96th of 101 is slow";
  EXPECT_FALSE(Judge(spec, minutes(6)).holds);
  EXPECT_TRUE(Judge(spec, minutes(6)).quiet);
  EXPECT_THAT(Explain(spec, seconds(2)).summary, HasSubstr("95% quantile of request.duration is "));
  ThresholdSpec count = Above(Of(Form::kCount, "request.duration", minutes(5)), "100");
  EXPECT_TRUE(Judge(count, seconds(2)).holds) << "101 values";
}

TEST_F(ThresholdTest, LevelsHaveALastValueAndAMean) {
  const MeasureName name = {"sample:queue", std::string(kGaugeQualifier)};
  Add(seconds(1), name, Int128{10} * kNano, MeasureType::kGauge);
  Add(seconds(2), name, Int128{21} * kNano, MeasureType::kGauge);
  const ThresholdSpec last = Of(Form::kLast, "sample:queue", hours(1));
  const ThresholdSpec mean = Of(Form::kMean, "sample:queue", hours(1));
  EXPECT_TRUE(Judge(Above(last, "20.999"), seconds(2)).holds);
  EXPECT_FALSE(Judge(Above(last, "21"), seconds(2)).holds);
  EXPECT_TRUE(Judge(Below(mean, "15.500000001"), seconds(2)).holds);
  EXPECT_FALSE(Judge(Below(mean, "15.5"), seconds(2)).holds);
  EXPECT_FALSE(Judge(Below(last, "100"), hours(2)).holds) << "no sample, no value";
}

TEST_F(ThresholdTest, ShareOfALevelInPercentIsOutOfAHundred) {
  const MeasureName name = {"sample:disk_free", std::string(kGaugeQualifier)};
  Add(seconds(1), name, Int128{4} * kNano, MeasureType::kGauge);
  ThresholdSpec spec = Below(Of(Form::kLast, "sample:disk_free", hours(1)), "0.05");
  spec.bound.unit = Bound::Unit::kPercent;
  EXPECT_TRUE(Judge(spec, seconds(1)).holds);
}

TEST_F(ThresholdTest, DifferentValuesAreCounted) {
  for (int i = 0; i < 4; ++i)
    Add(seconds(1), {"customers", ""}, Int128{0x9E3779B97F4A7C15} * (i % 3 + 1) % (Int128{1} << 64),
        MeasureType::kDistinct);
  EXPECT_TRUE(Judge(Above(Of(Form::kDistinct, "customers", hours(1)), "2"), seconds(1)).holds);
  EXPECT_FALSE(Judge(Above(Of(Form::kDistinct, "customers", hours(1)), "3"), seconds(1)).holds);
}

TEST_F(ThresholdTest, DerivedMeasuresAreSumsDifferencesAndRatios) {
  derived_ = {{"profit", DerivedSpec::Type::kMinus, {"revenue.net", "cost"}},
              {"loss", DerivedSpec::Type::kMinus, {"cost", "revenue.net"}},
              {"cost-per-success", DerivedSpec::Type::kRatio, {"cost", "tasks.completed"}}};
  Add(seconds(0), {"revenue.net", "USD"}, Int128{30} * kNano);
  Add(seconds(0), {"cost", "USD"}, Int128{31} * kNano);
  Add(seconds(0), {"tasks.completed", ""}, 10);
  EXPECT_TRUE(Judge(Below(Of(Form::kSum, "profit", hours(1)), "0"), hours(1) - seconds(1)).quiet);
  Add(hours(1) - seconds(1), {"tasks.completed", ""}, 0);
  EXPECT_EQ(Explain(Below(Of(Form::kSum, "profit", hours(1)), "0"), seconds(1)).value, -1);
  EXPECT_TRUE(Judge(Above(Of(Form::kSum, "loss", hours(1)), "0.999"), seconds(1)).holds);
  EXPECT_TRUE(
      Judge(Above(Of(Form::kRatio, "cost-per-success", hours(1)), "3.09"), seconds(1)).holds);
  EXPECT_FALSE(
      Judge(Above(Of(Form::kRatio, "cost-per-success", hours(1)), "3.1"), seconds(1)).holds);
}

TEST_F(ThresholdTest, OfPreviousComparesWithTheWindowThatEndedThen) {
  ThresholdSpec spec =
      Beside(Below(Of(Form::kSum, "tasks.failed", days(1)), "0.9"), Versus::kPrevious, days(1));
  Failed(seconds(0), 0);
  Failed(hours(1), 100);
  Failed(hours(25), 90);
  EXPECT_FALSE(Judge(spec, hours(26)).holds) << "the window before had not begun";
  EXPECT_TRUE(Judge(spec, hours(26)).quiet);
  EXPECT_FALSE(Judge(spec, hours(49) - minutes(1)).holds) << "exactly 90 %";
  Failed(hours(2), 1);
  EXPECT_TRUE(Judge(spec, hours(49) - minutes(1)).holds) << "a late event raised what was before";
  EXPECT_EQ(Explain(spec, hours(49) - minutes(1)).threshold, 0.9 * 101);
}

TEST_F(ThresholdTest, OfBaselineComparesWithTheMedianOfTheSameHours) {
  const ThresholdSpec spec =
      Beside(Below(Of(Form::kSum, "tasks.failed", hours(1)), "0.8"), Versus::kBaseline, days(7));
  for (int day = 0; day < 7; ++day) {
    // Between 9 and 10 o'clock; one day is an outlier.
    Failed(days(day) + hours(9) + minutes(30), day == 3 ? 10'000 : 100 + day);
    Failed(days(day) + hours(11), 7);
  }
  Failed(days(7) + hours(9) + minutes(5), 82);
  const Duration ten = days(7) + hours(10);
  EXPECT_EQ(Explain(spec, ten).threshold, 0.8 * 104);
  EXPECT_TRUE(Judge(spec, ten).holds) << "82 is below 83.2";
  Failed(days(7) + hours(9) + minutes(6), 2);
  EXPECT_FALSE(Judge(spec, ten).holds);
}

TEST_F(ThresholdTest, AWindowThatCoversAnHourInPartCountsThatPart) {
  const ThresholdSpec spec =
      Beside(Above(Of(Form::kSum, "tasks.failed", hours(1)), "1"), Versus::kBaseline, days(7));
  for (int day = 0; day < 7; ++day) {
    Failed(days(day) + hours(9) + minutes(10), 60);
    Failed(days(day) + hours(10) + minutes(10), 120);
  }
  // From 9:15 to 10:15: three quarters of 60 and a quarter of 120.
  EXPECT_EQ(Explain(spec, days(7) + hours(10) + minutes(15)).threshold, 75);
}

TEST_F(ThresholdTest, ABaselineIsFillingUntilHalfOfItsDaysAreKnown) {
  const ThresholdSpec spec =
      Beside(Below(Of(Form::kSum, "tasks.failed", hours(1)), "0.8"), Versus::kBaseline, days(7));
  for (int hour = 0; hour <= 4 * 24 + 1; ++hour) Failed(hours(hour), 100);
  // The cell began at 0:00 of day 0, so the first full window ended at 1:00.
  EXPECT_FALSE(Judge(spec, days(4) + minutes(50)).holds);
  EXPECT_TRUE(Judge(spec, days(4) + minutes(50)).quiet) << "three days of seven";
  EXPECT_TRUE(Judge(Beside(Above(Of(Form::kSum, "tasks.failed", hours(1)), "0.5"),
                           Versus::kBaseline, days(7)),
                    days(4) + hours(1) + minutes(5))
                  .holds)
      << "four days of seven";
}

TEST_F(ThresholdTest, AnAnomalyOfADenseCountIsFarFromTheSameHours) {
  ThresholdSpec spec =
      Beside(Above(Of(Form::kSum, "tasks.failed", hours(1)), "4"), Versus::kAnomaly, days(14));
  spec.side = Side::kBoth;
  for (int day = 0; day < 14; ++day) Failed(days(day) + hours(9) + minutes(30), 400 + day % 5);
  const Duration ten = days(14) + hours(10);
  Failed(days(14) + hours(9) + minutes(1), 402 + 80);
  EXPECT_FALSE(Judge(spec, ten).holds) << "4 x sqrt(402) is 80.2";
  Failed(days(14) + hours(9) + minutes(1), 1);
  EXPECT_TRUE(Judge(spec, ten).holds);
  EXPECT_THAT(Explain(spec, ten).summary, HasSubstr("robust standard deviations above"));
  spec.side = Side::kBelow;
  EXPECT_FALSE(Judge(spec, ten).holds);
  EXPECT_TRUE(Judge(spec, days(14) + hours(10) + minutes(2)).holds) << "and then far too few";
}

TEST_F(ThresholdTest, AnAnomalyOfALevelKnowsHowItsSamplesMoveWithinTheHour) {
  const MeasureName name = {"sample:queue", std::string(kGaugeQualifier)};
  for (int hour = 0; hour < 7 * 24; ++hour) {
    for (int tenth = 0; tenth < 6; ++tenth) {
      Add(hours(hour) + minutes(10 * tenth), name, Int128{tenth % 2 == 0 ? 90 : 110} * kNano,
          MeasureType::kGauge);
    }
  }
  ThresholdSpec spec =
      Beside(Above(Of(Form::kMean, "sample:queue", minutes(5)), "4"), Versus::kAnomaly, days(7));
  spec.side = Side::kBoth;
  const auto sample = [&](Duration at, int value) {
    Add(at, name, Int128{value} * kNano, MeasureType::kGauge);
  };
  // 100 is usual; 20 over the range of six samples, 2.53, less the twelfth that the window covers.
  sample(days(7) + minutes(6), 130);
  EXPECT_FALSE(Judge(spec, days(7) + minutes(6)).holds) << "3.97 deviations of 7.555";
  sample(days(7) + minutes(16), 131);
  EXPECT_TRUE(Judge(spec, days(7) + minutes(16)).holds);
  EXPECT_NEAR(Explain(spec, days(7) + minutes(16)).value, 31 / 7.555, 0.01);
  sample(days(7) + minutes(26), 69);
  EXPECT_TRUE(Judge(spec, days(7) + minutes(26)).holds);
  spec.over = hours(1);
  EXPECT_TRUE(Judge(spec, days(7) + minutes(26)).holds)
      << "hours have means of 100, and this one of 107";
}

TEST_F(ThresholdTest, AnAnomalyOfALevelLooksAtTheHoursBesideAsWell) {
  const MeasureName name = {"sample:queue", std::string(kGaugeQualifier)};
  const ThresholdSpec spec =
      Beside(Above(Of(Form::kMean, "sample:queue", hours(1)), "4"), Versus::kAnomaly, days(3));
  // Calm, but for runs at a quarter to nine and to twelve.
  for (int hour = 0; hour < 3 * 24 + 10; ++hour) {
    const int of_day = hour % 24;
    const bool runs = of_day == 8 || of_day == 11;
    Add(hours(hour) + minutes(45), name, Int128{runs ? 150 : 100} * kNano, MeasureType::kGauge);
  }
  // References of ten o'clock, from 7 to 12: three of five hours are 100, two 150.
  Add(days(3) + hours(9) + minutes(50), name, Int128{200} * kNano, MeasureType::kGauge);
  const Duration ten = days(3) + hours(10);
  // The mean of 150 lies 50 above the median; 1.2533 x the mean distance of 20 is the scale.
  EXPECT_NEAR(Explain(spec, ten).value, 50 / (1.253314 * 20), 0.001);
  EXPECT_FALSE(Judge(spec, ten).holds) << "beside 9 to 10 o'clock alone it were 50 deviations";
}

TEST_F(ThresholdTest, AnAnomalyOfASparseCountIsUnlikely) {
  ThresholdSpec spec =
      Beside(Above(Of(Form::kSum, "tasks.failed", hours(1)), "4"), Versus::kAnomaly, days(14));
  spec.side = Side::kBoth;
  Failed(hours(0), 1);
  Failed(days(9) + hours(9) + minutes(1), 1);
  const Duration ten = days(14) + hours(10);
  Failed(days(14) + hours(9) + minutes(30), 2);
  EXPECT_FALSE(Judge(spec, ten).holds);
  Failed(days(14) + hours(9) + minutes(30), 2);
  EXPECT_TRUE(Judge(spec, ten).holds);
  EXPECT_THAT(Explain(spec, ten).summary, HasSubstr("the chance is"));
}

TEST_F(ThresholdTest, AStopLeavesOpenWhatItMayHaveHidden) {
  const ThresholdSpec below = Below(Of(Form::kSum, "tasks.failed", hours(1)), "300");
  const ThresholdSpec above = Above(Of(Form::kSum, "tasks.failed", hours(1)), "300");
  for (int minute = 0; minute < 120; ++minute) Failed(minutes(minute), 6);
  EXPECT_FALSE(Judge(below, hours(2) - seconds(1)).holds) << "360 an hour";
  windows_.Exclude(kStart + hours(2), kStart + hours(2) + minutes(20));
  const Duration back = hours(2) + minutes(20);
  EXPECT_TRUE(Judge(below, back + seconds(5)).unknown) << "240, but 360 for the time that it ran";
  EXPECT_FALSE(Judge(below, back + seconds(5)).holds);
  EXPECT_TRUE(Judge(above, back + seconds(5)).unknown);
  for (int minute = 0; minute <= 30; ++minute) Failed(back + minutes(minute), 6);
  EXPECT_TRUE(Judge(below, back + minutes(30)).unknown);
  for (int minute = 31; minute <= 61; ++minute) Failed(back + minutes(minute), 6);
  EXPECT_FALSE(Judge(below, back + minutes(61)).unknown) << "all of the window is past the stop";
  EXPECT_TRUE(Judge(above, back + minutes(61)).holds);
}

TEST_F(ThresholdTest, AfterAStopOfMostOfTheWindowNothingIsDecided) {
  const ThresholdSpec below = Below(Of(Form::kSum, "tasks.failed", hours(1)), "300");
  for (int minute = 0; minute < 120; ++minute) Failed(minutes(minute), 1);
  EXPECT_TRUE(Judge(below, hours(2) - seconds(1)).holds);
  windows_.Exclude(kStart + hours(2), kStart + hours(2) + minutes(31));
  EXPECT_TRUE(Judge(below, hours(2) + minutes(32)).unknown);
  EXPECT_TRUE(Judge(below, hours(2) + minutes(58)).unknown);
}

TEST_F(ThresholdTest, AStopInABaselineIsMadeUpForOrPassedOver) {
  const ThresholdSpec spec =
      Beside(Above(Of(Form::kSum, "tasks.failed", days(1)), "1.2"), Versus::kPrevious, days(1));
  for (int hour = 0; hour < 24; hour += 1) Failed(hours(hour), hour < 16 ? 10 : 0);
  windows_.Exclude(kStart + hours(16), kStart + hours(24));
  for (int hour = 24; hour < 48; ++hour) Failed(hours(hour), 10);
  const Duration end = hours(48);
  EXPECT_FALSE(Judge(spec, end).holds) << "160 in 16 of 24 hours is 240 a day";
  windows_.Exclude(kStart + hours(2), kStart + hours(15));
  EXPECT_TRUE(Judge(spec, end).quiet) << "and from 3 hours nothing is concluded";
}

TEST_F(ThresholdTest, NewIsWhatWasNotSeenForLong) {
  ThresholdSpec spec = Of(Form::kNew, "errors", minutes(5));
  spec.span = hours(24);
  const Novelty novelty(spec, {});
  Add(minutes(1), {"errors", ""}, 1);
  EXPECT_TRUE(Judge(novelty, minutes(1)).holds);
  Add(minutes(3), {"errors", ""}, 1);
  EXPECT_TRUE(Judge(novelty, minutes(3)).holds);
  EXPECT_FALSE(Judge(novelty, minutes(7)).holds) << "it is known by now";
  Add(hours(5), {"errors", ""}, 1);
  EXPECT_FALSE(Judge(novelty, hours(5)).holds);
  Add(hours(30), {"errors", ""}, 1);
  EXPECT_TRUE(Judge(novelty, hours(30)).holds) << "after 25 hours of silence";
  whole_ = false;
  EXPECT_FALSE(Judge(novelty, minutes(1)).holds) << "the series was added while there was history";
}

TEST_F(ThresholdTest, WhatIsLeftOfABudgetIsExact) {
  SloSpec slo;
  slo.common.name = "task-success";
  slo.good.measure = "tasks.completed";
  slo.total.measure = "tasks.finished";
  slo.objective_ppb = 990'000'000;
  slo.period = days(30);
  ThresholdSpec spec = Below(Of(Form::kBudget, "", {}), "0.1");
  spec.slo = "task-success";
  const BudgetLeft left(spec, slo);
  Add(seconds(0), {"tasks.finished", ""}, 10'000);
  Add(seconds(0), {"tasks.completed", ""}, 9'910);
  EXPECT_FALSE(Judge(left, seconds(0)).holds) << "exactly 10 % is left";
  Add(seconds(0), {"tasks.completed", ""}, -1);
  EXPECT_TRUE(Judge(left, seconds(0)).holds);
  EXPECT_NEAR(left.Explain(Series(left), 0, kStart).value, 0.09, 1e-12);
}

}  // namespace
}  // namespace barograph::rules
