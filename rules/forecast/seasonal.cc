#include "rules/forecast/seasonal.h"

#include <algorithm>
#include <cmath>

namespace barograph::rules::forecast {
namespace {

/// Centred moving average over one period; the ends repeat the first and last full ones.
Values TrendOf(History values, std::size_t period) {
  const std::size_t n = values.size();
  const std::size_t half = period / 2;
  Values trend(n);
  if (n < 2 * half + 1) {
    std::fill(trend.begin(), trend.end(), MeanOf(values));
    return trend;
  }
  const bool even = period % 2 == 0;
  for (std::size_t t = half; t + half < n; ++t) {
    double sum = 0;
    for (std::size_t i = t - half; i <= t + half; ++i) sum += values[i];
    if (even) sum -= (values[t - half] + values[t + half]) / 2;
    trend[t] = sum / static_cast<double>(period);
  }
  for (std::size_t t = 0; t < half; ++t) {
    trend[t] = trend[half];
    trend[n - 1 - t] = trend[n - 1 - half];
  }
  return trend;
}

/// What each phase has in common: at each time the weighted mean over the cycles around it.
struct Smoothed {
  Values within;  ///< for each time of the history
  Values next;    ///< the cycle after its end
};

Smoothed SeasonOf(History detrended, std::size_t period, double half_life) {
  const std::size_t n = detrended.size();
  const double decay = std::pow(0.5, 1 / half_life);
  Smoothed season{Values(n), Values(period)};
  for (std::size_t phase = 0; phase < period; ++phase) {
    // A two-sided exponential kernel is a pass forth and a pass back.
    Values sums;
    Values weights;
    double sum = 0;
    double weight = 0;
    for (std::size_t t = phase; t < n; t += period) {
      sum = decay * sum + detrended[t];
      weight = decay * weight + 1;
      sums.push_back(sum);
      weights.push_back(weight);
    }
    season.next[(phase + period - n % period) % period] = sum / weight;
    sum = weight = 0;
    for (std::size_t c = sums.size(); c-- > 0;) {
      const std::size_t t = phase + c * period;
      season.within[t] = (sums[c] + sum) / (weights[c] + weight);
      sum = decay * (sum + detrended[t]);
      weight = decay * (weight + 1);
    }
  }
  const double mean = MeanOf(season.next);
  for (double& each : season.next) each -= mean;
  const Values centre = TrendOf(season.within, period);
  for (std::size_t t = 0; t < n; ++t) season.within[t] -= centre[t];
  return season;
}

}  // namespace

Values Adjusted::WithSeason(Values ahead) const {
  for (std::size_t h = 0; h < ahead.size(); ++h) {
    double season = 0;
    for (const Values& cycle : cycles) season += cycle[h % cycle.size()];
    ahead[h] = form == Season::kMultiplicative ? ahead[h] * std::exp(season) : ahead[h] + season;
  }
  return ahead;
}

Adjusted SeasonallyAdjusted(History history, std::span<const std::size_t> periods, Season form,
                            double half_life) {
  Values rest(history.begin(), history.end());
  const bool multiplies = form == Season::kMultiplicative;
  if (multiplies) {
    for (double& each : rest) each = std::log(each);
  }
  std::vector<std::size_t> used;
  for (const std::size_t period : periods) {
    if (period > 1 && history.size() >= 2 * period) used.push_back(period);
  }
  std::vector<Smoothed> seasons;
  for (std::size_t i = 0; i < used.size(); ++i) {
    seasons.push_back({Values(rest.size(), 0.0), Values(used[i], 0.0)});
  }
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < used.size(); ++i) {
      for (std::size_t t = 0; t < rest.size(); ++t) rest[t] += seasons[i].within[t];
      Values detrended = TrendOf(rest, used[i]);
      for (std::size_t t = 0; t < rest.size(); ++t) detrended[t] = rest[t] - detrended[t];
      seasons[i] = SeasonOf(detrended, used[i], half_life);
      for (std::size_t t = 0; t < rest.size(); ++t) rest[t] -= seasons[i].within[t];
    }
  }
  Adjusted result;
  if (multiplies) {
    for (double& each : rest) each = std::exp(each);
  }
  result.rest = std::move(rest);
  for (Smoothed& season : seasons) result.cycles.push_back(std::move(season.next));
  result.form = form;
  return result;
}

Values SeasonalNaive(History history, std::size_t horizon, std::size_t period) {
  const History cycle = history.last(period);
  Values forecast(horizon);
  for (std::size_t h = 0; h < horizon; ++h) forecast[h] = cycle[h % period];
  return forecast;
}

}  // namespace barograph::rules::forecast
