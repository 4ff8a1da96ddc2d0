#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/condition/condition.h"
#include "rules/spec/rule_spec.h"
#include "rules/window/window_store.h"
#include "storage/base/clock.h"
#include "storage/base/money.h"

namespace barograph::rules {

/// Bad and all events of one window.
struct BadShare {
  Int128 bad = 0, total = 0;
};
/// bad / total > tolerated, by exact integer arithmetic whatever the sizes; false when there are no
/// events.
[[nodiscard]] bool Exceeds(const BadShare& share, const ExactRatio& tolerated);

/// What was left of an error budget at one moment.
struct ErrorBudget {
  Int128 good = 0, total = 0;
  double remaining = 1;  ///< 1 = untouched, negative = overspent
};

/// One SLO made ready to be evaluated: which alerts its instances have, and whether their
/// conditions hold.
///
/// An instance has one alert for each severity among its burn rows (the rows of one severity are
/// or-ed), or a single one when the objective is 100 %, and one with the label policy="freeze" when
/// it has a budget policy. A row holds when the share of bad events is above what it tolerates over
/// the long and over the short window (SRE workbook, chapter 5, "multiwindow, multi-burn-rate
/// alerts") and the long window has at least `min_events` events. No decision uses floating point.
///
/// Threads:  immutable; every method from any thread that may read the windows.
/// Lifetime: keeps its own copy of what it needs.
class BurnRate final : public Condition {
 public:
  explicit BurnRate(const SloSpec& spec);

  /// Good and all events.
  [[nodiscard]] std::vector<MeasureName> measures() const override;
  [[nodiscard]] const std::vector<Level>& levels() const override { return levels_; }
  /// Quiet: no row has events in its short window and min_events in its long one.
  void Judge(const InstanceSeries& series, Time at, std::vector<Verdict>* out) const override;
  /// A row has no events in its short window, or is above what it tolerates in both windows and has
  /// fewer than min_events in the long one, and that window reaches back before `resumed_at`. Too
  /// few events are no evidence of calm then. The budget policy looks so far back that no stop
  /// decides.
  [[nodiscard]] bool BlindedByStop(const InstanceSeries& series, std::size_t level, Time at,
                                   Time resumed_at) const override;
  /// Conditions are called "1h/5m", "first bad event", "freeze".
  [[nodiscard]] Account Explain(const InstanceSeries& series, std::size_t row,
                                Time at) const override;
  [[nodiscard]] std::size_t RowOf(std::size_t level, std::string_view condition) const override;
  /// Judges window ends at every whole hour in (from, to] on the hourly buckets, the short window
  /// rounded up to a whole hour, and returns the first stretch in which the level held. Looks at
  /// most kPastHoursMax hours back from `to`. Never for a freeze, which looks at what is left now.
  [[nodiscard]] std::optional<PastBreach> JudgePast(const InstanceSeries& series, std::size_t level,
                                                    Time from, Time to) const override;
  /// Longest short window, rounded up to whole hours.
  [[nodiscard]] Duration reach() const override { return reach_; }

  /// Over the period: 1 - bad / (allowed share x total). With an objective of 100 % one bad event
  /// spends everything. Without `series.excluded` it is what would be left if all hours counted.
  [[nodiscard]] ErrorBudget Budget(const InstanceSeries& series, Time at) const;
  /// How much of the period is excluded.
  [[nodiscard]] Duration Excluded(const InstanceSeries& series, Time at) const;
  /// Burn rates of every row, for display.
  struct RowRates {
    std::string condition;
    double factor = 0, long_burn = 0, short_burn = 0;
  };
  [[nodiscard]] std::vector<RowRates> Rates(const InstanceSeries& series, Time at) const;

 private:
  struct Row {
    std::size_t long_window = 0, short_window = 0;  ///< indices into windows_
    ExactRatio tolerated;
    double factor = 0;
    std::string condition;
    enum class Type : std::uint8_t { kBurn, kFirstBad, kFreeze } type = Type::kBurn;
  };
  /// The hours of a past breach.
  struct PastStretch {
    std::size_t row = 0;
    Time from{}, to{};
    BadShare worst;  ///< long window with the largest share of bad events
  };
  std::size_t IndexOf(Duration window);
  void AddLevel(Severity severity, std::size_t row);
  [[nodiscard]] double BurnOf(const BadShare& share) const;
  [[nodiscard]] Account ExplainPast(const PastStretch& stretch) const;
  [[nodiscard]] bool Holds(const Row& row, const BadShare& long_share,
                           const BadShare& short_share) const;

  std::vector<Duration> windows_;  ///< distinct
  std::size_t longest_ = 0;
  std::vector<Row> rows_;
  std::vector<Level> levels_;
  std::vector<std::vector<std::size_t>> rows_of_;  ///< by level: indices of what is or-ed
  SloMeasures measures_;
  std::int64_t objective_ppb_ = 0;
  double freeze_below_ = 0;
  Duration period_{}, reach_{};
  Int128 min_events_ = 0;
};

inline constexpr std::int64_t kPastHoursMax = 35 * 24;

/// Bad and all events in the window that ends at `at`, without those of excluded hours.
[[nodiscard]] BadShare Count(const InstanceSeries& series, Time at, Duration window);

}  // namespace barograph::rules
