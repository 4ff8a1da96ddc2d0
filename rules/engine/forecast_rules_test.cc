#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/engine/rule_harness.h"

// Method: a level that rises by the hour, through records, evaluation points, checkpoints and
// replays; the harness forecasts at every whole hour, as a server does.

namespace barograph::rules {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::IsEmpty;
using ::testing::SizeIs;

RuleSet Rules(const std::string& bound = "95") {
  RuleSet rules = TaskRules(990'000'000);
  rules.slos.clear();
  ThresholdSpec spec;
  spec.common.name = "disk-will-fill";
  spec.common.by = {"agent"};
  spec.form = ThresholdSpec::Form::kForecast;
  spec.measure = "sample:disk";
  spec.bound.number = bound;
  spec.span = hours(12);
  spec.probability_ppb = 800'000'000;
  rules.thresholds = {spec};
  return rules;
}

/// Two percent more every hour, from 30.
void FillUp(RuleHarness* harness, int from_hour, int to_hour) {
  for (int hour = from_hour; hour < to_hour; ++hour) {
    v1::Event event;
    event.set_agent("a");
    event.mutable_sample()->set_name("disk");
    event.mutable_sample()->set_type(v1::Sample::GAUGE);
    event.mutable_sample()->set_value(30 + 2 * hour);
    harness->At(hours(hour) + minutes(30), event);
  }
}

TEST(ForecastRulesTest, FiresAheadOfTimeAndSurvivesARestart) {
  RuleHarness harness(Rules());
  FillUp(&harness, 0, 32);
  harness.RunUntil(hours(10));
  EXPECT_THAT(harness.TakeTransitions(), IsEmpty());
  harness.RunUntil(hours(26));
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre(EndsWith("warning inactive>firing a")));
  const auto forecasts = harness.engine().Forecasts("default");
  ASSERT_THAT(forecasts, SizeIs(1));
  EXPECT_EQ(forecasts[0].rule, "disk-will-fill");
  EXPECT_EQ(forecasts[0].history_end, RuleHarness::kStart + hours(26));
  EXPECT_GE(forecasts[0].probability_ppb, 800'000'000);
  harness.BeginCheckpoint(10);
  harness.RunUntil(hours(27) + minutes(5));
  harness.Restart();
  harness.RunUntil(hours(28));
  EXPECT_THAT(harness.TakeTransitions(), IsEmpty());
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(ForecastRulesTest, AForecastThatIsTooOldDecidesNothing) {
  RuleHarness harness(Rules());
  FillUp(&harness, 0, 26);
  harness.RunUntil(hours(26));
  ASSERT_THAT(harness.TakeTransitions(), SizeIs(1));
  harness.StopUntil(hours(36) + minutes(10));
  harness.RunUntil(hours(36) + minutes(50));
  EXPECT_THAT(harness.TakeTransitions(), IsEmpty()) << "neither calm nor firing anew";
}

TEST(ForecastRulesTest, AChangedRuleAsksAnewAndARemovedOneIsForgotten) {
  RuleHarness harness(Rules());
  FillUp(&harness, 0, 26);
  harness.RunUntil(hours(26));
  ASSERT_THAT(harness.TakeTransitions(), SizeIs(1));
  const auto subjects = [&] { return harness.engine().ForecastSubjects(); };
  ASSERT_THAT(subjects(), SizeIs(1));
  EXPECT_FALSE(harness.engine().IsForecastDue(subjects()[0], RuleHarness::kStart + hours(26)));
  EXPECT_TRUE(harness.engine().IsForecastDue(subjects()[0], RuleHarness::kStart + hours(27)));
  const ForecastSubject before = subjects()[0];
  harness.Apply(Rules("500"));
  EXPECT_FALSE(harness.engine().AskForecast(before, harness.Now()).has_value())
      << "what was listed for another configuration is not asked";
  harness.RunUntil(hours(27) + minutes(2));
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre(EndsWith("firing>resolved a")));
  RuleSet none = Rules();
  none.thresholds.clear();
  harness.Apply(none);
  EXPECT_THAT(harness.engine().Forecasts("default"), IsEmpty());
  EXPECT_THAT(subjects(), IsEmpty());
  storage::ForecastIssued late;
  late.rule = "disk-will-fill";
  EXPECT_EQ(harness.engine().IssueForecast("default", late, harness.Now()).error().code(),
            ErrorCode::kNotFound);
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

RuleSet CostRules(const std::string& measure = "cost") {
  RuleSet rules = TaskRules(990'000'000);
  rules.slos.clear();
  ThresholdSpec spec;
  spec.common.name = "spend";
  spec.common.by = {"agent"};
  spec.form = ThresholdSpec::Form::kForecast;
  spec.measure = measure;
  spec.bound.number = "100";
  spec.bound.unit = Bound::Unit::kMoney;
  spec.currency = "USD";
  spec.span = hours(12);
  spec.per = hours(1);
  spec.probability_ppb = 800'000'000;
  rules.thresholds = {spec};
  return rules;
}

void Spend(RuleHarness* harness, Duration at, int dollars) {
  v1::Event event;
  event.set_agent("a");
  event.mutable_cost()->set_category(v1::Cost::MODEL);
  event.mutable_cost()->mutable_amount()->set_currency_code("USD");
  event.mutable_cost()->mutable_amount()->set_units(dollars);
  harness->At(at, event);
}

/// Says 10 USD for every hour, within 8 to 12 or 5 to 15.
storage::ForecastIssued TenAnHour(Duration end, int steps = 12) {
  storage::ForecastIssued forecast;
  forecast.rule = "spend";
  forecast.labels = {{"agent", "a"}};
  forecast.measure = "cost";
  forecast.currency_code = "USD";
  forecast.history_end = RuleHarness::kStart + end;
  forecast.at = forecast.history_end + seconds(5);
  forecast.step = hours(1);
  forecast.steps.assign(static_cast<std::size_t>(steps), {10, 8, 12, 5, 15});
  forecast.question = "of a test";
  return forecast;
}

AccuracyScore ScoreOf(RuleHarness& harness, std::uint32_t steps) {
  const AccuracyReport report = harness.engine().Accuracy("default");
  EXPECT_THAT(report.instances, SizeIs(1));
  return report.instances.at(0).scores.at({hours(1), steps});
}

TEST(ForecastRulesTest, WhatWasSaidIsComparedWithWhatTheWindowsHoldThen) {
  RuleHarness harness(CostRules());
  // 10 USD, 14 USD, nothing while the server is away, 10 USD.
  Spend(&harness, minutes(10), 10);
  Spend(&harness, hours(1) + minutes(10), 9);
  Spend(&harness, hours(1) + minutes(50), 5);
  Spend(&harness, hours(4) + minutes(10), 10);
  // The harness forecasts too, at whole hours, and cannot say: that scores what is over as well.
  const auto issue = [&](Duration end) { harness.Append(TenAnHour(end)); };
  harness.RunUntilFolded(minutes(30));
  issue(Duration{0});
  harness.RunUntilFolded(hours(1) + minutes(1));
  issue(hours(1));
  harness.BeginCheckpoint(1'000);
  harness.RunUntilFolded(hours(2) + minutes(1));
  issue(hours(2));
  const AccuracyScore before = ScoreOf(harness, 1);
  EXPECT_EQ(before.scored, 2U);
  EXPECT_EQ(before.inside_80, 1U);
  EXPECT_EQ(before.inside_95, 2U);
  EXPECT_TRUE(before.absolute_error == Int128{4'000'000'000});
  harness.StopUntil(hours(4) + minutes(30));
  issue(hours(4));
  AccuracyScore score = ScoreOf(harness, 1);
  EXPECT_EQ(score.scored, 3U);
  EXPECT_EQ(score.open, 1U);
  EXPECT_EQ(score.inside_95, 2U) << "hours without a server are hours in which nothing came";
  EXPECT_EQ(ScoreOf(harness, 6).open, 4U);
  harness.Restart();
  EXPECT_EQ(ScoreOf(harness, 1), score);
  harness.RunUntilFolded(hours(6) + minutes(1));
  issue(hours(6));
  EXPECT_EQ(ScoreOf(harness, 6).scored, 1U) << "the hour from 5 to 6, of the first forecast";
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(ForecastRulesTest, AccuracyLastsAsLongAsTheSeriesDoes) {
  RuleHarness harness(CostRules());
  Spend(&harness, minutes(10), 10);
  harness.RunUntilFolded(minutes(30));
  harness.Append(TenAnHour(Duration{0}));
  RuleSet bound = CostRules();
  bound.thresholds[0].bound.number = "200";
  harness.Apply(bound);
  EXPECT_THAT(harness.engine().Accuracy("default").instances, SizeIs(1))
      << "the same numbers are forecast";
  harness.Apply(CostRules("revenue.net"));
  EXPECT_THAT(harness.engine().Accuracy("default").instances, IsEmpty());
  EXPECT_EQ(harness.engine().Accuracy("default").dropped, 2U);
  RuleSet filtered = CostRules();
  harness.Apply(filtered);
  harness.Append(TenAnHour(hours(1)));
  filtered.thresholds[0].common.where = {{"category", {"MODEL"}}};
  harness.Apply(filtered);
  EXPECT_EQ(harness.engine().Accuracy("default").dropped, 4U);
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
  harness.BeginCheckpoint(1'000);
  harness.Append(TenAnHour(hours(2)));
  harness.Restart();
  EXPECT_EQ(harness.engine().Accuracy("default").dropped, 4U);
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

}  // namespace
}  // namespace barograph::rules
