#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>

#include "rules/condition/condition.h"
#include "rules/outlook/history.h"
#include "storage/base/clock.h"
#include "storage/base/money.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

/// A step of a forecast by how far it is ahead: the `steps`-th one, from 1.
struct Horizon {
  std::chrono::seconds step{0};
  std::uint32_t steps = 0;
  friend auto operator<=>(const Horizon&, const Horizon&) = default;
};
/// Which steps of a forecast are scored: 1, 6 and 24 hours or 1, 7 and 30 days ahead; none of
/// another step. Errors of all steps between would say little more and cost much memory.
[[nodiscard]] std::span<const std::uint32_t> HorizonsOf(std::chrono::seconds step);

/// How forecasts did at one horizon: what came beside what was said. Sums are in nano-units of the
/// measure, exact, so that equal logs give equal scores on every platform.
struct AccuracyScore {
  std::uint64_t scored = 0;
  std::uint64_t open = 0;             ///< the step is not over
  std::uint64_t without_samples = 0;  ///< no sample of the level came in the step: not scored
  std::uint64_t inside_80 = 0, inside_95 = 0;
  Int128 actual = 0;          ///< sum of |actual|
  Int128 error = 0;           ///< sum of forecast - actual
  Int128 absolute_error = 0;  ///< sum of |forecast - actual|

  /// Scores one step; nothing: no sample came.
  void Add(const storage::ForecastStep& step, std::optional<Int128> actual);
  /// Pools both; errors make sense for one unit only.
  AccuracyScore& operator+=(const AccuracyScore& other);
  /// Of these and what follows, nothing before the first was scored.
  [[nodiscard]] std::optional<double> MeanAbsoluteError() const;
  /// Mean error: above 0 the forecasts were too high.
  [[nodiscard]] std::optional<double> Bias() const;
  /// Weighted absolute percentage error: the absolute errors as a share of what came (0.1 is
  /// 10 %). Nothing, too, where nothing came.
  [[nodiscard]] std::optional<double> Wape() const;
  /// Share of what came that lay within the 80 % and 95 % intervals.
  [[nodiscard]] std::optional<double> Coverage80() const;
  [[nodiscard]] std::optional<double> Coverage95() const;

  friend bool operator==(const AccuracyScore&, const AccuracyScore&) = default;
};

/// The accuracy of the forecasts of one instance so far.
struct ForecastAccuracy {
  struct Reason {
    std::uint64_t times = 0;
    std::string last;  ///< the newest text; others may differ in their numbers
    friend bool operator==(const Reason&, const Reason&) = default;
  };
  std::string rule;
  storage::Labels labels;
  std::string measure, currency_code;
  Time since{};                           ///< log time of the first forecast that counts
  std::uint64_t issued = 0;               ///< all, also those that follow
  std::uint64_t cannot_say = 0;           ///< had no steps, so cannot be scored
  std::uint64_t repeated = 0;             ///< looked at the step of the one that is scored
  std::map<std::string, Reason> reasons;  ///< of `cannot_say`, by the text without its numbers
  std::map<Horizon, AccuracyScore> scores;

  /// Pools counts, reasons and scores; the names stay.
  ForecastAccuracy& operator+=(const ForecastAccuracy& other);
};

/// The mean of a step in nano-units of the measure, rounded half up.
[[nodiscard]] std::optional<Int128> NanosOf(const ForecastSource& source, const StepValue& value);

}  // namespace barograph::rules
