#include "rules/forecast/analog.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace barograph::rules::forecast {
namespace {

struct Stretch {
  std::size_t end = 0;  ///< index of its last value
  double distance = 0;
};

}  // namespace

Values NearestPast(History history, std::size_t horizon, std::size_t length,
                   std::size_t neighbours) {
  const std::size_t n = history.size();
  if (n < horizon + length * (3 * neighbours / 2 + 2)) return {};
  std::vector<Stretch> all;
  for (std::size_t end = length - 1; end + horizon < n; ++end) {
    const double move = history[n - 1] - history[end];
    double squares = 0;
    for (std::size_t i = 1; i < length; ++i) {
      const double gap = history[n - 1 - i] - history[end - i] - move;
      squares += gap * gap;
    }
    all.push_back({end, std::sqrt(squares)});
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Stretch& a, const Stretch& b) { return a.distance < b.distance; });
  std::vector<Stretch> nearest;
  for (const Stretch& each : all) {
    const bool apart = std::all_of(nearest.begin(), nearest.end(), [&](const Stretch& other) {
      const std::size_t gap = each.end > other.end ? each.end - other.end : other.end - each.end;
      return gap >= length / 2;
    });
    if (apart) nearest.push_back(each);
    if (nearest.size() == neighbours) break;
  }
  const double softening = nearest.front().distance * 0.1 + 1e-12;
  Values forecast(horizon, 0.0);
  double weights = 0;
  for (const Stretch& each : nearest) {
    const double weight = 1 / (each.distance + softening);
    weights += weight;
    for (std::size_t h = 0; h < horizon; ++h) {
      forecast[h] += weight * (history[each.end + 1 + h] - history[each.end]);
    }
  }
  for (double& each : forecast) each = history[n - 1] + each / weights;
  return forecast;
}

}  // namespace barograph::rules::forecast
