#include "rules/outlook/outlook.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/window/window_test_events.h"

// Method: forecasts by hand beside a window store; what the models say is answer_test.cc.

namespace barograph::rules {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using ::testing::EndsWith;
using ::testing::HasSubstr;

constexpr Time kStart = Time(days(20'000));
constexpr std::int64_t kPercent80 = 800'000'000;

ThresholdSpec WillFill() {
  ThresholdSpec spec;
  spec.common.name = "disk-will-fill";
  spec.form = ThresholdSpec::Form::kForecast;
  spec.measure = "sample:disk_used";
  spec.bound.number = "95";
  spec.span = days(3);
  spec.probability_ppb = kPercent80;
  return spec;
}

BudgetSpec Monthly() {
  BudgetSpec budget;
  budget.common.name = "spend";
  budget.measure = "cost";
  budget.limit = {Int128{100} * 1'000'000'000, "USD"};
  budget.period = Calendar{};
  return budget;
}

ThresholdSpec WillBeGone() {
  ThresholdSpec spec;
  spec.common.name = "spend-gone";
  spec.form = ThresholdSpec::Form::kExhausted;
  spec.budget = "spend";
  spec.probability_ppb = kPercent80;
  return spec;
}

class OutlookTest : public ::testing::Test {
 protected:
  /// "holds", "unknown", "quiet" or "calm".
  std::string At(const Outlook& outlook, Duration at) {
    std::vector<Condition::Verdict> verdicts;
    outlook.Judge(series_, kStart + at, &verdicts);
    const Condition::Verdict& verdict = verdicts.at(0);
    if (verdict.holds) return "holds";
    if (verdict.unknown) return "unknown";
    return verdict.quiet ? "quiet" : "calm";
  }

  WindowStore store_;
  storage::ForecastIssued forecast_;
  InstanceSeries series_{.windows = &store_, .cell = kNoCell, .forecast = &forecast_};
};

TEST_F(OutlookTest, HoldsAtTheProbabilityThatTheRuleSays) {
  const Outlook outlook(WillFill(), std::vector<DerivedSpec>());
  EXPECT_EQ(At(outlook, 1h), "quiet") << "none yet";
  forecast_.at = kStart + 1h;
  forecast_.question = "reaches 95 within 3d";
  forecast_.probability_ppb = kPercent80 - 1;
  EXPECT_EQ(At(outlook, 1h), "calm");
  forecast_.probability_ppb = kPercent80;
  EXPECT_EQ(At(outlook, 1h), "holds");
  EXPECT_EQ(At(outlook, 4h), "holds");
  EXPECT_EQ(At(outlook, 4h + 1ns), "unknown") << "too old to decide";
  forecast_.cannot_say = "too short";
  EXPECT_EQ(At(outlook, 1h), "quiet");
}

TEST_F(OutlookTest, AnAnswerToAnotherQuestionCountsForNothing) {
  const Outlook outlook(WillFill(), std::vector<DerivedSpec>());
  forecast_.at = kStart + 1h;
  forecast_.question = "reaches 90 within 3d";
  forecast_.probability_ppb = kPercent80;
  EXPECT_EQ(At(outlook, 1h), "quiet");
}

TEST_F(OutlookTest, ABudgetsForecastEndsWithItsPeriod) {
  const Outlook outlook(WillBeGone(), Monthly());
  const std::string calendar = Monthly().period->Text();
  forecast_.at = kStart + 23h;
  forecast_.question = "exhausted before " + FormatTime(kStart + 24h);
  forecast_.probability_ppb = kPercent80;
  EXPECT_EQ(At(outlook, 23h), "quiet") << "no period is open";
  store_.OpenPeriod(calendar, {kStart, kStart + 24h});
  store_.OpenPeriod(calendar, {kStart + 24h, kStart + 48h});
  EXPECT_EQ(At(outlook, 23h + 30min), "holds");
  EXPECT_EQ(At(outlook, 24h), "quiet") << "another period, another question";
}

TEST_F(OutlookTest, AsksForALevelHourByHour) {
  const Outlook outlook(WillFill(), std::vector<DerivedSpec>());
  series_.measures = {store_.Intern(outlook.measures().at(0))};
  const auto question = outlook.Asks(series_, kStart + 5h + 20min);
  ASSERT_TRUE(question.has_value());
  EXPECT_TRUE(question->is_level);
  EXPECT_EQ(question->begin, kStart + 5h);
  EXPECT_EQ(question->step, 1h);
  EXPECT_EQ(question->horizon, 72U);
  EXPECT_EQ(question->bound, 95);
  EXPECT_TRUE(question->above);
}

TEST_F(OutlookTest, AsksForWhatIsLeftOfABudgetsPeriod) {
  const BudgetSpec budget = Monthly();
  const Outlook outlook(WillBeGone(), budget);
  const std::string calendar = budget.period->Text();
  RuleSet rules;
  rules.budgets = {budget};
  store_.Configure(PlanWindows(rules), Sequence{1});
  store_.OpenPeriod(calendar, {kStart, kStart + 24h});
  const auto spend = [&](Duration at, Int128 usd) {
    FoldInto(&store_,
             {kStart + at, "a", "t", {{{"cost", "USD"}, MeasureType::kSum, usd * 1'000'000'000}}});
  };
  spend(1h, 7);
  spend(5h + 10min, 2);
  const auto cell = store_.FindCell(store_.FindOrBuiltIn(ProjectionOf(budget.common)), {});
  ASSERT_TRUE(cell.has_value());
  series_.cell = *cell;
  for (const MeasureName& name : outlook.measures())
    series_.measures.push_back(store_.Intern(name));
  const auto question = outlook.Asks(series_, kStart + 5h + 20min);
  ASSERT_TRUE(question.has_value());
  EXPECT_EQ(question->form, ForecastQuestion::Form::kExceed);
  EXPECT_EQ(question->begin, kStart + 5h);
  EXPECT_EQ(question->horizon, 19U);
  EXPECT_EQ(question->already, 7) << "what came since the hour began belongs to the first step";
  EXPECT_EQ(question->bound, 100);
  EXPECT_TRUE(question->never_negative);
}

TEST_F(OutlookTest, ExplainsItselfInProbabilities) {
  const Outlook outlook(WillFill(), std::vector<DerivedSpec>());
  EXPECT_THAT(outlook.Explain(series_, 0, kStart).summary, EndsWith("no forecast yet"));
  forecast_.at = kStart;
  forecast_.question = "reaches 95 within 3d";
  forecast_.probability_ppb = 930'000'000;
  forecast_.times.median = kStart + 30h;
  const Condition::Account account = outlook.Explain(series_, 0, kStart);
  EXPECT_DOUBLE_EQ(account.value, 0.93);
  EXPECT_DOUBLE_EQ(account.threshold, 0.8);
  EXPECT_EQ(account.condition, "reaches 95 within 3d");
  EXPECT_THAT(account.summary, HasSubstr("sample:disk_used reaches 95 within 3d with 93 %"));
  EXPECT_THAT(account.summary, HasSubstr(FormatTime(kStart + 30h)));
  forecast_.cannot_say = "3 steps are too few";
  EXPECT_THAT(outlook.Explain(series_, 0, kStart).summary,
              HasSubstr("cannot say, 3 steps are too few"));
}

}  // namespace
}  // namespace barograph::rules
