#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

/// Named limits of what comes from outside. Each is refused with its name, the value and the range.
namespace barograph {

inline constexpr std::size_t kIdBytesMax = 128;    ///< event id, producer id
inline constexpr std::size_t kNameBytesMax = 256;  ///< agent, task id, and every dimension
inline constexpr std::size_t kTextBytesMax =
    16 * 1024;                                      ///< free text: message, reason, note, feedback
inline constexpr std::size_t kLabelsMax = 32;       ///< labels of one event
inline constexpr std::size_t kLabelBytesMax = 256;  ///< one label's name, and its value
inline constexpr std::size_t kListItemsMax = 256;   ///< dependencies, success metrics, evidence
inline constexpr std::size_t kEventBytesMax = 64 * 1024;        ///< one event's encoding
inline constexpr std::size_t kBatchEventsMax = 10'000;          ///< events of one request
inline constexpr std::size_t kBatchBytesMax = 4 * 1024 * 1024;  ///< one request
inline constexpr std::uint64_t kEventCountMax = 1'000'000'000;  ///< Event.count
inline constexpr int kWireDepthMax = 8;           ///< nesting of messages inside an event
inline constexpr int kUnknownFieldsMax = 64;      ///< unknown fields of one event
inline constexpr int kJsonDepthMax = 32;          ///< nesting of JSON before any copy
inline constexpr double kSampleValueMax = 9.2e9;  ///< |Sample.value|
inline constexpr std::uint64_t kTokensMax = 1'000'000'000'000;  ///< each token count of one event
/// Events further ahead of log time are refused over gRPC.
inline constexpr std::chrono::minutes kFutureMax{5};
/// Event times before 1990 or after 2200 are refused: they are unit mistakes.
inline constexpr std::int64_t kEventTimeMinSeconds = 631'152'000;
inline constexpr std::int64_t kEventTimeMaxSeconds = 7'258'118'400;
inline constexpr std::int64_t kEventDurationSecondsMax = 3'155'760'000;  ///< 100 years

inline constexpr std::size_t kSeriesMax = 100'000;  ///< series of one tenant; beyond: `_overflow`
inline constexpr std::size_t kProducersMax = 1'000'000;  ///< producers of one tenant
inline constexpr std::size_t kProducerBatchesKept = 64;  ///< batches whose verdicts are repeated
inline constexpr std::chrono::hours kProducerIdleMax{35 * 24};
inline constexpr std::size_t kDedupIdsMax = 10'000'000;  ///< ids of one tenant in the hourly tables
inline constexpr std::chrono::hours kDedupHorizon{24};
inline constexpr std::size_t kOpenTasksMax = 1'000'000;  ///< tasks followed at once

}  // namespace barograph
