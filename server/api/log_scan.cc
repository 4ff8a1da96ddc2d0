#include "server/api/log_scan.h"

#include <span>

#include "rules/measure/measure_fold.h"
#include "rules/window/window_store.h"
#include "storage/event/event_view.h"
#include "storage/event/server_event.h"

namespace barograph::server {
namespace {

/// The part of the engine's fold that yields numbers.
class Refold {
 public:
  explicit Refold(const rules::WindowPlan& plan)
      : measures_([this](const rules::MeasureName& name) { return windows_.Intern(name); }) {
    windows_.Configure(plan, {1});
  }

  Status Fold(const storage::RecordView& record) {
    BAROGRAPH_ASSIGN(const std::string_view payload, storage::OpenPayload(record, &buffer_));
    windows_.Advance(record.header.log_time);
    storage::PayloadReader reader(payload);
    for (std::string_view wire; reader.Next(&wire);) {
      BAROGRAPH_TRY(storage::ReadEvent(wire, storage::EventSource::kLog, &view_));
      const Time time = view_.has_time ? view_.time : record.header.log_time;
      if (!storage::IsServerMade(view_.kind)) {
        windows_.Fold(view_, time, measures_.Fold(view_, time));
        continue;
      }
      BAROGRAPH_ASSIGN(const storage::ServerEvent event, storage::DecodeServerEvent(view_));
      const std::span<const rules::Yield> yields = measures_.Fold(event);
      if (!yields.empty()) windows_.Fold(view_, time, yields);
    }
    return {};
  }
  [[nodiscard]] const rules::WindowStore& windows() const { return windows_; }

 private:
  rules::WindowStore windows_;
  rules::MeasureFold measures_;
  storage::EventView view_;
  std::string buffer_;
};

Error OutOfBudget(const WindowQuery& query, const std::string& budget) {
  return {ErrorCode::kResourceExhausted, "the log is too long to scan for this (" + budget +
                                             "); add " + ProjectionText(query.projection) +
                                             " to `series:` in the rules"};
}

}  // namespace

Result<v1::QueryWindowsResponse> ScanLog(const storage::EventLog& log, const WindowQuery& query,
                                         const LogScanOptions& options, const Clock& clock,
                                         const std::atomic<bool>& stop) {
  rules::WindowPlan plan;
  plan.projections = {query.projection};
  plan.labels = options.labels;
  Refold refold(plan);
  const Duration deadline = clock.BootNow() + options.time_max;
  const Sequence end = log.durable_end().sequence;
  auto cursor = log.Read({.from = log.begin()});
  std::uint64_t events = 0;
  for (storage::RecordView record; cursor.Next(&record);) {
    if (record.header.first_sequence > end) break;
    events += record.header.count;
    if (stop) return Error(ErrorCode::kUnavailable, "the server is shutting down", true);
    if (events > options.events_max) {
      return OutOfBudget(query, "more than " + std::to_string(options.events_max) + " events");
    }
    if (clock.BootNow() > deadline) {
      return OutOfBudget(query, "more than " + FormatDuration(options.time_max));
    }
    if (record.header.tenant == options.tenant) BAROGRAPH_TRY(refold.Fold(record));
  }
  BAROGRAPH_TRY(cursor.status());
  WindowAnswer answer(query, query.projection, options.now);
  while (answer.Step(refold.windows())) {
  }
  v1::QueryWindowsResponse response = answer.Take();
  response.set_scanned(true);
  response.set_sequence(end.value);
  return response;
}

}  // namespace barograph::server
