#pragma once

#include <cstddef>

#include "rules/forecast/values.h"

namespace barograph::rules::forecast {

/// Continues `history` as the stretches of its own past that looked most like its end went on
/// ("nearest neighbours", Yakowitz, Journal of Time Series Analysis 8, 1987). A stretch holds
/// `length` steps; it is compared after moving its end to the end of the history, and its followers
/// are moved likewise. The `neighbours` nearest, at least `length` / 2 steps apart, count in
/// inverse proportion to their distance. Empty when the past holds less than three times as many
/// stretches as neighbours. Pure.
[[nodiscard]] Values NearestPast(History history, std::size_t horizon, std::size_t length,
                                 std::size_t neighbours);

}  // namespace barograph::rules::forecast
