#include "server/partition/quarantine_book.h"

#include <utility>
#include <vector>

#include "storage/event/event_view.h"

namespace barograph::server {
namespace {

constexpr std::size_t kRowsAtOnce = 1024;

}  // namespace

Status QuarantineBook::Load(const storage::Quarantine& quarantine) {
  Sequence after{0};
  while (true) {
    BAROGRAPH_ASSIGN(const std::vector<storage::QuarantineRow> rows,
                     quarantine.List({}, after, kRowsAtOnce));
    for (const storage::QuarantineRow& row : rows) Add(row.tenant, row.sequence);
    if (rows.size() < kRowsAtOnce) return {};
    after = rows.back().sequence;
  }
}

void QuarantineBook::Add(const std::string& tenant, Sequence sequence) {
  if (tenants_.emplace(sequence.value, tenant).second) ++pending_of_[tenant];
}

void QuarantineBook::Remove(Sequence sequence) {
  const auto found = tenants_.find(sequence.value);
  if (found == tenants_.end()) return;
  const auto count = pending_of_.find(found->second);
  if (--count->second == 0) pending_of_.erase(count);
  tenants_.erase(found);
}

const std::string* QuarantineBook::TenantOf(Sequence sequence) const {
  const auto found = tenants_.find(sequence.value);
  return found == tenants_.end() ? nullptr : &found->second;
}

std::size_t QuarantineBook::PendingOf(const std::string& tenant) const {
  const auto found = pending_of_.find(tenant);
  return found == pending_of_.end() ? 0 : found->second;
}

Result<storage::Quarantined> ReadSetAside(const storage::EventLog& log, Sequence sequence) {
  const auto absent = [sequence] {
    return Error(ErrorCode::kNotFound,
                 "the log holds no sequence " + std::to_string(sequence.value));
  };
  if (sequence < log.begin() || sequence > log.durable_end().sequence) return absent();
  storage::EventLog::Cursor cursor = log.Read({.from = sequence});
  storage::RecordView record;
  if (!cursor.Next(&record)) {
    BAROGRAPH_TRY(cursor.status());
    return absent();
  }
  std::string buffer;
  BAROGRAPH_ASSIGN(const std::string_view payload, storage::OpenPayload(record, &buffer));
  storage::PayloadReader reader(payload);
  std::string_view wire;
  for (Sequence at = record.header.first_sequence; reader.Next(&wire); ++at) {
    if (at < sequence) continue;
    storage::EventView view;
    BAROGRAPH_TRY(storage::ReadEvent(wire, storage::EventSource::kLog, &view));
    if (view.kind != storage::EventKind::kQuarantined) {
      return Error(ErrorCode::kInternal, "sequence " + std::to_string(sequence.value) + " is of " +
                                             std::string(storage::EventKindName(view.kind)) +
                                             ", not of a record set aside");
    }
    BAROGRAPH_ASSIGN(storage::ServerEvent event, storage::DecodeServerEvent(view));
    return std::get<storage::Quarantined>(std::move(event));
  }
  return Error(ErrorCode::kCorruption,
               "sequence " + std::to_string(sequence.value) + ": the payload's framing is broken");
}

}  // namespace barograph::server
