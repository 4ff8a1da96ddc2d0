#include "rules/forecast/forecaster.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "rules/forecast/forecast_test_series.h"
#include "rules/forecast/rolling_origin.h"

// Method: series whose answer is plain, input of every awkward kind, invariances, and the share of
// simulated series that the intervals hold.

namespace barograph::rules::forecast {
namespace {

using ::testing::HasSubstr;

Forecast Said(const Values& history, const Question& question) {
  const Answer answer = ForecastOf(history, question);
  const auto* forecast = std::get_if<Forecast>(&answer);
  if (forecast == nullptr) {
    ADD_FAILURE() << "refused: " << std::get<CannotSay>(answer).reason;
    Forecast nothing;
    nothing.centre = nothing.spread.scales = Values(question.horizon, 0.0);
    nothing.spread.sizes = {0.0};
    return nothing;
  }
  return *forecast;
}

Refusal Refused(const Values& history, const Question& question) {
  const Answer answer = ForecastOf(history, question);
  const auto* refusal = std::get_if<CannotSay>(&answer);
  EXPECT_NE(refusal, nullptr);
  EXPECT_FALSE(refusal == nullptr || refusal->reason.empty());
  return refusal == nullptr ? Refusal::kQuestion : refusal->refusal;
}

TEST(ForecasterTest, AConstantGoesOnWithCertainty) {
  for (const double value : {0.0, 5.0, -3.0, 1e-300, 1e300}) {
    const Forecast forecast = Said(Values(40, value), {.horizon = 5, .periods = {7}});
    for (std::size_t h = 0; h < 5; ++h) {
      EXPECT_NEAR(forecast.centre[h], value, std::abs(value) * 1e-6) << value;
      const Interval interval = forecast.IntervalAt(h, 0.95);
      EXPECT_NEAR(interval.low, value, std::abs(value) * 1e-3);
      EXPECT_NEAR(interval.high, value, std::abs(value) * 1e-3);
    }
  }
}

TEST(ForecasterTest, ALineGoesOn) {
  const Forecast forecast = Said(Line(60, 10, 3), {.horizon = 6, .periods = {}});
  for (std::size_t h = 0; h < 6; ++h) {
    EXPECT_NEAR(forecast.centre[h], 10 + 3 * static_cast<double>(60 + h), 2) << h;
  }
}

TEST(ForecasterTest, WeeksRepeat) {
  const Forecast forecast = Said(Weeks(16, 0.03, 9), {.horizon = 14, .periods = {7}});
  const Values truth = Weeks(18, 0, 9);
  for (std::size_t h = 0; h < 14; ++h) {
    EXPECT_NEAR(forecast.centre[h] / truth[16 * 7 + h], 1, 0.06) << h;
  }
}

TEST(ForecasterTest, WhatIsNotANumberIsRefused) {
  Values history = Weeks(6, 0.1, 1);
  history[20] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(Refused(history, {.horizon = 3}), Refusal::kNotFinite);
  history[20] = std::numeric_limits<double>::infinity();
  const Answer answer = ForecastOf(history, {.horizon = 3});
  EXPECT_THAT(std::get<CannotSay>(answer).reason, HasSubstr("value 21"));
}

TEST(ForecasterTest, AShortSeriesIsRefusedWithWhatItNeeds) {
  for (std::size_t count = 0; count < kLeastHistory; ++count) {
    EXPECT_EQ(Refused(Line(count, 1, 1), {.horizon = 1, .periods = {7}}), Refusal::kTooShort);
  }
  const Answer answer = ForecastOf(Line(20, 1, 1), {.horizon = 365, .periods = {7}});
  EXPECT_THAT(std::get<CannotSay>(answer).reason, HasSubstr("need at least 138"));
}

TEST(ForecasterTest, AQuestionOutOfRangeIsRefused) {
  const Values history = Weeks(10, 0.1, 1);
  EXPECT_EQ(Refused(history, {.horizon = 0}), Refusal::kQuestion);
  EXPECT_EQ(Refused(history, {.horizon = kHorizonMax + 1}), Refusal::kQuestion);
  EXPECT_EQ(Refused(history, {.horizon = 1, .periods = {1}}), Refusal::kQuestion);
  EXPECT_EQ(Refused(history, {.horizon = 1, .periods = {7, 7}}), Refusal::kQuestion);
}

TEST(ForecasterTest, AWildSeriesIsRefused) {
  // Orders of magnitude at random: no past forecast came near.
  Values history = Noise(60, 0, 1, 41);
  for (double& each : history) each = std::exp(6 * each);
  EXPECT_EQ(Refused(history, {.horizon = 6}), Refusal::kTooWild);
}

TEST(ForecasterTest, AnyNumbersHaveAnAnswerAndOnlyFiniteOnes) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    NormalDice dice(seed);
    Values history(static_cast<std::size_t>(14 + 100 * dice.Share()));
    const double power = 300 * dice.Share();
    for (double& each : history) {
      each = dice.Share() < 0.3 ? 0 : dice() * std::pow(10, power * dice.Share());
    }
    const Answer answer = ForecastOf(history, {.horizon = 9, .periods = {7}});
    const auto* forecast = std::get_if<Forecast>(&answer);
    if (forecast == nullptr) continue;
    for (std::size_t h = 0; h < 9; ++h) EXPECT_TRUE(std::isfinite(forecast->centre[h])) << seed;
  }
}

TEST(ForecasterTest, UnitsDoNotMatter) {
  const Values history = Weeks(14, 0.2, 5);
  const Question question{.horizon = 10, .periods = {7}};
  const Forecast one = Said(history, question);
  for (const double unit : {1e-6, 1024.0, 1e12}) {
    Values other = history;
    for (double& each : other) each *= unit;
    const Forecast scaled = Said(other, question);
    for (std::size_t h = 0; h < question.horizon; ++h) {
      EXPECT_NEAR(scaled.centre[h] / (one.centre[h] * unit), 1, 1e-6);
      EXPECT_NEAR(scaled.IntervalAt(h, 0.8).high / (one.IntervalAt(h, 0.8).high * unit), 1, 1e-6);
    }
  }
}

TEST(ForecasterTest, WhatIsNeverNegativeStaysSo) {
  Values history = Noise(80, 0.5, 2, 31);
  for (double& each : history) each = std::max(each, 0.0);
  const Forecast forecast = Said(history, {.horizon = 8, .never_negative = true});
  for (std::size_t h = 0; h < 8; ++h) {
    EXPECT_GE(forecast.centre[h], 0);
    EXPECT_GE(forecast.IntervalAt(h, 0.95).low, 0);
  }
}

TEST(ForecasterTest, SparseSeriesAreForecastByTheirRate) {
  NormalDice dice(3);
  Values history;
  for (int t = 0; t < 200; ++t) history.push_back(dice.Share() < 0.2 ? 50 : 0);
  const Forecast forecast = Said(history, {.horizon = 4, .periods = {7}, .never_negative = true});
  for (const double each : forecast.centre) {
    EXPECT_GE(each, 0);
    EXPECT_LE(each, 50);
  }
}

TEST(ForecasterTest, TheSameNumbersGiveTheSameAnswer) {
  const Values history = Weeks(14, 0.2, 5);
  const Question question{.horizon = 10, .periods = {7}};
  EXPECT_EQ(Said(history, question).centre, Said(history, question).centre);
}

TEST(ForecasterTest, IntervalsHoldWhatTheyPromise) {
  std::size_t in80 = 0;
  std::size_t in95 = 0;
  std::size_t count = 0;
  constexpr std::size_t kHorizon = 7;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    for (const bool walks : {false, true}) {
      const Values whole = walks ? RandomWalk(127, 0.1, 1, seed) : Weeks(18, 0.1, 1000 + seed);
      const Values history(whole.begin(), whole.begin() + 119);
      const Forecast forecast = Said(history, {.horizon = kHorizon, .periods = {7}});
      for (std::size_t h = 0; h < kHorizon; ++h) {
        const double came = whole[119 + h];
        const Interval narrow = forecast.IntervalAt(h, 0.80);
        const Interval wide = forecast.IntervalAt(h, 0.95);
        if (came >= narrow.low && came <= narrow.high) ++in80;
        if (came >= wide.low && came <= wide.high) ++in95;
        ++count;
      }
    }
  }
  EXPECT_NEAR(static_cast<double>(in80) / static_cast<double>(count), 0.80, 0.06);
  EXPECT_NEAR(static_cast<double>(in95) / static_cast<double>(count), 0.95, 0.035);
}

TEST(RollingOriginTest, OriginsSeeHalfOfTheHistoryAndWholeSeasons) {
  EXPECT_EQ(OriginsOf(80, 13, 1).front(), 67u);
  EXPECT_EQ(OriginsOf(80, 13, 1).back(), 45u);
  for (const std::size_t origin : OriginsOf(700, 48, 24)) EXPECT_EQ((700 - origin) % 24, 0u);
  EXPECT_TRUE(OriginsOf(12, 5, 1).empty());
}

TEST(RollingOriginTest, NoForecastSeesWhatComesAfterItsOrigin) {
  // A model that tells how much it was shown, and a history that tells its own place.
  const std::vector<Model> models{
      {"shown", [](History y, std::size_t h) { return Values(h, y.back()); }}};
  const RollingOrigin rolled = Rolled(Line(100, 0, 1), models, 5, 1);
  for (std::size_t o = 0; o < rolled.origins.size(); ++o) {
    EXPECT_EQ(rolled.forecasts[o][0][0], static_cast<double>(rolled.origins[o] - 1));
    EXPECT_EQ(rolled.actuals[o][0], static_cast<double>(rolled.origins[o]));
  }
}

TEST(RollingOriginTest, WeightsFallWithTheFourthPowerOfTheError) {
  RollingOrigin rolled;
  rolled.horizon = 1;
  rolled.origins = {10, 9};
  rolled.actuals = {{-10}, {-10}};  // not positive: absolute errors alone
  rolled.forecasts = {{{-9}, {-8}, {}}, {{-11}, {-12}, {}}};
  const Weighed weighed = WeightsOf(rolled, 3, 2);
  EXPECT_NEAR(weighed.weights[0], 16.0 / 17, 1e-9);
  EXPECT_NEAR(weighed.weights[1], 1.0 / 17, 1e-9);
  EXPECT_EQ(weighed.weights[2], 0);
  EXPECT_EQ(Combined({{1}, {}, {3}}, {0.25, 0.5, 0.25}), (Values{2}));
}

}  // namespace
}  // namespace barograph::rules::forecast
