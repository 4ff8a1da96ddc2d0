#include "storage/log/store.h"

#include <utility>

namespace barograph::storage {
namespace {

Result<Store> OpenLog(std::unique_ptr<Database> database, const EventLogOptions& log,
                      const FrontierRecord& frontier) {
  Store store;
  store.database = std::move(database);
  BAROGRAPH_ASSIGN(store.log, EventLog::OpenAt(*store.database, log, frontier, &store.report));
  return store;
}

/// Whether what is left when the damage and all behind it is dropped holds everything acknowledged.
/// Changes nothing.
Status CheckPointInTime(DatabaseOptions database, const EventLogOptions& log,
                        const FrontierRecord& frontier, const Error& damage) {
  database.read_only = true;
  Result<std::unique_ptr<Database>> opened = Database::Open(database);
  // RocksDB refuses this mode too when tables hold more than the log of writes: not a torn tail.
  if (!opened.ok()) return damage;
  const Result<Store> seen = OpenLog(std::move(*opened), log, frontier);
  if (!seen.ok()) return seen.error();
  const bool unknown = frontier.found != FrontierRecord::Found::kValid;
  if (unknown && !log.accept_loss && seen->report.end.sequence > Sequence{}) return damage;
  return {};
}

}  // namespace

Result<Store> OpenStore(const DatabaseOptions& database, const EventLogOptions& log) {
  BAROGRAPH_ASSIGN(const FrontierRecord frontier,
                   Frontier::Read(database.file_system, log.frontier_path));
  DatabaseOptions careful = database;
  // A database that once held acknowledged records is never silently begun anew.
  const bool written =
      frontier.found == FrontierRecord::Found::kValid && frontier.position.sequence > Sequence{};
  if (written && !log.accept_loss) careful.create_if_missing = false;

  careful.recovery = TailRecovery::kTolerateTornRecord;
  Result<std::unique_ptr<Database>> opened = Database::Open(careful);
  if (opened.ok()) return OpenLog(std::move(*opened), log, frontier);
  if (written && opened.error().code() == ErrorCode::kNotFound) {
    return Error(ErrorCode::kDataLoss,
                 opened.error().message() + ", but the frontier file says that sequences 1 to " +
                     std::to_string(frontier.position.sequence.value) + " were acknowledged");
  }
  if (opened.error().code() != ErrorCode::kCorruption) return opened.error();

  careful.recovery = TailRecovery::kPointInTime;
  if (!database.read_only) {
    BAROGRAPH_TRY(CheckPointInTime(careful, log, frontier, opened.error()));
  }
  BAROGRAPH_ASSIGN(auto point_in_time, Database::Open(careful));
  return OpenLog(std::move(point_in_time), log, frontier);
}

std::string DatabaseFolder(const std::string& data) { return data + "/db"; }
std::string FrontierFile(const std::string& data) { return data + "/frontier"; }

Result<Store> OpenStoreReadOnly(const std::string& data) {
  DatabaseOptions database;
  database.directory = DatabaseFolder(data);
  database.read_only = true;
  database.create_if_missing = false;
  EventLogOptions log;
  log.frontier_path = FrontierFile(data);
  return OpenStore(database, log);
}

}  // namespace barograph::storage
