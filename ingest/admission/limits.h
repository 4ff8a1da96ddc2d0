#pragma once

#include <cstddef>
#include <cstdint>

/// Named limits of admission, beside those of storage/base/limits.h.
namespace barograph::ingest {

/// Producer sequences and epochs are at most this, so that sums cannot wrap.
inline constexpr std::uint64_t kProducerSequenceMax = std::uint64_t{1} << 62U;
/// Bytes of rejection reasons that the table keeps of one batch; beyond, verdicts are repeated
/// without their reason.
inline constexpr std::size_t kKeptReasonBytesMax = 4 * 1024;
/// Producers that one look for idle ones lets go, so that the writer is never away for long.
inline constexpr std::size_t kProducersExpiredAtOnce = 256;
/// Ids that one look for old ones forgets.
inline constexpr std::size_t kIdsForgottenAtOnce = 2'000;

/// Partitions of all topics together whose positions are kept.
inline constexpr std::size_t kKafkaPositionsMax = 100'000;
/// Offsets of Kafka are at most this, so that sums cannot wrap.
inline constexpr std::uint64_t kKafkaOffsetMax = std::uint64_t{1} << 62U;
/// A topic's name; Kafka's own limit.
inline constexpr std::size_t kKafkaTopicBytesMax = 249;
/// Why a partition is stopped.
inline constexpr std::size_t kKafkaProblemBytesMax = 1024;
/// Key and headers of a record that is set aside, all together. Who submits cuts them.
inline constexpr std::size_t kQuarantinedHeadBytesMax = std::size_t{1} << 20U;

}  // namespace barograph::ingest
