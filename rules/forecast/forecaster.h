#pragma once

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "rules/forecast/spread.h"
#include "rules/forecast/values.h"

namespace barograph::rules::forecast {

/// Where a series is going: the door to this folder.
///
///   const Answer answer = ForecastOf(revenue, {.horizon = 30, .periods = {7}});
///   if (const auto* forecast = std::get_if<Forecast>(&answer)) {
///     forecast->centre[6]; forecast->IntervalAt(6, 0.80);  // a week from now
///   }
///
/// Every model of models.h is tried at earlier moments of the series itself (rolling_origin.h);
/// they are combined in inverse proportion to the fourth power of their errors, and the intervals
/// are what the combination missed by (spread.h). What this achieves, measured:
/// docs/forecasting.md.
///
/// Pure: no clock, no thread, no randomness; the same numbers give the same answer on one platform.
/// It uses exp and log, whose last digit differs between platforms; so answers are entered in the
/// log as events and never computed in a fold. Threads: any number may call it. Errors: none; input
/// of any kind has an answer.

inline constexpr std::size_t kHorizonMax = 1000;
inline constexpr std::size_t kHistoryMax = 3000;  ///< older values are not looked at
inline constexpr std::size_t kLeastHistory = 12;
inline constexpr std::size_t kLeastOrigins = 3;

struct Question {
  std::size_t horizon = 1;  ///< steps ahead, in [1, kHorizonMax]
  /// Lengths of the seasons in steps: {24, 168} for hours, {7} for days, {52} for weeks, {} for
  /// none. Whether the series has them is found out. Ascending, each in [2, kHistoryMax].
  std::vector<std::size_t> periods = {};
  bool never_negative = false;  ///< counts and sums of money: nothing below 0 is ever answered
};

enum class Refusal {
  kQuestion,   ///< horizon or periods out of range
  kNotFinite,  ///< a value is NaN or infinite
  kTooShort,   ///< too few values for this horizon
  kTooWild,    ///< forecasts of its own past were of no use
};

/// "Cannot say", with a sentence for a person.
struct CannotSay {
  Refusal refusal = Refusal::kTooShort;
  std::string reason;
};

struct ModelShare {
  std::string name;
  double weight = 0;  ///< in the combination, summing to 1
  double error = 0;   ///< relative to the best; infinite where the model does not apply
};

struct Interval {
  double low = 0;
  double high = 0;
};

struct Forecast {
  Values centre;                   ///< one number a step: as often exceeded as not
  Spread spread;                   ///< of what may come around it
  double floor = 0;                ///< with never_negative 0, else -infinity
  std::vector<ModelShare> models;  ///< by weight, the heaviest first
  std::size_t origins = 0;         ///< earlier moments that this rests on
  std::size_t scored = 0;  ///< steps that were scored there; beyond them intervals follow a law
  double error = 0;        ///< mean |error| at those moments over `scored` steps

  /// Holds what comes with probability `coverage`, in (0, 1). Requires step < centre.size(), 0
  /// being the next one.
  [[nodiscard]] Interval IntervalAt(std::size_t step, double coverage) const;
  /// The number at `deviation`, in units of the spread's scale, from the centre of this step.
  [[nodiscard]] double NumberAt(std::size_t step, double deviation) const;
};

using Answer = std::variant<Forecast, CannotSay>;

/// The most steps ahead that a history of so many values is not too short for; 0: none.
[[nodiscard]] std::size_t LongestHorizon(std::size_t values);

/// `history` is equally spaced, oldest first, without gaps: a step without events is a 0 of a sum.
[[nodiscard]] Answer ForecastOf(History history, const Question& question);

}  // namespace barograph::rules::forecast
