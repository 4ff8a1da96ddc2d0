#pragma once

#include <cstddef>

#include "rules/spec/receiver_spec.h"

namespace barograph::server {

/// Tries of one receiver at once. One that hangs holds no more, and so never the room of others.
inline constexpr std::size_t kTriesOfReceiverMax = 8;
/// Tries at once over all receivers: enough for each of them to hang.
inline constexpr std::size_t kTriesUnderWayMax = kTriesOfReceiverMax * rules::kReceiversMax;

}  // namespace barograph::server
