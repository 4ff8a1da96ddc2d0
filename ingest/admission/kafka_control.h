#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ingest/admission/batch.h"
#include "ingest/admission/kafka_source.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/event/server_event.h"

namespace barograph::ingest {

enum class KafkaReading : std::uint8_t {
  kReading,      ///< assigned and being read
  kVerifying,    ///< assigned; the last stored record is read again first
  kWaiting,      ///< assigned; the server has no room just now
  kStopped,      ///< see KafkaPosition::problem
  kNotAssigned,  ///< another member of the group has it, or nobody
};
[[nodiscard]] std::string_view Name(KafkaReading reading);  ///< "reading", "not assigned"

struct KafkaPartitionFigures {
  KafkaPosition position;  ///< as far as durable
  KafkaReading reading = KafkaReading::kNotAssigned;
  std::optional<std::uint64_t> end_offset;  ///< as the broker told last
  /// Until the end; absent while the end is unknown.
  std::optional<std::uint64_t> lag_records;
  /// Age of the last record read while there is lag; else 0.
  std::optional<double> lag_seconds;
  bool unverifiable = false;  ///< its last record was gone when it was assigned last
};

struct KafkaFigures {
  std::string state;  ///< "starting", "running", "no broker", "refused", "stopped"
  std::string brokers, group;
  std::uint64_t rebalances = 0, errors = 0;
  std::uint64_t dead_letters_sent = 0, dead_letters_failed = 0;
  std::string last_error;
  Time last_error_at{};
  std::vector<KafkaPartitionFigures> partitions;  ///< by topic, then partition
};

/// What operators do with a Kafka door; ingest/kafka implements it.
///
/// Threads: every method from any thread; callbacks on threads of the door or of the partition, and
/// must only hand over.
class KafkaControl {
 public:
  virtual ~KafkaControl() = default;

  [[nodiscard]] virtual KafkaFigures figures() const = 0;

  enum class End : std::uint8_t { kEarliest, kLatest };
  using SkipTarget = std::variant<std::uint64_t, End>;
  struct Skipped {
    std::uint64_t from = 0, to = 0;
  };
  /// Lets a stopped partition go on at `to`.
  /// Errors: kNotFound (never read), kFailedPrecondition (not stopped), kInvalidArgument (an offset
  /// that the partition does not have, naming its range), kUnavailable (no broker answers).
  virtual void Skip(std::string topic, std::uint32_t partition, SkipTarget to, std::string actor,
                    std::function<void(Result<Skipped>)> done) = 0;

  /// Decodes a quarantined record again as its topic is mapped today, and submits what it yields.
  /// Errors: kInvalidArgument (still no events; the reason), kFailedPrecondition (its value was
  /// cut), kNotFound (no topic of the configuration fits), and those of TrySubmit.
  virtual void Retry(std::string tenant, Sequence sequence, storage::Quarantined record,
                     std::function<void(Result<BatchAnswer>)> done) = 0;
};

}  // namespace barograph::ingest
