#pragma once

#include <cstddef>
#include <vector>

#include "rules/forecast/models.h"
#include "rules/forecast/values.h"

namespace barograph::rules::forecast {

/// What each model would have said at earlier moments of the same history (Tashman, "Out-of-sample
/// tests of forecasting accuracy", International Journal of Forecasting 16, 2000). Every forecast
/// sees only the values before its origin, and parameters are fitted anew at each.
struct RollingOrigin {
  std::size_t horizon = 0;           ///< steps that were scored at every origin
  std::vector<std::size_t> origins;  ///< how many values each forecast saw; the latest first
  /// [origin][model]; empty where the model does not apply, or where it left what the history makes
  /// plausible.
  std::vector<std::vector<Values>> forecasts;
  std::vector<Values> actuals;  ///< [origin]: the values that came
};

/// Where the origins lie: at most `kOriginsMax`, the latest `horizon` steps before the end, evenly
/// apart, by whole seasons of `period` where the horizon holds one. None sees less than half of the
/// history or kHistoryMin values; so a short history has few, or none.
inline constexpr std::size_t kOriginsMax = 12;
inline constexpr std::size_t kHistoryMin = 10;
[[nodiscard]] std::vector<std::size_t> OriginsOf(std::size_t size, std::size_t horizon,
                                                 std::size_t period);

/// Runs every model at every origin.
[[nodiscard]] RollingOrigin Rolled(History history, const std::vector<Model>& models,
                                   std::size_t horizon, std::size_t period);

/// Forecast of one model, or nothing where it is empty or leaves the range of the history by more
/// than that range.
[[nodiscard]] Values PlausibleForecast(const Model& model, History history, std::size_t horizon);

/// Weights of the models, summing to 1, in inverse proportion to the fourth power of their mean
/// error over the origins; `without` is left out of the count (pass origins.size() for none). The
/// error is the mean of the absolute one and, for positive histories, of the symmetric relative
/// one, each in units of the best model's. Models without a forecast at half of the origins weigh
/// nothing.
struct Weighed {
  Values weights;
  Values errors;  ///< the mean error of each, 1 being as good as the best in both; infinite if none
};
[[nodiscard]] Weighed WeightsOf(const RollingOrigin& rolled, std::size_t models,
                                std::size_t without);

/// The weighted mean of those forecasts that are not empty; empty if none is.
[[nodiscard]] Values Combined(const std::vector<Values>& forecasts, const Values& weights);

}  // namespace barograph::rules::forecast
