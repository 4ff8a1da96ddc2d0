#include "rules/forecast/theta.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "rules/forecast/simplex.h"

namespace barograph::rules::forecast {
namespace {

struct ThetaState {
  double level = 0;
  double mean = 0;       ///< of all values so far
  double intercept = 0;  ///< of the least-squares line through all values so far
  double slope = 0;
  double decay = 1;  ///< (1 - alpha)^t
  double seen = 0;

  void Learn(double value, double alpha) {
    const double before = mean;
    seen += 1;
    mean = before + (value - before) / seen;
    if (seen > 1) slope = ((seen - 2) * slope + 6 * (value - before) / seen) / (seen + 1);
    intercept = mean - slope * (seen + 1) / 2;
    level += alpha * (value - level);
    decay *= 1 - alpha;
  }

  [[nodiscard]] double Ahead(double alpha, double theta, double steps) const {
    const double line =
        decay * intercept + ((steps - 1) + (1 - (1 - alpha) * decay) / alpha) * slope;
    return level + (1 - 1 / theta) * line;
  }
};

struct ThetaParameters {
  double alpha;
  double theta;
  double level;
};

ThetaParameters ParametersAt(std::span<const double> point, double scale) {
  return {0.01 + 0.98 / (1 + std::exp(-point[0])), 1 + std::exp(std::clamp(point[1], -9.0, 9.0)),
          point[2] * scale};
}

}  // namespace

Values DynamicTheta(History history, std::size_t horizon) {
  constexpr std::size_t kLeast = 4;
  constexpr std::size_t kWarmUp = 2;
  if (history.size() < kLeast) return Values(horizon, history.back());
  const double scale = std::max(MeanMagnitude(history), std::numeric_limits<double>::min());
  ThetaState state;
  const Loss loss = [&](std::span<const double> point) {
    const ThetaParameters by = ParametersAt(point, scale);
    state = {.level = by.level};
    double squares = 0;
    for (const double value : history) {
      if (state.seen >= kWarmUp) {
        const double error = value - state.Ahead(by.alpha, by.theta, 1);
        squares += error * error;
      }
      state.Learn(value, by.alpha);
    }
    return std::isfinite(squares) ? squares : std::numeric_limits<double>::infinity();
  };
  const Values best = LowestPoint(loss, {0.0, 0.0, history[0] / scale}, {1.5, 1.0, 0.1}, 160);
  (void)loss(best);
  const ThetaParameters by = ParametersAt(best, scale);
  Values forecast(horizon);
  for (std::size_t h = 0; h < horizon; ++h) {
    forecast[h] = state.Ahead(by.alpha, by.theta, static_cast<double>(h + 1));
  }
  return forecast;
}

}  // namespace barograph::rules::forecast
