#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ingest/admission/batch.h"
#include "ingest/admission/kafka_table.h"
#include "rules/engine/engine.h"
#include "server/partition/quarantine_book.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::server {

/// What a door should have seen to: a source and sizes that fit a record of the log.
/// Errors: kInvalidArgument, naming value and range.
/// Threads: any.
[[nodiscard]] Status CheckKafkaBatch(const ingest::Batch& batch);
/// Bytes of a batch beside its payload.
[[nodiscard]] std::size_t SetAsideBytes(const ingest::Batch& batch);

/// Decides about batches that came from Kafka, and about the commands that go with them: what may
/// be stored, and which events of the server belong to it.
///
/// The caller appends what is decided in the group that is open, so that events, positions and the
/// quarantine's rows become durable together or not at all.
///
/// Threads: owned by the partition writer.
class KafkaIntake {
 public:
  KafkaIntake(ingest::KafkaTable& positions, const QuarantineBook& quarantine)
      : positions_(positions), quarantine_(quarantine) {}

  using Decided = std::vector<rules::Engine::Decided>;

  /// Whether the batch may be stored. Changes nothing.
  /// Errors: as KafkaTable::Decide; kResourceExhausted (what it sets aside does not fit into the
  /// quarantine). Of a quarantined record: kNotFound (it is not pending), kInvalidArgument (it
  /// holds no events, or one was rejected).
  [[nodiscard]] Status Check(const ingest::Batch& batch) const;
  /// Moves the position of a checked batch whose events are those that will be stored. Returns the
  /// events to append behind them: the records that it sets aside, which it gives up, or the end of
  /// the quarantined one.
  [[nodiscard]] Decided Take(ingest::Batch* batch, std::uint64_t duplicates);

  struct Skip {
    std::uint64_t from = 0;
    Decided decided;
  };
  /// Errors: as KafkaTable::Skip.
  [[nodiscard]] Result<Skip> SkipTo(const std::string& topic, std::uint32_t partition,
                                    std::uint64_t to, const std::string& actor);
  /// An operator lets a quarantined record go.
  /// Errors: kNotFound.
  [[nodiscard]] Result<Decided> Drop(Sequence sequence, const std::string& actor) const;

  /// One condition of `server.kafka` for each stopped partition, those that were stopped first
  /// coming first; beyond kKafkaAlertsMax one for all others.
  void AddConditions(std::vector<rules::ServerCondition>* conditions) const;

 private:
  ingest::KafkaTable& positions_;
  const QuarantineBook& quarantine_;
};

}  // namespace barograph::server
