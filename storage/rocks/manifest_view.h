#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "storage/base/result.h"

namespace barograph::storage {

/// Bytes of `log` up to the end of its last whole record before the first that is torn or does not
/// fit its checksum. Format: RocksDB's log format (blocks of 32 KiB; CRC-32C masked, length u16,
/// type u8), which its MANIFEST has too.
[[nodiscard]] std::uint64_t WholeRecordBytes(std::string_view log);

/// `file_system`, through which the current MANIFEST of `directory` seems to end with its last
/// whole record; or just `file_system` when nothing is torn. No file is changed: RocksDB writes a
/// new MANIFEST when it opens.
///
/// RocksDB forgives a MANIFEST nothing but a clean end, and a power cut that let the later of two
/// sectors reach the disk is not one. Dropping edits that were never synced is harmless: only after
/// the sync of an edit does RocksDB delete what the edit made obsolete. Dropping synced ones is
/// not, so whoever uses this compares the result with the frontier.
[[nodiscard]] Result<std::shared_ptr<rocksdb::FileSystem>> WithoutTornManifest(
    const std::shared_ptr<rocksdb::FileSystem>& file_system, const std::string& directory);

}  // namespace barograph::storage
