#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storage/event/event_view.h"

namespace barograph::rules {

/// Prefix of the names of an event's own labels: `labels.method`.
inline constexpr std::string_view kEventLabels = "labels.";

/// One field of an agent's event as people read it; templates name it after `event.`. "" where the
/// event has none. Beside the natural dimensions (`agent`, `service`, `severity` ...):
///
///   id, task_id, trace_id, time, kind, labels.NAME
///   amount ("12.50 USD"), amount.value ("12.50"), amount.currency    of a cost or payment, and
///                                                                    the value of a task
///   customer, external_id, message, reason, quantity, duration, value, subject, session, actor,
///   note, text, score
///
/// Money has at least the two decimals that prices are read with, none where the currency has none.
/// Pure: equal bytes give equal texts.
[[nodiscard]] std::string EventText(const storage::EventView& event, std::string_view name);
/// All names but those of labels, sorted.
[[nodiscard]] const std::vector<std::string_view>& EventTextNames();

}  // namespace barograph::rules
