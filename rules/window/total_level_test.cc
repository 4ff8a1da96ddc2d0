#include "rules/window/total_level.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace barograph::rules {
namespace {

/// The level beside a map of values: the plainest thing that can be right.
struct Pair {
  const LevelSpec& spec;
  TotalLevel level;
  std::map<Bucket, Int128> values;
  Bucket head;
  Int128 total = 0;
  Int128 gone = 0;  ///< values that left

  Pair(const LevelSpec& the_spec, Bucket first) : spec(the_spec), head(first) {
    level.Start(spec, first);
  }

  void Add(Bucket bucket, Int128 value) {
    if (bucket > head) {
      std::vector<BucketValue> evicted;
      level.MoveTo(spec, head, bucket, total, &evicted);
      head = bucket;
      for (const BucketValue& each : evicted) {
        ASSERT_EQ(values[each.bucket], each.value);
        gone += each.value;
        values.erase(each.bucket);
      }
    } else if (bucket < head) {
      if (bucket < level.oldest()) return;
      level.AddLate(spec, head, bucket, value);
    }
    total += value;
    values[bucket] += value;
  }
  void Check() const {
    for (const auto& [bucket, value] : values) ASSERT_TRUE(value == 0 || bucket >= level.oldest());
    Int128 sum = gone;
    auto next = values.begin();
    for (Bucket b = level.oldest() - 3; b < head; ++b) {
      for (; next != values.end() && next->first <= b; ++next) sum += next->second;
      ASSERT_TRUE(level.Before(spec, b) == sum) << "bucket " << b << " of head " << head;
    }
  }
};

TEST(TotalLevelTest, TotalsEqualAMapOfValues) {
  const auto check = [](int level, int values, Int128 scale) {
    SCOPED_TRACE(testing::Message() << "level " << level << ", " << values << " values");
    std::mt19937_64 random(static_cast<std::uint64_t>(level * 1'000 + values));
    const LevelSpec& spec = kLevels[static_cast<std::size_t>(level)];
    Pair pair(spec, 28'000'000);
    for (int i = 0; i < values; ++i) {
      const std::uint64_t draw = random() % 100;
      Bucket bucket = pair.head;
      if (draw < 50) bucket += static_cast<Bucket>(random() % 3);
      if (draw >= 50 && draw < 80) bucket -= static_cast<Bucket>(random() % 300);
      if (draw >= 98) bucket += static_cast<Bucket>(random() % 2'000);
      pair.Add(bucket, (static_cast<Int128>(random() % 2'001) - 1'000) * scale);
      if (i % 97 == 0) pair.Check();
      if (testing::Test::HasFatalFailure()) return;
    }
    pair.Check();
  };
  for (int level = 0; level < kLevelCount; ++level) {
    check(level, 60, 1);
    check(level, 5'000, 1);
    check(level, 5'000, Int128{1} << 56);   // crosses into 128 bits on the way
    check(level, 2'000, Int128{1} << 100);  // is there from the start
  }
}

TEST(TotalLevelTest, WhatIsReleasedIsHandedOverWhole) {
  const LevelSpec& spec = kLevels[kHours];
  TotalLevel level;
  level.Start(spec, 500'000);
  level.MoveTo(spec, 500'000, 500'010, 7, nullptr);
  level.MoveTo(spec, 500'010, 500'011, 9, nullptr);
  std::vector<BucketValue> evicted;
  level.Release(spec, 500'011, 14, &evicted);
  EXPECT_EQ(evicted, (std::vector<BucketValue>{{500'000, 7}, {500'010, 2}, {500'011, 5}}));
  EXPECT_EQ(level.bytes(spec), 0U);
  EXPECT_EQ(level.oldest(), 500'012);
}

TEST(TotalLevelTest, AListTakesLessThanTheRingAndAnswersAlike) {
  const LevelSpec& spec = kLevels[kTenSeconds];
  Pair pair(spec, 1'000'000);
  std::size_t list = 0;
  for (int i = 1; i <= 400; ++i) {
    pair.Add(1'000'000 + i, i);
    if (i == 60) list = pair.level.bytes(spec);
    pair.Check();
  }
  EXPECT_LE(list, 64 * 24U);
  EXPECT_EQ(pair.level.bytes(spec), 512 * sizeof(std::int64_t));
}

}  // namespace
}  // namespace barograph::rules
