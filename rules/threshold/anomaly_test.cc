#include "rules/threshold/anomaly.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

// Method: tails against erfc and against sums of the textbook formula; deviations against figures
// worked out by hand.

namespace barograph::rules {
namespace {

Usual Of(std::vector<double> references, bool are_counts) {
  return UsualOf(references, are_counts);
}

TEST(AnomalyTest, ExpAgreesWithTheLibrary) {
  for (double x = 0; x < 600; x += 0.37) EXPECT_NEAR(ExpOfMinus(x) / std::exp(-x), 1, 1e-11) << x;
}

TEST(AnomalyTest, TheNormalTailAgreesWithTheErrorFunction) {
  for (double z = 1; z <= 20; z += 0.25) {
    EXPECT_NEAR(NormalTail(z) / (std::erfc(z / std::sqrt(2.0)) / 2), 1, 1e-9) << z;
  }
}

TEST(AnomalyTest, PoissonTailsAreTheSumsOfTheTextbook) {
  for (const double mean : {0.04, 0.5, 3.0, 24.0}) {
    double below = 0;
    for (std::int64_t count = 0; count < 60; ++count) {
      const double mass = std::exp(-mean + static_cast<double>(count) * std::log(mean) -
                                   std::lgamma(static_cast<double>(count) + 1));
      EXPECT_NEAR(PoissonAtMost(count, mean), below + mass, 1e-12) << mean << " " << count;
      if (1 - below > 1e-7) {
        EXPECT_NEAR(PoissonAtLeast(count, mean) / (1 - below), 1, 1e-6) << mean << " " << count;
      }
      below += mass;
    }
  }
  EXPECT_EQ(PoissonAtLeast(1'000'000'000'000, 3), 0);
}

TEST(AnomalyTest, DenseSeriesAreMeasuredInRobustDeviations) {
  const Usual usual = Of({100, 102, 98, 101, 99, 103, 1'000'000}, false);
  EXPECT_TRUE(usual.known);
  EXPECT_FALSE(usual.sparse);
  EXPECT_EQ(usual.centre, 101);
  EXPECT_DOUBLE_EQ(usual.scale, 1.4826 * 2) << "one incident in the past moves neither";
  const Deviation deviation = DeviationOf(101 + 5 * usual.scale, usual);
  EXPECT_DOUBLE_EQ(deviation.score, 5);
  EXPECT_TRUE(deviation.above);
  EXPECT_TRUE(IsBeyond(deviation, usual, 4, NormalTail(4)));
  EXPECT_FALSE(IsBeyond(DeviationOf(101 - 4 * usual.scale, usual), usual, 4, NormalTail(4)));
}

TEST(AnomalyTest, WhenMostReferencesAreEqualTheMeanDeviationStandsIn) {
  const Usual usual = Of({10, 10, 10, 10, 17}, false);
  EXPECT_DOUBLE_EQ(usual.scale, 1.253314 * 7 / 5);
}

TEST(AnomalyTest, AScaleIsNeverFinerThanOnePercentOrAStreamOfIndependentEvents) {
  EXPECT_DOUBLE_EQ(Of({200, 200, 200}, false).scale, 2);
  EXPECT_DOUBLE_EQ(Of({400, 400, 400}, true).scale, 20) << "sqrt(400)";
}

TEST(AnomalyTest, AShortWindowHasTheSpreadInsideTheHoursAsWell) {
  std::vector<double> references = {100, 103, 97};
  EXPECT_DOUBLE_EQ(UsualOf(references, false, 3).scale, std::hypot(1.4826 * 3, 3));
  EXPECT_TRUE(UsualOf(references = {0, 0, 0}, false, 3).known);
}

TEST(AnomalyTest, ARangeIsMeasuredByThatOfAsManyNormalSamples) {
  for (const std::uint64_t samples : {2, 5, 7, 10, 60, 100, 200, 360, 720, 3600}) {
    // The mean range is the integral of 1 - F^n - (1 - F)^n (Tippett).
    double mean = 0;
    constexpr double kStep = 1e-3;
    for (double x = -9; x < 9; x += kStep) {
      const double below = std::erfc(-x / std::sqrt(2.0)) / 2;
      const auto n = static_cast<double>(samples);
      mean += kStep * (1 - std::pow(below, n) - std::pow(1 - below, n));
    }
    EXPECT_NEAR(DeviationOfRange(mean, samples), 1, 0.01) << samples;
  }
  EXPECT_DOUBLE_EQ(DeviationOfRange(7.2522, 1'000'000'000), 1) << "the end of the table";
}

TEST(AnomalyTest, OneDayInFourDoesNotMoveTheUpperQuartile) {
  const auto quartile = [](std::vector<double> values) { return UpperQuartile(values); };
  EXPECT_EQ(quartile({9}), 9);
  EXPECT_EQ(quartile({2, 900, 1, 3}), 3);
  EXPECT_EQ(quartile({8, 7, 6, 5, 4, 3, 2, 1}), 6);
  EXPECT_EQ(quartile({1, 2, 3, 4, 5}), 4);
}

TEST(AnomalyTest, AHistoryOfNothingHasNoScale) { EXPECT_FALSE(Of({0, 0, 0}, false).known); }

TEST(AnomalyTest, SparseCountsAreJudgedByTheirChance) {
  const Usual usual = Of({0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 90}, true);
  EXPECT_TRUE(usual.sparse);
  EXPECT_DOUBLE_EQ(usual.centre, 1.5 / 13) << "the incident of 90 is left out";
  const double tail = NormalTail(4);
  EXPECT_FALSE(IsBeyond(DeviationOf(3, usual), usual, 4, tail));
  EXPECT_TRUE(IsBeyond(DeviationOf(4, usual), usual, 4, tail)) << "7e-6 is below 3.2e-5";
  EXPECT_FALSE(IsBeyond(DeviationOf(0, usual), usual, 4, tail));
}

}  // namespace
}  // namespace barograph::rules
