#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/condition/condition.h"
#include "rules/spec/threshold_spec.h"

namespace barograph::rules {

/// `new`: something is counted now that was not for long. Holds while everything that was counted
/// in `span` lies in `over`, the last few minutes; so it begins with the first event, ends by
/// itself, and begins again only after `span` of silence. On series that were added while the
/// tenant had history already it is filling for the first `span`: what is new to them need not be
/// new.
///
/// Threads:  immutable; every method from any thread that may read the windows.
class Novelty final : public Condition {
 public:
  Novelty(const ThresholdSpec& spec, const std::vector<DerivedSpec>& derived);

  [[nodiscard]] std::vector<MeasureName> measures() const override;
  [[nodiscard]] const std::vector<Level>& levels() const override { return levels_; }
  void Judge(const InstanceSeries& series, Time at, std::vector<Verdict>* out) const override;
  /// Never: it looks at what came, not at what is missing.
  [[nodiscard]] bool BlindedByStop(const InstanceSeries& series, std::size_t level, Time at,
                                   Time resumed_at) const override;
  /// The condition is called "new"; the value is how often it was counted.
  [[nodiscard]] Account Explain(const InstanceSeries& series, std::size_t row,
                                Time at) const override;
  [[nodiscard]] std::size_t RowOf(std::size_t, std::string_view) const override { return 0; }

 private:
  [[nodiscard]] Int128 Count(const InstanceSeries& series, Time at, Duration window) const;

  ThresholdSpec spec_;
  MeasureSum sum_;
  std::vector<Level> levels_;
};

}  // namespace barograph::rules
