#pragma once

#include <optional>

#include "rules/spec/calendar.h"
#include "storage/base/clock.h"
#include "storage/event/server_event.h"

namespace barograph::server {

/// The period of `calendar` that holds `at`, by the zone table of this machine; of a calendar of
/// dates its only one. A day begins at its first moment, so after midnight where the clock is put
/// forward then. Nothing for an unknown zone or date, which the check of the rules has refused.
///
/// Threads: any.
[[nodiscard]] std::optional<storage::PeriodOpened> PeriodOf(const rules::Calendar& calendar,
                                                            Time at);

}  // namespace barograph::server
