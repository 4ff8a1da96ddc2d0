#include "server/app/gauge_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

namespace barograph::server {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(GaugeReaderTest, TheDisksFreeShareIsAPercentageAndWithoutKafkaNothingLags) {
  const auto readings = ReadServerGauges(::testing::TempDir(), nullptr);
  ASSERT_THAT(readings, SizeIs(2));
  EXPECT_EQ(readings[0].measure, "disk.free");
  EXPECT_GT(readings[0].nanos, 0);
  EXPECT_LE(readings[0].nanos, 100'000'000'000);
  EXPECT_EQ(readings[1], (storage::GaugeReading{"ingest.lag", "", 0}));
}

TEST(GaugeReaderTest, TheWorstPartitionIsTheLag) {
  ingest::KafkaFigures kafka;
  kafka.partitions.resize(3);
  kafka.partitions[1].lag_seconds = 2.5;
  kafka.partitions[2].lag_seconds = 0.5;
  EXPECT_EQ(ReadServerGauges(::testing::TempDir(), &kafka).back().nanos, 2'500'000'000);
}

TEST(GaugeReaderTest, ADiskThatCannotBeReadIsLeftOut) {
  const auto readings = ReadServerGauges("/nonexistent/data", nullptr);
  ASSERT_THAT(readings, SizeIs(1));
  EXPECT_EQ(readings[0].measure, "ingest.lag");
}

TEST(GaugeReaderTest, ItReadsAtOnceAgainAndEndsAtOnce) {
  std::atomic<int> reads{0};
  {
    const GaugeReader quick(std::chrono::milliseconds(1), [&] { ++reads; });
    while (reads < 3) std::this_thread::yield();
  }
  const int after = reads;
  {
    const GaugeReader slow(std::chrono::hours(1), [&] { ++reads; });
    while (reads == after) std::this_thread::yield();
  }
  EXPECT_EQ(reads, after + 1);
}

}  // namespace
}  // namespace barograph::server
