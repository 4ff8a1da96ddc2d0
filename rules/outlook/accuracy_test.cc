#include "rules/outlook/accuracy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace barograph::rules {
namespace {

using std::chrono::days;
using std::chrono::hours;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Int128 kUnit = 1'000'000'000;

/// Says 10, with 8 to 12 for four of five and 5 to 15 for nineteen of twenty.
constexpr storage::ForecastStep kTen{10, 8, 12, 5, 15};

TEST(AccuracyTest, ScoresAreExact) {
  AccuracyScore score;
  EXPECT_FALSE(score.MeanAbsoluteError().has_value()) << "nothing is scored yet";
  EXPECT_FALSE(score.Wape().has_value());
  EXPECT_FALSE(score.Coverage80().has_value());
  for (const Int128 came : {10 * kUnit, 12 * kUnit, 12 * kUnit + 1, 5 * kUnit, 20 * kUnit})
    score.Add(kTen, came);
  score.Add(kTen, std::nullopt);
  EXPECT_EQ(score.scored, 5U);
  EXPECT_EQ(score.without_samples, 1U);
  EXPECT_EQ(score.inside_80, 2U) << "a bound is inside, a billionth beyond is not";
  EXPECT_EQ(score.inside_95, 4U);
  // Forecast less actual: 0, -2, -2.000000001, 5, -10.
  EXPECT_TRUE(score.error == -9 * kUnit - 1);
  EXPECT_TRUE(score.absolute_error == 19 * kUnit + 1);
  EXPECT_TRUE(score.actual == 59 * kUnit + 1);
  EXPECT_DOUBLE_EQ(*score.MeanAbsoluteError(), 19.000000001 / 5);
  EXPECT_DOUBLE_EQ(*score.Bias(), -9.000000001 / 5);
  EXPECT_DOUBLE_EQ(*score.Wape(), 19.000000001 / 59.000000001);
  EXPECT_DOUBLE_EQ(*score.Coverage80(), 0.4);
  EXPECT_DOUBLE_EQ(*score.Coverage95(), 0.8);
}

TEST(AccuracyTest, WhatFellShortOfNothingHasNoRelativeError) {
  AccuracyScore score;
  score.Add(kTen, 0);
  EXPECT_DOUBLE_EQ(*score.MeanAbsoluteError(), 10);
  EXPECT_FALSE(score.Wape().has_value());
  score.Add(kTen, -5 * kUnit);
  EXPECT_DOUBLE_EQ(*score.Wape(), 5) << "of the size of what came, whatever its sign";
}

TEST(AccuracyTest, ScoresArePooled) {
  AccuracyScore one, other, both;
  one.Add(kTen, 11 * kUnit);
  one.open = 2;
  other.Add(kTen, 30 * kUnit);
  other.Add(kTen, std::nullopt);
  both.Add(kTen, 11 * kUnit);
  both.Add(kTen, 30 * kUnit);
  both.Add(kTen, std::nullopt);
  both.open = 2;
  EXPECT_EQ(one += other, both);
}

TEST(AccuracyTest, InstancesArePooled) {
  ForecastAccuracy sum;
  for (const int agent : {1, 2}) {
    ForecastAccuracy one;
    one.since = Time(days(10 - agent));
    one.issued = 5;
    one.cannot_say = 2;
    one.repeated = 1;
    one.reasons["# values"] = {2, std::to_string(agent) + " values"};
    one.scores[{hours(1), 1}].Add(kTen, 10 * kUnit * agent);
    sum += one;
  }
  EXPECT_EQ(sum.since, Time(days(8)));
  EXPECT_EQ(sum.issued, 10U);
  EXPECT_EQ(sum.cannot_say, 4U);
  EXPECT_EQ(sum.repeated, 2U);
  EXPECT_EQ(sum.reasons.at("# values"), (ForecastAccuracy::Reason{4, "2 values"}));
  const AccuracyScore& score = sum.scores.at({hours(1), 1});
  EXPECT_EQ(score.scored, 2U);
  EXPECT_DOUBLE_EQ(*score.Coverage80(), 0.5);
}

TEST(AccuracyTest, NumbersThatAreNoneHarmNothing) {
  AccuracyScore score;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  for (int i = 0; i < 100; ++i)
    score.Add({kInfinity, -kInfinity, kInfinity, kNan, kNan}, 3 * kUnit);
  EXPECT_EQ(score.inside_80, 100U);
  EXPECT_EQ(score.inside_95, 0U);
  EXPECT_GT(*score.MeanAbsoluteError(), 1e20);
}

TEST(AccuracyTest, MeansAreRoundedHalfUp) {
  ForecastSource level{.terms = {}, .is_level = true, .unit = 1e-9};
  EXPECT_FALSE(NanosOf(level, {0, 0}).has_value());
  EXPECT_TRUE(NanosOf(level, {7, 2}) == Int128{4});
  EXPECT_TRUE(NanosOf(level, {-7, 2}) == Int128{-3});
  EXPECT_TRUE(NanosOf(level, {-8, 3}) == Int128{-3});
  EXPECT_TRUE(NanosOf(level, {10, 3}) == Int128{3});
  ForecastSource counts;
  EXPECT_TRUE(NanosOf(counts, {5, 1}) == 5 * kUnit);
}

TEST(AccuracyTest, AFewHorizonsOfHoursAndDaysAreScored) {
  EXPECT_THAT(HorizonsOf(hours(1)), ElementsAre(1, 6, 24));
  EXPECT_THAT(HorizonsOf(days(1)), ElementsAre(1, 7, 30));
  EXPECT_THAT(HorizonsOf(hours(2)), IsEmpty());
}

}  // namespace
}  // namespace barograph::rules
