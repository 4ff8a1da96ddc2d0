#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/condition/condition.h"
#include "rules/spec/budget_spec.h"

namespace barograph::rules {

/// Where a budget stands at one moment.
struct BudgetStanding {
  std::optional<Period> period;      ///< nothing for a rolling budget
  Int128 spent = 0;                  ///< in the measure's integer unit; late events count
  std::optional<Time> exhausted_at;  ///< at the rate of the last hour; now, when it is spent
};

/// A budget made ready to be evaluated.
///
/// An instance has one alert for each severity of `alert_at`, which holds from the moment at which
/// the share was spent until the period ends (or, for a rolling budget, until less is in the
/// window): so it fires once a period. It has one more with the label policy="burn" for each
/// severity of `burn`: more than the row's share of the limit was spent within the long window, and
/// the short one goes on at that rate; the rows of one severity are or-ed. All decisions are exact.
///
/// Nothing holds in a period that was not opened yet, nor while fewer than `min_events` were
/// counted in it (for a row of `burn` in its long window), which is no evidence of calm either.
/// Threads: immutable; every method from any thread that may read the windows.
class Budget final : public Condition {
 public:
  explicit Budget(const BudgetSpec& spec);

  /// The period's sum (for a rolling budget the measure itself), and the measure.
  [[nodiscard]] std::vector<MeasureName> measures() const override;
  [[nodiscard]] const std::vector<Level>& levels() const override { return levels_; }
  void Judge(const InstanceSeries& series, Time at, std::vector<Verdict>* out) const override;
  /// Without `by` it is listed before its first event.
  [[nodiscard]] std::vector<std::string> expected() const override;
  /// A sum of a period does not fall by a stop; the short window of a burn row may.
  [[nodiscard]] bool BlindedByStop(const InstanceSeries& series, std::size_t level, Time at,
                                   Time resumed_at) const override;
  /// Conditions are called "80%" and "1h/5m". Value and threshold are in natural units.
  [[nodiscard]] Account Explain(const InstanceSeries& series, std::size_t row,
                                Time at) const override;
  [[nodiscard]] std::size_t RowOf(std::size_t level, std::string_view condition) const override;

  [[nodiscard]] const BudgetSpec& spec() const { return spec_; }
  [[nodiscard]] BudgetStanding StandingOf(const InstanceSeries& series, Time at) const;

 private:
  struct Row {
    std::int64_t share_ppb = 0;
    std::string condition;
    std::optional<SpendRow> burn;
  };
  void AddRow(const Level& level, Row row);
  [[nodiscard]] bool IsFew(const Row& row, const InstanceSeries& series, Int128 spent,
                           Time at) const;
  [[nodiscard]] bool Holds(const Row& row, const InstanceSeries& series, Int128 spent,
                           Time at) const;

  const BudgetSpec spec_;
  std::string calendar_;  ///< empty: rolling
  std::vector<Row> rows_;
  std::vector<Level> levels_;
  std::vector<std::vector<std::size_t>> rows_of_;  ///< by level
};

/// "80%", "12.5%".
[[nodiscard]] std::string ShareText(std::int64_t share_ppb);
/// "the day that began 2026-11-21T05:00:00Z".
[[nodiscard]] std::string PeriodText(const Calendar& calendar, const Period& period);

}  // namespace barograph::rules
