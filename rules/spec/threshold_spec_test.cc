#include "rules/spec/threshold_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/spec/rule_spec.h"

namespace barograph::rules {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Form = ThresholdSpec::Form;

ThresholdSpec Spend() {
  ThresholdSpec spec;
  spec.common.name = "spend";
  spec.measure = "cost";
  spec.over = std::chrono::hours(1);
  spec.bound = {Bound::Unit::kMoney, "50"};
  return spec;
}

TEST(ThresholdSpecTest, DerivedMeasuresComeDownToSignedTerms) {
  const std::vector<DerivedSpec> derived = {
      {"earned", DerivedSpec::Type::kMinus, {"revenue.net", "spent"}},
      {"spent", DerivedSpec::Type::kPlus, {"cost", "payouts"}},
      {"circle", DerivedSpec::Type::kPlus, {"cost", "circle"}}};
  const std::optional<MeasureSum> sum = ResolveSum("earned", "EUR", derived);
  ASSERT_TRUE(sum.has_value());
  const std::vector<MeasureSum::Term> terms = {
      {{"revenue.net", "EUR"}, false}, {{"cost", "EUR"}, true}, {{"payouts", "EUR"}, true}};
  EXPECT_EQ(sum->terms, terms);
  EXPECT_EQ(sum->unit, ValueUnit::kMoney);
  EXPECT_FALSE(ResolveSum("circle", "USD", derived).has_value());
  EXPECT_FALSE(ResolveSum("request.duration", "USD", derived).has_value());
}

TEST(ThresholdSpecTest, BoundsAreShownAsTheyAreWritten) {
  EXPECT_EQ(BoundText({Bound::Unit::kPercent, "0.055"}, ""), "5.5%");
  EXPECT_EQ(BoundText({Bound::Unit::kTime, "0.5"}, ""), "500ms");
  EXPECT_EQ(BoundText({Bound::Unit::kMoney, "-12.5"}, "EUR"), "-12.5 EUR");
  EXPECT_EQ(BoundText({Bound::Unit::kNumber, "20"}, ""), "20");
}

TEST(ThresholdSpecTest, RulesWithoutThresholdsKeepTheTextAndSoTheHashThatTheyHad) {
  RuleSet rules;
  EXPECT_THAT(EncodeRuleSet(rules), Not(HasSubstr("thresholds")));
  rules.thresholds = {Spend()};
  const Result<RuleSet> again = DecodeRuleSet(EncodeRuleSet(rules));
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(*again, rules);
}

TEST(ThresholdSpecTest, TextOfAThresholdThatCannotRunIsRefused) {
  const auto decodes = [](const ThresholdSpec& spec) {
    RuleSet rules;
    rules.thresholds = {spec};
    return DecodeRuleSet(EncodeRuleSet(rules)).ok();
  };
  EXPECT_TRUE(decodes(Spend()));
  ThresholdSpec spec = Spend();
  spec.measure = "unheard.of";
  EXPECT_FALSE(decodes(spec));
  spec = Spend();
  spec.over = {};
  EXPECT_FALSE(decodes(spec));
  spec = Spend();
  spec.form = static_cast<Form>(77);
  EXPECT_FALSE(decodes(spec));
  spec = Spend();
  spec.versus = ThresholdSpec::Versus::kBaseline;
  spec.span = std::chrono::days(kDaysMax + 1);
  EXPECT_FALSE(decodes(spec));
  spec = Spend();
  spec.form = Form::kBudget;
  spec.slo = "gone";
  EXPECT_FALSE(decodes(spec));
}

TEST(ThresholdSpecTest, ThePlanHasTheProjectionOfEachThreshold) {
  RuleSet rules;
  rules.thresholds = {Spend()};
  rules.thresholds[0].common.by = {"team", "agent"};
  EXPECT_THAT(PlanWindows(rules).projections,
              ::testing::ElementsAre(Projection{{"agent", "team"}, {}}));
}

}  // namespace
}  // namespace barograph::rules
