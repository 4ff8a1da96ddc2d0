#include <optional>

#include "storage/log/event_log.h"
#include "storage/log/event_log_state.h"
#include "storage/log/log_key.h"

namespace barograph::storage {
namespace {

/// Large enough that a cold walk runs at the speed of the device, small enough for many cursors.
constexpr std::size_t kReadaheadBytes = 2U << 20U;

}  // namespace

struct EventLog::Cursor::State {
  const EventLog::State* log = nullptr;
  bool verify_chain = false;
  std::optional<TableCursor> rows;
  Sequence limit;  ///< durable when `rows` was made
  Sequence from;   ///< to begin with, and then the next record's first
  bool begun = false;
  bool chained = false;
  Digest link{};  ///< of the record before, when `chained`
  std::optional<Error> failure;

  [[nodiscard]] PartitionId partition() const { return log->options.partition; }
  [[nodiscard]] bool Position();
  [[nodiscard]] Status SeekFirst();
  [[nodiscard]] Status Read(RecordView* record);
  [[nodiscard]] Status CheckChain(const RecordView& record);
};

/// To the row at `from`; false when it is not durable yet, or on an error.
bool EventLog::Cursor::State::Position() {
  if (rows.has_value() && from <= limit) {
    rows->Next();
    return true;
  }
  limit = log->Durable().sequence;  // before the iterator, which then sees at least as much
  if (from > limit) return false;
  rows.emplace(log->database->NewCursor(Table::kLog,
                                        {.readahead_bytes = kReadaheadBytes, .fill_cache = false}));
  if (begun) {
    rows->Seek(LogKey(partition(), from).bytes());
    return true;
  }
  Status sought = SeekFirst();
  if (!sought.ok()) failure = sought.error();
  return sought.ok();
}

/// To the record that holds `from`, noting the link before it.
Status EventLog::Cursor::State::SeekFirst() {
  const storage::Position start = log->Start();
  if (from <= start.sequence) from = start.sequence.Plus(1);
  rows->SeekBefore(LogKey(partition(), from).bytes());
  BAROGRAPH_TRY(rows->status());
  const auto held = [&] {
    return rows->Valid() && LogKey::Holds(rows->key(), partition()) &&
           LogKey::FirstSequence(rows->key()) > start.sequence;
  };
  if (!held()) {
    return Error(ErrorCode::kDataLoss,
                 "the record of sequence " + std::to_string(from.value) + " is missing");
  }
  from = LogKey::FirstSequence(rows->key());
  begun = true;
  if (!verify_chain) return {};
  chained = true;
  link = start.link;
  if (from == start.sequence.Plus(1)) return {};
  rows->Prev();
  BAROGRAPH_TRY(rows->status());
  if (!held()) {
    return Error(ErrorCode::kDataLoss,
                 "the record before sequence " + std::to_string(from.value) + " is missing");
  }
  BAROGRAPH_ASSIGN(const RecordView before, DecodeRecord(rows->value()));
  link = RecordLink(before.header.previous_link, before.encoded_header);
  rows->Next();
  return {};
}

Status EventLog::Cursor::State::CheckChain(const RecordView& record) {
  if (!verify_chain) return CheckPayloadCrc(record);
  BAROGRAPH_TRY(CheckPayloadDigest(record));  // implies the CRC's answer
  if (chained && record.header.previous_link != link) {
    return Error(ErrorCode::kCorruption, "record: does not continue the one before");
  }
  chained = true;
  link = RecordLink(record.header.previous_link, record.encoded_header);
  return {};
}

Status EventLog::Cursor::State::Read(RecordView* record) {
  BAROGRAPH_TRY(rows->status());
  if (!rows->Valid() || !LogKey::Holds(rows->key(), partition()) ||
      LogKey::FirstSequence(rows->key()) != from) {
    return Error(ErrorCode::kDataLoss, "the record is missing");
  }
  BAROGRAPH_ASSIGN(*record, DecodeRecord(rows->value()));
  if (record->header.first_sequence != from) {
    return Error(ErrorCode::kCorruption, "record: lies under another one's key");
  }
  return CheckChain(*record);
}

EventLog::Cursor::Cursor(std::unique_ptr<State> state) : state_(std::move(state)) {}
EventLog::Cursor::Cursor(Cursor&&) noexcept = default;
EventLog::Cursor::~Cursor() = default;

bool EventLog::Cursor::Next(RecordView* record) {
  State& state = *state_;
  if (state.failure.has_value() || !state.Position()) return false;
  const Status read = state.Read(record);
  if (!read.ok()) {
    state.failure = read.error().WithContext("sequence " + std::to_string(state.from.value));
    return false;
  }
  state.from = record->header.last_sequence().Plus(1);
  return true;
}

Status EventLog::Cursor::status() const {
  if (state_->failure.has_value()) return *state_->failure;
  return {};
}

EventLog::Cursor EventLog::Read(const ReadOptions& options) const {
  auto cursor = std::make_unique<Cursor::State>();
  cursor->log = state_.get();
  cursor->from = options.from.value == 0 ? Sequence{1} : options.from;
  cursor->verify_chain = options.verify_chain;
  return Cursor(std::move(cursor));
}

}  // namespace barograph::storage
