#include "ingest/formats/time_text.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "storage/base/money.h"

namespace barograph::ingest {
namespace {

constexpr std::array<const char*, 8> kForms{"%Y-%m-%d%ET%H:%M:%E*S%Ez", "%Y-%m-%d %H:%M:%E*S%Ez",
                                            "%Y-%m-%d%ET%H:%M:%E*S",    "%Y-%m-%d %H:%M:%E*S",
                                            "%Y-%m-%d%ET%H:%M%Ez",      "%Y-%m-%d%ET%H:%M",
                                            "%Y-%m-%d %H:%M",           "%Y-%m-%d"};

Error Refuse(std::string_view text, std::string_view expected) {
  return Error(
      ErrorCode::kInvalidArgument,
      "'" + std::string(text.substr(0, 64)) + "' is not a time; expected " + std::string(expected));
}

// Nothing when outside of what nanoseconds hold, and for the "infinite-future" that absl reads too.
std::optional<Time> ToTime(absl::Time time) {
  const absl::Time min = absl::FromUnixNanos(INT64_MIN);
  const absl::Time max = absl::FromUnixNanos(INT64_MAX);
  if (time < min || time > max) return std::nullopt;
  return Time(Duration(absl::ToUnixNanos(time)));
}

// Digits of a number since 1970 that lie behind the point in nanoseconds.
std::optional<int> UnixScale(std::string_view format) {
  if (format == "unix") return 9;
  if (format == "unix_ms") return 6;
  if (format == "unix_us") return 3;
  if (format == "unix_ns") return 0;
  return std::nullopt;
}

std::optional<Time> ParseForm(const char* form, std::string_view text, absl::TimeZone zone) {
  absl::Time time;
  std::string why;
  // The copy is needed: absl's own string_view is not the standard's in every build.
  if (!absl::ParseTime(form, std::string(text), zone, &time, &why)) return std::nullopt;
  return ToTime(time);
}

// strptime's %Y takes four digits, so that %Y%m%d reads 19970101; absl's takes as many as there
// are, and calls ours %E4Y.
std::string WithFourDigitYears(std::string_view format) {
  std::string all;
  for (std::size_t i = 0; i < format.size(); ++i) {
    all += format[i];
    if (format[i] != '%' || i + 1 == format.size()) continue;
    ++i;
    all += format[i] == 'Y' ? "E4Y" : std::string(1, format[i]);
  }
  return all;
}

}  // namespace

Result<TimeText> TimeText::Make(std::string_view zone, std::string_view format) {
  TimeText text;
  text.format_ = WithFourDigitYears(format);
  if (!absl::LoadTimeZone(std::string(zone), &text.zone_)) {
    return Error(ErrorCode::kInvalidArgument,
                 "timezone: '" + std::string(zone) +
                     "' is not a zone of the IANA database; write e.g. UTC or Europe/Berlin");
  }
  return text;
}

Result<Time> TimeText::Parse(std::string_view text) const {
  if (const std::optional<int> scale = UnixScale(format_)) {
    const Result<Int128> nanos = ParseDecimal(text, *scale);
    if (nanos.ok() && *nanos >= INT64_MIN && *nanos <= INT64_MAX) {
      return Time(Duration(static_cast<std::int64_t>(*nanos)));
    }
    return Refuse(text, "a number for the format " + format_);
  }
  if (!format_.empty()) {
    if (const auto time = ParseForm(format_.c_str(), text, zone_)) return *time;
    return Refuse(text, "the format " + format_);
  }
  // Words such as "infinite-future" are absl's own; a time starts with a digit.
  if (!text.empty() && text.front() >= '0' && text.front() <= '9') {
    for (const char* form : kForms) {
      if (const auto time = ParseForm(form, text, zone_)) return *time;
    }
  }
  return Refuse(text, "e.g. 2026-11-21T09:51:40Z or 2026-11-21 09:51:40");
}

Result<Duration> ParseLenientDuration(std::string_view text) {
  if (Result<Duration> strict = ParseDuration(text); strict.ok()) return strict;
  constexpr std::array<std::pair<std::string_view, std::int64_t>, 12> kUnits{{
      {"seconds", 1},
      {"second", 1},
      {"secs", 1},
      {"sec", 1},
      {"minutes", 60},
      {"minute", 60},
      {"mins", 60},
      {"min", 60},
      {"hours", 3600},
      {"hour", 3600},
      {"days", 86'400},
      {"day", 86'400},
  }};
  const std::size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  std::string_view unit = text.substr(digits);
  while (!unit.empty() && (unit.front() == ' ' || unit.front() == '_' || unit.front() == '-'))
    unit.remove_prefix(1);
  const Result<Int128> nanos = ParseDecimal(text.substr(0, digits), 9);
  for (const auto& [name, seconds] : kUnits) {
    if (unit != name || !nanos.ok() || *nanos > INT64_MAX / seconds) continue;
    return Duration(static_cast<std::int64_t>(*nanos) * seconds);
  }
  return Error(ErrorCode::kInvalidArgument,
               "'" + std::string(text.substr(0, 64)) +
                   "' is not a duration; expected e.g. 3.5s, 1h30m or 4 hours");
}

}  // namespace barograph::ingest
