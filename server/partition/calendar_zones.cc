#include "server/partition/calendar_zones.h"

#include <absl/time/civil_time.h>
#include <absl/time/time.h>

#include <fstream>
#include <string>
#include <string_view>
#include <utility>

namespace barograph::server {
namespace {

using rules::Calendar;

/// What the zone table says of itself; Debian's begins with "# version 2024a".
const std::string& TableVersion() {
  static const std::string version = [] {
    constexpr std::string_view kHead = "# version ";
    std::ifstream table("/usr/share/zoneinfo/tzdata.zi");
    std::string line;
    std::getline(table, line);
    return line.starts_with(kHead) ? line.substr(kHead.size()) : std::string();
  }();
  return version;
}

/// First day of the period that holds `day`, and of the one after it.
std::pair<absl::CivilDay, absl::CivilDay> DaysOf(Calendar::Unit unit, absl::CivilDay day) {
  const absl::CivilMonth month(day);
  const absl::CivilMonth quarter(day.year(), (day.month() - 1) / 3 * 3 + 1);
  const absl::CivilYear year(day);
  const absl::CivilDay monday = absl::PrevWeekday(day + 1, absl::Weekday::monday);
  switch (unit) {
    case Calendar::Unit::kWeek:
      return {monday, monday + 7};
    case Calendar::Unit::kMonth:
      return {absl::CivilDay(month), absl::CivilDay(month + 1)};
    case Calendar::Unit::kQuarter:
      return {absl::CivilDay(quarter), absl::CivilDay(quarter + 3)};
    case Calendar::Unit::kYear:
      return {absl::CivilDay(year), absl::CivilDay(year + 1)};
    case Calendar::Unit::kDay:
    case Calendar::Unit::kDates:
      break;
  }
  return {day, day + 1};
}

Time StartOf(absl::CivilDay day, absl::TimeZone zone) {
  return std::chrono::time_point_cast<Duration>(
      absl::ToChronoTime(absl::FromCivil(absl::CivilSecond(day), zone)));
}

}  // namespace

std::optional<storage::PeriodOpened> PeriodOf(const Calendar& calendar, Time at) {
  absl::TimeZone zone;
  if (!absl::LoadTimeZone(calendar.timezone, &zone)) return std::nullopt;
  std::pair<absl::CivilDay, absl::CivilDay> days;
  if (calendar.unit == Calendar::Unit::kDates) {
    if (!absl::ParseCivilTime(calendar.from, &days.first) ||
        !absl::ParseCivilTime(calendar.to, &days.second)) {
      return std::nullopt;
    }
    ++days.second;
  } else {
    days = DaysOf(calendar.unit, absl::ToCivilDay(absl::FromChrono(at), zone));
  }
  storage::PeriodOpened period;
  period.origin.reason = "calendar";
  period.calendar = calendar.Text();
  period.tzdata_version = TableVersion();
  period.start = StartOf(days.first, zone);
  period.end = StartOf(days.second, zone);
  return period;
}

}  // namespace barograph::server
