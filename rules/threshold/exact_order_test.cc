#include "rules/threshold/exact_order.h"

#include <gtest/gtest.h>

#include <random>

namespace barograph::rules {
namespace {

constexpr Int128 kHuge = Int128{1} << 120;

TEST(ExactOrderTest, OrdersFractionsWhoseProductsFit) {
  EXPECT_TRUE(Order({1, 3}, {1, 2}) < 0);
  EXPECT_TRUE(Order({2, 4}, {1, 2}) == 0);
  EXPECT_TRUE(Order({-1, 3}, {-1, 2}) > 0);
  EXPECT_TRUE(Order({8, 10}, {1, 1}, {4, 5}) == 0) << "exactly 80 %";
  EXPECT_TRUE(Order({800'000'001, 1'000'000'000}, {1, 1}, {4, 5}) > 0);
}

TEST(ExactOrderTest, OrdersFractionsWhoseProductsNeed384Bits) {
  EXPECT_TRUE(Order({kHuge, kHuge - 1}, {kHuge + 1, kHuge}) > 0);
  EXPECT_TRUE(Order({kHuge + 1, kHuge}, {kHuge, kHuge - 1}) < 0);
  EXPECT_TRUE(Order({-kHuge, kHuge - 1}, {-kHuge - 1, kHuge}) < 0);
  EXPECT_TRUE(Order({kHuge, 3}, {kHuge, 3}, {kHuge, kHuge}) == 0);
  EXPECT_TRUE(Order({kHuge, 3}, {kHuge, 3}, {kHuge - 1, kHuge}) > 0);
  EXPECT_TRUE(Order({-1, kHuge}, {0, kHuge}, {kHuge, kHuge}) < 0);
}

TEST(ExactOrderTest, BothWaysAgreeOnRandomFractions) {
  std::mt19937_64 random(7);
  const auto number = [&](Int128 scale) {
    return static_cast<Int128>(random() % 2'000'001) * scale;
  };
  for (int i = 0; i < 10'000; ++i) {
    const Int128 a = number(1) - 1'000'000, c = number(1) - 1'000'000;
    const Int128 b = number(1) + 1, d = number(1) + 1;
    // Scaled by a common factor, the products no longer fit 128 bits.
    EXPECT_EQ(Order({a, b}, {c, d}), Order({a * (kHuge >> 22), b * (kHuge >> 22)}, {c, d}));
    EXPECT_EQ(Order({a, b}, {c, d}), Order({a * (kHuge >> 22), b * (kHuge >> 22)},
                                           {c * (kHuge >> 22), d * (kHuge >> 22)}));
  }
}

TEST(ExactOrderTest, ProductsStayAtTheEndOfTheirRange) {
  constexpr Int128 kMax = ~(Int128{1} << 127);
  EXPECT_TRUE(Times(kHuge, 7) == kHuge * 7);
  EXPECT_TRUE(Times(kHuge, kHuge) == kMax);
  EXPECT_TRUE(Times(-kHuge, kHuge) == -kMax);
  EXPECT_TRUE(Times(-kHuge, -kHuge) == kMax);
}

}  // namespace
}  // namespace barograph::rules
