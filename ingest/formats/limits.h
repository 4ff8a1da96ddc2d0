#pragma once

#include <cstddef>

#include "storage/base/limits.h"

/// Named limits of records that come from Kafka, beside those of storage/base/limits.h (nesting of
/// JSON, bytes of an event, events and bytes of a batch).
namespace barograph::ingest {

/// Events of one record, and bytes of its value where it holds many: those of a gRPC batch.
inline constexpr std::size_t kRecordEventsMax = kBatchEventsMax;
inline constexpr std::size_t kRecordBytesMax = kBatchBytesMax;
/// Headers of one record that is a CloudEvent, and their names and values together. The other
/// formats do not read headers.
inline constexpr std::size_t kRecordHeadersMax = 128;
inline constexpr std::size_t kRecordHeaderBytesMax = 64 * 1024;
/// One attribute of a CloudEvent.
inline constexpr std::size_t kCloudEventAttributeBytesMax = 4 * 1024;
/// Entries of the mapping from CloudEvents' types.
inline constexpr std::size_t kCloudEventTypesMax = 1'000;
/// Bytes of one reason why an event could not be built; longer ones are cut.
inline constexpr std::size_t kReasonBytesMax = 512;

}  // namespace barograph::ingest
