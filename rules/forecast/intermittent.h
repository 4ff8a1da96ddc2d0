#pragma once

#include <cstddef>

#include "rules/forecast/values.h"

namespace barograph::rules::forecast {

/// Models of demand that comes now and then, for series of which many values are 0: each forecasts
/// the mean rate, the same for every step. Values must not be negative. A history of zeros gives 0.
/// Pure.

/// Croston's method (Operational Research Quarterly 23, 1972) with the bias correction of Syntetos
/// and Boylan (International Journal of Forecasting 21, 2005): smoothed size over smoothed
/// interval, times 1 - alpha / 2. Requires at least one number; alpha in (0, 1).
[[nodiscard]] double CrostonRate(History history, double alpha);

/// Teunter, Syntetos and Babai (European Journal of Operational Research 214, 2011): probability
/// and size are smoothed apart, the probability at every step, so that a product that is no longer
/// bought fades. `alpha` is of sizes, `beta` of the probability.
[[nodiscard]] double FadingRate(History history, double alpha, double beta);

/// FadingRate with the pair, out of a small grid, that has the least sum of squared one-step
/// errors.
[[nodiscard]] Values IntermittentDemand(History history, std::size_t horizon);

}  // namespace barograph::rules::forecast
