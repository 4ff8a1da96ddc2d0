#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/condition/condition.h"
#include "rules/spec/budget_spec.h"

namespace barograph::rules {

/// Where a goal stands at one moment.
struct GoalStanding {
  std::optional<Period> period;
  Int128 reached = 0;             ///< in the measure's integer unit; late events count
  std::int64_t expected_ppb = 0;  ///< share of the target that is expected by now
  bool profiled = false;          ///< by the profile of the days before
};

/// A goal made ready to be evaluated.
///
/// An instance has one alert for each severity of `alert_below` (`alert_above`), which holds while
/// less (more) than that share of what is expected by now was reached, and one with the label
/// policy="milestone-25" and severity info for each milestone, which holds from the moment at which
/// it was reached to the period's end.
///
/// Expected is, `linear`: the part of the period that is over. `profile`: what the day's part up to
/// now brought on average in the last 14 to 28 days, interpolated inside the hour. `none`: nothing
/// before the end; a period is judged in the hour after it.
///
/// Nothing holds in a period that was not opened, or that began before the series was complete, nor
/// while fewer than `min_events` were counted in it.
/// Threads: immutable; every method from any thread that may read the windows.
class Goal final : public Condition {
 public:
  explicit Goal(const GoalSpec& spec);

  /// The period's sum, and the measure.
  [[nodiscard]] std::vector<MeasureName> measures() const override;
  [[nodiscard]] const std::vector<Level>& levels() const override { return levels_; }
  void Judge(const InstanceSeries& series, Time at, std::vector<Verdict>* out) const override;
  /// Without `by` it is judged before its first event: no revenue at all is below any share.
  [[nodiscard]] std::vector<std::string> expected() const override;
  /// What agents could not send during a stop is missing for a while: see the engine's grace.
  [[nodiscard]] bool BlindedByStop(const InstanceSeries& series, std::size_t level, Time at,
                                   Time resumed_at) const override;
  /// Conditions are called "below 50%", "above 120%" and "25%".
  [[nodiscard]] Account Explain(const InstanceSeries& series, std::size_t row,
                                Time at) const override;
  [[nodiscard]] std::size_t RowOf(std::size_t level, std::string_view condition) const override;

  [[nodiscard]] const GoalSpec& spec() const { return spec_; }
  [[nodiscard]] GoalStanding StandingOf(const InstanceSeries& series, Time at) const;

 private:
  /// What is judged at `at`; nothing when nothing is.
  [[nodiscard]] std::optional<GoalStanding> JudgedAt(const InstanceSeries& series, Time at) const;
  [[nodiscard]] std::optional<std::int64_t> ProfileShare(const InstanceSeries& series,
                                                         const Period& period, Time at) const;
  /// Whether so little was counted that it says nothing.
  [[nodiscard]] bool IsFew(Int128 reached) const;
  [[nodiscard]] bool IsMilestone(std::size_t row) const { return row >= spec_.alerts.size(); }
  [[nodiscard]] std::int64_t ShareOf(std::size_t row) const;
  [[nodiscard]] std::string ConditionOf(std::size_t row) const;

  const GoalSpec spec_;
  std::string calendar_;
  std::vector<Level> levels_;  ///< one row each
};

}  // namespace barograph::rules
