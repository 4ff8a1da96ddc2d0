#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/condition/condition.h"
#include "rules/spec/rule_spec.h"

namespace barograph::rules {

/// `{slo: NAME, budget_remaining: {below: 10%}}`: less than a share of an SLO's error budget is
/// left over its period. Reads the series of the SLO, one alert for each of its instances. Exact:
/// remaining < f exactly when bad / total > (1 - f) x (1 - objective).
///
/// Threads:  immutable; every method from any thread that may read the windows.
class BudgetLeft final : public Condition {
 public:
  /// `slo` is the one that `spec` names; both were validated.
  BudgetLeft(const ThresholdSpec& spec, const SloSpec& slo);

  [[nodiscard]] std::vector<MeasureName> measures() const override;
  [[nodiscard]] const std::vector<Level>& levels() const override { return levels_; }
  void Judge(const InstanceSeries& series, Time at, std::vector<Verdict>* out) const override;
  /// Never: the period looks so far back that no stop decides.
  [[nodiscard]] bool BlindedByStop(const InstanceSeries& series, std::size_t level, Time at,
                                   Time resumed_at) const override;
  /// The condition is called "budget below 10%"; value and threshold are shares.
  [[nodiscard]] Account Explain(const InstanceSeries& series, std::size_t row,
                                Time at) const override;
  [[nodiscard]] std::size_t RowOf(std::size_t, std::string_view) const override { return 0; }

 private:
  /// Bad and all events.
  [[nodiscard]] ExactRatio Share(const InstanceSeries& series, Time at) const;

  SloMeasures measures_;
  Duration period_{};
  Int128 min_events_ = 0, allowed_ppb_ = 0, left_ppb_ = 0;
  std::string slo_, condition_;
  std::vector<Level> levels_;
};

}  // namespace barograph::rules
