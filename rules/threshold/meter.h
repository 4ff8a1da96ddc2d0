#pragma once

#include <vector>

#include "rules/condition/condition.h"
#include "rules/spec/rule_spec.h"
#include "rules/spec/threshold_spec.h"
#include "storage/base/clock.h"

namespace barograph::rules {

/// Reads the number of a threshold over its window, now or in the past.
///
/// Every number is an exact fraction in the unit of the value: 1, seconds, units of money. Sums and
/// what is made of them are exact; a quantile is the representative of its sketch bucket (within 1
/// %), a number of different values an estimate (HyperLogLog++).
///
/// Threads:  immutable.
/// Lifetime: keeps its own copy of what it needs.
class Meter {
 public:
  /// `spec` was validated and is neither kNew nor kBudget.
  Meter(const ThresholdSpec& spec, const ThresholdSource& source);

  struct Reading {
    ExactRatio value;
    bool known = false;  ///< there is a value: no ratio to nothing, no quantile of nothing
    bool empty = true;   ///< nothing was counted
    Int128 events = 0;   ///< what min_events counts
  };
  [[nodiscard]] std::vector<MeasureName> measures() const;
  /// Over the window that ends at `at`.
  [[nodiscard]] Reading Now(const InstanceSeries& series, Time at) const;
  /// Over the window that ended `ago` before. Sums count buckets that the window covers in part by
  /// the share; quantiles and means are of the whole hours that it touches. Not known for a sum
  /// when the series had not begun by its start.
  [[nodiscard]] Reading Ago(const InstanceSeries& series, Time at, Duration ago) const;
  /// A level in the hours that the window which ended `ago` before touches.
  struct Level {
    std::uint64_t samples = 0;
    double mean = 0, range = 0;
  };
  [[nodiscard]] Level LevelAgo(const InstanceSeries& series, Time at, Duration ago) const;
  /// Whether it reads a level: samples of type GAUGE, or what the server reads of itself.
  [[nodiscard]] bool is_level() const { return type_ == MeasureType::kGauge; }
  /// How much of the variance of samples within an hour a mean over the window has more than that
  /// of an hour: what the window lacks of it.
  [[nodiscard]] double share_of_hour() const;
  /// Whether the number grows with the time that the window covers, so that a time without a server
  /// makes it smaller.
  [[nodiscard]] bool additive() const { return additive_; }
  /// Whether it can never be below 0.
  [[nodiscard]] bool never_negative() const { return never_negative_; }
  /// Whether the series had begun by `time`.
  [[nodiscard]] bool HadBegun(const InstanceSeries& series, Time at, Time time) const;
  /// Judging costs about as much as that many SLOs.
  [[nodiscard]] std::size_t cost() const { return cost_; }

 private:
  [[nodiscard]] Int128 Sum(const InstanceSeries& series, std::size_t from, std::size_t count,
                           Time at) const;
  [[nodiscard]] WindowStore::PastSum SumAgo(const InstanceSeries& series, std::size_t from,
                                            std::size_t count, Time at, Duration ago) const;
  [[nodiscard]] Reading OfSums(Int128 of, Int128 to, std::int64_t width) const;
  [[nodiscard]] Reading OfQuantile(const QuantileAnswer& answer) const;
  [[nodiscard]] Reading OfGauge(const GaugeAnswer& answer) const;

  ThresholdSpec::Form form_;
  MeasureType type_;
  std::vector<MeasureSum::Term> terms_;  ///< of the number, then of what it is divided by
  std::size_t of_count_ = 0;
  ExactRatio scale_;  ///< from a sum, or a ratio of two sums, to the value
  double quantile_ = 0;
  Duration over_{};
  bool additive_ = false, never_negative_ = true, counts_ = false;
  std::size_t cost_ = 1;
};

/// Of each day of an anomaly of a level so many hours before and after the same one join in.
inline constexpr std::int64_t kHoursBeside = 2;

}  // namespace barograph::rules
