#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/admission/batch.h"
#include "ingest/admission/kafka_source.h"
#include "rules/alert/notice.h"
#include "rules/engine/engine.h"
#include "rules/spec/rule_spec.h"
#include "server/partition/revocable_command.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/log/event_log.h"
#include "storage/rocks/database.h"
#include "storage/state/outbox.h"
#include "storage/state/quarantine.h"

namespace barograph::server {

struct PartitionOptions {
  PartitionId id;
  std::string directory;  ///< holds `db/` and `frontier`
  /// Batches that wait for the writer: beyond either, TrySubmit says no. Range [1, 1e6], [1 MiB, 16
  /// GiB].
  std::size_t queue_batches_max = 1024;
  std::size_t queue_bytes_max = 64U << 20U;
  /// Events and bytes of one group commit.
  std::size_t group_events_max = 65'536;
  std::size_t group_bytes_max = 8U << 20U;
  /// A checkpoint starts after so much log time or so many events, whichever comes first.
  Duration checkpoint_interval = std::chrono::seconds(3);
  std::uint64_t checkpoint_events = 1'500'000;
  /// Ids of events without a producer that are kept of each tenant; beyond, the oldest leave early.
  std::size_t dedup_ids_max = kDedupIdsMax;
  /// Rebuild all state from the log instead of the last checkpoint.
  bool replay_from_start = false;
  /// Block cache and memtables of the database, bytes; see storage::DatabaseOptions.
  std::size_t block_cache_bytes = 64U << 20U;
  std::size_t write_buffer_bytes = 128U << 20U;
  /// For tests: a file system that holds, fails or drops syncs.
  std::shared_ptr<rocksdb::FileSystem> file_system;
};

/// Figures for /metrics and bench; each is a monotone counter or a level, read without stopping the
/// writer.
struct PartitionFigures {
  std::uint64_t events = 0, batches = 0, groups = 0, duplicates = 0, rejected = 0, evaluations = 0,
                checkpoints = 0;
  std::uint64_t queue_batches = 0, queue_bytes = 0, outbox_pending = 0;
  /// Partitions of Kafka with a position, those of them that are stopped, and records of all
  /// tenants that wait in the quarantine.
  std::uint64_t kafka_positions = 0, kafka_stopped = 0, quarantine_pending = 0;
  /// Leases, of all tenants: how often each step was decided.
  std::uint64_t leases_granted = 0, leases_denied = 0, leases_expired = 0, leases_settled = 0,
                leases_released = 0;
  Sequence staged, durable, checkpoint;
  Duration writer_absence_max{0};  ///< longest time away from the queue since the start
  Duration writer_absence_p99{0};
  Duration dedup_horizon{0};  ///< how far back ids of events without a producer are known
  Duration last_checkpoint_duration{0}, start_duration{0};
  std::uint64_t last_checkpoint_bytes = 0, tail_events_replayed = 0;
  Time log_time{};
  Duration wall_difference{0};  ///< wall clock - log time
  bool failed = false;          ///< a sync or WAL write failed: the process is about to end
};

/// The one writer of a partition: commands in; decide, fold, group commit; effects out after
/// durability.
///
/// Pipeline: doors -> bounded queue -> writer thread (sequences, log time, fold, evaluation points)
/// -> commit thread (one synced write a group, the next group fills meanwhile) -> answers, tail
/// wake-ups, outbox.
/// Threads:    every public method from any thread.
/// Durability: answers, reads and notices wait until what they depend on is durable.
/// Errors:     a failed sync or WAL write calls `on_failure` once; afterwards nothing is answered
/// any more.
class Partition final : public ingest::PartitionPort, public ingest::KafkaPort {
 public:
  struct Hooks {
    rules::NoticeFormat format;       ///< pure
    std::function<void()> on_outbox;  ///< new durable outbox rows
    std::function<void(const Error&)> on_failure;
    std::function<void(std::string_view)> on_progress;  ///< "replayed 1.2 M of 10 M events"
  };
  /// Opens the log, loads the checkpoint, folds the tail, logs Resumed (and TailDropped), starts
  /// the threads.
  /// Errors: as EventLog::Open; kCorruption when state and log do not fit.
  [[nodiscard]] static Result<std::unique_ptr<Partition>> Open(const PartitionOptions& options,
                                                               Clock& clock, Hooks hooks);
  ~Partition() override;

  bool TrySubmit(ingest::Batch& batch, Answer answer) override;
  void WhenRoom(std::function<void()> wake) override;
  void LookUpProducer(std::string tenant, std::string producer, std::optional<ingest::Receipt> last,
                      std::function<void(Result<ingest::ProducerStanding>)> answer) override;
  [[nodiscard]] Time LogTimeNow() const override;

  // --- Kafka: see ingest::KafkaPort
  [[nodiscard]] std::string LogIdentity() const override;
  void LookUpKafka(std::function<void(Result<std::vector<ingest::KafkaPosition>>)> answer) override;
  void StopKafka(std::string topic, std::uint32_t partition, std::string problem,
                 std::function<void(Status)> done) override;
  void SkipKafka(std::string topic, std::uint32_t partition, std::uint64_t to, std::string actor,
                 std::function<void(Result<std::uint64_t>)> done) override;
  /// Records that were set aside and are pending, in order of sequence, behind `after`, at most
  /// `limit`; only of `topic`, unless that is empty.
  [[nodiscard]] Result<std::vector<storage::QuarantineRow>> ListQuarantined(
      std::string_view topic, Sequence after, std::size_t limit) const;
  struct QuarantinedRecord {
    storage::QuarantineRow row;
    storage::Quarantined record;
  };
  /// One of them whole. Errors: kNotFound (not pending), kCorruption, kIo.
  [[nodiscard]] Result<QuarantinedRecord> ReadQuarantined(Sequence sequence) const;
  /// An operator lets one go; logged as QuarantineEnded. Errors: kNotFound.
  void DropQuarantined(Sequence sequence, std::string actor,
                       const std::function<void(Status)>& done);

  /// Runs `step` in the writer between commands, again and again in slices of at most 0.5 ms while
  /// it returns true; then, once the state it saw is durable, `done` on the commit thread. `step`
  /// must only read.
  struct ReadView {
    const rules::Engine& engine;
    Time now;           ///< log time
    Sequence sequence;  ///< of the last folded event
  };
  void Read(std::function<bool(const ReadView&)> step,
            const std::function<void(Result<Sequence>)>& done);

  /// Configuration commands; answered when durable. Unchanged rules answer at once. With a
  /// `revocation` the caller may take the command back until the writer begins it; what was
  /// taken back is answered with kDeadlineExceeded.
  void ApplyRules(rules::RuleSet rules, storage::Origin origin,
                  const std::function<void(Status)>& done,
                  std::shared_ptr<Revocation> revocation = nullptr);
  /// The price table of the configuration: holds for every tenant there is, and for every later one
  /// from its first event on.
  void ConfigurePrices(storage::PricesApplied prices, const std::function<void(Status)>& done,
                       std::shared_ptr<Revocation> revocation = nullptr);
  /// A table of one tenant's own.
  void ApplyPrices(std::string tenant, storage::PricesApplied prices,
                   const std::function<void(Status)>& done);
  /// Outbox worker: a notice ended; logs Delivery and removes the row in one group.
  void EndDelivery(std::string tenant, storage::Delivery delivery,
                   const std::function<void(Status)>& done);
  /// An operator lets a notice that died or was dropped be sent again: logged as NoticeResent, and
  /// pending again in the same group. `row` is its place in the outbox.
  /// Errors: kNotFound; kFailedPrecondition (waits, was delivered or superseded).
  void ResendNotice(std::string tenant, Sequence row, std::string actor,
                    const std::function<void(Status)>& done);
  /// A command that the state at the head may refuse: `decide` runs in the writer and only reads;
  /// what it returns is appended. Answered, once durable, with the last sequence, or at once with
  /// its error.
  using Decision = std::function<Result<std::vector<rules::Engine::Decided>>(
      const rules::Engine& engine, Time now)>;
  void Decide(Decision decide, const std::function<void(Result<Sequence>)>& done);
  /// An import ended.
  void EndImport(std::string tenant, storage::ImportEnded ended,
                 const std::function<void(Status)>& done);
  /// SHA-256 over the whole state, with the sequence it belongs to.
  void Digest(const std::function<void(Result<std::pair<Sequence, barograph::Digest>>)>& done);
  /// Starts a checkpoint now and answers when it is durable.
  void Checkpoint(const std::function<void(Status)>& done);

  /// Readers of durable records (tail, export).
  [[nodiscard]] const storage::EventLog& log() const;
  [[nodiscard]] storage::Outbox& outbox();
  /// Calls `wake` once, when durable_sequence is beyond `seen` (or at shutdown).
  void WhenDurable(Sequence seen, const std::function<void()>& wake);

  [[nodiscard]] PartitionFigures figures() const;

  /// Refuses new batches, commits and answers what was taken, writes a last checkpoint. Returns
  /// within `limit` or says so.
  [[nodiscard]] Status Drain(Duration limit);

 private:
  Partition();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace barograph::server
