#include "server/config/default_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "server/config/configuration.h"

namespace barograph::server {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> NamesOf(const std::vector<InertRule>& inert) {
  std::vector<std::string> names;
  for (const InertRule& rule : inert) {
    if (std::ranges::find(names, rule.name) == names.end()) names.push_back(rule.name);
  }
  return names;
}

TEST(DefaultRulesTest, AFreshInstallUsesThemAndTellsTheConsole) {
  const auto configuration = LoadConfiguration({});
  ASSERT_TRUE(configuration.ok()) << configuration.error().message();
  EXPECT_GE(configuration->rules.thresholds.size(), 15U);
  EXPECT_EQ(configuration->rules.route.receiver, "console");
  EXPECT_THAT(configuration->files, IsEmpty());
  EXPECT_THAT(NamesOf(configuration->inert),
              ElementsAre("spend-over-budget", "revenue-below-target", "conversion-below-target"));
}

TEST(DefaultRulesTest, FiguresWakeTheRulesThatWaitForThem) {
  const auto configuration = LoadConfiguration(
      {.flags = {{"budget", "50 USD/day"}, {"goal", "9000 EUR/month"}, {"conversion", "2%"}}});
  ASSERT_TRUE(configuration.ok()) << configuration.error().message();
  EXPECT_THAT(configuration->inert, IsEmpty());
  ASSERT_THAT(configuration->rules.budgets, SizeIs(1));
  EXPECT_EQ(configuration->rules.budgets[0].limit.value, 50'000'000'000);
  ASSERT_THAT(configuration->rules.goals, SizeIs(1));
  EXPECT_EQ(configuration->rules.goals[0].target.currency, "EUR");
  EXPECT_EQ(configuration->rules.goals[0].period.unit, rules::Calendar::Unit::kMonth);
}

TEST(DefaultRulesTest, RulesOfOnesOwnStandInTheirPlaceUnlessTheyAreNamedToo) {
  const auto none = LoadConfiguration({.flags = {{"rules", ""}}});
  ASSERT_TRUE(none.ok());
  EXPECT_THAT(none->rules.thresholds, IsEmpty());
  EXPECT_TRUE(none->rules.route.receiver.empty());
}

TEST(DefaultRulesTest, AFigureThatIsNoneIsRefused) {
  for (const std::string text :
       {"50 USD", "50/day", "-1 USD/day", "0 USD/day", "50 USD/hour", ""}) {
    const auto refused = LoadConfiguration({.flags = {{"budget", text}}});
    ASSERT_FALSE(refused.ok()) << text;
    EXPECT_THAT(refused.error().message(), HasSubstr("write e.g. 50 USD/day"));
  }
  for (const std::string text : {"2", "0%", "100%", "x%"})
    EXPECT_FALSE(LoadConfiguration({.flags = {{"conversion", text}}}).ok()) << text;
}

}  // namespace
}  // namespace barograph::server
