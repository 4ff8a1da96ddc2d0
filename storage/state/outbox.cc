#include "storage/state/outbox.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "storage/base/bytes.h"

namespace barograph::storage {
namespace {

constexpr std::uint8_t kRowFormat = 2;
/// Without the time of sending again.
constexpr std::uint8_t kFirstRowFormat = 1;
constexpr char kPending = 'p';
constexpr char kEnded = 'd';

std::string Key(char state, Sequence sequence) {
  std::string key(1, state);
  ByteWriter(&key).BigEndian64(sequence.value);
  return key;
}

void WriteTime(Time time, ByteWriter* writer) {
  writer->Fixed<std::int64_t>(time.time_since_epoch().count());
}
Time ReadTime(ByteReader* reader) { return Time(Duration(reader->Fixed<std::int64_t>())); }

std::string EncodeRow(const OutboxRow& row) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.Fixed(kRowFormat);
  writer.String(row.tenant);
  writer.Fixed(static_cast<std::uint8_t>(row.outcome));
  writer.Varint(row.attempts);
  WriteTime(row.ended_at, &writer);
  writer.String(row.detail);
  const NoticeDecided& notice = row.notice;
  for (const std::string* text :
       {&notice.origin.actor, &notice.origin.reason, &notice.id, &notice.receiver,
        &notice.group_key, &notice.content_type, &notice.body}) {
    writer.String(*text);
  }
  writer.Fixed(static_cast<std::uint8_t>(notice.state));
  WriteTime(notice.at, &writer);
  writer.Varint(notice.episode_ids.size());
  for (const std::string& id : notice.episode_ids) writer.String(id);
  WriteTime(row.resent_at, &writer);
  return bytes;
}

Result<OutboxRow> DecodeRow(std::string_view key, std::string_view bytes) {
  OutboxRow row;
  ByteReader key_reader(key.substr(std::min<std::size_t>(1, key.size())));
  row.sequence.value = key_reader.BigEndian64();
  ByteReader reader(bytes);
  const auto format = reader.Fixed<std::uint8_t>();
  row.tenant = reader.String();
  row.outcome = static_cast<DeliveryOutcome>(reader.Fixed<std::uint8_t>());
  row.attempts = static_cast<std::uint32_t>(reader.Varint());
  row.ended_at = ReadTime(&reader);
  row.detail = reader.String();
  NoticeDecided& notice = row.notice;
  for (std::string* text :
       {&notice.origin.actor, &notice.origin.reason, &notice.id, &notice.receiver,
        &notice.group_key, &notice.content_type, &notice.body}) {
    *text = reader.String();
  }
  notice.state = static_cast<AlertState>(reader.Fixed<std::uint8_t>());
  notice.at = ReadTime(&reader);
  for (std::uint64_t left = reader.Varint(); left > 0 && reader.ok(); --left) {
    notice.episode_ids.emplace_back(reader.String());
  }
  if (format != kFirstRowFormat) row.resent_at = ReadTime(&reader);
  const bool known = format == kRowFormat || format == kFirstRowFormat;
  if (!known || !key_reader.ok() || !key_reader.done() || !reader.ok() || !reader.done()) {
    return Error(ErrorCode::kCorruption, "outbox: row " + std::to_string(row.sequence.value) +
                                             " cannot be read (format " + std::to_string(format) +
                                             ")");
  }
  return row;
}

}  // namespace

void Outbox::StageNotice(const OutboxRow& row, WriteGroup* group) {
  group->Put(Table::kOutbox, Key(kPending, row.sequence), EncodeRow(row));
}

void Outbox::StageEnd(const OutboxRow& ended, WriteGroup* group) {
  group->Delete(Table::kOutbox, Key(kPending, ended.sequence));
  group->Put(Table::kOutbox, Key(kEnded, ended.sequence), EncodeRow(ended));
}

void Outbox::StageResend(const OutboxRow& ended, Sequence sequence, Time now, WriteGroup* group) {
  group->Delete(Table::kOutbox, Key(kEnded, ended.sequence));
  OutboxRow pending = ended;
  pending.sequence = sequence;
  pending.outcome = DeliveryOutcome::kUnspecified;
  pending.attempts = 0;
  pending.ended_at = {};
  pending.detail.clear();
  pending.resent_at = now;
  StageNotice(pending, group);
}

void Outbox::StageForget(Sequence ended, WriteGroup* group) {
  group->Delete(Table::kOutbox, Key(kEnded, ended));
}

Result<std::vector<OutboxRow>> Outbox::ListPending(Sequence after, std::size_t limit) const {
  std::vector<OutboxRow> rows;
  TableCursor cursor = database_.NewCursor(Table::kOutbox);
  for (cursor.Seek(Key(kPending, after.Plus(1)));
       rows.size() < limit && cursor.Valid() && cursor.key().front() == kPending; cursor.Next()) {
    BAROGRAPH_ASSIGN(OutboxRow row, DecodeRow(cursor.key(), cursor.value()));
    rows.push_back(std::move(row));
  }
  BAROGRAPH_TRY(cursor.status());
  return rows;
}

Result<std::vector<OutboxRow>> Outbox::ListEnded(std::size_t limit) const {
  std::vector<OutboxRow> rows;
  TableCursor cursor = database_.NewCursor(Table::kOutbox);
  cursor.SeekBefore(Key(kEnded, Sequence{~std::uint64_t{0}}));
  while (rows.size() < limit && cursor.Valid() && cursor.key().front() == kEnded) {
    BAROGRAPH_ASSIGN(OutboxRow row, DecodeRow(cursor.key(), cursor.value()));
    const Sequence before{row.sequence.value - 1};
    rows.push_back(std::move(row));
    cursor.SeekBefore(Key(kEnded, before));
  }
  BAROGRAPH_TRY(cursor.status());
  return rows;
}

Status Outbox::ForEach(const std::function<bool(OutboxRow&)>& each) const {
  TableCursor cursor = database_.NewCursor(Table::kOutbox);
  for (cursor.Seek(Key(kPending, Sequence{0})); cursor.Valid() && cursor.key().front() == kPending;
       cursor.Next()) {
    BAROGRAPH_ASSIGN(OutboxRow row, DecodeRow(cursor.key(), cursor.value()));
    if (!each(row)) return {};
  }
  BAROGRAPH_TRY(cursor.status());
  cursor.SeekBefore(Key(kEnded, Sequence{~std::uint64_t{0}}));
  while (cursor.Valid() && cursor.key().front() == kEnded) {
    BAROGRAPH_ASSIGN(OutboxRow row, DecodeRow(cursor.key(), cursor.value()));
    if (!each(row)) return {};
    cursor.SeekBefore(Key(kEnded, Sequence{row.sequence.value - 1}));
  }
  return cursor.status();
}

Result<OutboxRow> Outbox::FindNotice(std::string_view tenant, std::string_view notice_id) const {
  std::optional<OutboxRow> found;
  BAROGRAPH_TRY(ForEach([&](OutboxRow& row) {
    if (row.tenant != tenant || row.notice.id != notice_id) return true;
    found = std::move(row);
    return false;
  }));
  if (found) return *std::move(found);
  return Error(ErrorCode::kNotFound, "outbox: no notice \"" + std::string(notice_id) +
                                         "\" among those that wait and the last " +
                                         std::to_string(kOutboxEndedMax) + " that ended");
}

Result<std::string> Outbox::FindNewer(const OutboxRow& row) const {
  std::string newer;
  BAROGRAPH_TRY(ForEach([&](const OutboxRow& other) {
    const bool tells = other.outcome == DeliveryOutcome::kUnspecified ||
                       other.outcome == DeliveryOutcome::kDelivered;
    if (!tells || other.sequence <= row.sequence || other.tenant != row.tenant ||
        other.notice.receiver != row.notice.receiver ||
        other.notice.group_key != row.notice.group_key) {
      return true;
    }
    newer = other.notice.id;
    return false;
  }));
  return newer;
}

Result<OutboxRow> Outbox::Find(Sequence sequence) const {
  for (const char state : {kPending, kEnded}) {
    const std::string key = Key(state, sequence);
    const Result<std::string> row = database_.Get(Table::kOutbox, key);
    if (row.ok()) return DecodeRow(key, row.value());
    if (row.error().code() != ErrorCode::kNotFound) return row.error();
  }
  return Error(ErrorCode::kNotFound,
               "outbox: no notice with sequence " + std::to_string(sequence.value));
}

}  // namespace barograph::storage
