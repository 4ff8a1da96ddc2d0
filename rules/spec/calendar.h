#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/base/result.h"

namespace barograph::rules {

/// A division of time into periods as people see them in a time zone.
///
/// Rules and the log know a calendar by its text; when its periods begin and end is decided outside
/// of the engine, which sees no zone database, and comes to it as PeriodOpened events.
struct Calendar {
  enum class Unit : std::uint8_t {
    kDay,
    kWeek,  ///< from Monday (ISO 8601)
    kMonth,
    kQuarter,
    kYear,
    kDates,  ///< one period, from the start of `from` to the end of `to`
  };
  Unit unit = Unit::kDay;
  std::string timezone = "UTC";  ///< IANA
  std::string from, to;          ///< kDates: "2026-11-01", both included
  friend bool operator==(const Calendar&, const Calendar&) = default;

  /// "day@America/New_York", "2026-11-01..2026-12-31@UTC"; equal calendars have equal texts.
  [[nodiscard]] std::string Text() const;
  /// Errors: kInvalidArgument: no such unit, broken dates.
  [[nodiscard]] static Result<Calendar> Parse(std::string_view text);
};
/// "day", "week", ...; "dates" for kDates.
[[nodiscard]] std::string_view Name(Calendar::Unit unit);
/// Whether it is a date as Calendar's: "2026-11-01", in the proleptic Gregorian calendar.
[[nodiscard]] bool IsDate(std::string_view text);

}  // namespace barograph::rules
