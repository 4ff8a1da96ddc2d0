#include "server/config/figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/config/rule_file.h"

namespace barograph::server {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::string_view kRules =
    "apiVersion: barograph/v1\n"
    "budgets:\n"
    "  - {name: spend, measure: cost, limit: \"${budget.amount}\", period: \"${budget.period}\"}\n"
    "thresholds:\n"
    "  - {name: low, when: {sum: payments, over: 1d, below: 5}, annotations: {summary: \"below "
    "${conversion}, ${{value}}\"}}\n"
    "  - {name: errors, when: {sum: errors, over: 1h, above: 5}}\n";

TEST(FiguresTest, ARuleWithAFigureThatIsNotSetIsInertAndToldByName) {
  RuleDraft draft;
  Diagnostics diagnostics;
  ReadRuleFile({"r.yaml", std::string(kRules)}, &draft, &diagnostics);
  EXPECT_TRUE(diagnostics.empty());
  EXPECT_THAT(draft.rules.budgets, IsEmpty());
  EXPECT_THAT(draft.rules.thresholds, SizeIs(1));
  EXPECT_THAT(draft.inert,
              ElementsAre(Field(&InertRule::name, "spend"), Field(&InertRule::name, "low")));
  EXPECT_EQ(draft.inert[0].setting, "budget");
  EXPECT_EQ(ExampleOfSetting("budget"), "budget: 50 USD/day");
}

TEST(FiguresTest, FiguresThatAreSetStandInTheRules) {
  RuleDraft draft;
  draft.figures.values = {
      {"budget.amount", "70 EUR"}, {"budget.period", "week"}, {"conversion", "2%"}};
  Diagnostics diagnostics;
  ReadRuleFile({"r.yaml", std::string(kRules)}, &draft, &diagnostics);
  EXPECT_TRUE(diagnostics.empty());
  ASSERT_THAT(draft.rules.budgets, SizeIs(1));
  EXPECT_EQ(draft.rules.budgets[0].limit.currency, "EUR");
  EXPECT_EQ(draft.rules.budgets[0].period->unit, rules::Calendar::Unit::kWeek);
  EXPECT_EQ(draft.rules.thresholds[0].common.annotations.at("summary"), "below 2%, ${{value}}");
  EXPECT_THAT(draft.inert, IsEmpty());
}

TEST(FiguresTest, AnUnknownFigureIsToldWithTheNearestOne) {
  RuleDraft draft;
  Diagnostics diagnostics;
  ReadRuleFile({"r.yaml",
                "apiVersion: barograph/v1\n"
                "budgets:\n"
                "  - {name: spend, measure: cost, limit: \"${budgets.amount}\", period: day}\n"},
               &draft, &diagnostics);
  EXPECT_THAT(
      diagnostics.ToString(),
      HasSubstr("r.yaml:3:41: '${budgets.amount}' is no figure; did you mean 'budget.amount'?"));
}

}  // namespace
}  // namespace barograph::server
