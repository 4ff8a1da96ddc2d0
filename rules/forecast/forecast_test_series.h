#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <random>

#include "rules/forecast/values.h"

/// Seeded series of known making, for the tests of this folder.
namespace barograph::rules::forecast {

/// Standard normal numbers: Box and Muller's, because std::normal_distribution may differ between
/// libraries.
class NormalDice {
 public:
  explicit NormalDice(std::uint64_t seed) : engine_(seed) {}
  double operator()() {
    const double radius = std::sqrt(-2 * std::log(Share()));
    return radius * std::cos(2 * std::numbers::pi * Share());
  }
  /// In (0, 1).
  double Share() { return (static_cast<double>(engine_() >> 11) + 0.5) * 0x1p-53; }

 private:
  std::mt19937_64 engine_;
};

inline Values Line(std::size_t count, double first, double slope) {
  Values values(count);
  for (std::size_t t = 0; t < count; ++t) values[t] = first + slope * static_cast<double>(t);
  return values;
}

inline Values Noise(std::size_t count, double mean, double deviation, std::uint64_t seed) {
  NormalDice dice(seed);
  Values values(count);
  for (double& each : values) each = mean + deviation * dice();
  return values;
}

inline Values RandomWalk(std::size_t count, double drift, double deviation, std::uint64_t seed) {
  Values values = Noise(count, drift, deviation, seed);
  values[0] += 100;
  for (std::size_t t = 1; t < count; ++t) values[t] += values[t - 1];
  return values;
}

/// y[t] = a y[t-1] + b y[t-2] + noise of deviation 1.
inline Values Autoregressive(std::size_t count, double a, double b, std::uint64_t seed) {
  Values values = Noise(count, 0, 1, seed);
  for (std::size_t t = 2; t < count; ++t) values[t] += a * values[t - 1] + b * values[t - 2];
  return values;
}

/// Weeks of seven days of one shape, around 100, times 1 + noise.
inline Values Weeks(std::size_t weeks, double deviation, std::uint64_t seed) {
  constexpr double kShape[] = {80, 95, 110, 120, 130, 100, 65};
  NormalDice dice(seed);
  Values values;
  for (std::size_t t = 0; t < 7 * weeks; ++t) {
    values.push_back(kShape[t % 7] * (1 + deviation * dice()));
  }
  return values;
}

}  // namespace barograph::rules::forecast
