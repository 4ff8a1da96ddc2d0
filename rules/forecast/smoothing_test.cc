#include "rules/forecast/smoothing.h"

#include <gtest/gtest.h>

#include <cmath>

#include "rules/forecast/complex_smoothing.h"
#include "rules/forecast/forecast_test_series.h"
#include "rules/forecast/simplex.h"
#include "rules/forecast/theta.h"

// Method: figures worked out by hand, parameters of processes that were simulated with a seed, and
// series whose continuation is plain.

namespace barograph::rules::forecast {
namespace {

TEST(SimplexTest, FindsTheFloorOfAValley) {
  const Loss valley = [](std::span<const double> x) {
    return 100 * std::pow(x[1] - x[0] * x[0], 2) + std::pow(1 - x[0], 2);
  };
  const Values lowest = LowestPoint(valley, {-1.2, 1}, {0.5, 0.5}, 400);
  EXPECT_NEAR(lowest[0], 1, 1e-3);
  EXPECT_NEAR(lowest[1], 1, 1e-3);
}

TEST(SmoothingTest, TheLevelIsTheOneOfTheTextbook) {
  // 10; 10 + 0.5 (12 - 10) = 11; 11 + 0.5 (9 - 11) = 10; 10 + 0.5 (14 - 10) = 12.
  const Values history{10, 12, 9, 14};
  EXPECT_EQ(SmoothedLevel(history, 2, 0.5), (Values{12, 12}));
}

TEST(SmoothingTest, TheBestAlphaOfARandomWalkIsOneAndOfNoiseNone) {
  const Values walk = RandomWalk(400, 0, 1, 7);
  EXPECT_NEAR(SmoothedLevel(walk, 1)[0], walk.back(), 0.3);
  const Values noise = Noise(400, 50, 1, 7);
  EXPECT_NEAR(SmoothedLevel(noise, 1)[0], 50, 0.3);
}

TEST(SmoothingTest, AStraightLineGoesOn) {
  const Values line = Line(40, 100, 2);
  EXPECT_NEAR(LinearTrend(line, 10).back(), 100 + 2 * 49, 0.5);
  const Values damped = DampedTrend(line, 10);
  EXPECT_GT(damped.back(), line.back() + 10);
  EXPECT_LE(damped.back(), 100 + 2 * 49 + 0.5) << "a damped trend never runs ahead of the line";
}

TEST(SmoothingTest, EtsRepeatsTheSeasonThatItIsGiven) {
  for (const Season form : {Season::kAdditive, Season::kMultiplicative}) {
    const EtsFit fit = FittedEts(Weeks(20, 0.05, 3), 7, 7, {false, Trend::kNone, form});
    ASSERT_EQ(fit.forecast.size(), 7u);
    const Values truth = Weeks(21, 0, 3);
    for (std::size_t h = 0; h < 7; ++h) {
      EXPECT_NEAR(fit.forecast[h] / truth[20 * 7 + h], 1, 0.05) << h;
    }
  }
}

TEST(SmoothingTest, AiccPrefersASeasonWhereThereIsOneAndNoneInNoise) {
  const auto aicc = [](const Values& history, Season form) {
    return FittedEts(history, 1, 7, {false, Trend::kNone, form}).aicc;
  };
  EXPECT_LT(aicc(Weeks(20, 0.05, 3), Season::kAdditive), aicc(Weeks(20, 0.05, 3), Season::kNone));
  EXPECT_LT(aicc(Noise(140, 50, 1, 3), Season::kNone),
            aicc(Noise(140, 50, 1, 3), Season::kAdditive));
}

TEST(SmoothingTest, WhatIsMultiplicativeNeedsPositiveValues) {
  Values history = Weeks(20, 0.05, 3);
  history[50] = 0;
  EXPECT_TRUE(FittedEts(history, 7, 7, {true, Trend::kNone, Season::kNone}).forecast.empty());
  EXPECT_FALSE(BestEts(history, 7, 7).empty());
}

TEST(ThetaTest, DriftOfARandomWalkIsHalved) {
  // With theta = 2 half of the slope of the line through all values is carried on; the fitted one
  // lies between none and all of it.
  const Values walk = RandomWalk(500, 1, 0.2, 11);
  const Values ahead = DynamicTheta(walk, 10);
  EXPECT_GT(ahead.back() - walk.back(), 3);
  EXPECT_LT(ahead.back() - walk.back(), 11);
}

TEST(ThetaTest, AConstantStaysAndFewValuesRepeatTheLast) {
  for (const double each : DynamicTheta(Values(30, 5.0), 4)) EXPECT_NEAR(each, 5, 1e-6);
  EXPECT_EQ(DynamicTheta(Values{3, 4}, 2), (Values{4, 4}));
}

TEST(ComplexSmoothingTest, FollowsALevelAndATrend) {
  EXPECT_NEAR(ComplexSmoothing(Noise(300, 50, 1, 5), 1)[0], 50, 1.0);
  const Values line = Line(100, 100, 2);
  EXPECT_NEAR(ComplexSmoothing(line, 5).back(), 100 + 2 * 104, 6);
  for (const double each : ComplexSmoothing(Values(30, 5.0), 4)) EXPECT_NEAR(each, 5, 1e-3);
}

}  // namespace
}  // namespace barograph::rules::forecast
