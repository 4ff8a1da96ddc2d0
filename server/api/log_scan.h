#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "barograph/v1/query.pb.h"
#include "server/api/window_query.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/log/event_log.h"

namespace barograph::server {

struct LogScanOptions {
  std::string tenant;
  std::vector<std::string> labels;  ///< event labels that are dimensions
  Time now{};                       ///< log time of the question
  std::uint64_t events_max = 0;     ///< beyond: kResourceExhausted
  Duration time_max{0};
};

/// Answers a query that no series holds: folds the log anew into a store that keeps only the asked
/// projection. So the
/// answer follows the same windows, prices and rounding as a series that had been there from the
/// start.
/// Threads: any; one core, about the speed of a replay.
/// Errors: kResourceExhausted when the budget ends first, naming what to add to `series:`;
///         kUnavailable when `stop` is set;
/// kIo and kCorruption of the log.
[[nodiscard]] Result<v1::QueryWindowsResponse> ScanLog(const storage::EventLog& log,
                                                       const WindowQuery& query,
                                                       const LogScanOptions& options,
                                                       const Clock& clock,
                                                       const std::atomic<bool>& stop);

}  // namespace barograph::server
