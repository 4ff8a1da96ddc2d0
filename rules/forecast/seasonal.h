#pragma once

#include <cstddef>
#include <vector>

#include "rules/forecast/smoothing.h"
#include "rules/forecast/values.h"

namespace barograph::rules::forecast {

/// A history taken apart into what repeats with its periods and the rest.
struct Adjusted {
  Values rest;                 ///< the history without its seasons
  std::vector<Values> cycles;  ///< for each period, the next cycle after the end of the history
  Season form = Season::kNone;

  /// `ahead` continues the rest; the result continues the history.
  [[nodiscard]] Values WithSeason(Values ahead) const;
};

/// Takes the seasons of these periods out, the shortest first, in the manner of MSTL (Bandara,
/// Hyndman and Bergmeir, International Journal of Operational Research 52, 2025): each season is
/// what the same phases of earlier cycles have in common after the trend (a centred moving average)
/// and the other seasons are taken away; twice around. Cycles count half after `half_life` cycles.
/// Periods of which the history does not hold two cycles are left in. For Season::kMultiplicative
/// every value must be positive. Pure.
[[nodiscard]] Adjusted SeasonallyAdjusted(History history, std::span<const std::size_t> periods,
                                          Season form, double half_life);

/// Repeats the last cycle. Requires period <= history.size().
[[nodiscard]] Values SeasonalNaive(History history, std::size_t horizon, std::size_t period);

/// Double-seasonal exponential smoothing with an autoregressive term for the errors (Taylor,
/// Journal of the Operational Research Society 54, 2003; additive form), by least squares.
/// `shorter` divides `longer`. Empty with less than two of the longer period. Pure.
[[nodiscard]] Values DoubleSeason(History history, std::size_t horizon, std::size_t shorter,
                                  std::size_t longer);

}  // namespace barograph::rules::forecast
