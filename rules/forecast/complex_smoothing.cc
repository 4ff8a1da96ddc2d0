#include "rules/forecast/complex_smoothing.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "rules/forecast/simplex.h"

namespace barograph::rules::forecast {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

struct ComplexState {
  double level = 0;
  double potential = 0;

  /// One step with this error; forecasting is stepping with none.
  void Step(double real, double imaginary, double error) {
    const double before = level;
    level = before - (1 - imaginary) * potential + (real - imaginary) * error;
    potential = before + (1 - real) * potential + (real + imaginary) * error;
  }
};

/// Both eigenvalues of the matrix of errors' propagation lie inside the unit circle (Jury's test).
bool IsStable(double real, double imaginary) {
  // Discount matrix: transition minus persistence times measurement (1, 0).
  const double a = 1 - (real - imaginary);
  const double b = -(1 - imaginary);
  const double c = 1 - (real + imaginary);
  const double d = 1 - real;
  const double trace = a + d;
  const double product = a * d - b * c;
  return std::abs(product) < 1 && std::abs(trace) < 1 + product;
}

}  // namespace

Values ComplexSmoothing(History history, std::size_t horizon) {
  constexpr std::size_t kLeast = 6;
  if (history.size() < kLeast) return Values(horizon, history.back());
  const double scale = std::max(MeanMagnitude(history), std::numeric_limits<double>::min());
  ComplexState state;
  const Loss loss = [&](std::span<const double> point) {
    const double real = point[0];
    const double imaginary = point[1];
    if (!IsStable(real, imaginary)) return kNever;
    state = {point[2] * scale, point[3] * scale};
    double squares = 0;
    for (const double value : history) {
      const double error = value - state.level;
      squares += error * error;
      state.Step(real, imaginary, error);
    }
    if (!std::isfinite(squares)) return kNever;
    return squares;
  };
  const double first = history[0] / scale;
  const Values start{1.3, 1.0, first, first / 1.1};
  const Values best = LowestPoint(loss, start, {0.15, 0.05, 0.05, 0.05}, 260);
  if (!std::isfinite(loss(best))) return Values(horizon, history.back());
  Values forecast(horizon);
  for (double& each : forecast) {
    each = state.level;
    state.Step(best[0], best[1], 0);
  }
  return forecast;
}

}  // namespace barograph::rules::forecast
