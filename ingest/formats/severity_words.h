#pragma once

#include <optional>
#include <string_view>

#include "storage/event/event_view.h"

namespace barograph::ingest {

/// The contract's one table of levels for all the words people use, in any case; `-`, `_` and
/// blanks do not count: P0, SEV-1, FATAL, page, critical = critical; P1, SEV-2, high, ERROR,
/// ticket, warning = warning; P2 and below, SEV-3 and below, medium, low, DEBUG, info = info.
/// Nothing for any other word. For alerts there is no level `error`: the word means warning.
[[nodiscard]] std::optional<storage::Severity> FindAlertSeverity(std::string_view word);

/// The same for events, where ERROR stays its own value.
[[nodiscard]] std::optional<storage::Severity> FindEventSeverity(std::string_view word);

}  // namespace barograph::ingest
