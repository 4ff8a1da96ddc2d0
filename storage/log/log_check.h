#pragma once

#include <cstdint>
#include <functional>
#include <optional>

#include "storage/log/event_log.h"

namespace barograph::storage {

/// What a walk over all records found.
struct VerifyReport {
  std::uint64_t records = 0;
  std::uint64_t events = 0;
  std::uint64_t stored_bytes = 0;   ///< headers and payloads as stored
  std::uint64_t payload_bytes = 0;  ///< payloads uncompressed
  Position first;                   ///< end of the first record
  Position last;                    ///< end of the last good record
  /// No record is missing, edited or out of place, and every payload opens.
  bool chain_ok = false;
  std::optional<Error> defect;  ///< the first one; the walk ends there
};

/// Called about every 64 MiB of the walk; false ends it early (then chain_ok is false, without a
/// defect).
using VerifyProgress = std::function<bool(const VerifyReport& so_far)>;

/// Reads the whole log up to its durable end: CRC, payload digest, link, density, decompression.
/// Memory: one payload.
/// Errors: kIo; damage is in the report.
[[nodiscard]] Result<VerifyReport> VerifyLog(const EventLog& log, const VerifyProgress& progress);

/// What can be told without reading the log.
struct LogStat {
  Position start;             ///< the place before the first held record
  Position end;               ///< durable
  std::uint64_t events = 0;   ///< held
  std::uint64_t records = 0;  ///< about
  std::uint64_t disk_bytes =
      0;  ///< of the log's table files; what is only in the write-ahead log is not counted
  std::optional<Time> first_log_time;
};
/// Errors: kIo, kCorruption (the first record).
[[nodiscard]] Result<LogStat> StatLog(const EventLog& log);

}  // namespace barograph::storage
