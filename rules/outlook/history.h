#pragma once

#include <cstddef>
#include <vector>

#include "rules/condition/condition.h"
#include "rules/window/window_store.h"

namespace barograph::rules {

/// What a source was in one step: `sum / count` in the unit of the store.
struct StepValue {
  Int128 sum = 0;
  std::uint64_t count = 1;  ///< samples of a level; 0: it says nothing
};
/// Reads the whole hours [from, to).
[[nodiscard]] StepValue ValueOf(const ForecastSource& source, const WindowStore& windows,
                                CellId cell, Time from, Time to);

/// What a series was before a question begins, step by step, for the models of rules/forecast.
///
/// Sums are of whole steps that end where the question begins, so the newest is complete. A level
/// is the mean of its samples in the step; a step without any takes the one before it. The steps
/// before the first one that says anything are left out.
///
/// Threads: reads the windows, in pieces, so that their owner may do other things in between.
class SeriesHistory {
 public:
  explicit SeriesHistory(const ForecastQuestion& question);
  /// Reads up to `steps` further ones, the newest first; true while some are left.
  [[nodiscard]] bool ReadMore(const WindowStore& windows, CellId cell, std::size_t steps);
  /// Oldest first, in the unit of the measure.
  [[nodiscard]] std::vector<double> Values() const;

 private:
  ForecastQuestion question_;
  std::size_t most_ = 0;
  std::vector<double> newest_first_;  ///< NaN for a level without samples
};

}  // namespace barograph::rules
