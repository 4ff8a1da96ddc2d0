#include "rules/threshold/exact_order.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace barograph::rules {
namespace {

__extension__ using UInt128 = unsigned __int128;

UInt128 Magnitude(Int128 value) {
  return value < 0 ? UInt128{0} - static_cast<UInt128>(value) : static_cast<UInt128>(value);
}

/// Product of three numbers of 128 bits, least significant limb first.
class Product {
 public:
  Product(Int128 a, Int128 b, Int128 c) {
    limbs_[0] = 1;
    for (const Int128 factor : {a, b, c}) {
      sign_ *= factor == 0 ? 0 : (factor < 0 ? -1 : 1);
      Multiply(Magnitude(factor));
    }
  }
  friend std::strong_ordering operator<=>(const Product& a, const Product& b) {
    if (a.sign_ != b.sign_) return a.sign_ <=> b.sign_;
    const auto order = std::lexicographical_compare_three_way(a.limbs_.rbegin(), a.limbs_.rend(),
                                                              b.limbs_.rbegin(), b.limbs_.rend());
    return a.sign_ < 0 ? 0 <=> order : order;
  }

 private:
  static constexpr std::size_t kLimbs = 6;
  using Limbs = std::array<std::uint64_t, kLimbs>;

  void Multiply(UInt128 factor) {
    Limbs product{};
    for (std::size_t half = 0; half < 2; ++half) {
      const auto digit = static_cast<std::uint64_t>(factor >> (64 * half));
      std::uint64_t carry = 0;
      for (std::size_t i = 0; i + half < kLimbs; ++i) {
        const UInt128 sum = static_cast<UInt128>(limbs_[i]) * digit + product[i + half] + carry;
        product[i + half] = static_cast<std::uint64_t>(sum);
        carry = static_cast<std::uint64_t>(sum >> 64);
      }
    }
    limbs_ = product;
  }

  int sign_ = 1;
  Limbs limbs_{};
};

/// False when the product does not fit.
bool Multiply(Int128 a, Int128 b, Int128 c, Int128* out) {
  return !__builtin_mul_overflow(a, b, out) && !__builtin_mul_overflow(*out, c, out);
}

}  // namespace

std::strong_ordering Order(const ExactRatio& value, const ExactRatio& reference,
                           const ExactRatio& share) {
  Int128 left = 0;
  Int128 right = 0;
  if (Multiply(value.numerator, reference.denominator, share.denominator, &left) &&
      Multiply(reference.numerator, share.numerator, value.denominator, &right)) [[likely]] {
    return left <=> right;
  }
  return Product(value.numerator, reference.denominator, share.denominator) <=>
         Product(reference.numerator, share.numerator, value.denominator);
}

Int128 Times(Int128 a, Int128 b) {
  constexpr Int128 kMax = ~(Int128{1} << 127);
  Int128 product = 0;
  if (!__builtin_mul_overflow(a, b, &product)) return product;
  return (a < 0) == (b < 0) ? kMax : -kMax;
}

double ToDouble(const ExactRatio& ratio) {
  return static_cast<double>(ratio.numerator) / static_cast<double>(ratio.denominator);
}

}  // namespace barograph::rules
