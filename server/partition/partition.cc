#include "server/partition/partition.h"

#include <absl/synchronization/notification.h>
#include <absl/time/time.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "server/partition/kafka_intake.h"
#include "server/partition/quarantine_book.h"
#include "server/partition/recovery.h"
#include "server/partition/writer.h"
#include "storage/base/failpoint.h"
#include "storage/log/store.h"

namespace barograph::server {
namespace {

Error Busy() {
  return {ErrorCode::kResourceExhausted, "too many commands wait", /*retryable=*/true};
}
Error Draining() { return {ErrorCode::kUnavailable, "the server is draining", /*retryable=*/true}; }
Error TakenBack() { return {ErrorCode::kDeadlineExceeded, "the command was taken back"}; }

/// What a door should have refused already.
Status CheckBatch(const ingest::Batch& batch) {
  if (batch.producer.empty() && batch.first_sequence != 0) {
    return Error(
        ErrorCode::kInvalidArgument,
        "first_sequence: " + std::to_string(batch.first_sequence) + " without a producer_id");
  }
  if (batch.offered > kBatchEventsMax || batch.payload.size() > kBatchBytesMax) {
    return Error(ErrorCode::kResourceExhausted,
                 "batch: " + std::to_string(batch.offered) + " events of " +
                     std::to_string(batch.payload.size()) + " bytes; at most " +
                     std::to_string(kBatchEventsMax) + " and " + std::to_string(kBatchBytesMax));
  }
  return CheckKafkaBatch(batch);
}

}  // namespace

struct Partition::State {
  State(PartitionOptions options_in, Clock& clock_in, Hooks hooks_in)
      : options(std::move(options_in)), clock(clock_in), hooks(std::move(hooks_in)) {}

  PartitionOptions options;
  Clock& clock;
  Hooks hooks;
  Counters counters;
  std::unique_ptr<storage::Database> database;
  storage::OpenReport report;
  std::unique_ptr<storage::EventLog> log;
  std::unique_ptr<storage::Outbox> outbox;
  std::unique_ptr<storage::Quarantine> quarantine;
  std::string identity;
  std::unique_ptr<storage::CheckpointStore> store;
  std::unique_ptr<LogClock> log_clock;
  std::unique_ptr<WriterState> writer_state;
  std::unique_ptr<CommandQueue> queue;
  std::unique_ptr<GroupCommit> commit;
  std::unique_ptr<Writer> writer;

  Status OpenStorage();
  Status BuildState();
  GroupCommit::Hooks CommitHooks();
  Status LogStart(Time now);
  /// Runs `run` in the writer; `refuse` gets the reason when that cannot be.
  void Post(std::function<void()> run, std::function<void(const Error&)> refuse,
            bool only_reads = false);
  void AppendThen(Writer::Decision decide, bool evaluate, const std::function<void(Status)>& done);
  bool AwaitUntil(const std::function<void(std::function<void(Status)>)>& command,
                  Duration deadline, Status* status);
};

Partition::Partition() = default;

Partition::~Partition() {
  if (state_ == nullptr || state_->writer == nullptr) return;
  state_->writer->Stop();
  state_->commit->Stop();
}

Status Partition::State::OpenStorage() {
  std::error_code failed;
  std::filesystem::create_directories(options.directory, failed);
  if (failed) {
    return Error(ErrorCode::kIo, "data directory '" + options.directory + "': " + failed.message());
  }
  storage::DatabaseOptions database_options;
  database_options.directory = storage::DatabaseFolder(options.directory);
  database_options.block_cache_bytes = options.block_cache_bytes;
  database_options.write_buffer_bytes = options.write_buffer_bytes;
  database_options.file_system = options.file_system;
  const storage::EventLogOptions log_options{
      .partition = options.id, .frontier_path = storage::FrontierFile(options.directory)};
  BAROGRAPH_ASSIGN(storage::Store opened, storage::OpenStore(database_options, log_options));
  database = std::move(opened.database);
  log = std::move(opened.log);
  report = opened.report;
  outbox = std::make_unique<storage::Outbox>(*database);
  quarantine = std::make_unique<storage::Quarantine>(*database);
  BAROGRAPH_ASSIGN(identity, database->Identity());
  store = std::make_unique<storage::CheckpointStore>(*database);
  return {};
}

GroupCommit::Hooks Partition::State::CommitHooks() {
  return {.on_idle = [this] { queue->Nudge(); },
          .on_outbox =
              [this] {
                if (hooks.on_outbox) hooks.on_outbox();
              },
          .on_checkpoint =
              [this](const storage::CheckpointHead& head) {
                ++counters.checkpoints;
                counters.checkpoint_sequence = head.sequence.value;
                counters.last_checkpoint_bytes = head.bytes;
              },
          .on_failure =
              [this](const Error& error) {
                queue->Nudge();
                if (hooks.on_failure) hooks.on_failure(error);
              }};
}

Status Partition::State::BuildState() {
  const bool is_new = report.end.sequence.value == 0;
  log_clock = std::make_unique<LogClock>(clock, is_new ? Time::min() : report.end.log_time);
  writer_state = std::make_unique<WriterState>(hooks.format, options.dedup_ids_max);
  const Time now = log_clock->Now();
  BAROGRAPH_TRY(Recover({*database, *log, *store, *outbox, counters}, options.replay_from_start,
                        now, hooks.on_progress, writer_state.get()));
  queue = std::make_unique<CommandQueue>(options.queue_batches_max, options.queue_bytes_max);
  commit = std::make_unique<GroupCommit>(*database, *log, *store, CommitHooks());
  return LogStart(log_clock->Now());
}

Status Partition::State::LogStart(Time now) {
  writer = std::make_unique<Writer>(
      Writer::Places{options, clock, *log_clock, *log, *outbox, *store, *queue, *commit, counters},
      *writer_state, now);
  BAROGRAPH_FAILPOINT("resume_before_log");
  writer->Append([&] { return DecideStart(writer_state->engine, report, now); },
                 /*evaluate=*/false);
  if (commit->failed())
    return Error(ErrorCode::kInternal, "the start's own events cannot be folded");
  return commit->CommitNow(&writer->group());
}

Result<std::unique_ptr<Partition>> Partition::Open(const PartitionOptions& options, Clock& clock,
                                                   Hooks hooks) {
  const Duration begin = clock.BootNow();
  std::unique_ptr<Partition> partition(new Partition());
  partition->state_ = std::make_unique<State>(options, clock, std::move(hooks));
  State& state = *partition->state_;
  BAROGRAPH_TRY(state.OpenStorage());
  BAROGRAPH_TRY(state.BuildState());
  state.counters.start_nanos = (clock.BootNow() - begin).count();
  state.commit->Start();
  state.writer->Start();
  return partition;
}

void Partition::State::Post(std::function<void()> run, std::function<void(const Error&)> refuse,
                            bool only_reads) {
  Control control{std::move(run), std::move(refuse), only_reads};
  if (queue->PushControl(control)) return;
  control.refuse(queue->closed() ? Draining() : Busy());
}

bool Partition::TrySubmit(ingest::Batch& batch, Answer answer) {
  if (state_->commit->failed()) return false;
  if (const Status checked = CheckBatch(batch); !checked.ok()) {
    answer(checked.error());
    return true;
  }
  const std::size_t bytes = batch.payload.size() + SetAsideBytes(batch);
  switch (state_->queue->Reserve(bytes)) {
    case CommandQueue::Room::kFull:
      return false;
    case CommandQueue::Room::kClosed:
      answer(Draining());
      return true;
    case CommandQueue::Room::kYes:
      break;
  }
  storage::SealedPayload sealed;
  if (batch.accepted > 0) sealed = storage::SealPayload(batch.payload);
  state_->queue->Push({std::move(batch), std::move(sealed), std::move(answer), bytes});
  return true;
}

void Partition::WhenRoom(std::function<void()> wake) {
  if (!state_->queue->AddRoomWaiter(wake)) wake();
}

void Partition::LookUpProducer(std::string tenant, std::string producer,
                               std::optional<ingest::Receipt> last,
                               std::function<void(Result<ingest::ProducerStanding>)> answer) {
  if (last.has_value() && last->sequence >= state_->log->begin()) {
    const Result<barograph::Digest> link = state_->log->LinkAt(last->sequence);
    if (!link.ok() || link.value() != last->link) {
      answer(Error(ErrorCode::kDataLoss,
                   "last_receipt: the log does not hold sequence " +
                       std::to_string(last->sequence.value) +
                       " as it was acknowledged (it ends at " +
                       std::to_string(state_->log->durable_end().sequence.value) + ")"));
      return;
    }
  }
  state_->Post(
      [this, tenant = std::move(tenant), producer = std::move(producer), answer] {
        const auto standing = state_->writer_state->producers.Find(tenant, producer);
        state_->writer->WhenDurable([answer, standing] { answer(standing); });
      },
      [answer](const Error& error) { answer(error); });
}

Time Partition::LogTimeNow() const { return state_->log_clock->Now(); }

void Partition::Read(std::function<bool(const ReadView&)> step,
                     const std::function<void(Result<Sequence>)>& done) {
  state_->Post([this, step = std::move(step), done] { state_->writer->BeginRead(step, done); },
               [done](const Error& error) { done(error); }, /*only_reads=*/true);
}

void Partition::State::AppendThen(Writer::Decision decide, bool evaluate,
                                  const std::function<void(Status)>& done) {
  Post(
      [this, decide = std::move(decide), evaluate, done] {
        writer->Append(decide, evaluate);
        writer->WhenDurable([done] { done({}); });
      },
      [done](const Error& error) { done(error); });
}

void Partition::ApplyRules(rules::RuleSet rules, storage::Origin origin,
                           const std::function<void(Status)>& done,
                           std::shared_ptr<Revocation> revocation) {
  state_->Post(
      [this, rules = std::move(rules), origin = std::move(origin), done,
       revocation = std::move(revocation)] {
        if (revocation != nullptr && !revocation->Begin()) return done(TakenBack());
        state_->writer->Append(
            [&] { return state_->writer_state->engine.ApplyRules(rules, origin); },
            /*evaluate=*/true);
        state_->writer->WhenDurable([done] { done({}); });
      },
      [done](const Error& error) { done(error); });
}

void Partition::ConfigurePrices(storage::PricesApplied prices,
                                const std::function<void(Status)>& done,
                                std::shared_ptr<Revocation> revocation) {
  state_->Post(
      [this, prices = std::move(prices), done, revocation = std::move(revocation)] {
        if (revocation != nullptr && !revocation->Begin()) return done(TakenBack());
        state_->writer->ConfigurePrices(prices);
        state_->writer->WhenDurable([done] { done({}); });
      },
      [done](const Error& error) { done(error); });
}

void Partition::ApplyPrices(std::string tenant, storage::PricesApplied prices,
                            const std::function<void(Status)>& done) {
  state_->AppendThen(
      [this, tenant = std::move(tenant), prices = std::move(prices)] {
        return state_->writer_state->engine.ApplyPrices(tenant, prices);
      },
      /*evaluate=*/true, done);
}

void Partition::EndDelivery(std::string tenant, storage::Delivery delivery,
                            const std::function<void(Status)>& done) {
  state_->Post([this, tenant = std::move(tenant), delivery = std::move(delivery),
                done] { state_->writer->EndDelivery(tenant, delivery, done); },
               [done](const Error& error) { done(error); });
}

void Partition::ResendNotice(std::string tenant, Sequence row, std::string actor,
                             const std::function<void(Status)>& done) {
  state_->Post([this, tenant = std::move(tenant), row, actor = std::move(actor),
                done] { state_->writer->ResendNotice(tenant, row, actor, done); },
               [done](const Error& error) { done(error); });
}

void Partition::Decide(Decision decide, const std::function<void(Result<Sequence>)>& done) {
  state_->Post(
      [this, decide = std::move(decide), done] {
        Status refused;
        state_->writer->AppendCommand([&] {
          auto decided = decide(state_->writer_state->engine, state_->log_clock->Now());
          if (decided.ok()) return std::move(decided).value();
          refused = decided.error();
          return std::vector<rules::Engine::Decided>();
        });
        const Sequence seen = state_->writer->last_sequence();
        state_->writer->WhenDurable([done, refused, seen] {
          done(refused.ok() ? Result<Sequence>(seen) : Result<Sequence>(refused.error()));
        });
      },
      [done](const Error& error) { done(error); });
}

void Partition::EndImport(std::string tenant, storage::ImportEnded ended,
                          const std::function<void(Status)>& done) {
  state_->AppendThen(
      [tenant = std::move(tenant), ended = std::move(ended)] {
        return std::vector<rules::Engine::Decided>{{tenant, {ended}}};
      },
      /*evaluate=*/true, done);
}

std::string Partition::LogIdentity() const { return state_->identity; }

void Partition::LookUpKafka(
    std::function<void(Result<std::vector<ingest::KafkaPosition>>)> answer) {
  state_->Post(
      [this, answer] {
        state_->writer->WhenDurable(
            [answer, positions = state_->writer_state->kafka.List()] { answer(positions); });
      },
      [answer](const Error& error) { answer(error); });
}

void Partition::StopKafka(std::string topic, std::uint32_t partition, std::string problem,
                          std::function<void(Status)> done) {
  state_->Post([this, topic = std::move(topic), partition, problem = std::move(problem),
                done] { state_->writer->StopKafka(topic, partition, problem, done); },
               [done](const Error& error) { done(error); });
}

void Partition::SkipKafka(std::string topic, std::uint32_t partition, std::uint64_t to,
                          std::string actor, std::function<void(Result<std::uint64_t>)> done) {
  state_->Post([this, topic = std::move(topic), partition, to, actor = std::move(actor),
                done] { state_->writer->SkipKafka(topic, partition, to, actor, done); },
               [done](const Error& error) { done(error); });
}

Result<std::vector<storage::QuarantineRow>> Partition::ListQuarantined(std::string_view topic,
                                                                       Sequence after,
                                                                       std::size_t limit) const {
  BAROGRAPH_ASSIGN(std::vector<storage::QuarantineRow> rows,
                   state_->quarantine->List(topic, after, limit));
  // A row is seen a moment before its group counts as durable.
  const Sequence durable = state_->commit->durable();
  while (!rows.empty() && rows.back().sequence > durable) rows.pop_back();
  return rows;
}

Result<Partition::QuarantinedRecord> Partition::ReadQuarantined(Sequence sequence) const {
  QuarantinedRecord found;
  BAROGRAPH_ASSIGN(found.row, state_->quarantine->Find(sequence));
  BAROGRAPH_ASSIGN(found.record, ReadSetAside(*state_->log, sequence));
  return found;
}

void Partition::DropQuarantined(Sequence sequence, std::string actor,
                                const std::function<void(Status)>& done) {
  state_->Post([this, sequence, actor = std::move(actor),
                done] { state_->writer->DropQuarantined(sequence, actor, done); },
               [done](const Error& error) { done(error); });
}

void Partition::Digest(
    const std::function<void(Result<std::pair<Sequence, barograph::Digest>>)>& done) {
  state_->Post(
      [this, done] {
        const std::pair seen(state_->writer->last_sequence(),
                             state_->writer_state->engine.StateDigest());
        state_->writer->WhenDurable([done, seen] { done(seen); });
      },
      [done](const Error& error) { done(error); });
}

void Partition::Checkpoint(const std::function<void(Status)>& done) {
  state_->Post([this, done] { state_->writer->RequestCheckpoint(done); },
               [done](const Error& error) { done(error); });
}

const storage::EventLog& Partition::log() const { return *state_->log; }
storage::Outbox& Partition::outbox() { return *state_->outbox; }

void Partition::WhenDurable(Sequence seen, const std::function<void()>& wake) {
  if (!state_->commit->WhenDurable(seen, wake)) wake();
}

PartitionFigures Partition::figures() const {
  const Counters& counters = state_->counters;
  PartitionFigures figures;
  figures.events = counters.events;
  figures.batches = counters.batches;
  figures.groups = counters.groups;
  figures.duplicates = counters.duplicates;
  figures.rejected = counters.rejected;
  figures.evaluations = counters.evaluations;
  figures.checkpoints = counters.checkpoints;
  figures.queue_batches = state_->queue->batches();
  figures.queue_bytes = state_->queue->bytes();
  figures.outbox_pending = counters.outbox_pending;
  figures.kafka_positions = counters.kafka_positions;
  figures.kafka_stopped = counters.kafka_stopped;
  figures.quarantine_pending = counters.quarantine_pending;
  figures.leases_granted = counters.leases_granted;
  figures.leases_denied = counters.leases_denied;
  figures.leases_expired = counters.leases_expired;
  figures.leases_settled = counters.leases_settled;
  figures.leases_released = counters.leases_released;
  figures.staged = {counters.staged};
  figures.durable = state_->commit->durable();
  figures.checkpoint = {counters.checkpoint_sequence};
  figures.writer_absence_max = counters.absence.max();
  figures.writer_absence_p99 = counters.absence.Quantile(0.99);
  figures.dedup_horizon = Duration(counters.dedup_horizon_nanos);
  figures.last_checkpoint_duration = Duration(counters.last_checkpoint_nanos);
  figures.start_duration = Duration(counters.start_nanos);
  figures.last_checkpoint_bytes = counters.last_checkpoint_bytes;
  figures.tail_events_replayed = counters.tail_events_replayed;
  figures.log_time = state_->log_clock->Now();
  figures.wall_difference = state_->log_clock->WallDifference();
  figures.failed = state_->commit->failed();
  return figures;
}

/// Waits for a command's answer; false when the deadline passed first.
bool Partition::State::AwaitUntil(const std::function<void(std::function<void(Status)>)>& command,
                                  Duration deadline, Status* status) {
  struct Outcome {
    absl::Notification done;
    Status status;
  };
  const auto outcome = std::make_shared<Outcome>();
  command([outcome](const Status& ended) {
    outcome->status = ended;
    outcome->done.Notify();
  });
  const Duration left = deadline - clock.BootNow();
  if (!outcome->done.WaitForNotificationWithTimeout(absl::FromChrono(left))) return false;
  *status = outcome->status;
  return true;
}

Status Partition::Drain(Duration limit) {
  const Duration deadline = state_->clock.BootNow() + limit;
  const Error late(ErrorCode::kDeadlineExceeded,
                   "drain: not everything was durable within " + FormatDuration(limit));
  state_->queue->CloseForBatches();
  Status status;
  const auto barrier = [this](std::function<void(Status)> done) {
    Read([](const ReadView&) { return false; },
         [done = std::move(done)](const Result<Sequence>& seen) {
           done(seen.ok() ? Status() : Status(seen.error()));
         });
  };
  if (!state_->AwaitUntil(barrier, deadline, &status)) return late;
  if (!status.ok()) return status;
  const auto checkpoint = [this](const std::function<void(Status)>& done) { Checkpoint(done); };
  if (!state_->AwaitUntil(checkpoint, deadline, &status)) return late;
  return status;
}

}  // namespace barograph::server
