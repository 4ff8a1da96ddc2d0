#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/ids.h"
#include "storage/base/result.h"

namespace barograph::ingest {

/// Tells a record of Kafka from any other that could lie at its offset: the topic made anew, or cut
/// off and written again.
struct KafkaMark {
  std::uint64_t offset = 0;
  /// As Kafka says it, milliseconds since 1970; -1 = the record has none.
  std::int64_t timestamp_ms = -1;
  /// CRC-32C over key and value, each after its length; see KafkaCrc.
  std::uint32_t crc = 0;
  friend bool operator==(const KafkaMark&, const KafkaMark&) = default;
};
/// No value: a tombstone.
[[nodiscard]] std::uint32_t KafkaCrc(std::string_view key, std::optional<std::string_view> value);

/// A record that could not become events, or not all of them, on its way to the quarantine.
struct SetAsideRecord {
  std::uint64_t offset = 0;
  std::int64_t timestamp_ms = -1;
  std::string key;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
  std::string value;                           ///< at most kQuarantinedValueMax bytes
  std::uint64_t value_bytes = 0;               ///< of the whole value
  std::optional<Digest> digest;                ///< of the whole value, where it was cut
  std::string reason;                          ///< with the field's name
  std::vector<std::uint32_t> rejected_events;  ///< empty: the whole record
};

/// Which records of one partition of one topic a batch stands for. It goes into the log together
/// with its events, so that each record is decided once, whatever dies.
struct KafkaSource {
  std::string topic;
  std::uint32_t partition = 0;
  /// Where reading stood before; of the first batch of a partition, its first record.
  std::uint64_t first_offset = 0;
  std::uint64_t next_offset = 0;  ///< behind the last record
  KafkaMark last;                 ///< the last record
  std::uint64_t records = 0;      ///< with tombstones and those set aside
  std::uint64_t tombstones = 0;
  std::vector<SetAsideRecord> set_aside;  ///< in order of offset
};

/// Where reading of one partition stands.
struct KafkaPosition {
  std::string topic;
  std::uint32_t partition = 0;
  std::string tenant;             ///< of its last batch
  std::uint64_t next_offset = 0;  ///< everything before it was decided
  std::optional<KafkaMark> last;  ///< absent after a skip: nothing to compare with
  std::string problem;            ///< why it is stopped; empty: it goes on
  /// Since the partition's first record.
  std::uint64_t records = 0, events = 0, duplicates = 0, set_aside = 0, tombstones = 0, holes = 0;
};

/// What a Kafka door sees of a partition, beside PartitionPort; server/partition implements it.
///
/// A batch from Kafka is submitted like any other (PartitionPort::TrySubmit with Batch::kafka set).
/// It is refused with kFailedPrecondition, and nothing of it is stored, when its first offset is
/// not the position (so that what follows a refused batch is refused too, and nothing is passed
/// over) or its partition is stopped; with kResourceExhausted when its set-aside records do not fit
/// into the quarantine. Offsets of the range without a record are holes.
///
/// Threads: every method from any thread. Callbacks run on the partition's threads, once what they
/// say is durable, and must only hand over.
class KafkaPort {
 public:
  virtual ~KafkaPort() = default;

  /// One name for this log on this disk, stable over restarts: [0-9a-f-], at most 64 bytes.
  [[nodiscard]] virtual std::string LogIdentity() const = 0;
  /// All positions, by topic and partition.
  virtual void LookUpKafka(std::function<void(Result<std::vector<KafkaPosition>>)> answer) = 0;
  /// Notes why a partition cannot go on; an alert says so (`server.kafka`, with topic and
  /// partition) until it is skipped, or until an empty problem is noted.
  virtual void StopKafka(std::string topic, std::uint32_t partition, std::string problem,
                         std::function<void(Status)> done) = 0;
  /// An operator lets a partition go on at `to`; logged as GapSkipped.
  /// Answers the offset that reading had reached. Errors: kNotFound.
  virtual void SkipKafka(std::string topic, std::uint32_t partition, std::uint64_t to,
                         std::string actor, std::function<void(Result<std::uint64_t>)> done) = 0;
};

/// Bytes of a value that the quarantine keeps.
inline constexpr std::size_t kQuarantinedValueMax = std::size_t{1} << 20U;
/// Records of one tenant that wait in the quarantine; beyond, the partition waits.
inline constexpr std::size_t kQuarantinedMax = 100'000;

}  // namespace barograph::ingest
