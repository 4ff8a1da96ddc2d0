#include "rules/alert/mute_clock.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>

namespace barograph::rules {
namespace {

using std::chrono::days;
using std::chrono::minutes;

/// 1970-01-01 was a Thursday, and Monday is day 0.
constexpr std::int64_t kEpochWeekday = 3;

/// A moment as the zone's clocks show it, as if it were UTC.
using Local = Duration;

Local ToLocal(const MuteTimeSpec& mute, Time at) {
  return at.time_since_epoch() + OffsetAt(mute, at);
}

/// End, by the zone's clocks, of the hours that began on the local day that holds `local` or on the
/// day before.
std::optional<Local> LocalEnd(const MuteTimeSpec& mute, Local local) {
  const std::int64_t today = std::chrono::floor<days>(local).count();
  const std::int32_t length = mute.to_minute > mute.from_minute
                                  ? mute.to_minute - mute.from_minute
                                  : mute.to_minute + 24 * 60 - mute.from_minute;
  std::optional<Local> end;
  for (const std::int64_t day : {today - 1, today}) {
    const std::int64_t weekday = ((day + kEpochWeekday) % 7 + 7) % 7;
    if ((static_cast<unsigned>(mute.weekdays) >> static_cast<unsigned>(weekday) & 1U) == 0)
      continue;
    const Local begin = days(day) + minutes(mute.from_minute);
    if (local >= begin && local < begin + minutes(length)) end = begin + minutes(length);
  }
  return end;
}

}  // namespace

Duration OffsetAt(const MuteTimeSpec& mute, Time at) {
  const auto after =
      std::upper_bound(mute.offsets.begin(), mute.offsets.end(), at,
                       [](Time time, const ZoneOffset& offset) { return time < offset.from; });
  if (after == mute.offsets.begin()) return Duration(0);
  return std::chrono::seconds(std::prev(after)->seconds);
}

bool IsMuted(const MuteTimeSpec& mute, Time at) {
  return LocalEnd(mute, ToLocal(mute, at)).has_value();
}

Time MuteEnd(const MuteTimeSpec& mute, Time at) {
  const std::optional<Local> end = LocalEnd(mute, ToLocal(mute, at));
  if (!end) return at;
  // With the offset of now, and, where that changes before the end, with the one that holds there.
  const Time guess = Time(*end - OffsetAt(mute, at));
  return std::max(at + std::chrono::seconds(1), Time(*end - OffsetAt(mute, guess)));
}

}  // namespace barograph::rules
