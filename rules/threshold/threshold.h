#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/condition/condition.h"
#include "rules/spec/threshold_spec.h"
#include "rules/threshold/anomaly.h"
#include "rules/threshold/meter.h"

namespace barograph::rules {

/// A threshold made ready to be evaluated: a number over the window that ends now against a number,
/// a share of what it was, or what is usual in these hours. One alert an instance. (What is new and
/// what is left of an error budget have conditions of their own: novelty.h, budget_left.h.)
///
/// Comparisons are strict and exact, but for `anomaly`, which is made of doubles; see anomaly.h.
///
/// What it was and what is usual:
///   of_previous P   the window of the same length that ended P ago;
///   of_baseline B   the median of the windows that ended 24 h, 48 h, ... up to B ago; of an even
///                   number of them the lower middle one;
///   anomaly         the same windows, see Usual; of a level those of the two hours before and
///                   after as well, because so few days say little of how it moves, and the spread
///                   of its samples inside these hours where the number moves more than their mean.
/// A sum counts buckets that such a window covers in part by their share. Windows in which the
/// server was away for more than half are passed over. As long as fewer than half of the days are
/// known, and fewer than kDaysMin, the rule is filling and never fires; so is a rule with `below`
/// on a sum while the series is younger than its window.
///
/// After a stop, a window that holds part of it is read twice where time makes the number grow
/// (sums, counts, rates): as it was counted, and as if the time without a server, and the grace of
/// five minutes after it in which senders come back, had been like the rest. A step is taken only
/// when both readings agree, and less than half of a window decides nothing. Elsewhere a window
/// with part of a stop and no value, or too few events, decides nothing.
///
/// Threads:  immutable; every method from any thread that may read the windows.
/// Lifetime: keeps its own copy of what it needs.
class Threshold final : public Condition {
 public:
  /// `spec` was validated and is neither kNew nor kBudget.
  Threshold(const ThresholdSpec& spec, const std::vector<DerivedSpec>& derived);

  [[nodiscard]] std::vector<MeasureName> measures() const override { return meter_.measures(); }
  [[nodiscard]] const std::vector<Level>& levels() const override { return levels_; }
  /// Quiet: nothing was counted, or fewer than min_events; or the rule is filling.
  void Judge(const InstanceSeries& series, Time at, std::vector<Verdict>* out) const override;
  /// Never: Judge says itself what a stop leaves open.
  [[nodiscard]] bool BlindedByStop(const InstanceSeries& series, std::size_t level, Time at,
                                   Time resumed_at) const override;
  /// The condition is called by its bound: "above 50 USD", "below 80% of_baseline 7d", "anomaly 4".
  /// Value and threshold are in the value's unit; of an anomaly robust standard deviations, and on
  /// sparse counts the count beside the mean.
  [[nodiscard]] Account Explain(const InstanceSeries& series, std::size_t row,
                                Time at) const override;
  [[nodiscard]] std::size_t RowOf(std::size_t, std::string_view) const override { return 0; }
  [[nodiscard]] std::size_t cost() const override { return meter_.cost(); }

 private:
  enum class Answer : std::uint8_t { kNo, kYes, kUnknown };
  /// What the number is compared with at one moment.
  struct Yardstick {
    bool known = false;
    ExactRatio reference{1, 1};  ///< times share_
    Usual usual;
  };
  [[nodiscard]] Verdict JudgeNow(const InstanceSeries& series, Time at) const;
  [[nodiscard]] Yardstick YardstickAt(const InstanceSeries& series, Time at) const;
  [[nodiscard]] Answer Holds(const ExactRatio& value, const Yardstick& yardstick) const;
  /// The windows before, newest first; returns their number.
  std::size_t References(const InstanceSeries& series, Time at,
                         std::array<ExactRatio, kDaysMax>* out) const;
  /// What is usual of a level; returns on how many days it is known.
  std::size_t UsualLevel(const InstanceSeries& series, Time at, Usual* out) const;
  [[nodiscard]] double CountOf(const ExactRatio& value) const;
  [[nodiscard]] std::string ValueText(double value) const;

  ThresholdSpec spec_;
  ThresholdSource source_;
  Meter meter_;
  std::vector<Level> levels_;
  ExactRatio share_;  ///< the bound
  double limit_ = 0, tail_ = 0;
  bool counts_ = false;  ///< of independent events: an anomaly may be sparse
  std::string condition_;
};

/// How much of the window that ends at `at` passed without a server, or in the grace after a stop.
[[nodiscard]] Duration Away(const WindowStore& windows, Time at, Duration window);

}  // namespace barograph::rules
