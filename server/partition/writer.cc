#include "server/partition/writer.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "server/partition/limits.h"
#include "storage/base/failpoint.h"
#include "storage/base/thread.h"

namespace barograph::server {
namespace {

Error ShuttingDown() {
  return {ErrorCode::kUnavailable, "the server is shutting down", /*retryable=*/true};
}

std::size_t CountDuplicates(const std::vector<ingest::Verdict>& verdicts) {
  return static_cast<std::size_t>(
      std::count_if(verdicts.begin(), verdicts.end(), [](const ingest::Verdict& verdict) {
        return verdict.outcome == ingest::Verdict::Outcome::kDuplicate;
      }));
}

}  // namespace

Writer::Writer(const Places& places, WriterState& state, Time start)
    : places_(places),
      state_(state),
      appender_(state.engine, places.log, state.notices, state.quarantine, places.counters),
      kafka_(state.kafka, state.quarantine),
      evaluation_(
          places.clock, places.log_clock, state.engine, appender_, places.counters, start,
          [this] { ServeReads(); }, [this](auto* conditions) { kafka_.AddConditions(conditions); }),
      pacer_(places.options, places.clock, state.engine, places.log, places.store, places.commit,
             places.counters, state.checkpoint, start),
      last_upkeep_(start) {}

Writer::~Writer() { Stop(); }

void Writer::Start() {
  thread_ = StartThread("writer", [this] { Run(); });
}

void Writer::Stop() {
  places_.queue.Close();
  if (thread_.joinable()) thread_.join();
}

void Writer::Run() {
  while (going() && !places_.queue.closed()) {
    if (local_.empty()) {
      if (const Duration sleep = SleepTime(); sleep > Duration(0)) places_.queue.Wait(sleep);
      places_.queue.Take(&local_);
    }
    away_since_ = places_.clock.BootNow();
    const bool had_command = !local_.empty();
    if (had_command) {
      Command command = std::move(local_.front());
      local_.pop_front();
      RunCommand(std::move(command));
    }
    Tick();
    if (had_command || places_.clock.BootNow() - away_since_ > kAbsenceMin) EndAbsence();
  }
  RefuseRest();
}

void Writer::EndAbsence() {
  const Duration now = places_.clock.BootNow();
  places_.counters.absence.Record(now - away_since_);
  away_since_ = now;
}

/// Between slices of an evaluation, while nothing may be folded: reads that wait begin, wherever
/// they stand, one that is under way goes on, and who waits for room is told.
void Writer::ServeReads() {
  EndAbsence();
  places_.queue.Take(&local_);
  for (std::size_t i = 0; i < local_.size();) {
    auto* const control = std::get_if<Control>(&local_[i]);
    if (control == nullptr || !control->only_reads) {
      ++i;
      continue;
    }
    control->run();
    local_.erase(local_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  ReadSlice();
  places_.queue.CallRoomWaiters();
}

Duration Writer::SleepTime() const {
  if (!reads_.empty() || pacer_.active()) return Duration(0);
  const Duration second = evaluation_.UntilNextSecond(places_.log_clock.Now());
  return std::clamp<Duration>(second, std::chrono::microseconds(50), kIdleWakeMax);
}

void Writer::RunCommand(Command command) {
  if (auto* submission = std::get_if<Submission>(&command)) {
    Submit(std::move(*submission));
    places_.queue.CallRoomWaiters();
  } else {
    std::get<Control>(command).run();
  }
}

/// What happens between two commands: each part is short.
void Writer::Tick() {
  if (!going()) return;
  const Time now = NextLogTime();
  ReadSlice();
  if (now - last_upkeep_ >= kUpkeepInterval) Upkeep(now);
  HandOver();
  if (going() && !appender_.holding() && appender_.group().empty()) pacer_.MaybeBegin(now);
  pacer_.Slice();
  places_.queue.CallRoomWaiters();
}

void Writer::StopOn(const Status& status) {
  if (!status.ok()) places_.commit.Fail(status.error());
}

/// Log time for what comes next; the whole seconds before it are evaluated first.
Time Writer::NextLogTime() {
  const Time now = places_.log_clock.Now();
  StopOn(evaluation_.EvaluateSeconds(now, idle()));
  return now;
}

void Writer::Answer(ingest::PartitionPort::Answer answer, Result<ingest::BatchAnswer> result) {
  if (result.ok()) result.value().receipt = appender_.LastReceipt();
  WhenDurable([answer = std::move(answer), result = std::move(result)] { answer(result); });
}

void Writer::WhenDurable(std::function<void()> effect) {
  appender_.group().effects.push_back(std::move(effect));
}

void Writer::Submit(Submission submission) {
  const std::size_t bytes = submission.reserved_bytes;
  const Time now = NextLogTime();
  ++places_.counters.batches;
  if (going()) {
    if (submission.batch.kafka != nullptr || submission.batch.quarantined.has_value()) {
      SubmitFromKafka(std::move(submission), now);
    } else if (submission.batch.producer.empty()) {
      SubmitWithoutProducer(std::move(submission), now);
    } else {
      SubmitOfProducer(std::move(submission), now);
    }
  }
  places_.queue.Release(bytes);
  if (going()) HandOverFull();
}

void Writer::SubmitOfProducer(Submission submission, Time now) {
  ingest::Batch& batch = submission.batch;
  Result<ingest::ProducerTable::Decision> decided = state_.producers.Decide(batch);
  if (!decided.ok()) {
    Answer(std::move(submission.answer), decided.error());
    return;
  }
  ingest::ProducerTable::Decision& decision = decided.value();
  ingest::BatchAnswer answer{.acked_sequence = decision.acked_sequence,
                             .verdicts = std::move(decision.verdicts)};
  places_.counters.duplicates += CountDuplicates(answer.verdicts);
  if (decision.decided_before == batch.offered) {
    Answer(std::move(submission.answer), std::move(answer));
    return;
  }
  if (decision.decided_before > 0) {
    CutFront(&batch, decision.decided_before);
    submission.sealed = SealPlain(batch.payload);
  }
  state_.producers.Apply(batch, now);
  AppendOrAnswer(std::move(submission), std::move(answer), now);
}

void Writer::SubmitWithoutProducer(Submission submission, Time now) {
  ingest::BatchAnswer answer = CutKnown(&submission, now);
  AppendOrAnswer(std::move(submission), std::move(answer), now);
}

/// Events, positions and what is set aside go into one open group, because nothing is handed over
/// in between.
void Writer::SubmitFromKafka(Submission submission, Time now) {
  ingest::Batch& batch = submission.batch;
  if (const Status checked = kafka_.Check(batch); !checked.ok()) {
    Answer(std::move(submission.answer), checked.error());
    return;
  }
  ingest::BatchAnswer answer = CutKnown(&submission, now);
  if (!going()) return;
  const KafkaIntake::Decided following = kafka_.Take(&batch, answer.verdicts.size());
  places_.counters.kafka_positions = state_.kafka.size();
  AppendOrAnswer(std::move(submission), std::move(answer), now);
  AppendWelcomed(following, now);
}

/// Appends what the server says of tenants that may have no record in the log yet.
void Writer::AppendWelcomed(const KafkaIntake::Decided& decided, Time now) {
  if (decided.empty() || !going()) return;
  StopOn(evaluation_.StageHeld(idle()));
  if (going()) StopOn(WelcomeTenant(decided.front().tenant, now));
  if (going()) StopOn(appender_.AppendDecided(decided, now));
}

/// Takes out the events whose ids came before.
ingest::BatchAnswer Writer::CutKnown(Submission* submission, Time now) {
  ingest::Batch& batch = submission->batch;
  const ingest::DedupTable::Taken taken = state_.ids.Take(batch, now);
  ingest::BatchAnswer answer;
  answer.ids_known_since = taken.known_since;
  if (!taken.row.empty()) {
    StopOn(evaluation_.StageHeld(/*idle=*/false));
    const Sequence first = appender_.last_sequence().Plus(1);
    appender_.group().rows.Put(storage::Table::kDedup,
                               ingest::DedupTable::RowKey(now, batch.tenant, first.value),
                               taken.row);
  }
  if (!taken.duplicates.empty()) {
    std::vector<std::uint32_t> positions;
    positions.reserve(taken.duplicates.size());
    for (const ingest::OfferedId& id : taken.duplicates) {
      positions.push_back(id.position);
      answer.verdicts.push_back({id.index, ingest::Verdict::Outcome::kDuplicate, {}});
    }
    CutAccepted(&batch, positions);
    submission->sealed = SealPlain(batch.payload);
    places_.counters.duplicates += positions.size();
  }
  return answer;
}

void Writer::AppendOrAnswer(Submission submission, ingest::BatchAnswer answer, Time now) {
  ingest::Batch& batch = submission.batch;
  places_.counters.rejected += batch.rejected.size();
  answer.accepted = batch.accepted;
  if (answer.verdicts.empty()) {
    answer.verdicts = std::exchange(batch.rejected, {});
  } else {
    std::vector<ingest::Verdict> merged;
    std::merge(
        std::make_move_iterator(answer.verdicts.begin()),
        std::make_move_iterator(answer.verdicts.end()),
        std::make_move_iterator(batch.rejected.begin()),
        std::make_move_iterator(batch.rejected.end()), std::back_inserter(merged),
        [](const ingest::Verdict& a, const ingest::Verdict& b) { return a.index < b.index; });
    answer.verdicts = std::move(merged);
  }
  if (batch.accepted == 0) {
    Answer(std::move(submission.answer), std::move(answer));
    return;
  }
  StopOn(evaluation_.StageHeld(/*idle=*/false));
  if (going()) StopOn(WelcomeTenant(batch.tenant, now));
  if (!going()) return;
  StopOn(appender_.AppendBatch(std::move(batch), std::move(submission.sealed), now,
                               {std::move(submission.answer), std::move(answer)}));
}

/// A tenant's first record in the log is the price table of the configuration, so that its first
/// event is priced as those of all others.
Status Writer::WelcomeTenant(std::string_view tenant, Time now) {
  if (!state_.configured_prices || state_.engine.windows(tenant) != nullptr) return {};
  return appender_.AppendDecided(state_.engine.ApplyPrices(tenant, *state_.configured_prices), now);
}

void Writer::ConfigurePrices(storage::PricesApplied prices) {
  state_.configured_prices = std::move(prices);
  std::set<std::string> tenants = {"default"};
  for (std::string& tenant : state_.engine.tenants()) tenants.insert(std::move(tenant));
  const auto decide = [this, &tenants] {
    std::vector<rules::Engine::Decided> decided;
    for (const std::string& tenant : tenants) {
      std::vector<rules::Engine::Decided> own =
          state_.engine.ConfigurePrices(tenant, *state_.configured_prices);
      decided.insert(decided.end(), std::make_move_iterator(own.begin()),
                     std::make_move_iterator(own.end()));
    }
    return decided;
  };
  Append(decide, /*evaluate=*/true);
}

void Writer::Append(const Decision& decide, bool evaluate) {
  const Time now = NextLogTime();
  StopOn(evaluation_.StageHeld(idle()));
  if (going()) StopOn(evaluation_.AppendCommand(decide(), now, evaluate));
}

void Writer::AppendCommand(const Decision& decide) {
  const Time now = NextLogTime();
  StopOn(evaluation_.StageHeld(idle()));
  if (!going()) return;
  const std::vector<rules::Engine::Decided> decided = decide();
  for (const rules::Engine::Decided& batch : decided) {
    if (going()) StopOn(WelcomeTenant(batch.tenant, now));
  }
  if (going()) StopOn(evaluation_.AppendCommand(decided, now, /*evaluate=*/false));
}

void Writer::BeginRead(std::function<bool(const Partition::ReadView&)> step,
                       std::function<void(Result<Sequence>)> done) {
  if (reads_.size() >= kCommandsMax) {
    WhenDurable([done = std::move(done)] {
      done(Error(ErrorCode::kResourceExhausted, "too many reads at once", /*retryable=*/true));
    });
    return;
  }
  reads_.push_back({std::move(step), std::move(done)});
}

void Writer::ReadSlice() {
  if (reads_.empty()) return;
  ActiveRead read = std::move(reads_.front());
  reads_.pop_front();
  const Sequence sequence = appender_.last_sequence();
  if (read.step({state_.engine, places_.log_clock.Now(), sequence})) {
    reads_.push_back(std::move(read));
    return;
  }
  WhenDurable([done = std::move(read.done), sequence] { done(sequence); });
}

void Writer::EndDelivery(const std::string& tenant, const storage::Delivery& delivery,
                         std::function<void(Status)> done) {
  const std::optional<Sequence> sequence = state_.notices.Find(delivery.notice_id);
  Result<storage::OutboxRow> row =
      sequence.has_value()
          ? places_.outbox.Find(*sequence)
          : Error(ErrorCode::kNotFound, "no pending notice '" + delivery.notice_id + "'");
  if (!row.ok()) {
    // What could not be read stays pending, so that it can be told again.
    WhenDurable([done = std::move(done), error = row.error()] { done(error); });
    return;
  }
  state_.notices.Remove(delivery.notice_id);
  Append([&] { return state_.engine.EndDelivery(tenant, delivery); }, /*evaluate=*/false);
  storage::OutboxRow ended = std::move(row).value();
  ended.outcome = delivery.outcome;
  ended.attempts = delivery.attempts;
  ended.ended_at = appender_.last_log_time();
  ended.detail = delivery.detail;
  BAROGRAPH_FAILPOINT("outbox_before_mark");
  storage::Outbox::StageEnd(ended, &appender_.group().rows);
  if (const auto oldest = state_.notices.AddEnded(ended.tenant, ended.sequence)) {
    storage::Outbox::StageForget(*oldest, &appender_.group().rows);
  }
  places_.counters.outbox_pending = state_.notices.pending();
  WhenDurable([done = std::move(done)] { done({}); });
}

void Writer::StageProducerRows() {
  Group& group = appender_.group();
  storage::WriteGroup* rows =
      BAROGRAPH_MUTANT("producer_outside_batch") ? &group.late_rows : &group.rows;
  state_.producers.StageRows([rows](std::string_view key, std::optional<std::string_view> value) {
    if (value.has_value()) {
      rows->Put(storage::Table::kProducers, key, *value);
    } else {
      rows->Delete(storage::Table::kProducers, key);
    }
  });
}

void Writer::StageKafkaRows() {
  Group& group = appender_.group();
  storage::WriteGroup* rows =
      BAROGRAPH_MUTANT("kafka_position_outside_batch") ? &group.late_rows : &group.rows;
  state_.kafka.StageRows([rows](std::string_view key, std::string_view value) {
    BAROGRAPH_FAILPOINT("kafka_before_position");
    rows->Put(storage::Table::kKafka, key, value);
  });
}

void Writer::StopKafka(const std::string& topic, std::uint32_t partition,
                       const std::string& problem, std::function<void(Status)> done) {
  const Status stopped = state_.kafka.Stop(topic, partition, problem, places_.log_clock.Now());
  places_.counters.kafka_positions = state_.kafka.size();
  places_.counters.kafka_stopped = state_.kafka.stopped();
  WhenDurable([done = std::move(done), stopped] { done(stopped); });
}

void Writer::SkipKafka(const std::string& topic, std::uint32_t partition, std::uint64_t to,
                       const std::string& actor, std::function<void(Result<std::uint64_t>)> done) {
  Result<KafkaIntake::Skip> skip = kafka_.SkipTo(topic, partition, to, actor);
  if (!skip.ok()) {
    WhenDurable([done = std::move(done), error = skip.error()] { done(error); });
    return;
  }
  AppendWelcomed(skip->decided, NextLogTime());
  places_.counters.kafka_stopped = state_.kafka.stopped();
  WhenDurable([done = std::move(done), from = skip->from] { done(from); });
}

void Writer::DropQuarantined(Sequence sequence, const std::string& actor,
                             std::function<void(Status)> done) {
  Result<KafkaIntake::Decided> dropped = kafka_.Drop(sequence, actor);
  if (dropped.ok()) {
    AppendWelcomed(*dropped, NextLogTime());
    WhenDurable([done = std::move(done)] { done({}); });
  } else {
    WhenDurable([done = std::move(done), error = dropped.error()] { done(error); });
  }
}

/// Gives the open group to the commit thread, if that is free.
void Writer::HandOver() {
  if (!going() || !places_.commit.idle()) return;
  if (!appender_.holding() && appender_.group().empty()) return;
  StopOn(evaluation_.StageHeld(idle()));
  if (!going()) return;
  StageProducerRows();
  StageKafkaRows();
  ++places_.counters.groups;
  places_.commit.HandOver(appender_.group_slot());
}

/// Waits for the commit thread when the open group has reached its limits.
void Writer::HandOverFull() {
  const Group& group = appender_.group();
  if (group.events < places_.options.group_events_max &&
      group.rows.bytes() < places_.options.group_bytes_max) {
    return;
  }
  places_.commit.AwaitIdle();
  HandOver();
}

/// Lets idle producers and old ids go.
void Writer::Upkeep(Time now) {
  const bool more_ids = state_.ids.Forget(now, ingest::kIdsForgottenAtOnce);
  const auto expired = state_.producers.FindExpired(now, ingest::kProducersExpiredAtOnce);
  std::vector<rules::Engine::Decided> decided;
  for (const ingest::ProducerTable::Idle& idle : expired) {
    storage::ProducerExpired event;
    event.origin = {.actor = "server", .reason = "idle"};
    event.producer_id = idle.producer;
    event.acked_sequence = idle.acked_sequence;
    if (decided.empty() || decided.back().tenant != idle.tenant)
      decided.push_back({idle.tenant, {}});
    decided.back().events.emplace_back(std::move(event));
    state_.producers.Remove(idle.tenant, idle.producer);
  }
  if (!decided.empty()) Append([&] { return decided; }, /*evaluate=*/false);
  std::string before = ingest::DedupTable::OldestKey(now);
  if (before > forgotten_before_) {
    appender_.group().forget_ids_before = before;
    forgotten_before_ = std::move(before);
  }
  places_.counters.dedup_horizon_nanos = state_.ids.Horizon(now).count();
  if (!more_ids && expired.size() < ingest::kProducersExpiredAtOnce) last_upkeep_ = now;
}

void Writer::RefuseRest() {
  if (!going()) return;
  places_.queue.Take(&local_);
  for (Command& command : local_) {
    if (auto* submission = std::get_if<Submission>(&command)) {
      Answer(std::move(submission->answer), ShuttingDown());
    } else if (const Control& control = std::get<Control>(command); control.refuse) {
      WhenDurable([refuse = control.refuse] { refuse(ShuttingDown()); });
    }
  }
  for (ActiveRead& read : reads_) {
    WhenDurable([done = std::move(read.done)] { done(ShuttingDown()); });
  }
  pacer_.Refuse(ShuttingDown(), &appender_.group().effects);
  local_.clear();
  reads_.clear();
  places_.commit.AwaitIdle();
  HandOver();
  places_.commit.AwaitIdle();
  places_.queue.CallRoomWaiters();
}

}  // namespace barograph::server
