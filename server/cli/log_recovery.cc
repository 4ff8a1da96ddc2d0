#include "server/cli/log_recovery.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "server/cli/command.h"
#include "storage/base/bytes.h"
#include "storage/event/server_event.h"
#include "storage/log/store.h"

namespace barograph::server {
namespace {

using Json = nlohmann::ordered_json;

Result<storage::Store> OpenWithLoss(const std::string& data) {
  storage::DatabaseOptions database;
  database.directory = storage::DatabaseFolder(data);
  database.create_if_missing = false;
  storage::EventLogOptions log;
  log.frontier_path = storage::FrontierFile(data);
  log.accept_loss = true;
  return storage::OpenStore(database, log);
}

/// What keeps a server from starting; OK when it would start.
/// A look without writing may do without a frontier file, a server may not.
Status WhyRefused(const std::string& data) {
  const Result<storage::Store> seen = storage::OpenStoreReadOnly(data);
  if (!seen.ok()) return seen.error();
  if (seen->report.end.sequence == Sequence{} || seen->report.frontier) return {};
  return Error(ErrorCode::kFailedPrecondition,
               "the frontier file is absent or unreadable, so nobody can tell whether acknowledged "
               "records are missing");
}

/// The loss becomes an event like everything else that can change an answer. Its log time is that
/// of the last record left, so that the stop which the next start logs begins there.
Status LogLoss(const storage::Store& store) {
  storage::TailDropped loss;
  loss.origin = {.actor = "operator", .reason = "log recover"};
  loss.last_sequence = store.report.end.sequence;
  loss.detail = store.report.detail;
  const Time at = store.report.end.log_time;
  std::string payload;
  ByteWriter(&payload).String(EncodeServerEvent(loss, at));
  storage::RecordHeader header;
  header.flags = storage::kRecordDecided;
  header.count = 1;
  header.log_time = header.min_event_time = header.max_event_time = at;
  header.tenant = "default";
  storage::WriteGroup group;
  const storage::Position end =
      store.log->StageAppend(header, storage::SealPayload(payload), &group);
  BAROGRAPH_TRY(store.database->Write(group, /*sync=*/true));
  return store.log->CommitDone(end);
}

Json ReportJson(const storage::OpenReport& report, bool accepted) {
  Json json{
      {"accepted", accepted}, {"last_event", report.end.sequence.value}, {"detail", report.detail}};
  if (report.lost) {
    json["lost"] = {{"first", report.lost->first.value}, {"last", report.lost->last.value}};
  }
  return json;
}

int Accept(const std::string& data, OutputFormat format) {
  const Result<storage::Store> store = OpenWithLoss(data);
  if (!store.ok()) return PrintError(store.error());
  if (const Status logged = LogLoss(*store); !logged.ok()) return PrintError(logged.error());
  const storage::OpenReport& report = store->report;
  if (format == OutputFormat::kJson) {
    std::puts(ReportJson(report, true).dump(2).c_str());
    return kExitDone;
  }
  if (report.lost) {
    const std::uint64_t count = report.lost->last.value - report.lost->first.value + 1;
    std::printf("lost for ever: events %s to %s (%s)\n",
                GroupDigits(static_cast<std::int64_t>(report.lost->first.value)).c_str(),
                GroupDigits(static_cast<std::int64_t>(report.lost->last.value)).c_str(),
                GroupDigits(static_cast<std::int64_t>(count)).c_str());
  } else {
    std::printf("%s\n", report.detail.c_str());
  }
  std::printf(
      "the log goes on after event %s, and says so itself (tail_dropped)\n"
      "next: barograph serve --data %s\n",
      GroupDigits(static_cast<std::int64_t>(report.end.sequence.value)).c_str(), data.c_str());
  return kExitDone;
}

}  // namespace

int RecoverLog(const std::string& data, bool accept_loss, OutputFormat format) {
  const Status refused = WhyRefused(data);
  if (refused.ok()) {
    if (format == OutputFormat::kJson) {
      std::puts(Json{{"accepted", false}, {"detail", "nothing is missing"}}.dump(2).c_str());
    } else {
      std::puts("nothing is missing: there is no loss to accept");
    }
    return kExitDone;
  }
  const ErrorCode code = refused.error().code();
  if (code != ErrorCode::kDataLoss && code != ErrorCode::kCorruption &&
      code != ErrorCode::kFailedPrecondition) {
    return PrintError(refused.error());
  }
  if (accept_loss) return Accept(data, format);
  if (format == OutputFormat::kJson) {
    std::puts(Json{{"accepted", false}, {"detail", refused.error().message()}}.dump(2).c_str());
  } else {
    PrintError(refused.error());
  }
  std::fprintf(stderr,
               "nothing was changed; look for a copy of %s first: what is accepted as lost cannot "
               "be had back\n",
               data.c_str());
  return kExitNo;
}

}  // namespace barograph::server
