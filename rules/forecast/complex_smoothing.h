#pragma once

#include <cstddef>

#include "rules/forecast/values.h"

namespace barograph::rules::forecast {

/// Complex exponential smoothing of Svetunkov, Kourentzes and Ord ("Complex exponential smoothing",
/// Naval Research Logistics 69, 2022), the form without a season: level and potential follow one
/// complex-valued smoothing constant, which makes it able to continue trends and slow swings
/// without having to choose among them. The constant and the first states minimise squared one-step
/// errors; constants that make the recursion diverge are not considered. Returns `horizon` numbers;
/// requires at least one. Pure.
[[nodiscard]] Values ComplexSmoothing(History history, std::size_t horizon);

}  // namespace barograph::rules::forecast
