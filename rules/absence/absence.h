#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/condition/condition.h"
#include "rules/spec/absence_spec.h"
#include "storage/base/clock.h"

namespace barograph::rules {

/// One absence made ready to be evaluated: an instance is silent when its cell had no event that
/// yields the measure for `silence`, counted from the event time of its newest one. An expected
/// instance that never had one counts from when its series began.
///
/// No second of a gap counts. For kResumeGrace after a start nothing new is silent: senders are
/// still sending again what they could not. An instance that was not seen for `seen_within` is
/// forgotten, unless it is expected: its alert ends with that reason.
///
/// Threads:  immutable; every method from any thread that may read the windows.
/// Lifetime: keeps its own copy of what it needs.
class Absence final : public Condition {
 public:
  explicit Absence(const AbsenceSpec& spec);

  /// Reads a sighting and no series.
  [[nodiscard]] std::vector<MeasureName> measures() const override { return {}; }
  [[nodiscard]] const std::vector<Level>& levels() const override { return levels_; }
  void Judge(const InstanceSeries& series, Time at, std::vector<Verdict>* out) const override;
  /// Never: gaps are left out of what is counted.
  [[nodiscard]] bool BlindedByStop(const InstanceSeries&, std::size_t, Time, Time) const override {
    return false;
  }
  /// When the silence is long enough, when the grace after a start is over, when the instance is
  /// forgotten.
  [[nodiscard]] std::optional<Time> ChangesAt(const InstanceSeries& series,
                                              Time after) const override;
  [[nodiscard]] std::vector<std::string> expected() const override;
  /// The condition is called "silent"; value and threshold are seconds.
  [[nodiscard]] Account Explain(const InstanceSeries& series, std::size_t row,
                                Time at) const override;
  [[nodiscard]] std::size_t RowOf(std::size_t, std::string_view) const override { return 0; }

 private:
  /// Since when an instance is silent; nothing for one that was never seen and is not expected.
  [[nodiscard]] std::optional<Time> SilentSince(const InstanceSeries& series) const;
  [[nodiscard]] bool IsExpected(const InstanceSeries& series) const;

  std::string sighting_, measure_;
  Duration silence_, seen_within_;
  bool alone_;                         ///< no `by`
  std::vector<std::string> expected_;  ///< sorted
  std::vector<Level> levels_;
};

}  // namespace barograph::rules
