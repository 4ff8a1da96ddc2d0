#include "server/partition/absence_histogram.h"

#include <gtest/gtest.h>

namespace barograph::server {
namespace {

using namespace std::chrono_literals;

TEST(AbsenceHistogramTest, IsZeroWithoutRecords) {
  const AbsenceHistogram histogram;
  EXPECT_EQ(histogram.max(), 0ns);
  EXPECT_EQ(histogram.Quantile(0.99), 0ns);
}

TEST(AbsenceHistogramTest, AQuantileIsNeverTooLowAndAtMostAnEighthTooHigh) {
  for (std::int64_t nanos = 1; nanos < 4'000'000'000'000; nanos = nanos * 5 / 4 + 1) {
    AbsenceHistogram histogram;
    for (int i = 0; i < 99; ++i) histogram.Record(Duration(nanos));
    histogram.Record(Duration(nanos * 100));
    EXPECT_GE(histogram.Quantile(0.99).count(), nanos);
    EXPECT_LE(histogram.Quantile(0.99).count(), nanos + nanos / 8);
    EXPECT_EQ(histogram.max().count(), nanos * 100);
    EXPECT_EQ(histogram.Quantile(1.0).count(), nanos * 100);
  }
}

TEST(AbsenceHistogramTest, TakesTheLargestDuration) {
  AbsenceHistogram histogram;
  histogram.Record(Duration::max());
  EXPECT_EQ(histogram.Quantile(1.0), Duration::max());
}

}  // namespace
}  // namespace barograph::server
