#pragma once

#include <functional>
#include <span>

#include "rules/forecast/values.h"

namespace barograph::rules::forecast {

/// What is minimised; may return infinity for a point outside its region, never NaN.
using Loss = std::function<double(std::span<const double> point)>;

/// The lowest point found by the downhill simplex of Nelder and Mead ("A simplex method for
/// function minimization", The Computer Journal 7, 1965) within `evaluations_max` evaluations. It
/// starts at `start`, with one more corner `step` away along each axis. A local minimum, and
/// deterministic.
[[nodiscard]] Values LowestPoint(const Loss& loss, const Values& start, const Values& step,
                                 int evaluations_max);

}  // namespace barograph::rules::forecast
