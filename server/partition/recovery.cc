#include "server/partition/recovery.h"

#include <cstdio>
#include <string>
#include <utility>

#include "ingest/admission/dedup_table.h"
#include "server/partition/limits.h"
#include "storage/base/digest.h"
#include "storage/state/quarantine.h"

namespace barograph::server {
namespace {

using storage::Table;

Error DoesNotFit(const storage::CheckpointHead& head, const std::string& why) {
  return {ErrorCode::kCorruption, "checkpoint " + std::to_string(head.number) + " at sequence " +
                                      std::to_string(head.sequence.value) +
                                      " does not fit the log: " + why};
}

Status CheckHead(const storage::CheckpointHead& head, const storage::EventLog& log) {
  const storage::Position end = log.durable_end();
  if (head.sequence > end.sequence) {
    return DoesNotFit(head, "that ends at sequence " + std::to_string(end.sequence.value));
  }
  const Result<Digest> link = log.LinkAt(head.sequence);
  if (!link.ok()) return DoesNotFit(head, link.error().message());
  if (link.value() != head.link) return DoesNotFit(head, "the chain links differ");
  return {};
}

Status LoadCheckpoint(const RecoveryPlaces& places, bool replay_from_start, WriterState* state) {
  if (replay_from_start) BAROGRAPH_TRY(places.store.Clear());
  BAROGRAPH_ASSIGN(state->checkpoint, places.store.Recover());
  state->engine.SetColdReader(
      [&store = places.store](std::string_view key) { return store.Read(key); });
  if (!state->checkpoint.has_value()) return {};
  BAROGRAPH_TRY(CheckHead(*state->checkpoint, places.log));
  BAROGRAPH_TRY(places.store.ForEachRow([&](std::string_view key, std::string_view value) {
    return state->engine.LoadRow(key, value);
  }));
  BAROGRAPH_TRY(state->engine.FinishLoad());
  places.counters.checkpoint_sequence = state->checkpoint->sequence.value;
  return {};
}

std::string Progress(std::uint64_t done, std::uint64_t of) {
  char text[64];
  std::snprintf(text, sizeof(text), "replayed %.1f M of %.1f M events",
                static_cast<double>(done) / 1e6, static_cast<double>(of) / 1e6);
  return text;
}

Status FoldTail(const RecoveryPlaces& places,
                const std::function<void(std::string_view)>& on_progress, WriterState* state) {
  const Sequence from =
      state->checkpoint.has_value() ? state->checkpoint->sequence.Plus(1) : Sequence{1};
  const Sequence end = places.log.durable_end().sequence;
  if (from > end) return {};
  if (places.log.begin() > from) {
    return Error(ErrorCode::kCorruption, "state needs the log from sequence " +
                                             std::to_string(from.value) + " on, which begins at " +
                                             std::to_string(places.log.begin().value));
  }
  storage::EventLog::Cursor cursor = places.log.Read({.from = from, .verify_chain = false});
  storage::RecordView record;
  std::string buffer;
  std::uint64_t replayed = 0;
  std::uint64_t told = 0;
  while (cursor.Next(&record)) {
    BAROGRAPH_ASSIGN(const std::string_view payload, OpenPayload(record, &buffer));
    const rules::RecordContext context{record.header.first_sequence, record.header.log_time,
                                       record.header.tenant};
    if (const Status folded = state->engine.Fold(context, payload); !folded.ok()) {
      return folded.error().WithContext("replay of the record at sequence " +
                                        std::to_string(record.header.first_sequence.value));
    }
    replayed += record.header.count;
    if (replayed - told >= kProgressEvents && on_progress) {
      on_progress(Progress(replayed, end.value - from.value + 1));
      told = replayed;
    }
  }
  places.counters.tail_events_replayed = replayed;
  return cursor.status();
}

Status LoadTable(const storage::Database& database, Table table, const std::string& from,
                 const std::function<Status(std::string_view, std::string_view)>& load) {
  storage::TableCursor cursor = database.NewCursor(table);
  for (cursor.Seek(from); cursor.Valid(); cursor.Next()) {
    BAROGRAPH_TRY(load(cursor.key(), cursor.value()));
  }
  return cursor.status();
}

}  // namespace

Status Recover(const RecoveryPlaces& places, bool replay_from_start, Time now,
               const std::function<void(std::string_view)>& on_progress, WriterState* state) {
  BAROGRAPH_TRY(LoadCheckpoint(places, replay_from_start, state));
  BAROGRAPH_TRY(FoldTail(places, on_progress, state));
  BAROGRAPH_TRY(LoadTable(places.database, Table::kProducers, {},
                          [state](std::string_view key, std::string_view value) {
                            return state->producers.LoadRow(key, value);
                          }));
  state->producers.FinishLoad();
  BAROGRAPH_TRY(LoadTable(places.database, Table::kDedup, ingest::DedupTable::OldestKey(now),
                          [state](std::string_view key, std::string_view value) {
                            return state->ids.LoadRow(key, value);
                          }));
  BAROGRAPH_TRY(LoadTable(places.database, Table::kKafka, {},
                          [state](std::string_view key, std::string_view value) {
                            return state->kafka.LoadRow(key, value);
                          }));
  BAROGRAPH_TRY(state->quarantine.Load(storage::Quarantine(places.database)));
  places.counters.kafka_positions = state->kafka.size();
  places.counters.kafka_stopped = state->kafka.stopped();
  places.counters.quarantine_pending = state->quarantine.pending();
  BAROGRAPH_TRY(state->notices.Load(places.outbox));
  places.counters.outbox_pending = state->notices.pending();
  places.counters.dedup_horizon_nanos = state->ids.Horizon(now).count();
  return {};
}

std::vector<rules::Engine::Decided> DecideStart(const rules::Engine& engine,
                                                const storage::OpenReport& report, Time now) {
  std::vector<rules::Engine::Decided> decided;
  if (report.tail_dropped) {
    storage::TailDropped event;
    event.origin = {.actor = "server", .reason = "start"};
    event.last_sequence = report.end.sequence;
    event.detail = report.detail;
    decided.push_back({"default", {event}});
  }
  if (report.end.sequence.value == 0) return decided;
  std::vector<rules::Engine::Decided> resumed = engine.Resume(report.end.log_time, now);
  decided.insert(decided.end(), std::make_move_iterator(resumed.begin()),
                 std::make_move_iterator(resumed.end()));
  return decided;
}

}  // namespace barograph::server
