#include "rules/spec/calendar.h"

#include <array>
#include <charconv>
#include <chrono>

namespace barograph::rules {
namespace {

constexpr std::array<std::string_view, 5> kUnits = {"day", "week", "month", "quarter", "year"};
constexpr std::string_view kTo = "..";
constexpr std::size_t kDateBytes = 10;

bool ReadNumber(std::string_view text, int* number) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), *number);
  return code == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::string_view Name(Calendar::Unit unit) {
  return unit == Calendar::Unit::kDates ? "dates" : kUnits[static_cast<std::size_t>(unit)];
}

bool IsDate(std::string_view text) {
  int year = 0;
  int month = 0;
  int day = 0;
  if (text.size() != kDateBytes || text[4] != '-' || text[7] != '-') return false;
  if (!ReadNumber(text.substr(0, 4), &year) || !ReadNumber(text.substr(5, 2), &month) ||
      !ReadNumber(text.substr(8, 2), &day)) {
    return false;
  }
  return std::chrono::year_month_day(std::chrono::year(year),
                                     std::chrono::month(static_cast<unsigned>(month)),
                                     std::chrono::day(static_cast<unsigned>(day)))
      .ok();
}

std::string Calendar::Text() const {
  const std::string what =
      unit == Unit::kDates ? from + std::string(kTo) + to : std::string(Name(unit));
  return what + "@" + timezone;
}

Result<Calendar> Calendar::Parse(std::string_view text) {
  const auto broken = [&] {
    return Error(ErrorCode::kInvalidArgument,
                 "'" + std::string(text) + "' is no calendar, e.g. day@America/New_York");
  };
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos || at + 1 == text.size()) return broken();
  Calendar calendar;
  calendar.timezone = std::string(text.substr(at + 1));
  const std::string_view what = text.substr(0, at);
  for (std::size_t i = 0; i < kUnits.size(); ++i) {
    if (what != kUnits[i]) continue;
    calendar.unit = static_cast<Unit>(i);
    return calendar;
  }
  const std::size_t to = what.find(kTo);
  if (to == std::string_view::npos) return broken();
  calendar.unit = Unit::kDates;
  calendar.from = std::string(what.substr(0, to));
  calendar.to = std::string(what.substr(to + kTo.size()));
  if (!IsDate(calendar.from) || !IsDate(calendar.to) || calendar.to < calendar.from) {
    return broken();
  }
  return calendar;
}

}  // namespace barograph::rules
