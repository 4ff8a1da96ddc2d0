#include "storage/base/clock.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "storage/base/assert.h"
#include "storage/base/money.h"

namespace barograph {
namespace {

using std::chrono::days;
using std::chrono::sys_days;

constexpr std::int64_t kNanosMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kNanosMin = std::numeric_limits<std::int64_t>::min();

struct Unit {
  std::string_view name;
  std::int64_t nanos;
};
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::array<Unit, 8> kUnits{{{"w", 604'800 * kSecond},
                                      {"d", 86'400 * kSecond},
                                      {"h", 3'600 * kSecond},
                                      {"m", 60 * kSecond},
                                      {"s", kSecond},
                                      {"ms", 1'000'000},
                                      {"us", 1'000},
                                      {"ns", 1}}};

std::int64_t ReadClock(clockid_t id) {
  timespec now{};
  BAROGRAPH_ASSERT(clock_gettime(id, &now) == 0, "the clock cannot be read");
  return now.tv_sec * kSecond + now.tv_nsec;
}

Error Invalid(std::string_view text, std::string_view why) {
  return {ErrorCode::kInvalidArgument,
          "'" + std::string(text.substr(0, 64)) + "' " + std::string(why)};
}

// Takes exactly `width` digits from the front; -1 when there are fewer.
int TakeDigits(std::string_view* text, std::size_t width) {
  if (text->size() < width) return -1;
  int value = 0;
  for (std::size_t i = 0; i < width; ++i) {
    const char c = (*text)[i];
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  text->remove_prefix(width);
  return value;
}

bool TakeChar(std::string_view* text, std::string_view any_of) {
  if (text->empty() || any_of.find(text->front()) == std::string_view::npos) return false;
  text->remove_prefix(1);
  return true;
}

// Takes "HH<colon>MM"; false when it is not there.
bool TakeHourMinute(std::string_view* text, int* hour, int* minute) {
  *hour = TakeDigits(text, 2);
  if (*hour < 0 || !TakeChar(text, ":")) return false;
  *minute = TakeDigits(text, 2);
  return *minute >= 0;
}

// Takes ".digits", at most nine, as nanoseconds; 0 when there is no point, -1 when it is broken.
std::int64_t TakeFraction(std::string_view* text) {
  if (!TakeChar(text, ".")) return 0;
  std::int64_t nanos = 0;
  std::int64_t place = kSecond;
  while (!text->empty() && text->front() >= '0' && text->front() <= '9') {
    place /= 10;
    if (place == 0) return -1;
    nanos += (text->front() - '0') * place;
    text->remove_prefix(1);
  }
  return place == kSecond ? -1 : nanos;
}

// Takes "Z" or "+HH:MM" to the end of the text; false when it is neither.
bool TakeOffset(std::string_view* text, int* minutes_east) {
  *minutes_east = 0;
  if (TakeChar(text, "Zz")) return text->empty();
  if (text->empty() || (text->front() != '+' && text->front() != '-')) return false;
  const int sign = text->front() == '-' ? -1 : 1;
  text->remove_prefix(1);
  int hour = 0;
  int minute = 0;
  if (!TakeHourMinute(text, &hour, &minute) || hour > 23 || minute > 59) return false;
  *minutes_east = sign * (hour * 60 + minute);
  return text->empty();
}

void AppendPadded(std::string* out, std::int64_t value, std::size_t width) {
  const std::string digits = std::to_string(value);
  if (digits.size() < width) out->append(width - digits.size(), '0');
  out->append(digits);
}

// Takes the leading digits and points, as long as they may be a number.
std::string_view TakeNumber(std::string_view* text) {
  const std::size_t length = std::min(text->find_first_not_of("0123456789."), text->size());
  const std::string_view number = text->substr(0, length);
  text->remove_prefix(length);
  return number;
}

const Unit* TakeUnit(std::string_view* text) {
  const std::size_t length = std::min(text->find_first_of("0123456789.+- "), text->size());
  for (const Unit& unit : kUnits) {
    if (text->substr(0, length) == unit.name) {
      text->remove_prefix(length);
      return &unit;
    }
  }
  return nullptr;
}

}  // namespace

Time SystemClock::WallNow() const { return Time(Duration(ReadClock(CLOCK_REALTIME))); }
Duration SystemClock::BootNow() const { return Duration(ReadClock(CLOCK_BOOTTIME)); }

std::string FormatTime(Time time) {
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  // Not by sys_days arithmetic in nanoseconds: the first day of the range starts before the range.
  const std::int64_t nanos_per_day = 86'400 * kSecond;
  std::int64_t of_day = time.time_since_epoch().count() % nanos_per_day;
  if (of_day < 0) of_day += nanos_per_day;
  std::string text;
  AppendPadded(&text, static_cast<int>(date.year()), 4);
  text.push_back('-');
  AppendPadded(&text, static_cast<unsigned>(date.month()), 2);
  text.push_back('-');
  AppendPadded(&text, static_cast<unsigned>(date.day()), 2);
  text.push_back('T');
  AppendPadded(&text, of_day / (3'600 * kSecond), 2);
  text.push_back(':');
  AppendPadded(&text, of_day / (60 * kSecond) % 60, 2);
  text.push_back(':');
  AppendPadded(&text, of_day / kSecond % 60, 2);
  if (of_day % kSecond != 0) {
    text.push_back('.');
    AppendPadded(&text, of_day % kSecond, 9);
    text.erase(text.find_last_not_of('0') + 1);
  }
  return text + "Z";
}

Result<Time> ParseTime(std::string_view text) {
  static constexpr std::string_view kForm =
      "is no RFC 3339 time with an offset; write as in 2026-11-21T09:51:40Z or ...+01:00";
  std::string_view rest = text;
  const int year = TakeDigits(&rest, 4);
  if (year < 0 || !TakeChar(&rest, "-")) return Invalid(text, kForm);
  const int month = TakeDigits(&rest, 2);
  if (month < 0 || !TakeChar(&rest, "-")) return Invalid(text, kForm);
  const int day = TakeDigits(&rest, 2);
  if (day < 0 || !TakeChar(&rest, "Tt ")) return Invalid(text, kForm);
  int hour = 0;
  int minute = 0;
  if (!TakeHourMinute(&rest, &hour, &minute) || !TakeChar(&rest, ":")) return Invalid(text, kForm);
  const int second = TakeDigits(&rest, 2);
  if (second < 0) return Invalid(text, kForm);
  const std::int64_t fraction = TakeFraction(&rest);
  if (fraction < 0) return Invalid(text, "has a broken fraction of a second; 1 to 9 digits");
  int minutes_east = 0;
  if (!TakeOffset(&rest, &minutes_east)) return Invalid(text, kForm);

  if (second == 60)
    return Invalid(text, "is a leap second, which has no place in UTC days of 86400 s");
  const std::chrono::year_month_day date(std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok()) return Invalid(text, "names a day that no calendar has");
  if (hour > 23 || minute > 59 || second > 59) return Invalid(text, "names a time that no day has");
  const Int128 seconds = Int128{sys_days(date).time_since_epoch().count()} * 86'400 + hour * 3'600 +
                         (minute - minutes_east) * 60 + second;
  const Int128 nanos = seconds * kSecond + fraction;
  if (nanos > kNanosMax || nanos < kNanosMin) {
    return Invalid(text, "is out of range; 1677-09-21T00:12:44Z to 2262-04-11T23:47:16Z");
  }
  return Time(Duration(static_cast<std::int64_t>(nanos)));
}

std::string FormatDuration(Duration duration) {
  const bool negative = duration.count() < 0;
  std::uint64_t rest = static_cast<std::uint64_t>(duration.count());
  if (negative) rest = 0 - rest;
  if (rest == 0) return "0s";
  std::string text = negative ? "-" : "";
  for (std::size_t i = 1; i < kUnits.size() && rest != 0; ++i) {
    const auto unit = static_cast<std::uint64_t>(kUnits[i].nanos);
    if (rest < unit) continue;
    const bool whole_units_only = kUnits[i].nanos > kSecond;
    text += std::to_string(rest / unit);
    rest %= unit;
    if (!whole_units_only && rest != 0) {
      // One number with a fraction says the rest: "1.5s", not "1s500ms".
      std::string fraction = std::to_string(unit + rest);
      fraction.erase(fraction.find_last_not_of('0') + 1);
      text += "." + fraction.substr(1);
      rest = 0;
    }
    text += kUnits[i].name;
  }
  return text;
}

Result<Duration> ParseDuration(std::string_view text) {
  static constexpr int kScale = 15;
  static constexpr Int128 kOne = 1'000'000'000'000'000;
  if (text.empty()) return Invalid(text, "is no duration; write as in 90s, 1h30m or 30d");
  if (text.front() == '-') return Invalid(text, "is negative; durations are >= 0");
  std::string_view rest = text;
  Int128 total = 0;
  while (!rest.empty()) {
    const std::string_view number = TakeNumber(&rest);
    const Result<Int128> value = ParseDecimal(number, kScale);
    if (!value.ok()) return Invalid(text, "is no duration; write as in 90s, 1h30m or 30d");
    const Unit* unit = TakeUnit(&rest);
    if (unit == nullptr) return Invalid(text, "lacks a unit; one of ns, us, ms, s, m, h, d, w");
    Int128 scaled = 0;
    if (__builtin_mul_overflow(*value, Int128{unit->nanos}, &scaled)) {
      return Invalid(text, "is too long; at most 292 years");
    }
    if (scaled % kOne != 0) return Invalid(text, "is finer than a nanosecond");
    total += scaled / kOne;
    if (total > kNanosMax) return Invalid(text, "is too long; at most 292 years");
  }
  return Duration(static_cast<std::int64_t>(total));
}

}  // namespace barograph
