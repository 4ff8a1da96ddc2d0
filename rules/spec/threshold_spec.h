#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/measure/measure.h"
#include "rules/spec/rule.h"
#include "storage/base/clock.h"
#include "storage/base/money.h"

namespace barograph::rules {

/// A number with its unit, as a person wrote it.
struct Bound {
  enum class Unit : std::uint8_t {
    kNumber,   ///< "20"
    kPercent,  ///< "5%" is the number 0.05
    kTime,     ///< "500ms" is the number 0.5
    kMoney,    ///< "50 USD"; the currency stands in ThresholdSpec::currency
  };
  Unit unit = Unit::kNumber;
  std::string number = "0";  ///< decimal, exact, at most 9 decimals
  friend bool operator==(const Bound&, const Bound&) = default;
};
/// In integers of 1e-9. The text was checked when it was read.
[[nodiscard]] Int128 NanosOf(const Bound& bound);
/// "500ms", "5%", "50 USD", "20".
[[nodiscard]] std::string BoundText(const Bound& bound, std::string_view currency);

/// A name for a combination of additive measures, usable wherever a threshold names one.
struct DerivedSpec {
  enum class Type : std::uint8_t {
    kPlus,   ///< sum of all parts
    kMinus,  ///< the first part less all others
    kRatio,  ///< the first part over the second
  };
  std::string name;
  Type type = Type::kPlus;
  std::vector<std::string> parts;  ///< measures or derived ones; a ratio's parts are no ratios
  friend bool operator==(const DerivedSpec&, const DerivedSpec&) = default;
};

/// A rule that compares a number over the window that ends now with a bound.
struct ThresholdSpec {
  enum class Form : std::uint8_t {
    kSum,        ///< of an additive measure
    kCount,      ///< of events, or of the values of a distribution
    kRate,       ///< a sum per `per`
    kRatio,      ///< one sum over another
    kMean,       ///< of a level: the mean of its samples
    kQuantile,   ///< of a distribution
    kDistinct,   ///< number of different values
    kLast,       ///< newest sample of a level
    kIncrease,   ///< growth of a counter
    kNew,        ///< seen now, and not for `span` before
    kBudget,     ///< what is left of an SLO's error budget
    kForecast,   ///< whether a forecast says that the measure reaches `bound` within `span`
    kExhausted,  ///< whether a forecast says that a budget is gone before its period ends
  };
  enum class Versus : std::uint8_t {
    kNumber,    ///< `bound`
    kBaseline,  ///< a share of the median of the same hours of the days in `span` before
    kPrevious,  ///< a share of what it was `span` ago
    kAnomaly,   ///< `bound` robust standard deviations beside the same hours of the days in `span`
  };
  enum class Side : std::uint8_t { kAbove, kBelow, kBoth };  ///< kBoth for anomalies only

  RuleCommon common;
  Form form = Form::kSum;
  std::string measure;  ///< what is measured; of a ratio its upper part, or a derived ratio alone
  std::string whole;    ///< the ratio's lower part
  /// Unit of the rate. Of kForecast: of a sum, what one step covers, 1 h or 1 d; of a level 0.
  Duration per{};
  std::int64_t quantile_ppb = 0;
  Duration over{};       ///< the window
  std::string currency;  ///< of measures of money; empty: kDefaultCurrency
  Versus versus = Versus::kNumber;
  Side side = Side::kAbove;
  Bound bound;
  Duration span{};     ///< see Versus; of kNew how long it was not seen; of kForecast how far ahead
  std::string slo;     ///< of kBudget: the SLO, whose `by` and `where` hold
  std::string budget;  ///< of kExhausted: the budget, whose `by` and `where` hold
  std::int64_t probability_ppb = 0;  ///< of kForecast and kExhausted: holds at or above it
  friend bool operator==(const ThresholdSpec&, const ThresholdSpec&) = default;
};
inline constexpr std::string_view kDefaultCurrency = "USD";
inline constexpr std::size_t kDerivedMax = 200;      ///< derived measures of one rule set
inline constexpr std::size_t kDerivedPartsMax = 16;  ///< measures that one comes down to
inline constexpr std::int64_t kDaysMin = 3;          ///< of a baseline
inline constexpr std::int64_t kDaysMax = 28;
/// Days that `anomaly` looks at when the rule does not say.
inline constexpr Duration kAnomalySpan = std::chrono::days(14);

/// What the value of a threshold is a number of.
enum class ValueUnit : std::uint8_t { kCount, kNumber, kSeconds, kMoney, kShare };

/// A linear combination of additive measures of one unit.
struct MeasureSum {
  struct Term {
    MeasureName name;
    bool minus = false;
    friend bool operator==(const Term&, const Term&) = default;
  };
  std::vector<Term> terms;
  ValueUnit unit = ValueUnit::kCount;
};
/// What `name` comes down to; nothing when it is unknown, no sum, mixes units, has more than
/// kDerivedPartsMax parts, or names itself. Money is that of `currency`.
[[nodiscard]] std::optional<MeasureSum> ResolveSum(std::string_view name, std::string_view currency,
                                                   const std::vector<DerivedSpec>& derived);
[[nodiscard]] const DerivedSpec* FindDerived(std::string_view name,
                                             const std::vector<DerivedSpec>& derived);

/// The series that a threshold reads, with every name resolved.
struct ThresholdSource {
  MeasureType type = MeasureType::kSum;
  MeasureSum of, to;                   ///< `to` has terms for a ratio only
  ValueUnit unit = ValueUnit::kCount;  ///< of the value
};
/// Nothing when the spec has a mistake that Validate tells, and for kBudget and kExhausted, which
/// read what belongs to their SLO or budget.
[[nodiscard]] std::optional<ThresholdSource> ResolveSource(const ThresholdSpec& spec,
                                                           const std::vector<DerivedSpec>& derived);
/// Whether the spec can be made ready to run at all: its names resolve, and its spans are in range.
/// What Validate accepts is; text from elsewhere need not be.
[[nodiscard]] bool IsRunnable(const ThresholdSpec& spec, const std::vector<DerivedSpec>& derived);
/// The bound in 1e-9 of the value's unit: a percentage beside a sample's level is that many
/// hundredths of 100.
[[nodiscard]] Int128 BoundNanos(const ThresholdSpec& spec, ValueUnit value_unit);
/// What transitions call the condition: "above 50 USD", "below 80% of_baseline 7d", "anomaly 4 of
/// 14d", "new", "budget below 10%", "reaches 95 within 3d", "exhausted".
[[nodiscard]] std::string ConditionText(const ThresholdSpec& spec);
/// The currency that the rule's money is of.
[[nodiscard]] std::string_view CurrencyOf(const ThresholdSpec& spec);
/// What one step of a kForecast covers.
[[nodiscard]] Duration ForecastStepOf(const ThresholdSpec& spec);
/// So many steps a rule may look ahead: two weeks of hours, a year of days.
[[nodiscard]] std::int64_t ForecastStepsMax(Duration step);

/// "sum", "ratio", ...: the key that stands for a form in rule files.
[[nodiscard]] std::string_view Name(ThresholdSpec::Form form);

}  // namespace barograph::rules
