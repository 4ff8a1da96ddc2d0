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

}  // namespace
}  // namespace barograph::rules
