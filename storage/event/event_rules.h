#pragma once

#include "storage/base/result.h"
#include "storage/event/event_view.h"

namespace barograph::storage {

/// What no single field can say: which fields a kind cannot do without, which exclude each other,
/// and the ranges of numbers. `event` holds an agent's kind whose fields were each read within
/// their limits.
/// Errors: kInvalidArgument as ReadEvent's.
[[nodiscard]] Status CheckKind(const EventView& event);

}  // namespace barograph::storage
