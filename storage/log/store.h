#pragma once

#include <memory>
#include <string>

#include "storage/log/event_log.h"
#include "storage/rocks/database.h"

namespace barograph::storage {

/// A database and the log in it. The log is destroyed first.
struct Store {
  std::unique_ptr<Database> database;
  std::unique_ptr<EventLog> log;
  OpenReport report;
};

/// Opens both, also after a power cut that left the write-ahead log torn or reordered behind what
/// was acknowledged:
///
/// 1. The frontier file is read, and the database opened; a cleanly cut last record is dropped
/// silently.
/// 2. If the write-ahead log is damaged otherwise, the database is opened read-only up to the
/// damage, and compared with
///    the frontier. At or past it, nothing acknowledged was lost: it is opened so, and the report
///    says `tail_dropped`.
/// 3. Behind the frontier it is refused with kDataLoss that names the missing sequences, and
/// nothing is changed, unless
///    the loss is accepted.
///
/// With `database.read_only` nothing is written, and a server may be running on the same files.
/// Errors: those of Database::Open and EventLog::Open.
[[nodiscard]] Result<Store> OpenStore(const DatabaseOptions& database, const EventLogOptions& log);

/// Where the two lie below the data folder of a partition.
[[nodiscard]] std::string DatabaseFolder(const std::string& data);
[[nodiscard]] std::string FrontierFile(const std::string& data);
/// A look at the store that is in a data folder: never makes one.
/// Errors: those of OpenStore.
[[nodiscard]] Result<Store> OpenStoreReadOnly(const std::string& data);

}  // namespace barograph::storage
