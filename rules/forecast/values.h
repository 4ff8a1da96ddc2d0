#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace barograph::rules::forecast {

/// Equally spaced numbers, oldest first.
using Values = std::vector<double>;
using History = std::span<const double>;

/// Mean of |value|; 0 for nothing.
[[nodiscard]] double MeanMagnitude(History values);
[[nodiscard]] double MeanOf(History values);
/// Middle value, or the mean of the two in the middle. Requires at least one.
[[nodiscard]] double MedianOf(Values values);
/// The order statistic at `share` of [0, 1] with linear interpolation between neighbours; `sorted`
/// ascends. Requires at least one.
[[nodiscard]] double QuantileOf(History sorted, double share);
}  // namespace barograph::rules::forecast
