#pragma once

#include <rocksdb/db.h>
#include <rocksdb/status.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/rocks/database.h"

namespace barograph::storage {

/// Name of a table's column family. On disk: never changes.
[[nodiscard]] std::string_view TableName(Table table);

/// RocksDB's settings for the whole database, with the reason for each that differs from the
/// default.
[[nodiscard]] rocksdb::DBOptions DatabaseSettings(const DatabaseOptions& options);

/// Settings of all column families, in the order of Table, then `default`, which stays empty.
[[nodiscard]] std::vector<rocksdb::ColumnFamilyDescriptor> TableSettings(
    const DatabaseOptions& options);

/// RocksDB's status as an error of ours. Requires !status.ok().
[[nodiscard]] Error ToError(const rocksdb::Status& status, std::string_view doing);

}  // namespace barograph::storage
