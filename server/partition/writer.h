#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "ingest/admission/dedup_table.h"
#include "ingest/admission/kafka_table.h"
#include "ingest/admission/producer_table.h"
#include "server/partition/appender.h"
#include "server/partition/checkpoint_pacer.h"
#include "server/partition/command_queue.h"
#include "server/partition/counters.h"
#include "server/partition/evaluation_points.h"
#include "server/partition/group_commit.h"
#include "server/partition/kafka_intake.h"
#include "server/partition/log_clock.h"
#include "server/partition/notice_book.h"
#include "server/partition/partition.h"
#include "server/partition/quarantine_book.h"
#include "storage/state/outbox.h"

namespace barograph::server {

/// State that recovery builds and the writer owns from then on.
struct WriterState {
  WriterState(rules::NoticeFormat format, std::size_t dedup_ids_max)
      : engine(std::move(format)), ids(dedup_ids_max) {}
  rules::Engine engine;
  ingest::ProducerTable producers;
  ingest::DedupTable ids;
  ingest::KafkaTable kafka;
  NoticeBook notices;
  QuarantineBook quarantine;
  std::optional<storage::CheckpointHead> checkpoint;
  /// The configuration's; not folded: what it means to a tenant is logged with that tenant.
  std::optional<storage::PricesApplied> configured_prices;
};

/// The one thread that decides and folds: takes commands in order, keeps one group open, hands it
/// over whenever the commit thread is free. Between commands it serves a slice of a read and a
/// slice of a checkpoint.
///
/// Threads: Start and Stop by the owner; Post by any; everything else only in commands that Post
/// runs in the writer.
class Writer {
 public:
  struct Places {
    const PartitionOptions& options;
    Clock& clock;
    LogClock& log_clock;
    storage::EventLog& log;
    storage::Outbox& outbox;
    storage::CheckpointStore& store;
    CommandQueue& queue;
    GroupCommit& commit;
    Counters& counters;
  };
  Writer(const Places& places, WriterState& state, Time start);
  ~Writer();

  void Start();
  /// Refuses what still waits, hands the open group over, ends the thread.
  void Stop();

  // --- In the writer's thread (or before Start)
  using Decision = std::function<std::vector<rules::Engine::Decided>()>;
  /// Brings log time up to now, then appends what `decide` says of the state there. `evaluate`: the
  /// rules may say something new at once.
  void Append(const Decision& decide, bool evaluate);
  /// The same for a command of a tenant that may have no record in the log yet.
  void AppendCommand(const Decision& decide);
  /// Puts the table in force for every tenant; later ones get it before their first record.
  void ConfigurePrices(storage::PricesApplied prices);
  /// Runs once everything decided so far is durable.
  void WhenDurable(std::function<void()> effect);
  void BeginRead(std::function<bool(const Partition::ReadView&)> step,
                 std::function<void(Result<Sequence>)> done);
  void EndDelivery(const std::string& tenant, const storage::Delivery& delivery,
                   std::function<void(Status)> done);
  /// See Partition.
  void ResendNotice(const std::string& tenant, Sequence row, const std::string& actor,
                    std::function<void(Status)> done);
  /// See Partition; `topic` and `partition` of Kafka.
  void StopKafka(const std::string& topic, std::uint32_t partition, const std::string& problem,
                 std::function<void(Status)> done);
  void SkipKafka(const std::string& topic, std::uint32_t partition, std::uint64_t to,
                 const std::string& actor, std::function<void(Result<std::uint64_t>)> done);
  void DropQuarantined(Sequence sequence, const std::string& actor,
                       std::function<void(Status)> done);
  void RequestCheckpoint(std::function<void(Status)> done) { pacer_.Request(std::move(done)); }
  [[nodiscard]] WriterState& state() { return state_; }
  [[nodiscard]] Sequence last_sequence() const { return appender_.last_sequence(); }
  [[nodiscard]] Group& group() { return appender_.group(); }

 private:
  struct ActiveRead {
    std::function<bool(const Partition::ReadView&)> step;
    std::function<void(Result<Sequence>)> done;
  };

  void Run();
  void RunCommand(Command command);
  void ServeReads();
  void EndAbsence();
  void Tick();
  void Submit(Submission submission);
  void SubmitOfProducer(Submission submission, Time now);
  void SubmitWithoutProducer(Submission submission, Time now);
  void SubmitFromKafka(Submission submission, Time now);
  void AppendWelcomed(const KafkaIntake::Decided& decided, Time now);
  [[nodiscard]] ingest::BatchAnswer CutKnown(Submission* submission, Time now);
  void AppendOrAnswer(Submission submission, ingest::BatchAnswer answer, Time now);
  [[nodiscard]] Status WelcomeTenant(std::string_view tenant, Time now);
  void Answer(ingest::PartitionPort::Answer answer, Result<ingest::BatchAnswer> result);
  void ReadSlice();
  void HandOver();
  void HandOverFull();
  void StageProducerRows();
  void StageKafkaRows();
  void Upkeep(Time now);
  void RefuseRest();
  [[nodiscard]] Time NextLogTime();
  [[nodiscard]] bool idle() const { return local_.empty() && places_.queue.empty(); }
  [[nodiscard]] bool going() const { return !places_.commit.failed(); }
  void StopOn(const Status& status);
  [[nodiscard]] Duration SleepTime() const;

  Places places_;
  WriterState& state_;
  Appender appender_;
  KafkaIntake kafka_;
  EvaluationPoints evaluation_;
  CheckpointPacer pacer_;
  std::deque<Command> local_;
  std::deque<ActiveRead> reads_;
  Duration away_since_{0};  ///< boot time
  Time last_upkeep_;
  std::string forgotten_before_;
  std::thread thread_;
};

}  // namespace barograph::server
