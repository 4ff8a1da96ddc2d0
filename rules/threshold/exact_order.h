#pragma once

#include <compare>

#include "rules/spec/rule_spec.h"
#include "storage/base/money.h"

namespace barograph::rules {

/// Compares value with share x reference, exactly, whatever their sizes: fractions are never
/// brought to a common denominator, their products are formed with 384 bits.
/// Requires: all denominators > 0.
[[nodiscard]] std::strong_ordering Order(const ExactRatio& value, const ExactRatio& reference,
                                         const ExactRatio& share = {1, 1});
/// Product that stays at the end of its range instead of leaving it.
[[nodiscard]] Int128 Times(Int128 a, Int128 b);
/// The quotient in double: numerator and denominator are each rounded once, then it is.
[[nodiscard]] double ToDouble(const ExactRatio& ratio);

}  // namespace barograph::rules
