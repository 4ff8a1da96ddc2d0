#include "rules/forecast/smoothing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "rules/forecast/simplex.h"

namespace barograph::rules::forecast {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();
constexpr double kPhiMin = 0.8;
constexpr double kPhiMax = 0.98;

/// A parameter's place in (low, high) for any real number: the simplex knows no bounds.
double Bounded(double free, double low, double high) {
  return low + (high - low) / (1 + std::exp(-free));
}

struct EtsParameters {
  double alpha = 0;
  double beta = 0;
  double gamma = 0;
  double phi = 1;
};

struct EtsState {
  double level = 0;
  double slope = 0;
  Values season;  ///< one period; [t mod period] is the index of time t
};

/// How many parameters the simplex searches: alpha, beta, phi, gamma as the form has them.
std::size_t FreeCount(const EtsForm& form) {
  std::size_t count = 1;
  if (form.trend != Trend::kNone) ++count;
  if (form.trend == Trend::kDamped) ++count;
  if (form.season != Season::kNone) ++count;
  return count;
}

EtsParameters ParametersAt(std::span<const double> point, const EtsForm& form) {
  EtsParameters result;
  std::size_t next = 0;
  result.alpha = Bounded(point[next++], 1e-4, 0.9999);
  if (form.trend != Trend::kNone) result.beta = result.alpha * Bounded(point[next++], 1e-4, 0.9999);
  if (form.trend == Trend::kDamped) result.phi = Bounded(point[next++], kPhiMin, kPhiMax);
  if (form.season != Season::kNone) {
    result.gamma = (1 - result.alpha) * Bounded(point[next++], 1e-4, 0.9999);
  }
  return result;
}

/// States before the first value: seasonal indices from the first periods, level and slope from a
/// straight line through the first values without their season.
EtsState InitialState(History history, std::size_t period, const EtsForm& form) {
  EtsState state;
  const std::size_t n = history.size();
  Values plain(history.begin(), history.end());
  if (form.season != Season::kNone) {
    const bool multiplies = form.season == Season::kMultiplicative;
    const std::size_t cycles = std::min<std::size_t>(n / period, 4);
    state.season.assign(period, 0.0);
    for (std::size_t c = 0; c < cycles; ++c) {
      const double mean = MeanOf(history.subspan(c * period, period));
      for (std::size_t i = 0; i < period; ++i) {
        const double value = history[c * period + i];
        state.season[i] += (multiplies ? value / mean : value - mean) / static_cast<double>(cycles);
      }
    }
    for (std::size_t t = 0; t < n; ++t) {
      plain[t] = multiplies ? plain[t] / std::max(state.season[t % period], 1e-6)
                            : plain[t] - state.season[t % period];
    }
  }
  const std::size_t first = std::min<std::size_t>(n, std::max<std::size_t>(10, period));
  if (form.trend != Trend::kNone && first > 1) {
    const double centre = static_cast<double>(first - 1) / 2;
    double slope = 0;
    double spread = 0;
    for (std::size_t t = 0; t < first; ++t) {
      slope += (static_cast<double>(t) - centre) * plain[t];
      spread += (static_cast<double>(t) - centre) * (static_cast<double>(t) - centre);
    }
    state.slope = slope / spread;
    state.level = MeanOf(History(plain).first(first)) - state.slope * (centre + 1);
  } else {
    state.level = MeanOf(History(plain).first(std::min<std::size_t>(first, 3)));
  }
  return state;
}

struct Run {
  double squares = 0;  ///< of the errors, relative ones where the error is multiplicative
  double logs = 0;     ///< sum of log |one-step forecast|, for the likelihood of relative errors
  bool valid = true;
};

/// Filters the history through `state`, which is left at its end.
Run Filter(History history, std::size_t period, const EtsForm& form, const EtsParameters& by,
           EtsState& state) {
  Run run;
  for (std::size_t t = 0; t < history.size(); ++t) {
    const double carried = state.level + by.phi * state.slope;
    double* index = form.season == Season::kNone ? nullptr : &state.season[t % period];
    double expected = carried;
    double plain = history[t];
    if (form.season == Season::kAdditive) {
      expected += *index;
      plain -= *index;
    } else if (form.season == Season::kMultiplicative) {
      expected *= *index;
      plain /= std::max(*index, 1e-9);
    }
    const double error = history[t] - expected;
    if (form.multiplicative_error) {
      if (expected <= 0) return {.valid = false};
      run.squares += error * error / (expected * expected);
      run.logs += std::log(expected);
    } else {
      run.squares += error * error;
    }
    if (form.season == Season::kAdditive) *index += by.gamma * error;
    if (form.season == Season::kMultiplicative && carried > 0) *index += by.gamma * error / carried;
    state.level = carried + by.alpha * (plain - carried);
    if (form.trend != Trend::kNone) {
      state.slope = by.phi * state.slope + by.beta * (plain - carried);
    }
  }
  run.valid = std::isfinite(run.squares) && std::isfinite(state.level);
  return run;
}

/// -2 log likelihood of Gaussian errors but for a constant.
double Deviance(const Run& run, const EtsForm& form, std::size_t n) {
  constexpr double kLeast = 1e-24;
  if (!run.valid) return kNever;
  const auto count = static_cast<double>(n);
  const double deviance = count * std::log(std::max(run.squares / count, kLeast));
  return form.multiplicative_error ? deviance + 2 * run.logs : deviance;
}

Values Continued(const EtsState& state, const EtsForm& form, const EtsParameters& by,
                 std::size_t from, std::size_t horizon, std::size_t period) {
  Values forecast(horizon);
  double carried = state.level;
  double slope = state.slope;
  for (std::size_t h = 0; h < horizon; ++h) {
    slope *= by.phi;
    carried += slope;
    forecast[h] = carried;
    if (form.season == Season::kAdditive) forecast[h] += state.season[(from + h) % period];
    if (form.season == Season::kMultiplicative) forecast[h] *= state.season[(from + h) % period];
  }
  return forecast;
}

bool Fits(History history, std::size_t period, const EtsForm& form) {
  const bool seasonal = form.season != Season::kNone;
  if (seasonal && (period < 2 || history.size() < 2 * period + 2)) return false;
  const std::size_t free = FreeCount(form) + (seasonal ? period : 0) + 2;
  if (history.size() < free + 3) return false;
  const bool multiplies = form.multiplicative_error || form.season == Season::kMultiplicative;
  return !multiplies || *std::min_element(history.begin(), history.end()) > 0;
}

}  // namespace

Values SmoothedLevel(History history, std::size_t horizon, double alpha) {
  double level = history[0];
  for (const double value : history.subspan(1)) level += alpha * (value - level);
  return Values(horizon, level);
}

Values SmoothedLevel(History history, std::size_t horizon) {
  const Loss loss = [&](std::span<const double> point) {
    const double alpha = Bounded(point[0], 1e-4, 0.9999);
    double level = history[0];
    double squares = 0;
    for (const double value : history.subspan(1)) {
      const double error = value - level;
      squares += error * error;
      level += alpha * error;
    }
    return squares;
  };
  const Values best = LowestPoint(loss, {0.0}, {1.5}, 40);
  return SmoothedLevel(history, horizon, Bounded(best[0], 1e-4, 0.9999));
}

EtsFit FittedEts(History history, std::size_t horizon, std::size_t period, const EtsForm& form) {
  if (!Fits(history, period, form)) return {{}, kNever};
  const EtsState initial = InitialState(history, period, form);
  EtsState state;
  const Loss loss = [&](std::span<const double> point) {
    state = initial;
    const EtsParameters by = ParametersAt(point, form);
    return Deviance(Filter(history, period, form, by, state), form, history.size());
  };
  Values start{-0.5};
  if (form.trend != Trend::kNone) start.push_back(-2);
  if (form.trend == Trend::kDamped) start.push_back(0.5);
  if (form.season != Season::kNone) start.push_back(-2);
  const Values best =
      LowestPoint(loss, start, Values(start.size(), 1.2), 60 + 40 * static_cast<int>(start.size()));
  const double deviance = loss(best);
  if (!std::isfinite(deviance)) return {{}, kNever};
  const auto n = static_cast<double>(history.size());
  // Initial states count as parameters; the seasonal ones are bound to sum to nothing.
  const double k = static_cast<double>(FreeCount(form)) + 2 +
                   (form.trend != Trend::kNone ? 1.0 : 0.0) +
                   (form.season != Season::kNone ? static_cast<double>(period) - 1 : 0.0);
  const double room = n - k - 1;
  EtsFit fit;
  fit.aicc = room > 0 ? deviance + 2 * k + 2 * k * (k + 1) / room : kNever;
  fit.forecast = Continued(state, form, ParametersAt(best, form), history.size(), horizon, period);
  return fit;
}

Values BestEts(History history, std::size_t horizon, std::size_t period) {
  constexpr std::array kTrends = {Trend::kNone, Trend::kDamped, Trend::kLinear};
  constexpr std::array kSeasons = {Season::kNone, Season::kAdditive, Season::kMultiplicative};
  EtsFit best{{}, kNever};
  for (const Season season : kSeasons) {
    for (const Trend trend : kTrends) {
      for (const bool relative : {false, true}) {
        // Additive errors beside a multiplicative season have unstable variance.
        if (season == Season::kMultiplicative && !relative) continue;
        if (season != Season::kNone && period < 2) continue;
        EtsFit fit = FittedEts(history, horizon, period, {relative, trend, season});
        if (fit.aicc < best.aicc) best = std::move(fit);
      }
    }
  }
  return best.forecast.empty() ? SmoothedLevel(history, horizon) : best.forecast;
}

Values DampedTrend(History history, std::size_t horizon) {
  EtsFit fit = FittedEts(history, horizon, 1, {false, Trend::kDamped, Season::kNone});
  return fit.forecast.empty() ? SmoothedLevel(history, horizon) : fit.forecast;
}

Values LinearTrend(History history, std::size_t horizon) {
  EtsFit fit = FittedEts(history, horizon, 1, {false, Trend::kLinear, Season::kNone});
  return fit.forecast.empty() ? SmoothedLevel(history, horizon) : fit.forecast;
}

}  // namespace barograph::rules::forecast
