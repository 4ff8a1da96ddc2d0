#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "ingest/admission/batch.h"
#include "ingest/admission/kafka_control.h"
#include "ingest/admission/kafka_source.h"
#include "ingest/kafka/kafka_options.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::ingest {

/// Reads topics of Kafka into the log, each record once.
///
/// The log holds, with the events, where reading stands in each partition (KafkaPosition); the
/// broker's committed offsets serve lag tools only. On assignment a partition is read from its last
/// stored record on, and that record must be the one stored (KafkaMark): else the topic was made
/// anew or cut, and the partition stops until an operator skips it. A record that cannot become
/// events is set aside in the log's quarantine and, if configured, copied to a dead-letter topic.
/// Back-pressure: while the partition of the log is full nothing is polled; after
/// kKafkaPauseAfter the consumer is paused and, before it resumes, sought to our own offsets.
///
/// Threads:  public methods from any thread. Runs one thread that polls and decodes, beside
///           librdkafka's own.
/// Lifetime: ports and clock must outlive it; the partition must answer everything it took before
///           the door is destroyed.
/// Errors:   Open: kInvalidArgument (settings), kFailedPrecondition (another Barograph reads as
///           this group). A broker that cannot be reached is not an error: reading begins when it
///           comes.
class KafkaDoor final : public KafkaControl {
 public:
  struct Hooks {
    /// Lines for the log of the program.
    enum class Level : std::uint8_t { kDebug, kInfo, kWarning, kError };
    std::function<void(Level, std::string_view)> log;
  };
  [[nodiscard]] static Result<std::unique_ptr<KafkaDoor>> Open(const KafkaOptions& options,
                                                               PartitionPort& partition,
                                                               KafkaPort& positions,
                                                               const Clock& clock, Hooks hooks);
  ~KafkaDoor() override;

  [[nodiscard]] KafkaFigures figures() const override;
  void Skip(std::string topic, std::uint32_t partition, SkipTarget to, std::string actor,
            std::function<void(Result<Skipped>)> done) override;
  void Retry(std::string tenant, Sequence sequence, storage::Quarantined record,
             std::function<void(Result<BatchAnswer>)> done) override;

  /// Why the door is not ready; empty when it is. For /readyz.
  [[nodiscard]] std::string Problem() const;
  /// Stops reading, waits until what was submitted is durable, commits offsets, leaves librdkafka.
  /// Returns within `limit` or says so. Call it before the partition drains.
  [[nodiscard]] Status Drain(Duration limit);

 private:
  KafkaDoor();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace barograph::ingest
