#include "storage/log/log_check.h"

#include <string>

#include "storage/log/event_log_state.h"

namespace barograph::storage {
namespace {

constexpr std::uint64_t kProgressBytes = 64U << 20U;

}  // namespace

Result<VerifyReport> VerifyLog(const EventLog& log, const VerifyProgress& progress) {
  VerifyReport report;
  report.last = log.start();
  EventLog::Cursor cursor = log.Read({.from = log.begin(), .verify_chain = true});
  std::string buffer;
  std::uint64_t told_at = 0;
  RecordView record;
  while (cursor.Next(&record)) {
    const Result<std::string_view> payload =
        record.header.key_id == 0 ? OpenPayload(record, &buffer) : record.stored_payload;
    if (!payload.ok()) {
      report.defect = payload.error().WithContext(
          "sequence " + std::to_string(record.header.first_sequence.value));
      return report;
    }
    ++report.records;
    report.events += record.header.count;
    report.stored_bytes += record.encoded_header.size() + record.stored_payload.size();
    report.payload_bytes += record.header.payload_bytes;
    report.last = EndOf(record);
    if (report.records == 1) report.first = report.last;
    if (report.stored_bytes - told_at < kProgressBytes || !progress) continue;
    told_at = report.stored_bytes;
    if (!progress(report)) return report;
  }
  const Status status = cursor.status();
  if (status.ok()) {
    report.chain_ok = true;
    return report;
  }
  if (status.error().code() == ErrorCode::kIo) return status.error();
  report.defect = status.error();
  return report;
}

Result<LogStat> StatLog(const EventLog& log) {
  LogStat stat;
  stat.start = log.start();
  stat.end = log.durable_end();
  stat.events = stat.end.sequence.value - stat.start.sequence.value;
  stat.records = log.database().RowsEstimate(Table::kLog);
  stat.disk_bytes = log.database().DiskBytes(Table::kLog);
  EventLog::Cursor cursor = log.Read({.from = log.begin()});
  RecordView record;
  if (cursor.Next(&record)) stat.first_log_time = record.header.log_time;
  BAROGRAPH_TRY(cursor.status());
  return stat;
}

}  // namespace barograph::storage
