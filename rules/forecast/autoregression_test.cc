#include "rules/forecast/autoregression.h"

#include <gtest/gtest.h>

#include <cmath>

#include "rules/forecast/analog.h"
#include "rules/forecast/forecast_test_series.h"
#include "rules/forecast/intermittent.h"

// Method: coefficients of simulated processes are recovered; figures worked out by hand.

namespace barograph::rules::forecast {
namespace {

TEST(CholeskyTest, SolvesWhatWasMadeFromAKnownSolution) {
  // [[4, 2], [2, 3]] (1, -2) = (0, -4).
  const Values solution = CholeskySolution({4, 2, 2, 3}, {0, -4});
  ASSERT_EQ(solution.size(), 2u);
  EXPECT_NEAR(solution[0], 1, 1e-12);
  EXPECT_NEAR(solution[1], -2, 1e-12);
  EXPECT_TRUE(CholeskySolution({1, 2, 2, 1}, {0, 0}).empty()) << "not positive definite";
}

TEST(AutoregressionTest, FindsTheCoefficientsOfAProcess) {
  const Values history = Autoregressive(4000, 1.2, -0.5, 17);
  const Values ahead = LagRegression(history, 2, {.lags = {1, 2}, .ridge = 0, .intercept = false});
  const std::size_t n = history.size();
  const double first = 1.2 * history[n - 1] - 0.5 * history[n - 2];
  EXPECT_NEAR(ahead[0], first, 0.15);
  EXPECT_NEAR(ahead[1], 1.2 * first - 0.5 * history[n - 1], 0.25);
}

TEST(AutoregressionTest, BurgContinuesDifferencesThatFollowAProcess) {
  const Values steps = Autoregressive(3000, 0.6, 0, 23);
  Values history = steps;
  for (std::size_t t = 1; t < history.size(); ++t) history[t] += history[t - 1];
  const Values ahead = BurgDifferences(history, 2, 10);
  EXPECT_NEAR(ahead[0] - history.back(), 0.6 * steps.back(), 0.15);
  EXPECT_NEAR(ahead[1] - ahead[0], 0.36 * steps.back(), 0.2);
}

TEST(AutoregressionTest, ARandomWalkIsContinuedByItsLastValue) {
  const Values walk = RandomWalk(500, 0, 1, 29);
  EXPECT_NEAR(BurgDifferences(walk, 20, 40).back(), walk.back(), 1.5);
}

TEST(AutoregressionTest, TooLittleHistoryOrAnExplosionGivesNothing) {
  EXPECT_TRUE(LagRegression(Line(12, 0, 1), 3, {.lags = {1, 10}}).empty());
  Values growth(30);
  for (std::size_t t = 0; t < growth.size(); ++t) growth[t] = std::pow(1.5, static_cast<double>(t));
  EXPECT_TRUE(LagRegression(growth, 20, {.lags = {1}, .ridge = 0}).empty());
}

TEST(AnalogTest, AWaveGoesOnAsItDidBefore) {
  Values wave(200);
  for (std::size_t t = 0; t < wave.size(); ++t) wave[t] = std::sin(0.3 * static_cast<double>(t));
  const Values ahead = NearestPast(wave, 10, 12, 3);
  ASSERT_EQ(ahead.size(), 10u);
  for (std::size_t h = 0; h < 10; ++h) {
    EXPECT_NEAR(ahead[h], std::sin(0.3 * static_cast<double>(200 + h)), 0.1);
  }
  EXPECT_TRUE(NearestPast(History(wave).first(40), 10, 12, 3).empty());
}

TEST(IntermittentTest, CrostonsRateIsTheOneWorkedOutByHand) {
  // Sizes 4 then 6: 4 + 0.5 (6 - 4) = 5; intervals 2 then 3: 2 + 0.5 (3 - 2) = 2.5; 0.75 x 5 / 2.5.
  EXPECT_DOUBLE_EQ(CrostonRate(Values{0, 4, 0, 0, 6, 0}, 0.5), 1.5);
  EXPECT_EQ(CrostonRate(Values{0, 0, 0}, 0.1), 0);
}

TEST(IntermittentTest, ARateFadesWhereNothingIsBoughtAnyMore) {
  // Starts at size 5 and probability 1/3; size 4.5 and then 5.25, probability as below.
  const Values history{0, 4, 0, 0, 6, 0};
  double probability = 2.0 / 6;
  for (const double value : history) probability += 0.5 * ((value > 0 ? 1 : 0) - probability);
  EXPECT_DOUBLE_EQ(FadingRate(history, 0.5, 0.5), 5.25 * probability);
  Values silent = history;
  silent.resize(60, 0.0);
  EXPECT_LT(FadingRate(silent, 0.1, 0.1), 0.01);
  EXPECT_EQ(IntermittentDemand(Values(10, 0.0), 2), (Values{0, 0}));
}

}  // namespace
}  // namespace barograph::rules::forecast
