#include "rules/forecast/rolling_origin.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace barograph::rules::forecast {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr double kSharpness = 4;  ///< the power of the error that weights fall with

double AbsoluteError(const Values& forecast, const Values& actual) {
  double sum = 0;
  for (std::size_t h = 0; h < actual.size(); ++h) sum += std::abs(actual[h] - forecast[h]);
  return sum / static_cast<double>(actual.size());
}

double SymmetricError(const Values& forecast, const Values& actual) {
  double sum = 0;
  for (std::size_t h = 0; h < actual.size(); ++h) {
    const double size = std::abs(actual[h]) + std::abs(forecast[h]);
    if (size > 0) sum += std::abs(actual[h] - forecast[h]) / size;
  }
  return sum / static_cast<double>(actual.size());
}

using ErrorOf = double (*)(const Values&, const Values&);

/// Mean error of each model over the origins but `without`, in units of the least.
Values MeanErrors(const RollingOrigin& rolled, std::size_t models, std::size_t without,
                  ErrorOf error_of) {
  Values errors(models, kNever);
  const std::size_t origins = rolled.origins.size() - (without < rolled.origins.size() ? 1 : 0);
  for (std::size_t m = 0; m < models; ++m) {
    double sum = 0;
    std::size_t count = 0;
    for (std::size_t o = 0; o < rolled.origins.size(); ++o) {
      if (o == without || rolled.forecasts[o][m].empty()) continue;
      sum += error_of(rolled.forecasts[o][m], rolled.actuals[o]);
      ++count;
    }
    if (count > 0 && 2 * count >= origins) errors[m] = sum / static_cast<double>(count);
  }
  const double least = *std::min_element(errors.begin(), errors.end());
  // The best of several is rarely perfect; where it is, only its equals count beside it.
  constexpr double kPerfect = 1e-12;
  for (double& each : errors) {
    if (std::isfinite(each)) each = (each + kPerfect) / (least + kPerfect);
  }
  return errors;
}

}  // namespace

std::vector<std::size_t> OriginsOf(std::size_t size, std::size_t horizon, std::size_t period) {
  const std::size_t least = std::max(kHistoryMin, size / 2);
  std::vector<std::size_t> origins;
  if (size < least + horizon) return origins;
  const std::size_t room = size - horizon - least;
  std::size_t step = std::clamp<std::size_t>(room / (kOriginsMax - 1), 1, horizon);
  if (period > 1 && horizon >= period) {
    step = std::max<std::size_t>(std::min(step, horizon / 2) / period, 1) * period;
  }
  for (std::size_t i = 0; i < kOriginsMax && i * step <= room; ++i) {
    origins.push_back(size - horizon - i * step);
  }
  return origins;
}

Values PlausibleForecast(const Model& model, History history, std::size_t horizon) {
  Values forecast = model.forecast(history, horizon);
  const auto [low, high] = std::minmax_element(history.begin(), history.end());
  const double range = *high - *low;
  for (const double each : forecast) {
    if (!(each >= *low - range && each <= *high + range)) return {};
  }
  return forecast;
}

RollingOrigin Rolled(History history, const std::vector<Model>& models, std::size_t horizon,
                     std::size_t period) {
  RollingOrigin rolled;
  rolled.horizon = horizon;
  rolled.origins = OriginsOf(history.size(), horizon, period);
  for (const std::size_t origin : rolled.origins) {
    std::vector<Values> forecasts;
    forecasts.reserve(models.size());
    for (const Model& model : models) {
      forecasts.push_back(PlausibleForecast(model, history.first(origin), horizon));
    }
    rolled.forecasts.push_back(std::move(forecasts));
    const History came = history.subspan(origin, horizon);
    rolled.actuals.emplace_back(came.begin(), came.end());
  }
  return rolled;
}

Weighed WeightsOf(const RollingOrigin& rolled, std::size_t models, std::size_t without) {
  const Values absolute = MeanErrors(rolled, models, without, AbsoluteError);
  const bool positive = std::all_of(
      rolled.actuals.begin(), rolled.actuals.end(),
      [](const Values& actual) { return *std::min_element(actual.begin(), actual.end()) > 0; });
  const Values relative = positive ? MeanErrors(rolled, models, without, SymmetricError) : absolute;
  Weighed weighed{Values(models, 0.0), Values(models, kNever)};
  double sum = 0;
  for (std::size_t m = 0; m < models; ++m) {
    weighed.errors[m] = (absolute[m] + relative[m]) / 2;
    if (!std::isfinite(weighed.errors[m])) continue;
    weighed.weights[m] = std::pow(weighed.errors[m], -kSharpness);
    sum += weighed.weights[m];
  }
  for (double& each : weighed.weights) each = sum > 0 ? each / sum : 0;
  return weighed;
}

Values Combined(const std::vector<Values>& forecasts, const Values& weights) {
  Values result;
  double sum = 0;
  for (std::size_t m = 0; m < forecasts.size(); ++m) {
    if (forecasts[m].empty() || weights[m] <= 0) continue;
    result.resize(forecasts[m].size(), 0.0);
    for (std::size_t h = 0; h < result.size(); ++h) result[h] += weights[m] * forecasts[m][h];
    sum += weights[m];
  }
  for (double& each : result) each /= sum;
  return result;
}

}  // namespace barograph::rules::forecast
