#pragma once

#include <cstddef>

#include "rules/forecast/values.h"

namespace barograph::rules::forecast {

/// The dynamic optimised Theta model of Fiorucci, Pellegrini, Louzada, Petropoulos and Koehler
/// (International Journal of Forecasting 32, 2016): the mean of a straight line, fitted anew at
/// every step, and of a smoothed line with `theta` times the curvature; alpha, theta and the first
/// level minimise squared one-step errors. theta = 2 is the method of Assimakopoulos and
/// Nikolopoulos that won the M3 competition. Returns `horizon` numbers; requires a history without
/// season, of at least one number. Pure.
[[nodiscard]] Values DynamicTheta(History history, std::size_t horizon);

}  // namespace barograph::rules::forecast
