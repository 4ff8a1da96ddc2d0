#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rules/spec/route_spec.h"

namespace barograph::server {

/// Years whose offsets are looked up. The range is fixed, not counted from today: the same
/// configuration gives the same rule set on every day.
inline constexpr int kZoneFirstYear = 2020;
inline constexpr int kZoneLastYear = 2059;

/// How far the zone's clocks stand ahead of UTC over those years, by the zone database of this
/// machine; behind the last year the last offset holds. Empty for UTC. Nothing for a zone that the
/// database does not know.
[[nodiscard]] std::optional<std::vector<rules::ZoneOffset>> ZoneOffsets(const std::string& zone);

}  // namespace barograph::server
