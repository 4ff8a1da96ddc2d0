#include "rules/forecast/values.h"

#include <algorithm>
#include <cmath>

namespace barograph::rules::forecast {

double MeanMagnitude(History values) {
  double sum = 0;
  for (const double each : values) sum += std::abs(each);
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

double MeanOf(History values) {
  double sum = 0;
  for (const double each : values) sum += each;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

double MedianOf(Values values) {
  std::sort(values.begin(), values.end());
  return QuantileOf(values, 0.5);
}

double QuantileOf(History sorted, double share) {
  const double place = std::clamp(share, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  if (below + 1 >= sorted.size()) return sorted.back();
  const double part = place - static_cast<double>(below);
  return sorted[below] + part * (sorted[below + 1] - sorted[below]);
}

}  // namespace barograph::rules::forecast
