#include "rules/forecast/intermittent.h"

#include <algorithm>
#include <array>
#include <limits>

namespace barograph::rules::forecast {
namespace {

struct Demand {
  double size = 0;
  double probability = 0;

  [[nodiscard]] double rate() const { return size * probability; }
  void Learn(double value, double alpha, double beta) {
    if (value > 0) size += alpha * (value - size);
    probability += beta * ((value > 0 ? 1.0 : 0.0) - probability);
  }
};

/// Mean size and share of the values that are not 0: where smoothing starts.
Demand MeanDemand(History history) {
  Demand demand;
  double count = 0;
  for (const double value : history) {
    if (value <= 0) continue;
    demand.size += value;
    count += 1;
  }
  if (count == 0) return demand;
  demand.size /= count;
  demand.probability = count / static_cast<double>(history.size());
  return demand;
}

}  // namespace

double CrostonRate(History history, double alpha) {
  double size = 0;
  double interval = 0;
  double since = 0;
  bool begun = false;
  for (const double value : history) {
    since += 1;
    if (value <= 0) continue;
    if (begun) {
      size += alpha * (value - size);
      interval += alpha * (since - interval);
    } else {
      size = value;
      interval = since;
      begun = true;
    }
    since = 0;
  }
  return begun ? (1 - alpha / 2) * size / interval : 0;
}

double FadingRate(History history, double alpha, double beta) {
  Demand demand = MeanDemand(history);
  for (const double value : history) demand.Learn(value, alpha, beta);
  return demand.rate();
}

Values IntermittentDemand(History history, std::size_t horizon) {
  constexpr std::array kRates = {0.02, 0.05, 0.1, 0.2, 0.3};
  const Demand initial = MeanDemand(history);
  double least = std::numeric_limits<double>::infinity();
  double rate = 0;
  for (const double alpha : kRates) {
    for (const double beta : kRates) {
      Demand demand = initial;
      double squares = 0;
      for (const double value : history) {
        squares += (value - demand.rate()) * (value - demand.rate());
        demand.Learn(value, alpha, beta);
      }
      if (squares < least) {
        least = squares;
        rate = demand.rate();
      }
    }
  }
  return Values(horizon, rate);
}

}  // namespace barograph::rules::forecast
