#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/admission/kafka_source.h"
#include "storage/base/clock.h"
#include "storage/base/ids.h"
#include "storage/base/result.h"

namespace barograph::ingest {

/// What became of an event that is not simply new in the log.
struct Verdict {
  enum class Outcome : std::uint8_t { kDuplicate = 1, kRejected = 2 };
  std::uint32_t index = 0;  ///< in the request
  Outcome outcome = Outcome::kRejected;
  std::string reason;  ///< "events[17].cost.amount: ..."
};

/// 128-bit hash (XXH3) of an event id: what the dedup tables keep instead of the text.
struct EventIdHash {
  std::uint64_t low = 0, high = 0;
  friend auto operator<=>(const EventIdHash&, const EventIdHash&) = default;
};
/// The id of one accepted event, for batches without a producer.
struct OfferedId {
  EventIdHash hash;
  std::uint32_t position = 0;  ///< among the accepted events
  std::uint32_t index = 0;     ///< in the request
};

/// The checked events of one request of one tenant: the unit of an append.
struct Batch {
  std::string tenant = "default";
  std::string principal;  ///< key id; empty without authentication
  std::string producer;   ///< empty: events are checked by their ids
  std::uint64_t epoch = 0;
  std::uint64_t first_sequence =
      0;  ///< producer sequence of the first offered event; 0 without a producer
  std::uint32_t offered = 0;  ///< events in the request, without those that CutFront took
  std::uint32_t cut_before =
      0;                       ///< events that CutFront took: indexes of verdicts count from there
  std::uint32_t accepted = 0;  ///< events in `payload`
  std::string
      payload;  ///< framed encodings of the accepted events, unchanged (storage::PayloadReader)
  std::vector<Verdict> rejected;  ///< in order of index
  Time min_time = Time::max(),
       max_time = Time::min();  ///< event times in the payload; unset where none has one
  std::uint32_t untimed = 0;    ///< accepted events without a time of their own: they take log time
  /// Of all offered bytes, whatever their verdicts: tells a repetition from another batch under the
  /// same sequence. 0 = unknown, never compared.
  std::uint64_t offered_hash = 0;
  std::vector<OfferedId> ids;  ///< of accepted events that have an id; read only without a producer
  /// Where it came from, if from Kafka; then `producer` is empty. Such a batch may have no events.
  std::unique_ptr<KafkaSource> kafka;
  /// The quarantined record that these events were decoded from: it leaves the quarantine in the
  /// same group. Refused with kNotFound when it is not there, and unstored when an event of the
  /// batch was rejected.
  std::optional<Sequence> quarantined;
};

/// Takes the first `count` offered events out of the batch (0 < count < offered): their part was
/// decided before. Indexes of verdicts stay those of the request (so offered + cut_before is its
/// size); the hash becomes unknown.
void CutFront(Batch* batch, std::uint32_t count);
/// Takes the accepted events at these positions (ascending) out of the payload.
void CutAccepted(Batch* batch, const std::vector<std::uint32_t>& positions);

/// The id of an event that was sent without one by a producer: "<producer>/<record's first
/// sequence>/<index in the record>". Stable, because record and order never change; nothing is
/// stored for it.
[[nodiscard]] std::string DerivedEventId(std::string_view producer, std::uint64_t producer_sequence,
                                         std::uint32_t index);

/// The same for a record of the log that came from Kafka: "kafka:<topic>/<partition>/<offset of the
/// batch's first record>/<index in the record of the log>".
[[nodiscard]] std::string DerivedKafkaEventId(std::string_view topic, std::uint32_t partition,
                                              std::uint64_t first_offset, std::uint32_t index);

/// A place in the log that a client can check later.
struct Receipt {
  Sequence sequence;
  Digest link{};
};

/// What is told to the sender once its batch is durable.
struct BatchAnswer {
  std::uint64_t acked_sequence = 0;
  std::vector<Verdict> verdicts;
  Receipt receipt;
  std::uint32_t accepted = 0;
  /// For a batch without a producer: ids that came before are forgotten although younger than
  /// kDedupHorizon.
  std::optional<Time> ids_known_since = {};
};

struct ProducerStanding {
  std::uint64_t acked_sequence = 0;
  std::uint64_t epoch = 0;
  bool known = false;
};

/// What an ingest door sees of a partition; server/partition implements it.
///
/// Threads: every method from any thread. Callbacks run on the partition's threads and must only
/// hand over, never block.
class PartitionPort {
 public:
  virtual ~PartitionPort() = default;

  /// Answered when durable, or at once with an error: kFailedPrecondition (lower epoch),
  /// kAlreadyExists (same sequence, other bytes), kInvalidArgument (a gap in producer sequences,
  /// naming both), kUnavailable (draining).
  using Answer = std::function<void(Result<BatchAnswer>)>;
  /// Takes the batch, or leaves it untouched and returns false because the bounded queue is full:
  /// then nothing was stored.
  [[nodiscard]] virtual bool TrySubmit(Batch& batch, Answer answer) = 0;
  /// Calls `wake` once, when there is room again (or at shutdown).
  virtual void WhenRoom(std::function<void()> wake) = 0;

  /// Where a producer stands, as far as durable. `last` is the receipt that it brought, if any:
  /// kDataLoss when the log does not hold it.
  virtual void LookUpProducer(std::string tenant, std::string producer, std::optional<Receipt> last,
                              std::function<void(Result<ProducerStanding>)> answer) = 0;

  /// The log's clock now, for the check of future event times.
  [[nodiscard]] virtual Time LogTimeNow() const = 0;
};

}  // namespace barograph::ingest
