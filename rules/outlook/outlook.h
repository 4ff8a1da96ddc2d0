#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/condition/condition.h"
#include "rules/spec/rule_spec.h"

namespace barograph::rules {

/// A forecast says something for so long; it is made anew every hour. One that is older decides
/// nothing.
inline constexpr Duration kForecastValid = std::chrono::hours(3);

/// Whether no sum of it can fall below 0.
[[nodiscard]] bool IsNeverNegative(const MeasureName& measure);

/// Whether something will happen, as the last forecast of the instance has it: a measure reaches a
/// bound within a time, or a budget is gone before its period ends. One alert an instance, which
/// holds while the probability is at least what the rule says.
///
/// Judging reads what was issued (ForecastIssued) and computes nothing of the future itself, so a
/// replay says the same. A forecast that answers another question, because the rule changed or the
/// period ended, counts for nothing; so does one that cannot say.
///
/// Threads:  immutable; every method from any thread that may read the windows.
/// Lifetime: keeps its own copy of what it needs.
class Outlook final : public Condition {
 public:
  /// `spec` is a validated kForecast.
  Outlook(const ThresholdSpec& spec, const std::vector<DerivedSpec>& derived);
  /// `spec` is a validated kExhausted of that budget.
  Outlook(const ThresholdSpec& spec, const BudgetSpec& budget);

  [[nodiscard]] std::vector<MeasureName> measures() const override { return measures_; }
  [[nodiscard]] const std::vector<Level>& levels() const override { return levels_; }
  void Judge(const InstanceSeries& series, Time at, std::vector<Verdict>* out) const override;
  /// Never: a forecast that is too old says so itself.
  [[nodiscard]] bool BlindedByStop(const InstanceSeries& series, std::size_t level, Time at,
                                   Time resumed_at) const override;
  /// The condition is called "reaches 95 within 3d" or "exhausted"; value and threshold are
  /// probabilities from 0 to 1.
  [[nodiscard]] Account Explain(const InstanceSeries& series, std::size_t row,
                                Time at) const override;
  [[nodiscard]] std::size_t RowOf(std::size_t, std::string_view) const override { return 0; }
  [[nodiscard]] std::optional<ForecastQuestion> Asks(const InstanceSeries& series,
                                                     Time at) const override;
  [[nodiscard]] std::optional<ForecastSource> Forecasts(
      const InstanceSeries& series) const override;
  [[nodiscard]] bool reads_forecast() const override { return true; }

 private:
  /// Nothing while the period of the budget is not open.
  [[nodiscard]] std::optional<std::string> TextAt(const InstanceSeries& series, Time at) const;
  void AskForPeriod(const InstanceSeries& series, const Period& period, Time at,
                    ForecastQuestion* question) const;

  ForecastQuestion question_;  ///< what does not change with time
  std::vector<MeasureName> measures_;
  std::vector<bool> minus_;
  Duration within_{};
  std::string calendar_;  ///< of a budget; else empty
  Int128 limit_ = 0;
  std::int64_t probability_ppb_ = 0;
  std::string condition_;
  std::vector<Level> levels_;
};

}  // namespace barograph::rules
