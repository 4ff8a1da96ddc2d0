#include "server/config/zone_table.h"

#include <absl/time/civil_time.h>
#include <absl/time/time.h>

namespace barograph::server {

std::optional<std::vector<rules::ZoneOffset>> ZoneOffsets(const std::string& name) {
  absl::TimeZone zone;
  if (!absl::LoadTimeZone(name, &zone)) return std::nullopt;
  std::vector<rules::ZoneOffset> offsets;
  absl::Time at = absl::FromCivil(absl::CivilDay(kZoneFirstYear, 1, 1), absl::UTCTimeZone());
  const absl::Time end =
      absl::FromCivil(absl::CivilDay(kZoneLastYear + 1, 1, 1), absl::UTCTimeZone());
  const auto add = [&] {
    const std::int32_t seconds = zone.At(at).offset;
    const bool same = offsets.empty() ? seconds == 0 : offsets.back().seconds == seconds;
    if (!same) offsets.push_back({Time(std::chrono::seconds(absl::ToUnixSeconds(at))), seconds});
  };
  add();
  absl::TimeZone::CivilTransition next;
  while (zone.NextTransition(at, &next)) {
    // Of a civil second that comes twice this is its second coming, when the clocks changed.
    at = zone.At(next.to).trans;
    if (at >= end) break;
    add();
  }
  return offsets;
}

}  // namespace barograph::server
