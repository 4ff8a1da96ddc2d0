#include "rules/window/sketch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace barograph::rules {
namespace {

TEST(SketchTest, IndexIsExactBelow64AndCutsOctavesInto64After) {
  const auto check = [](std::int64_t value, std::int32_t index) {
    SCOPED_TRACE(value);
    EXPECT_EQ(Sketch::IndexOf(value), index);
    if (value != std::numeric_limits<std::int64_t>::min()) {
      EXPECT_EQ(Sketch::IndexOf(-value), -index);
    }
  };
  check(0, 0);
  check(1, 1);
  check(63, 63);
  check(64, 64);
  check(127, 127);
  check(128, 128);
  check(129, 128);
  check(130, 129);
  check(255, 191);
  check(256, 192);
  check(1'000'000'000, (29 - 5) * 64 + 55);
  check(std::numeric_limits<std::int64_t>::max(), (62 - 5) * 64 + 63);
  EXPECT_EQ(Sketch::IndexOf(std::numeric_limits<std::int64_t>::min()), -(63 - 5) * 64);
}

TEST(SketchTest, RepresentativeIsWithinOnePercentOfEveryValue) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200'000; ++i) {
    const auto value =
        static_cast<std::int64_t>(random() >> (random() % 63 + 1)) * ((random() & 1) != 0 ? 1 : -1);
    const double shown = Sketch::Representative(Sketch::IndexOf(value));
    ASSERT_LE(std::abs(shown - static_cast<double>(value)),
              0.01 * std::abs(static_cast<double>(value)))
        << value;
  }
}

TEST(SketchTest, QuantileIsTheBucketOfTheValueOfThatRank) {
  std::mt19937_64 random(2);
  for (int round = 0; round < 200; ++round) {
    Sketch sketch;
    std::vector<std::int64_t> values;
    for (std::uint64_t n = random() % 300 + 1; n > 0; --n) {
      const auto value = static_cast<std::int64_t>(random() % 4'000'000) - 1'000'000;
      values.push_back(value);
      sketch.Add(Sketch::IndexOf(value), 1);
      if (random() % 50 == 0) sketch.Pack();
    }
    std::sort(values.begin(), values.end());
    for (const double q : {0.0, 0.01, 0.5, 0.9, 0.95, 0.99, 1.0}) {
      const auto rank = std::max<std::size_t>(
          1, static_cast<std::size_t>(std::ceil(q * static_cast<double>(values.size()))));
      ASSERT_EQ(sketch.Quantile(q), Sketch::IndexOf(values[rank - 1]))
          << "q " << q << " of " << values.size();
    }
  }
}

TEST(SketchTest, MergingPackingAndEncodingKeepEveryCount) {
  std::mt19937_64 random(3);
  Sketch whole;
  Sketch left;
  Sketch right;
  for (int i = 0; i < 5'000; ++i) {
    const std::int32_t index =
        Sketch::IndexOf(static_cast<std::int64_t>(random() >> (random() % 63 + 1)));
    const std::uint64_t count = random() % 1'000'000'000 + 1;
    whole.Add(index, count);
    ((random() & 1) != 0 ? left : right).Add(index, count);
  }
  right.Pack();
  left.Merge(right);
  std::string merged;
  std::string direct;
  ByteWriter merged_out(&merged);
  ByteWriter direct_out(&direct);
  left.Encode(&merged_out);
  whole.Encode(&direct_out);
  EXPECT_EQ(merged, direct);
  EXPECT_EQ(left.count(), whole.count());
  Sketch decoded;
  ByteReader in(merged);
  ASSERT_TRUE(decoded.Decode(&in));
  EXPECT_EQ(decoded.count(), whole.count());
  EXPECT_EQ(decoded.Quantile(0.5), whole.Quantile(0.5));
}

TEST(SketchTest, BrokenEncodingsAreRefused) {
  const auto refused = [](std::string packed) {
    std::string bytes;
    ByteWriter(&bytes).String(packed);
    ByteReader in(bytes);
    Sketch sketch;
    return !sketch.Decode(&in);
  };
  EXPECT_TRUE(refused("\x02"));                      // no count
  EXPECT_TRUE(refused(std::string("\x02\x00", 2)));  // a filled bucket of 0
  EXPECT_TRUE(refused("\xFF\xFF\xFF\x7F\x01"));      // an index that no value has
}

}  // namespace
}  // namespace barograph::rules
