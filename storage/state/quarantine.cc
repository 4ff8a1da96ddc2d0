#include "storage/state/quarantine.h"

#include <utility>

#include "storage/base/bytes.h"
#include "storage/event/utf8.h"

namespace barograph::storage {
namespace {

constexpr std::uint8_t kRowFormat = 1;

std::string Key(Sequence sequence) {
  std::string key;
  ByteWriter(&key).BigEndian64(sequence.value);
  return key;
}

std::string EncodeRow(const QuarantineRow& row) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.Fixed(kRowFormat);
  writer.String(row.tenant);
  writer.String(row.topic);
  writer.Varint(row.partition);
  writer.Varint(row.offset);
  writer.Fixed<std::int64_t>(row.set_aside_at.time_since_epoch().count());
  writer.Varint(row.value_bytes);
  writer.String(row.reason);
  return bytes;
}

Result<QuarantineRow> DecodeRow(std::string_view key, std::string_view bytes) {
  QuarantineRow row;
  ByteReader key_reader(key);
  row.sequence.value = key_reader.BigEndian64();
  ByteReader reader(bytes);
  const auto format = reader.Fixed<std::uint8_t>();
  row.tenant = reader.String();
  row.topic = reader.String();
  row.partition = static_cast<std::uint32_t>(reader.Varint());
  row.offset = reader.Varint();
  row.set_aside_at = Time(Duration(reader.Fixed<std::int64_t>()));
  row.value_bytes = reader.Varint();
  row.reason = reader.String();
  if (format != kRowFormat || !key_reader.ok() || !key_reader.done() || !reader.ok() ||
      !reader.done()) {
    return Error(ErrorCode::kCorruption, "quarantine: row " + std::to_string(row.sequence.value) +
                                             " cannot be read (format " + std::to_string(format) +
                                             ")");
  }
  return row;
}

}  // namespace

QuarantineRow QuarantineRowOf(std::string_view tenant, Sequence sequence, const Quarantined& event,
                              Time set_aside_at) {
  std::string reason = ToUtf8(event.reason);
  if (reason.size() > kQuarantineReasonBytesMax) {
    std::size_t end = kQuarantineReasonBytesMax;
    while ((static_cast<std::uint8_t>(reason[end]) & 0xC0U) == 0x80) --end;
    reason.resize(end);
  }
  return {.tenant = std::string(tenant),
          .sequence = sequence,
          .topic = event.topic,
          .partition = event.partition,
          .offset = event.offset,
          .set_aside_at = set_aside_at,
          .value_bytes = event.value_bytes,
          .reason = std::move(reason)};
}

void Quarantine::StageRow(const QuarantineRow& row, WriteGroup* group) {
  group->Put(Table::kQuarantine, Key(row.sequence), EncodeRow(row));
}

void Quarantine::StageEnd(Sequence sequence, WriteGroup* group) {
  group->Delete(Table::kQuarantine, Key(sequence));
}

Result<std::vector<QuarantineRow>> Quarantine::List(std::string_view topic, Sequence after,
                                                    std::size_t limit) const {
  std::vector<QuarantineRow> rows;
  if (after.value == ~std::uint64_t{0}) return rows;
  TableCursor cursor = database_.NewCursor(Table::kQuarantine);
  for (cursor.Seek(Key(after.Plus(1))); rows.size() < limit && cursor.Valid(); cursor.Next()) {
    BAROGRAPH_ASSIGN(QuarantineRow row, DecodeRow(cursor.key(), cursor.value()));
    if (topic.empty() || row.topic == topic) rows.push_back(std::move(row));
  }
  BAROGRAPH_TRY(cursor.status());
  return rows;
}

Result<QuarantineRow> Quarantine::Find(Sequence sequence) const {
  const std::string key = Key(sequence);
  const Result<std::string> row = database_.Get(Table::kQuarantine, key);
  if (row.ok()) return DecodeRow(key, row.value());
  if (row.error().code() != ErrorCode::kNotFound) return row.error();
  return Error(ErrorCode::kNotFound,
               "quarantine: no record waits at sequence " + std::to_string(sequence.value));
}

}  // namespace barograph::storage
