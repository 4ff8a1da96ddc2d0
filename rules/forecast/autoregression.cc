#include "rules/forecast/autoregression.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace barograph::rules::forecast {
namespace {

/// X'WX and X'Wy of the regression, the intercept being the last column.
struct Moments {
  Values matrix;
  Values right;
  double weight = 0;
};

Moments MomentsOf(const Values& series, const LagSpec& spec) {
  const std::size_t lags = spec.lags.size();
  const std::size_t k = lags + (spec.intercept ? 1 : 0);
  Moments sum{Values(k * k, 0.0), Values(k, 0.0)};
  Values row(k, 1.0);
  const std::size_t n = series.size();
  const double decay = spec.half_life > 0 ? std::pow(0.5, 1 / spec.half_life) : 1;
  double weight = std::pow(decay, static_cast<double>(n - spec.lags.back()));
  for (std::size_t t = spec.lags.back(); t < n; ++t) {
    for (std::size_t i = 0; i < lags; ++i) row[i] = series[t - spec.lags[i]];
    for (std::size_t i = 0; i < k; ++i) {
      const double weighted = weight * row[i];
      sum.right[i] += weighted * series[t];
      for (std::size_t j = 0; j <= i; ++j) sum.matrix[i * k + j] += weighted * row[j];
    }
    sum.weight += weight;
    weight /= decay;
  }
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t j = i + 1; j < k; ++j) sum.matrix[i * k + j] = sum.matrix[j * k + i];
  }
  return sum;
}

/// Reflection coefficients of Burg's method up to an order, with the error power after each.
struct Burg {
  std::vector<Values> coefficients;  ///< of each order from 0
  Values power;
};

Burg BurgOf(const Values& series, std::size_t order_max) {
  const std::size_t n = series.size();
  Values forward = series;
  Values backward = series;
  Burg burg;
  double power = 0;
  for (const double each : series) power += each * each;
  power /= static_cast<double>(n);
  Values coefficients;
  burg.coefficients.push_back(coefficients);
  burg.power.push_back(power);
  for (std::size_t p = 1; p <= order_max && p + 1 < n; ++p) {
    double top = 0;
    double bottom = 0;
    for (std::size_t t = p; t < n; ++t) {
      top += forward[t] * backward[t - 1];
      bottom += forward[t] * forward[t] + backward[t - 1] * backward[t - 1];
    }
    if (bottom <= 0) break;
    const double reflection = 2 * top / bottom;
    Values next(p);
    for (std::size_t i = 0; i + 1 < p; ++i) {
      next[i] = coefficients[i] - reflection * coefficients[p - 2 - i];
    }
    next[p - 1] = reflection;
    coefficients = std::move(next);
    for (std::size_t t = n - 1; t >= p; --t) {
      const double ahead = forward[t];
      forward[t] = ahead - reflection * backward[t - 1];
      backward[t] = backward[t - 1] - reflection * ahead;
    }
    power *= 1 - reflection * reflection;
    burg.coefficients.push_back(coefficients);
    burg.power.push_back(power);
  }
  return burg;
}

}  // namespace

Values CholeskySolution(Values matrix, Values right) {
  const std::size_t k = right.size();
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = matrix[i * k + j];
      for (std::size_t m = 0; m < j; ++m) sum -= matrix[i * k + m] * matrix[j * k + m];
      if (i == j) {
        if (!(sum > 0)) return {};
        matrix[i * k + i] = std::sqrt(sum);
      } else {
        matrix[i * k + j] = sum / matrix[j * k + j];
      }
    }
  }
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t m = 0; m < i; ++m) right[i] -= matrix[i * k + m] * right[m];
    right[i] /= matrix[i * k + i];
  }
  for (std::size_t i = k; i-- > 0;) {
    for (std::size_t m = i + 1; m < k; ++m) right[i] -= matrix[m * k + i] * right[m];
    right[i] /= matrix[i * k + i];
  }
  return right;
}

Values LagRegression(History history, std::size_t horizon, const LagSpec& spec) {
  const std::size_t d = spec.difference;
  const std::size_t lags = spec.lags.size();
  if (lags == 0 || history.size() <= d) return {};
  Values series;
  for (std::size_t t = d; t < history.size(); ++t) {
    series.push_back(d > 0 ? history[t] - history[t - d] : history[t]);
  }
  if (series.size() < spec.lags.back() + lags + 2) return {};
  const double shift = d > 0 ? 0 : MeanOf(series);
  for (double& each : series) each -= shift;
  Moments sum = MomentsOf(series, spec);
  const std::size_t k = sum.right.size();
  double square = 0;
  for (std::size_t i = 0; i < lags; ++i) square += sum.matrix[i * k + i];
  square = std::max(square / static_cast<double>(lags), std::numeric_limits<double>::min());
  for (std::size_t i = 0; i < lags; ++i) sum.matrix[i * k + i] += (spec.ridge + 1e-9) * square;
  if (spec.intercept) sum.matrix[k * k - 1] += 1e-9 * sum.weight;
  const Values coefficients = CholeskySolution(std::move(sum.matrix), std::move(sum.right));
  if (coefficients.empty()) return {};

  const auto [low, high] = std::minmax_element(history.begin(), history.end());
  const double reach = 10 * (*high - *low);
  Values whole(history.begin(), history.end());
  for (std::size_t h = 0; h < horizon; ++h) {
    double next = spec.intercept ? coefficients[lags] : 0;
    for (std::size_t i = 0; i < lags; ++i) {
      next += coefficients[i] * series[series.size() - spec.lags[i]];
    }
    series.push_back(next);
    whole.push_back(next + shift + (d > 0 ? whole[whole.size() - d] : 0));
    if (!(std::abs(whole.back() - history.back()) <= reach)) return {};
  }
  return Values(whole.end() - static_cast<std::ptrdiff_t>(horizon), whole.end());
}

Values BurgDifferences(History history, std::size_t horizon, std::size_t order_max) {
  constexpr std::size_t kLeast = 6;
  Values steps;
  for (std::size_t t = 1; t < history.size(); ++t) steps.push_back(history[t] - history[t - 1]);
  const auto n = static_cast<double>(steps.size());
  if (steps.size() < kLeast) return Values(horizon, history.back());
  const Burg burg = BurgOf(steps, std::min(order_max, steps.size() / 4));
  std::size_t best = 0;
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t p = 0; p < burg.power.size(); ++p) {
    if (burg.power[p] <= 0) break;
    const auto k = static_cast<double>(p + 1);
    const double aicc = n * std::log(burg.power[p]) + 2 * k + 2 * k * (k + 1) / (n - k - 1);
    if (aicc < least) {
      least = aicc;
      best = p;
    }
  }
  const Values& coefficients = burg.coefficients[best];
  Values forecast(horizon);
  double level = history.back();
  for (double& each : forecast) {
    double step = 0;
    for (std::size_t i = 0; i < best; ++i) step += coefficients[i] * steps[steps.size() - 1 - i];
    steps.push_back(step);
    level += step;
    each = level;
  }
  return forecast;
}

}  // namespace barograph::rules::forecast
