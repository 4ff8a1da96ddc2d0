#pragma once

#include <chrono>
#include <cstddef>

/// Named limits of the Kafka door.
namespace barograph::ingest {

/// Events, and bytes of events and set-aside records, with which a batch is submitted; a record
/// more may go over it.
inline constexpr std::size_t kKafkaBatchEvents = 2'000;
inline constexpr std::size_t kKafkaBatchBytes = 512U << 10U;
/// A batch that waits for more records is submitted after so long.
inline constexpr std::chrono::milliseconds kKafkaBatchAge{10};
/// Headers of one record that are kept in the quarantine, and bytes of each.
inline constexpr std::size_t kKafkaHeadersKept = 64;
inline constexpr std::size_t kKafkaHeaderBytesKept = 4'096;
inline constexpr std::size_t kKafkaKeyBytesKept = 16'384;
/// The log has had no room for so long: partitions are paused, so that the consumer goes on serving
/// its group.
inline constexpr std::chrono::seconds kKafkaPauseAfter{1};
inline constexpr std::chrono::milliseconds kKafkaRoomCheck{5};
/// Longest wait for a record when nothing else is to do.
inline constexpr std::chrono::milliseconds kKafkaPoll{50};
/// The same while a batch is open, which closes when the log has answered for the one before.
inline constexpr std::chrono::milliseconds kKafkaOpenPoll{1};
inline constexpr std::chrono::seconds kKafkaCommitInterval{5};
/// Between tries after an error: a broker that does not answer, a full quarantine.
inline constexpr std::chrono::seconds kKafkaRetry{1};
inline constexpr std::chrono::milliseconds kKafkaRecoverPause{100};
/// How fresh figures are: of the door, and of the rows in the log.
inline constexpr std::chrono::milliseconds kKafkaPublishInterval{200};
inline constexpr std::chrono::seconds kKafkaRowsInterval{1};
/// At the end, answers are awaited for so long.
inline constexpr std::chrono::seconds kKafkaSettleMax{10};
/// Copies for the dead-letter topic under way at once, and how long the end waits for them.
inline constexpr std::size_t kKafkaDeadLettersMax = 10'000;
inline constexpr std::chrono::seconds kKafkaDeadLettersFlush{3};
/// One question to a broker.
inline constexpr std::chrono::seconds kKafkaAsk{5};
/// Requests of operators that wait at once.
inline constexpr std::size_t kKafkaRequestsMax = 256;
/// The largest response of a broker that is read: a record of 100 MB still comes, and is set aside.
inline constexpr std::size_t kKafkaResponseMax = std::size_t{256} << 20U;
/// What librdkafka fetches ahead over all partitions, in KiB and in records (about 350 bytes more
/// each). A full queue makes 2.0.2 look again only after a second (librdkafka issue 2879), so each
/// holds what the log takes in a second.
inline constexpr std::size_t kKafkaPrefetchKib = 128U << 10U;
inline constexpr std::size_t kKafkaPrefetchRecords = 1'000'000;

}  // namespace barograph::ingest
