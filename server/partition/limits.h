#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "storage/base/clock.h"

/// Named limits of a partition, beside PartitionOptions.
namespace barograph::server {

/// Commands other than batches (reads, look-ups, configuration) that wait for the writer.
inline constexpr std::size_t kCommandsMax = 4096;
/// Callers that wait for room or for durability.
inline constexpr std::size_t kWaitersMax = 65'536;
/// The writer looks at the log's clock at least so often while nothing comes.
inline constexpr std::chrono::milliseconds kIdleWakeMax{20};
/// An evaluation under load waits for so many times the cost of the one before.
inline constexpr std::int64_t kEvaluationRest = 10;
/// Instances that one call of EvaluateSecond looks at.
inline constexpr std::size_t kInstancesAtOnce = 256;
/// A writer that was away for more whole seconds than this (suspend, freeze) logs a stop instead of
/// evaluating them.
inline constexpr std::int64_t kMissedSecondsMax = 30;
/// A checkpoint slice aims at less than this, and its rows are in this range.
inline constexpr Duration kCheckpointSlice = std::chrono::microseconds(250);
inline constexpr std::size_t kCheckpointRowsMin = 4;
inline constexpr std::size_t kCheckpointRowsMax = 2048;
/// Turns of the writer without a command count as absence from here on.
inline constexpr Duration kAbsenceMin = std::chrono::microseconds(100);
/// Idle producers and old ids are looked for once in so much log time.
inline constexpr Duration kUpkeepInterval = std::chrono::minutes(1);
/// Alerts about partitions of Kafka that are stopped; one more counts those beyond.
inline constexpr std::size_t kKafkaAlertsMax = 100;
/// Progress of a replay is told every so many events.
inline constexpr std::uint64_t kProgressEvents = 1'000'000;

}  // namespace barograph::server
