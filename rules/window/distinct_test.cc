#include "rules/window/distinct.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace barograph::rules {
namespace {

std::string Encoded(const DistinctCounter& counter) {
  std::string bytes;
  ByteWriter out(&bytes);
  counter.Encode(&out);
  return bytes;
}

TEST(DistinctTest, SmallSetsAreCountedExactlyHoweverOftenTheyCome) {
  std::mt19937_64 random(1);
  DistinctCounter counter;
  EXPECT_EQ(counter.Estimate(), 0U);
  std::vector<std::uint64_t> hashes;
  for (std::size_t n = 1; n <= DistinctCounter::kSparseMax; ++n) {
    hashes.push_back(random());
    counter.Add(hashes.back());
    counter.Add(hashes[random() % hashes.size()]);
    ASSERT_EQ(counter.Estimate(), n);
  }
}

TEST(DistinctTest, LargeSetsAreWithinFourStandardErrors) {
  const auto check = [](std::size_t size) {
    SCOPED_TRACE(size);
    std::mt19937_64 random(size);
    DistinctCounter counter;
    for (std::size_t i = 0; i < size; ++i) counter.Add(random());
    const double error =
        std::abs(static_cast<double>(counter.Estimate()) / static_cast<double>(size) - 1);
    EXPECT_LE(error, 4 * 1.04 / 64);
  };
  check(600);
  check(2'000);
  check(5'000);
  check(12'000);
  check(100'000);
  check(1'000'000);
}

TEST(DistinctTest, StateIsAFunctionOfTheSetInAnyOrderAndSplit) {
  std::mt19937_64 random(5);
  for (const std::size_t size : {10, 500, 513, 700, 5'000}) {
    SCOPED_TRACE(size);
    std::vector<std::uint64_t> hashes(size);
    // Some hashes share their leading bits, so that the larger rank must win.
    for (std::uint64_t& hash : hashes) hash = random() % 3 == 0 ? random() >> 30 : random();
    DistinctCounter forward;
    for (const std::uint64_t hash : hashes) forward.Add(hash);
    std::shuffle(hashes.begin(), hashes.end(), random);
    DistinctCounter left;
    DistinctCounter right;
    for (std::size_t i = 0; i < size; ++i) (i % 3 == 0 ? left : right).Add(hashes[i]);
    left.Merge(right);
    EXPECT_EQ(Encoded(left), Encoded(forward));
  }
}

TEST(DistinctTest, EncodingIsExact) {
  std::mt19937_64 random(6);
  for (const std::size_t size : {0, 1, 512, 513, 20'000}) {
    SCOPED_TRACE(size);
    DistinctCounter counter;
    for (std::size_t i = 0; i < size; ++i) counter.Add(random());
    const std::string bytes = Encoded(counter);
    DistinctCounter decoded;
    ByteReader in(bytes);
    ASSERT_TRUE(decoded.Decode(&in));
    EXPECT_TRUE(in.done());
    EXPECT_EQ(Encoded(decoded), bytes);
    EXPECT_EQ(decoded.Estimate(), counter.Estimate());
    ByteReader cut(std::string_view(bytes).substr(0, bytes.size() - 1));
    EXPECT_FALSE(decoded.Decode(&cut));
  }
}

}  // namespace
}  // namespace barograph::rules
