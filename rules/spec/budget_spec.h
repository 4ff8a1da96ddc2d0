#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rules/measure/measure.h"
#include "rules/spec/calendar.h"
#include "rules/spec/rule.h"
#include "storage/base/clock.h"
#include "storage/base/money.h"

namespace barograph::rules {

/// An amount of a measure: nano-units of money and of what has a unit of its own, else a count.
struct Quantity {
  Int128 value = 0;
  std::string currency;  ///< of money; else empty
  friend bool operator==(const Quantity&, const Quantity&) = default;
};

/// A share of a limit or target at which an alert of that severity fires.
struct ShareAlert {
  Severity severity = Severity::kWarning;
  std::int64_t share_ppb = 0;  ///< parts per billion, > 0
  friend bool operator==(const ShareAlert&, const ShareAlert&) = default;
};

/// Fires when more than `share` of the limit was spent within `long_window`, and at no lower rate
/// within `short_window`.
struct SpendRow {
  Duration long_window{}, short_window{};
  std::int64_t share_ppb = 0;
  Severity severity = Severity::kCritical;
  friend bool operator==(const SpendRow&, const SpendRow&) = default;
};
inline constexpr std::size_t kSpendRowsMax = 8;

/// A limit on what is spent in a period.
struct BudgetSpec {
  RuleCommon common;
  std::string measure;  ///< a sum
  Quantity limit;       ///< > 0
  std::optional<Calendar> period;
  Duration rolling{};                ///< instead of `period`
  std::vector<ShareAlert> alert_at;  ///< most urgent first; one of a severity
  std::vector<SpendRow> burn;
  bool enforce = false;  ///< leases are refused beyond the limit; only for `cost` over a period
  friend bool operator==(const BudgetSpec&, const BudgetSpec&) = default;
};

/// How much of a target is expected when a part of its period is over.
enum class Proration : std::uint8_t {
  kLinear,
  kProfile,  ///< as the days before went, hour by hour; linear until there are 14 of them
  kNone,     ///< the period is judged when it has ended
};

/// What is to be reached in a period.
struct GoalSpec {
  RuleCommon common;
  std::string measure;  ///< a sum
  Quantity target;      ///< > 0
  Calendar period;
  Proration prorate = Proration::kLinear;
  std::int64_t not_before_ppb = 0;  ///< share of the period in which nothing is judged
  bool at_most = false;             ///< less is better: alerts above a share of what is expected
  std::vector<ShareAlert> alerts;   ///< most urgent first: below (or above) these shares
  std::vector<std::int64_t> milestones;  ///< shares of the target in ppb, ascending
  friend bool operator==(const GoalSpec&, const GoalSpec&) = default;
};
inline constexpr std::size_t kMilestonesMax = 16;
/// A profile needs so many days, and looks at no more than twice as many.
inline constexpr int kProfileDays = 14;

/// A number of the measure for people: "12.50 USD", "3s", "42".
[[nodiscard]] std::string QuantityText(std::string_view measure, const std::string& currency,
                                       Int128 value);

}  // namespace barograph::rules
