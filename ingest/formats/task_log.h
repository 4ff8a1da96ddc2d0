#pragma once

#include <string_view>

#include "ingest/formats/field_path.h"
#include "ingest/formats/json_text.h"
#include "storage/base/result.h"

namespace barograph::ingest {

/// Reads one object of the task-log format, which programs write that log their tasks as JSON
/// lines:
///
///   {"event": "task_started", "timestamp": "2026-01-15T09:00:00", "task_id": "t-1", "agent":
///   "CTO",
///    "estimated_cost": "150_anthropic_credits", "deadline": "2026-01-15 18:00", "business_value":
///    "high", ...}
///
/// `event` (task_started, task_progress, task_blocked, task_completed, task_failed,
/// task_cancelled), `timestamp` and what else Task has fields for. The format is read generously,
/// because nobody can be asked to mend an old log: a time without a zone is in the configured one;
/// an estimated cost that is not money goes to `estimated_cost_text`; a value of a known key that
/// does not fit its field, and every unknown key, is kept: as a label of that name where it is one
/// short value, otherwise as a line "name: value" in `evidence`. A `business_value` that is money
/// is the task's `value` too.
///
/// Errors: kInvalidArgument where no task event can be made: no object, an unknown or absent
/// `event`, an absent or unreadable `timestamp`.
[[nodiscard]] Status ReadTaskLog(const JsonValue& json, const FieldText& how, v1::Event* event);

}  // namespace barograph::ingest
