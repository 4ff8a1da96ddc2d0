#include "rules/forecast/paths.h"

#include <gtest/gtest.h>

#include <cmath>

#include "rules/forecast/arrival.h"
#include "rules/forecast/forecast_test_series.h"

// Method: arrivals on paths written by hand; of simulated paths the shares that theory gives.

namespace barograph::rules::forecast {
namespace {

Forecast Of(const Values& history, const Question& question) {
  return std::get<Forecast>(ForecastOf(history, question));
}

TEST(PathsTest, TheSameSeedGivesTheSamePaths) {
  const Forecast forecast = Of(Weeks(12, 0.2, 1), {.horizon = 14, .periods = {7}});
  EXPECT_EQ(PathsOf(forecast, 50, 7), PathsOf(forecast, 50, 7));
  EXPECT_NE(PathsOf(forecast, 50, 7), PathsOf(forecast, 50, 8));
}

TEST(PathsTest, AsManyLieWithinAnIntervalAsItSays) {
  const Forecast forecast = Of(RandomWalk(200, 0.1, 1, 3), {.horizon = 20, .periods = {}});
  const Paths paths = PathsOf(forecast, 1000, 5);
  for (const std::size_t step : {0, 9, 19}) {
    const Interval interval = forecast.IntervalAt(step, 0.80);
    std::size_t inside = 0;
    for (const Values& path : paths) {
      if (path[step] >= interval.low && path[step] <= interval.high) ++inside;
    }
    EXPECT_NEAR(static_cast<double>(inside), 800, 2) << step;
  }
}

TEST(PathsTest, ErrorsOfARandomWalkGoTogetherAndOfNoiseDoNot) {
  const auto correlation = [](const Values& history) {
    const Paths paths = PathsOf(Of(history, {.horizon = 12, .periods = {}}), 2000, 5);
    double product = 0;
    double early = 0;
    double late = 0;
    for (const Values& path : paths) {
      const double a = path[5] - paths[0][5];
      const double b = path[11] - paths[0][11];
      product += a * b;
      early += a * a;
      late += b * b;
    }
    return product / std::sqrt(early * late);
  };
  double walks = 0;
  double noises = 0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    walks += correlation(RandomWalk(300, 0, 1, seed)) / 8;
    noises += correlation(Noise(300, 50, 1, seed)) / 8;
  }
  EXPECT_GT(walks, noises + 0.15);
}

TEST(PathsTest, BeyondWhatWasScoredIntervalsGoOnWidening) {
  const Forecast forecast = Of(RandomWalk(90, 0, 1, 4), {.horizon = 120, .periods = {}});
  EXPECT_EQ(forecast.scored, 30u);
  EXPECT_GT(forecast.spread.scales[119], 1.9 * forecast.spread.scales[29]);
  EXPECT_EQ(PathsOf(forecast, 10, 1)[0].size(), 120u);
}

TEST(ArrivalTest, AGoalIsSustainedOnlyWhenItHolds) {
  const Values touched{1, 9, 9, 1, 1, 9, 9, 9, 9, 9};
  const Arrival arrival = SustainedFrom({touched}, {.level = 9, .window = 2, .hold = 3});
  EXPECT_EQ(arrival.Median(), 5u) << "days 1 and 2 reach it once and lose it";
  EXPECT_EQ(SustainedFrom({touched}, {.level = 9, .window = 2, .hold = 5}).Median(), std::nullopt);
  EXPECT_EQ(SustainedFrom({Values(10, 9.0)}, {.level = 9, .window = 7, .hold = 4}).Median(), 0u);
  EXPECT_EQ(SustainedFrom({Values(5, 9.0)}, {.level = 9, .window = 7, .hold = 1}).Median(),
            std::nullopt);
}

TEST(ArrivalTest, ABudgetIsGoneInTheStepThatPassesTheLimit) {
  const Paths paths{{10, 10, 10}, {1, 1, 1}, {20, 20, 20}, {15, 15, 0}};
  const Arrival arrival = Exhausted(paths, 10, 35);
  EXPECT_EQ(arrival.StepOf(0.25), 1u);
  EXPECT_EQ(arrival.Median(), 1u);
  EXPECT_EQ(arrival.StepOf(0.75), 2u);
  EXPECT_EQ(arrival.StepOf(0.9), std::nullopt) << "one future never passes it";
  EXPECT_DOUBLE_EQ(arrival.Probability(), 0.75);
  EXPECT_DOUBLE_EQ(arrival.ProbabilityWithin(2), 0.5);
  EXPECT_EQ(Exhausted(paths, 36, 35).StepOf(1), 0u) << "it is gone already";
}

TEST(ArrivalTest, AGaugeReachesItsLimitFromEitherSide) {
  const Paths paths{{80, 90, 95}, {80, 85, 90}};
  EXPECT_EQ(Reached(paths, 95, false).Median(), 2u);
  EXPECT_DOUBLE_EQ(Reached(paths, 95, false).Probability(), 0.5);
  EXPECT_EQ(Reached({{5, 3, 0.5}}, 1, true).Median(), 2u);
}

TEST(ArrivalTest, SumsAreOfTheStepsAskedFor) {
  EXPECT_EQ(SumsOf({{1, 2, 3, 4}, {0, 1, 1, 9}}, 1, 2), (Values{2, 5}));
}

TEST(ArrivalTest, ARisingSeriesReachesItsGoalWhenItsLineDoes) {
  Values history = Line(120, 100, 1);
  const Values noise = Noise(120, 0, 4, 77);
  for (std::size_t t = 0; t < history.size(); ++t) history[t] += noise[t];
  const Paths paths = PathsOf(Of(history, {.horizon = 120, .periods = {7}}), 500, 1);
  // The line passes 250 at step 30 from the end; a week's mean that begins there is above it.
  const Arrival arrival = SustainedFrom(paths, {.level = 250, .window = 7, .hold = 14});
  ASSERT_TRUE(arrival.Median().has_value());
  EXPECT_NEAR(static_cast<double>(*arrival.Median()), 28, 14);
  EXPECT_EQ(SustainedFrom(paths, {.level = 5000, .window = 7, .hold = 14}).Median(), std::nullopt);
}

}  // namespace
}  // namespace barograph::rules::forecast
