#include "rules/forecast/seasonal.h"

#include <gtest/gtest.h>

#include <cmath>

#include "rules/forecast/forecast_test_series.h"
#include "rules/forecast/models.h"

// Method: seasons of known shape are taken out and put back.

namespace barograph::rules::forecast {
namespace {

/// Hours of days of weeks: a wave a day, lower on two days of seven.
double Hourly(std::size_t t) {
  const double day = 10 * std::sin(2 * 3.14159265358979 * static_cast<double>(t % 24) / 24);
  return 100 + day - (t / 24 % 7 >= 5 ? 20 : 0);
}

Values Hours(std::size_t count) {
  Values values(count);
  for (std::size_t t = 0; t < count; ++t) values[t] = Hourly(t);
  return values;
}

TEST(SeasonalTest, WhatIsTakenOutComesBackInTheNextCycle) {
  const Values history = Weeks(12, 0, 1);
  for (const Season form : {Season::kAdditive, Season::kMultiplicative}) {
    const std::vector<std::size_t> periods{7};
    const Adjusted adjusted = SeasonallyAdjusted(history, periods, form, 4);
    double spread = 0;
    for (const double each : adjusted.rest) spread = std::max(spread, std::abs(each - 100));
    EXPECT_LT(spread, 8) << "most of a season of 65 to 130 is gone";
    const Values ahead = adjusted.WithSeason(Values(7, adjusted.rest.back()));
    for (std::size_t h = 0; h < 7; ++h) EXPECT_NEAR(ahead[h] / history[h], 1, 0.06) << h;
  }
}

TEST(SeasonalTest, TwoSeasonsAreToldApart) {
  const std::vector<std::size_t> periods{24, 168};
  const Values history = Hours(168 * 5 + 60);
  const Adjusted adjusted = SeasonallyAdjusted(history, periods, Season::kAdditive, 4);
  const Values ahead = adjusted.WithSeason(Values(168, MeanOf(adjusted.rest)));
  for (std::size_t h = 0; h < 168; ++h) EXPECT_NEAR(ahead[h], Hourly(history.size() + h), 3) << h;
}

TEST(SeasonalTest, DoubleSeasonContinuesBoth) {
  const Values history = Hours(168 * 4 + 31);
  const Values ahead = DoubleSeason(history, 168, 24, 168);
  ASSERT_EQ(ahead.size(), 168u);
  for (std::size_t h = 0; h < 168; ++h) EXPECT_NEAR(ahead[h], Hourly(history.size() + h), 1.5) << h;
  EXPECT_TRUE(DoubleSeason(History(history).first(200), 5, 24, 168).empty());
}

TEST(SeasonalTest, NaiveRepeatsTheLastCycle) {
  const Values history{1, 2, 3, 4, 5, 6};
  EXPECT_EQ(SeasonalNaive(history, 5, 3), (Values{4, 5, 6, 4, 5}));
}

TEST(ModelsTest, LagsSurroundEachPeriod) {
  EXPECT_EQ(SeasonalLags({7}, 100), (std::vector<std::size_t>{1, 2, 3, 4, 5, 6, 7, 8, 13, 14, 15}));
  const auto hours = SeasonalLags({24, 168}, 169);
  EXPECT_EQ(hours.back(), 169u);
  EXPECT_EQ(SeasonalLags({52}, 6), (std::vector<std::size_t>{1, 2, 3, 4, 5, 6}));
}

}  // namespace
}  // namespace barograph::rules::forecast
