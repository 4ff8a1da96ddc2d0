#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "rules/condition/condition.h"
#include "storage/event/forecast_event.h"

namespace barograph::rules {

/// Steps that a person is shown at most, and futures behind each total and date.
inline constexpr std::size_t kTrajectoryStepsMax = 366;
inline constexpr std::size_t kTrajectoryPaths = 2'000;

/// From when on a level is held, over simulated futures: never where a mean line crosses it.
///
/// A sum holds it from the first step at which every mean of a season (7 days, 24 hours) that
/// begins within the next three seasons is there: `3 * season + 1` means in a row. A sampled level
/// is at its limit when it is there for the first time.
struct LevelHeld {
  std::string cannot_say;  ///< why nothing below is known; else empty
  double probability = 0;  ///< that it is held from some step of `within` on
  std::size_t within = 0;  ///< steps that were looked at
  /// Steps, 0 being the next one, at which a tenth, half and nine tenths of all futures hold it;
  /// nothing: not within `within`.
  std::optional<std::size_t> early, median, late;
};

/// Where a series is going, for people.
struct Trajectory {
  std::string cannot_say;  ///< why the rest is empty; else empty
  std::string models;      ///< the heaviest, with their shares
  std::vector<storage::ForecastStep> steps;
  /// What the next steps bring together: of sums only. Intervals are those of the sum, which are
  /// narrower than sums of intervals.
  struct Total {
    std::size_t steps = 0;
    storage::ForecastStep sum;
  };
  std::vector<Total> totals;
  std::optional<LevelHeld> held;  ///< where a bound was asked for
};

/// What is asked besides the next steps.
struct LevelAsked {
  double bound = 0;   ///< in the unit of the measure
  bool above = true;  ///< from below
};

/// `question` names the series (its terms, unit, step and horizon; the form, the bound and the text
/// are not looked at), `history` holds the steps before it (SeriesHistory). Totals are of 7 and 30
/// days or 24 and 168 hours, as far as the horizon reaches. A level is looked for no further ahead
/// than the history reaches back, and a year of days or two weeks of hours at most, whatever the
/// horizon.
///
/// Takes up to seconds: for a thread of its own. Pure, as AnswerTo.
[[nodiscard]] Trajectory TrajectoryOf(const ForecastQuestion& question,
                                      const std::optional<LevelAsked>& level,
                                      const std::vector<double>& history);

}  // namespace barograph::rules
