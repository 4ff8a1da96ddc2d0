#include "rules/forecast/forecaster.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "rules/forecast/models.h"
#include "rules/forecast/rolling_origin.h"

namespace barograph::rules::forecast {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Steps that can be scored: a third of the history at most, so that models have something to
/// learn.
/// So many steps as the history has room to try often enough: a third of it, else a sixth.
std::size_t ScoredSteps(std::size_t size, std::size_t horizon, std::size_t period) {
  std::size_t scored = 0;
  for (const std::size_t part : {3U, 6U}) {
    scored = std::min(horizon, std::max<std::size_t>(size / part, 1));
    if (OriginsOf(size, scored, period).size() >= kLeastOrigins) break;
  }
  return scored;
}

/// So many values carry so many steps ahead.
constexpr std::size_t kStretchedFrom = 3, kStretch = 8;

std::optional<CannotSay> Objection(History history, const Question& question) {
  const auto bad_period = [&](std::size_t i) {
    const std::size_t period = question.periods[i];
    return period < 2 || period > kHistoryMax || (i > 0 && period <= question.periods[i - 1]);
  };
  if (question.horizon < 1 || question.horizon > kHorizonMax) {
    return CannotSay{Refusal::kQuestion, "the horizon must be 1 to " + std::to_string(kHorizonMax) +
                                             " steps; it is " + std::to_string(question.horizon)};
  }
  for (std::size_t i = 0; i < question.periods.size(); ++i) {
    if (!bad_period(i)) continue;
    return CannotSay{Refusal::kQuestion, "periods must ascend and be 2 to " +
                                             std::to_string(kHistoryMax) + " steps; one is " +
                                             std::to_string(question.periods[i])};
  }
  for (std::size_t t = 0; t < history.size(); ++t) {
    if (std::isfinite(history[t])) continue;
    return CannotSay{Refusal::kNotFinite, "value " + std::to_string(t + 1) + " is not a number"};
  }
  const std::size_t least =
      std::max(kLeastHistory, (question.horizon + kStretch - 1) / kStretch * kStretchedFrom);
  if (history.size() < least) {
    return CannotSay{Refusal::kTooShort, std::to_string(history.size()) +
                                             (history.size() == 1 ? " value is" : " values are") +
                                             " known; " + std::to_string(question.horizon) +
                                             " steps ahead need at least " + std::to_string(least)};
  }
  return std::nullopt;
}

bool IsSparse(History history) {
  const auto zeros = std::count(history.begin(), history.end(), 0.0);
  constexpr std::ptrdiff_t kShare = 4;
  return zeros * kShare > static_cast<std::ptrdiff_t>(history.size()) &&
         *std::min_element(history.begin(), history.end()) >= 0;
}

/// Periods of which the history holds at least one and a half.
std::vector<std::size_t> KnownPeriods(const Question& question, std::size_t size) {
  std::vector<std::size_t> known;
  for (const std::size_t period : question.periods) {
    if (3 * period <= 2 * size) known.push_back(period);
  }
  return known;
}

/// Shares of the models, and what the combination said at every origin with the weights that the
/// other origins give: an origin does not choose the models that it then scores.
struct Combination {
  Values ahead;
  std::vector<Values> earlier;
  std::vector<ModelShare> shares;
};

Combination CombinationOf(History history, const std::vector<Model>& models,
                          const RollingOrigin& rolled, std::size_t horizon) {
  Combination result;
  const Weighed weighed = WeightsOf(rolled, models.size(), rolled.origins.size());
  std::vector<Values> forecasts(models.size());
  for (std::size_t m = 0; m < models.size(); ++m) {
    if (weighed.weights[m] > 0) forecasts[m] = PlausibleForecast(models[m], history, horizon);
    result.shares.push_back({models[m].name, weighed.weights[m], weighed.errors[m]});
  }
  result.ahead = Combined(forecasts, weighed.weights);
  for (std::size_t o = 0; o < rolled.origins.size(); ++o) {
    const Weighed others = WeightsOf(rolled, models.size(), o);
    result.earlier.push_back(Combined(rolled.forecasts[o], others.weights));
  }
  std::stable_sort(result.shares.begin(), result.shares.end(),
                   [](const ModelShare& a, const ModelShare& b) { return a.weight > b.weight; });
  return result;
}

/// Whether the forecast says nothing: the 80 % interval of most scored steps is wider than twice
/// the range of the history, or earlier forecasts missed by twenty times the middle size of a
/// value.
bool IsTooWild(History history, const Forecast& forecast) {
  constexpr double kWildWidth = 2;
  constexpr double kWildError = 20;
  const auto [low, high] = std::minmax_element(history.begin(), history.end());
  const double range = *high - *low;
  std::size_t wide = 0;
  for (std::size_t h = 0; h < forecast.scored; ++h) {
    const Interval interval = forecast.IntervalAt(h, 0.80);
    if (!(interval.high - interval.low <= kWildWidth * range)) ++wide;
  }
  if (2 * wide > forecast.scored && range > 0) return true;
  Values sizes(history.begin(), history.end());
  for (double& each : sizes) each = std::abs(each);
  const double middle = MedianOf(std::move(sizes));
  return middle > 0 && forecast.error > kWildError * middle;
}

void Rescale(Forecast& forecast, double unit) {
  for (double& each : forecast.centre) each *= unit;
  if (!forecast.spread.relative) {
    for (double& each : forecast.spread.scales) each *= unit;
  }
  forecast.error *= unit;
}

}  // namespace

double Forecast::NumberAt(std::size_t step, double deviation) const {
  const double move = deviation * spread.scales[step];
  const double number = spread.relative ? centre[step] * std::exp(move) : centre[step] + move;
  return std::max(number, floor);
}

Interval Forecast::IntervalAt(std::size_t step, double coverage) const {
  const double size = SizeWithin(spread, coverage);
  return {NumberAt(step, -size), NumberAt(step, size)};
}

std::size_t LongestHorizon(std::size_t values) {
  if (values < kLeastHistory) return 0;
  return std::min(values / kStretchedFrom * kStretch, kHorizonMax);
}

Answer ForecastOf(History history, const Question& question) {
  if (auto objection = Objection(history, question)) return *objection;
  if (history.size() > kHistoryMax) history = history.last(kHistoryMax);
  // In units of the mean size nothing overflows or vanishes, and a change of currency changes
  // nothing.
  double largest = 0;
  for (const double each : history) largest = std::max(largest, std::abs(each));
  Values scaled(history.begin(), history.end());
  for (double& each : scaled) each = largest > 0 ? each / largest : 0;
  const double mean = MeanMagnitude(scaled);
  for (double& each : scaled) each = mean > 0 ? each / mean : 0;

  const std::vector<std::size_t> periods = KnownPeriods(question, scaled.size());
  const std::vector<Model> models = ModelsFor(periods, IsSparse(scaled));
  Forecast forecast;
  const std::size_t period = periods.empty() ? 1 : periods.front();
  forecast.scored = ScoredSteps(scaled.size(), question.horizon, period);
  const RollingOrigin rolled = Rolled(scaled, models, forecast.scored, period);
  if (rolled.origins.size() < kLeastOrigins) {
    return CannotSay{Refusal::kTooShort, std::to_string(history.size()) +
                                             " values are too few to try a forecast of " +
                                             std::to_string(forecast.scored) + " steps on"};
  }
  Combination combination = CombinationOf(scaled, models, rolled, question.horizon);
  forecast.centre = std::move(combination.ahead);
  forecast.models = std::move(combination.shares);
  forecast.origins = rolled.origins.size();
  forecast.floor = question.never_negative ? 0 : -kInfinity;
  const bool positive = *std::min_element(forecast.centre.begin(), forecast.centre.end()) > 0;
  forecast.spread = SpreadOf(combination.earlier, rolled.actuals, question.horizon, positive);
  for (std::size_t o = 0; o < rolled.origins.size(); ++o) {
    for (std::size_t h = 0; h < forecast.scored; ++h) {
      forecast.error += std::abs(combination.earlier[o][h] - rolled.actuals[o][h]) /
                        static_cast<double>(forecast.scored * rolled.origins.size());
    }
  }
  if (question.never_negative) {
    for (double& each : forecast.centre) each = std::max(each, 0.0);
  }
  if (IsTooWild(scaled, forecast)) {
    return CannotSay{Refusal::kTooWild,
                     "it varies so much that forecasts of its own past were of no use"};
  }
  Rescale(forecast, mean * largest);
  return forecast;
}

}  // namespace barograph::rules::forecast
