#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "rules/forecast/paths.h"

namespace barograph::rules::forecast {

/// When something happens, as a distribution over simulated futures: never the moment at which a
/// mean line crosses a level, which says nothing about how sure it is and is biased besides. Steps
/// are those of the forecast, 0 being the next one.
class Arrival {
 public:
  /// `steps`: of each future, when it arrives; nothing where it does not within the horizon.
  explicit Arrival(const std::vector<std::optional<std::size_t>>& steps);

  /// Share of futures that arrive within the first `steps` steps; all of them are taken by default.
  [[nodiscard]] double ProbabilityWithin(std::size_t steps) const;
  [[nodiscard]] double Probability() const;
  /// The step by which this share of the futures has arrived; nothing: not within the horizon.
  /// `share` in (0, 1].
  [[nodiscard]] std::optional<std::size_t> StepOf(double share) const;
  [[nodiscard]] std::optional<std::size_t> Median() const { return StepOf(0.5); }

 private:
  std::vector<std::size_t> arrived_;  ///< ascending
  std::size_t futures_ = 0;
};

/// A level that is held, not touched once: a future sustains it from step s when every mean of
/// `window` consecutive values that begins at s, s + 1, … s + hold - 1 is at or above `level`. For
/// 300 dollars a day over weeks, held for four of them: {300, 7, 22}, since the last mean covers 7
/// more days.
struct Goal {
  double level = 0;
  std::size_t window = 7;  ///< values of a mean, at least 1
  std::size_t hold = 22;   ///< means in a row, at least 1
};

/// When the goal begins to be sustained. Futures must be longer than window + hold - 1 for any to
/// arrive. Paths must not be empty.
[[nodiscard]] Arrival SustainedFrom(const Paths& paths, const Goal& goal);

/// When what was spent so far, `spent`, plus what comes passes `limit`: the end of a budget, of an
/// error budget, or of cash. Arrives at the step in which the sum first exceeds the limit; at 0
/// when it is exceeded already. The probability that a budget is gone before its period ends is
/// ProbabilityWithin(steps until then).
[[nodiscard]] Arrival Exhausted(const Paths& paths, double spent, double limit);

/// When a gauge reaches a limit, from below or, with `falling`, from above: a disk that fills, a
/// balance that runs out.
[[nodiscard]] Arrival Reached(const Paths& paths, double limit, bool falling);

/// Sums over the steps [first, first + count) of each path, ascending: next week's or next month's
/// revenue; quantiles by QuantileOf. Requires first + count <= steps of a path.
[[nodiscard]] Values SumsOf(const Paths& paths, std::size_t first, std::size_t count);

}  // namespace barograph::rules::forecast
