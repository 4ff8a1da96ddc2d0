#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "rules/forecast/seasonal.h"
#include "rules/forecast/simplex.h"

namespace barograph::rules::forecast {
namespace {

struct Rates {
  double level;
  double shorter;
  double longer;
  double carry;  ///< of the last error into the next value
};

Rates RatesAt(std::span<const double> point) {
  const auto share = [](double free) { return 1 / (1 + std::exp(-free)); };
  return {share(point[0]), share(point[1]), share(point[2]), 0.99 * share(point[3])};
}

struct DoubleState {
  double level = 0;
  double error = 0;
  Values shorter;
  Values longer;
};

DoubleState InitialState(History history, std::size_t shorter, std::size_t longer) {
  DoubleState state;
  const History first = history.first(2 * longer);
  state.level = MeanOf(first);
  state.shorter.assign(shorter, 0.0);
  state.longer.assign(longer, 0.0);
  for (std::size_t t = 0; t < first.size(); ++t) {
    state.shorter[t % shorter] +=
        (first[t] - state.level) * static_cast<double>(shorter) / static_cast<double>(first.size());
  }
  for (std::size_t t = 0; t < first.size(); ++t) {
    state.longer[t % longer] += (first[t] - state.level - state.shorter[t % shorter]) / 2;
  }
  return state;
}

double Filter(History history, const Rates& by, DoubleState& state) {
  double squares = 0;
  for (std::size_t t = 0; t < history.size(); ++t) {
    double& shorter = state.shorter[t % state.shorter.size()];
    double& longer = state.longer[t % state.longer.size()];
    const double error = history[t] - (state.level + shorter + longer);
    const double surprise = error - by.carry * state.error;
    squares += surprise * surprise;
    state.level += by.level * error;
    shorter += by.shorter * error;
    longer += by.longer * error;
    state.error = error;
  }
  return squares;
}

}  // namespace

Values DoubleSeason(History history, std::size_t horizon, std::size_t shorter, std::size_t longer) {
  if (shorter < 2 || longer % shorter != 0 || history.size() < 2 * longer + 2) return {};
  const DoubleState initial = InitialState(history, shorter, longer);
  DoubleState state;
  const Loss loss = [&](std::span<const double> point) {
    state = initial;
    const double squares = Filter(history, RatesAt(point), state);
    return std::isfinite(squares) ? squares : std::numeric_limits<double>::infinity();
  };
  const Values best = LowestPoint(loss, {-3, -2, -2, 1}, {1.5, 1, 1, 1.5}, 140);
  (void)loss(best);
  const Rates by = RatesAt(best);
  Values forecast(horizon);
  double error = state.error;
  for (std::size_t h = 0; h < horizon; ++h) {
    const std::size_t t = history.size() + h;
    error *= by.carry;
    forecast[h] = state.level + state.shorter[t % shorter] + state.longer[t % longer] + error;
  }
  return forecast;
}

}  // namespace barograph::rules::forecast
