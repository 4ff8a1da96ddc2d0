#include "rules/forecast/paths.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "storage/base/assert.h"

namespace barograph::rules::forecast {
namespace {

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): small, and the same everywhere, which the
/// distributions of the standard library are not.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}

  std::uint64_t Next() {
    std::uint64_t mixed = state_ += 0x9e3779b97f4a7c15;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
  }
  /// In [0, 1).
  double Share() { return static_cast<double>(Next() >> 11) * 0x1p-53; }
  /// In [0, count); what is uneven about it is below 2^-40 for the counts here.
  std::size_t Below(std::size_t count) { return static_cast<std::size_t>(Next() % count); }

 private:
  std::uint64_t state_;
};

/// A path of errors in units of their scale, before they take their quantiles.
Values Errors(const std::vector<Values>& origins, std::size_t horizon, Dice& dice) {
  const double angle = 2 * std::numbers::pi * dice.Share();
  const double first = std::cos(angle);
  const double second = std::sin(angle);
  const Values& one = origins[dice.Below(origins.size())];
  const Values& other = origins[dice.Below(origins.size())];
  const double mean = first * MeanOf(one) + second * MeanOf(other);
  Values errors;
  errors.reserve(horizon);
  for (std::size_t h = 0; h < std::min(horizon, one.size()); ++h) {
    errors.push_back(first * one[h] + second * other[h]);
  }
  while (errors.size() < horizon) {
    const Values& next = origins[dice.Below(origins.size())];
    const double sign = dice.Share() < 0.5 ? -1 : 1;
    const double middle = MeanOf(next);
    for (std::size_t h = 0; h < next.size() && errors.size() < horizon; ++h) {
      errors.push_back(mean + sign * (next[h] - middle));
    }
  }
  return errors;
}

}  // namespace

Paths PathsOf(const Forecast& forecast, std::size_t count, std::uint64_t seed) {
  BAROGRAPH_ASSERT(count >= 1 && count <= kPathsMax, "number of paths");
  const std::size_t horizon = forecast.centre.size();
  Dice dice(seed);
  Paths paths;
  for (std::size_t p = 0; p < count; ++p) {
    paths.push_back(Errors(forecast.spread.paths, horizon, dice));
  }
  std::vector<std::size_t> order(count);
  for (std::size_t h = 0; h < horizon; ++h) {
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return paths[a][h] < paths[b][h]; });
    for (std::size_t rank = 0; rank < count; ++rank) {
      const double share = (static_cast<double>(rank) + 0.5) / static_cast<double>(count);
      const double size = SizeWithin(forecast.spread, std::abs(2 * share - 1));
      paths[order[rank]][h] = forecast.NumberAt(h, share < 0.5 ? -size : size);
    }
  }
  return paths;
}

std::variant<Paths, CannotSay> PathsOf(History history, const Question& question, std::size_t count,
                                       std::uint64_t seed) {
  const Answer answer = ForecastOf(history, question);
  if (const auto* refusal = std::get_if<CannotSay>(&answer)) return *refusal;
  return PathsOf(std::get<Forecast>(answer), count, seed);
}

}  // namespace barograph::rules::forecast
