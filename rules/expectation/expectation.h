#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/condition/condition.h"
#include "rules/spec/expectation_spec.h"
#include "storage/base/clock.h"

namespace barograph::rules {

/// One expectation made ready to be evaluated. Each event that is to be followed opens a wait in
/// its cell (WindowPlan::Sighting), an answer in the cell of the same values ends the waits before
/// it. A wait that is older than `within` and younger than `within` + `keep_firing_for` is a missed
/// answer, and the instance fires while it has one; then, or when the answer comes after all, its
/// alert ends at once with that reason: "not answered" or "answered late".
///
/// No second of a gap counts, and for kResumeGrace after a start no answer is missed newly.
///
/// Threads:  immutable; every method from any thread that may read the windows.
/// Lifetime: keeps its own copy of what it needs.
class Expectation final : public Condition {
 public:
  explicit Expectation(const ExpectationSpec& spec);

  /// Reads a sighting and no series.
  [[nodiscard]] std::vector<MeasureName> measures() const override { return {}; }
  [[nodiscard]] const std::vector<Level>& levels() const override { return levels_; }
  void Judge(const InstanceSeries& series, Time at, std::vector<Verdict>* out) const override;
  /// Never: gaps are left out of what is counted.
  [[nodiscard]] bool BlindedByStop(const InstanceSeries&, std::size_t, Time, Time) const override {
    return false;
  }
  [[nodiscard]] std::optional<Time> ChangesAt(const InstanceSeries& series,
                                              Time after) const override;
  /// The condition is called "missing"; value and threshold are seconds.
  [[nodiscard]] Account Explain(const InstanceSeries& series, std::size_t row,
                                Time at) const override;
  [[nodiscard]] std::size_t RowOf(std::size_t, std::string_view) const override { return 0; }

 private:
  [[nodiscard]] WindowStore::Wait WaitOf(const InstanceSeries& series, Time open) const;

  std::string sighting_, asked_, answer_;
  Duration within_, keep_;
  std::vector<Level> levels_;
};

}  // namespace barograph::rules
