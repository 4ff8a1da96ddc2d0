#pragma once

#include "rules/spec/route_spec.h"
#include "storage/base/clock.h"

namespace barograph::rules {

/// How far the zone's clocks stand ahead of UTC.
[[nodiscard]] Duration OffsetAt(const MuteTimeSpec& mute, Time at);
/// Whether the mute time covers this moment. Pure: the zone's offsets are part of the spec.
[[nodiscard]] bool IsMuted(const MuteTimeSpec& mute, Time at);
/// Of a moment that is covered: when the hours that cover it end. An hour that the zone's clocks
/// skip or repeat is cut or lengthened, as a person with a watch would see it.
[[nodiscard]] Time MuteEnd(const MuteTimeSpec& mute, Time at);

}  // namespace barograph::rules
