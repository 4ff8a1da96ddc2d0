#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::ingest {

/// What the value of a Kafka record holds.
enum class RecordFormat : std::uint8_t {
  kBatch,        ///< `batch`: a PublishBatchRequest, of which only `events` are read
  kEvent,        ///< `event`: one Event in protobuf's wire format
  kJson,         ///< `json`: one event as JSON, see event_json.h
  kNdjson,       ///< `ndjson`: events as JSON, one a line
  kTaskLog,      ///< `task-log`: JSON lines, see task_log.h
  kCloudEvents,  ///< `cloudevents`: one CloudEvent 1.0, see cloud_event.h
};

/// The name in a configuration, e.g. "task-log".
[[nodiscard]] std::string_view Name(RecordFormat format);
/// Errors: kInvalidArgument naming all formats and the nearest one.
[[nodiscard]] Result<RecordFormat> ParseRecordFormat(std::string_view name);

/// One header of a record.
struct RecordHeaderView {
  std::string_view name;
  std::string_view value;
  bool null = false;  ///< Kafka tells a null value from an empty one
};

/// A Kafka record as far as decoding looks at it.
/// Lifetime: views into the record.
struct RawRecord {
  std::string_view key;
  std::optional<std::string_view> value;  ///< nothing: a tombstone
  std::span<const RecordHeaderView> headers;
  std::optional<Time> timestamp;  ///< when absent or of no use, see RecordTimestamp
};

/// A record's timestamp from Kafka's milliseconds since 1970. Nothing for a time that no event may
/// have (limits.h: before 1990, after 2200), of which Kafka's "not available" (-1) is one.
[[nodiscard]] std::optional<Time> RecordTimestamp(std::int64_t millis);

}  // namespace barograph::ingest
