#pragma once

#include <cstddef>

#include "rules/forecast/values.h"

namespace barograph::rules::forecast {

/// Exponential smoothing. Every function returns `horizon` numbers that continue `history`, which
/// must hold at least one number, all of them finite and of moderate size (the forecaster scales).
/// Parameters minimise the sum of squared one-step errors over the history. Pure, so that any
/// number of threads may call them.

/// Brown's simple exponential smoothing: the last level, for ever. `alpha` in (0, 1]; the level
/// starts as the first value.
[[nodiscard]] Values SmoothedLevel(History history, std::size_t horizon, double alpha);
/// The same with alpha of least squares.
[[nodiscard]] Values SmoothedLevel(History history, std::size_t horizon);

/// How a trend is carried on.
enum class Trend { kNone, kLinear, kDamped };
/// How a season joins the level.
enum class Season { kNone, kAdditive, kMultiplicative };

/// One member of the ETS family of Hyndman, Koehler, Ord and Snyder ("Forecasting with Exponential
/// Smoothing: The State Space Approach", 2008).
struct EtsForm {
  bool multiplicative_error = false;
  Trend trend = Trend::kNone;
  Season season = Season::kNone;
};

struct EtsFit {
  Values forecast;
  double aicc = 0;  ///< Akaike's criterion, corrected for small samples (Hurvich and Tsai, 1989)
};

/// Continues `history` by this form. A season needs two full periods; without them, and for values
/// that are not positive where something is multiplicative, aicc is infinite and the forecast
/// empty.
[[nodiscard]] EtsFit FittedEts(History history, std::size_t horizon, std::size_t period,
                               const EtsForm& form);

/// The form with the least AICc; seasonal ones are tried where period > 1.
[[nodiscard]] Values BestEts(History history, std::size_t horizon, std::size_t period);

/// Damped trend of Gardner and McKenzie (Management Science 31, 1985), phi in [0.8, 0.98].
[[nodiscard]] Values DampedTrend(History history, std::size_t horizon);
/// Holt's linear trend (1957).
[[nodiscard]] Values LinearTrend(History history, std::size_t horizon);

}  // namespace barograph::rules::forecast
