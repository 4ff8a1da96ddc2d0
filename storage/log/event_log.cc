#include "storage/log/event_log.h"

#include <cstring>
#include <utility>

#include "storage/base/bytes.h"
#include "storage/base/digest.h"
#include "storage/base/failpoint.h"
#include "storage/log/event_log_state.h"
#include "storage/log/log_key.h"

namespace barograph::storage {

Position EndOf(const RecordView& record) {
  return {.sequence = record.header.last_sequence(),
          .link = RecordLink(record.header.previous_link, record.encoded_header),
          .log_time = record.header.log_time};
}

std::string Describe(const SequenceRange& range) {
  return "sequences " + std::to_string(range.first.value) + " to " +
         std::to_string(range.last.value);
}

namespace {

constexpr std::string_view kAcceptLoss =
    "; `barograph log recover --accept-loss` goes on with what is left";

std::string StartKey(PartitionId partition) {
  std::string key = "log_start/";
  ByteWriter(&key).BigEndian32(partition.value);
  return key;
}

std::string EncodeStart(const Position& start) {
  std::string row;
  ByteWriter writer(&row);
  writer.Fixed(start.sequence.value);
  writer.Raw(Bytes(start.link));
  writer.Fixed(static_cast<std::int64_t>(start.log_time.time_since_epoch().count()));
  return row;
}

Result<Position> ReadStart(const Database& database, PartitionId partition) {
  const Result<std::string> row = database.Get(Table::kMeta, StartKey(partition));
  if (!row.ok()) {
    if (row.error().code() == ErrorCode::kNotFound) return Position{};
    return row.error();
  }
  ByteReader reader(*row);
  Position start;
  start.sequence = {reader.Fixed<std::uint64_t>()};
  const std::string_view link = reader.Raw(start.link.size());
  start.log_time = Time(Duration(reader.Fixed<std::int64_t>()));
  if (!reader.ok() || !reader.done()) {
    return Error(ErrorCode::kCorruption, "the row of the log's start is malformed");
  }
  std::memcpy(start.link.data(), link.data(), link.size());
  return start;
}

/// Decodes the row under the cursor; its key must be the record's own.
Result<RecordView> DecodeRow(const TableCursor& rows) {
  Result<RecordView> record = DecodeRecord(rows.value());
  const Sequence first = LogKey::FirstSequence(rows.key());
  if (record.ok() && record->header.first_sequence != first) {
    record = Error(ErrorCode::kCorruption, "record: lies under another one's key");
  }
  if (record.ok()) return record;
  return record.error().WithContext("sequence " + std::to_string(first.value));
}

/// Walks back over as many bytes of records as the write-ahead logs had, and one record more. A
/// write-ahead log that was lost between others leaves a gap only there: RocksDB itself does not
/// notice.
Result<Position> CheckTail(const Database& database, PartitionId partition, const Position& start) {
  TableCursor rows = database.NewCursor(Table::kLog, {.fill_cache = false});
  rows.SeekBefore(LogKey(partition, Sequence{UINT64_MAX}).bytes());
  const auto on_record = [&] {
    return rows.Valid() && LogKey::Holds(rows.key(), partition) &&
           LogKey::FirstSequence(rows.key()) > start.sequence;
  };
  BAROGRAPH_TRY(rows.status());
  if (!on_record()) return start;
  BAROGRAPH_ASSIGN(const RecordView last, DecodeRow(rows));
  BAROGRAPH_TRY(CheckPayloadCrc(last));
  const Position end = EndOf(last);
  Sequence first = last.header.first_sequence;
  Digest previous = last.header.previous_link;
  std::uint64_t walked = rows.value().size();
  bool enough = false;
  for (rows.Prev(); on_record() && !enough; rows.Prev()) {
    BAROGRAPH_ASSIGN(const RecordView record, DecodeRow(rows));
    const Position place = EndOf(record);
    if (place.sequence.Plus(1) < first) {
      return Error(
          ErrorCode::kDataLoss,
          "records are missing: " + Describe({place.sequence.Plus(1), Sequence{first.value - 1}}));
    }
    if (place.sequence.Plus(1) != first || place.link != previous) {
      return Error(ErrorCode::kCorruption,
                   "the chain breaks after sequence " + std::to_string(place.sequence.value));
    }
    enough = walked > database.recovered_bytes();
    walked += rows.value().size();
    first = record.header.first_sequence;
    previous = record.header.previous_link;
  }
  BAROGRAPH_TRY(rows.status());
  if (enough) return end;
  if (start.sequence.Plus(1) < first) {
    return Error(
        ErrorCode::kDataLoss,
        "records are missing: " + Describe({start.sequence.Plus(1), Sequence{first.value - 1}}));
  }
  if (previous != start.link) {
    return Error(ErrorCode::kCorruption, "the chain does not continue the log's start");
  }
  return end;
}

}  // namespace

EventLog::EventLog() : state_(std::make_unique<State>()) {}
EventLog::~EventLog() = default;

/// Compares the end with the frontier. An error is what Open refuses with, unless the loss is
/// accepted.
static Status CompareWithFrontier(const EventLog& log, const Position& end,
                                  const FrontierRecord& frontier, bool read_only,
                                  OpenReport* report) {
  using Found = FrontierRecord::Found;
  if (frontier.found != Found::kValid) {
    if (end.sequence.value == 0 || read_only) return {};
    const bool absent = frontier.found == Found::kAbsent;
    return Error(absent ? ErrorCode::kFailedPrecondition : ErrorCode::kCorruption,
                 std::string("the frontier file is ") + (absent ? "absent" : "unreadable") +
                     ", so nobody can tell whether acknowledged records are missing" +
                     std::string(kAcceptLoss));
  }
  const Position& at = frontier.position;
  if (at.sequence > end.sequence) {
    report->lost = SequenceRange{end.sequence.Plus(1), at.sequence};
    return Error(ErrorCode::kDataLoss, "acknowledged records are missing: " +
                                           Describe(*report->lost) + std::string(kAcceptLoss));
  }
  if (at.sequence < log.start().sequence) return {};
  const Result<Digest> link = log.LinkAt(at.sequence);
  if (link.ok() && *link == at.link) return {};
  if (!link.ok() && link.error().code() != ErrorCode::kNotFound) return link.error();
  return Error(ErrorCode::kDataLoss, "at sequence " + std::to_string(at.sequence.value) +
                                         " the log is not the one that was acknowledged" +
                                         std::string(kAcceptLoss));
}

Result<std::unique_ptr<EventLog>> EventLog::Open(Database& database, const EventLogOptions& options,
                                                 OpenReport* report) {
  BAROGRAPH_ASSIGN(const FrontierRecord frontier,
                   Frontier::Read(database.file_system(), options.frontier_path));
  return OpenAt(database, options, frontier, report);
}

Result<std::unique_ptr<EventLog>> EventLog::OpenAt(Database& database,
                                                   const EventLogOptions& options,
                                                   const FrontierRecord& frontier,
                                                   OpenReport* report) {
  static const SystemClock machine;
  OpenReport unread;
  if (report == nullptr) report = &unread;
  *report = OpenReport{};
  std::unique_ptr<EventLog> log(new EventLog());
  State& state = *log->state_;
  state.database = &database;
  state.options = options;
  if (frontier.found == FrontierRecord::Found::kValid) report->frontier = frontier.position;
  BAROGRAPH_ASSIGN(state.start, ReadStart(database, options.partition));
  BAROGRAPH_ASSIGN(const Position end, CheckTail(database, options.partition, state.start));
  state.staged = state.durable = report->end = end;
  report->tail_dropped = database.tail_was_torn();
  if (report->tail_dropped) {
    report->detail = "a torn tail was dropped after sequence " + std::to_string(end.sequence.value);
  }
  const Status compared = CompareWithFrontier(*log, end, frontier, database.read_only(), report);
  if (!compared.ok()) {
    if (!options.accept_loss) return compared.error();
    report->detail = "accepted: " + compared.error().message();
  }
  if (database.read_only()) return log;
  BAROGRAPH_ASSIGN(state.frontier,
                   Frontier::Open(database.file_system(), options.frontier_path, frontier,
                                  options.clock != nullptr ? *options.clock : machine));
  BAROGRAPH_TRY(state.frontier->Advance(end));
  BAROGRAPH_TRY(state.frontier->Sync());
  return log;
}

Position EventLog::StageAppend(RecordHeader header, SealedPayload payload, WriteGroup* group) {
  BAROGRAPH_ASSERT(header.count > 0, "a record has events");
  Position end = staged_end();
  header.first_sequence = end.sequence.Plus(1);
  header.previous_link = end.link;
  header.compression = payload.compression;
  header.payload_bytes = payload.uncompressed_bytes;
  header.stored_bytes = static_cast<std::uint32_t>(payload.bytes.size());
  header.payload_crc = payload.crc;
  header.payload_digest = payload.digest;
  EncodeRecordHeader(header, &state_->encoded_header);
  const LogKey key(state_->options.partition, header.first_sequence);
  group->PutJoined(Table::kLog, key.bytes(), state_->encoded_header, std::move(payload.bytes));
  end = {.sequence = header.last_sequence(),
         .link = RecordLink(header.previous_link, state_->encoded_header),
         .log_time = header.log_time};
  const std::lock_guard lock(state_->mutex);
  state_->staged = end;
  return end;
}

Status EventLog::CommitDone(const Position& end) {
  BAROGRAPH_ASSERT(state_->frontier != nullptr, "a read-only log commits nothing");
  {
    const std::lock_guard lock(state_->mutex);
    BAROGRAPH_ASSERT(
        end.sequence >= state_->durable.sequence && end.sequence <= state_->staged.sequence,
        "what is committed was staged, in order");
    if (end.sequence == state_->durable.sequence) return {};
    state_->durable = end;
  }
  BAROGRAPH_FAILPOINT("commit_before_frontier");
  return state_->frontier->Advance(end);
}

Status EventLog::SyncFrontier() { return state_->frontier->SyncIfDue(); }

Position EventLog::staged_end() const {
  const std::lock_guard lock(state_->mutex);
  return state_->staged;
}

Position EventLog::durable_end() const { return state_->Durable(); }
Position EventLog::start() const { return state_->Start(); }
Sequence EventLog::begin() const { return state_->Start().sequence.Plus(1); }
const Database& EventLog::database() const { return *state_->database; }
PartitionId EventLog::partition() const { return state_->options.partition; }

Result<Digest> EventLog::LinkAt(Sequence sequence) const {
  const Position first = start();
  if (sequence == first.sequence) return first.link;
  const Error absent(ErrorCode::kNotFound,
                     "no record ends at sequence " + std::to_string(sequence.value));
  if (sequence < first.sequence) return absent;
  TableCursor rows = state_->database->NewCursor(Table::kLog);
  rows.SeekBefore(LogKey(partition(), sequence).bytes());
  BAROGRAPH_TRY(rows.status());
  if (!rows.Valid() || !LogKey::Holds(rows.key(), partition())) return absent;
  BAROGRAPH_ASSIGN(const RecordView record, DecodeRow(rows));
  if (record.header.last_sequence() != sequence) return absent;
  return RecordLink(record.header.previous_link, record.encoded_header);
}

Result<Position> EventLog::StageStart(Sequence last_dropped, WriteGroup* group) const {
  BAROGRAPH_ASSERT(last_dropped <= durable_end().sequence, "only durable records are dropped");
  Cursor cursor = Read({.from = last_dropped});
  RecordView record;
  if (last_dropped < begin() || !cursor.Next(&record) ||
      record.header.last_sequence() != last_dropped) {
    BAROGRAPH_TRY(cursor.status());
    return Error(ErrorCode::kNotFound,
                 "no record ends at sequence " + std::to_string(last_dropped.value));
  }
  const Position start = EndOf(record);
  group->Put(Table::kMeta, StartKey(partition()), EncodeStart(start));
  return start;
}

Status EventLog::StartCommitted(const Position& start) {
  {
    const std::lock_guard lock(state_->mutex);
    BAROGRAPH_ASSERT(start.sequence >= state_->start.sequence, "the start only moves on");
    state_->start = start;
  }
  return state_->database->DeleteRange(Table::kLog, LogKey(partition(), Sequence{}).bytes(),
                                       LogKey(partition(), start.sequence.Plus(1)).bytes());
}

}  // namespace barograph::storage
