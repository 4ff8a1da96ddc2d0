#include "storage/rocks/settings.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <cstdarg>

namespace barograph::storage {
namespace {

constexpr std::size_t kTableCount = static_cast<std::size_t>(Table::kCount);
constexpr std::size_t kInfoLogBytesMax = 8U << 20U;
constexpr std::size_t kInfoLogsKept = 4;
constexpr std::size_t kManifestBytesMax = 64U << 20U;
constexpr int kOpenFilesMax = 1024;
constexpr double kBloomBitsPerKey = 10;

/// A reader beside a running server must not rotate the server's LOG away.
class SilentLogger final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char* /*format*/, va_list /*arguments*/) override {}
};

struct TableShape {
  std::size_t write_buffer_share;  ///< parts of 16 of all memtables
  std::size_t block_bytes;
  bool bloom;
  rocksdb::CompressionType compression;
};

/// kLog is stored without table compression: SealPayload has already compressed what gets smaller,
/// and the rest of a record is digests. LZ4 again would cost CPU on every flush and every replay
/// for about nothing, and a plain block lets a cursor hand out views. Its blocks are large because
/// it is read in order. Rows of the other tables are small and alike, so LZ4 pays; it is the same
/// on all levels, because a file whose compression differs between levels is rewritten instead of
/// moved (v7.8.3 db/compaction/compaction.cc, IsTrivialMove).
TableShape ShapeOf(Table table) {
  switch (table) {
    case Table::kLog:
      return {4, 128U << 10U, false, rocksdb::kNoCompression};
    case Table::kProducers:
    case Table::kDedup:
      return {2, 8U << 10U, true, rocksdb::kLZ4Compression};
    case Table::kCheckpoint:
      return {2, 16U << 10U, false, rocksdb::kLZ4Compression};
    default:
      return {1, 8U << 10U, false, rocksdb::kLZ4Compression};
  }
}

rocksdb::ColumnFamilyOptions ShapeSettings(const DatabaseOptions& options, const TableShape& shape,
                                           const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions settings;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.block_size = shape.block_bytes;
  // Indexes and filters count against the cache: memory stays bounded when files are many.
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  if (shape.bloom) {
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(kBloomBitsPerKey));
    settings.memtable_whole_key_filtering = true;
    settings.memtable_prefix_bloom_size_ratio = 0.02;
  }
  settings.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  settings.compaction_style = rocksdb::kCompactionStyleLevel;
  settings.compression = shape.compression;
  settings.bottommost_compression = rocksdb::kDisableCompressionOption;
  settings.write_buffer_size = options.write_buffer_bytes / 16 * shape.write_buffer_share;
  settings.max_write_buffer_number = 3;
  settings.target_file_size_base = settings.write_buffer_size;
  settings.max_bytes_for_level_base = 4 * settings.write_buffer_size;
  // The default rewrites files for no other reason than their age (30 days).
  settings.ttl = 0;
  settings.periodic_compaction_seconds = 0;
  return settings;
}

}  // namespace

std::string_view TableName(Table table) {
  switch (table) {
    case Table::kLog:
      return "log";
    case Table::kMeta:
      return "meta";
    case Table::kProducers:
      return "producers";
    case Table::kDedup:
      return "dedup";
    case Table::kOutbox:
      return "outbox";
    case Table::kCheckpoint:
      return "checkpoint";
    case Table::kKafka:
      return "kafka";
    case Table::kQuarantine:
      return "quarantine";
    case Table::kCount:
      break;
  }
  BAROGRAPH_ASSERT(false, "unknown table");
}

rocksdb::DBOptions DatabaseSettings(const DatabaseOptions& options) {
  rocksdb::DBOptions settings;
  settings.create_if_missing = options.create_if_missing && !options.read_only;
  settings.create_missing_column_families = !options.read_only;
  settings.paranoid_checks = true;

  // Point-in-time, the default, drops acknowledged rows behind a flipped bit without a word.
  settings.wal_recovery_mode = options.recovery == TailRecovery::kPointInTime
                                   ? rocksdb::WALRecoveryMode::kPointInTimeRecovery
                                   : rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // Rows that a killed process left in the page cache are found by recovery but are not on the
  // device yet; the flush at open makes them so before anybody sees them.
  settings.avoid_flush_during_recovery = false;
  settings.wal_compression = rocksdb::kNoCompression;  // recovery could fail; fixed in 8.0
  settings.track_and_verify_wals_in_manifest = false;  // false alarms; fixed in 7.10
  settings.manual_wal_flush = false;                   // inconsistent tables; fixed in 9.7
  settings.recycle_log_file_num = 0;                   // forced to 0 in these recovery modes
  settings.wal_bytes_per_sync = 0;                     // may leave holes, and every group is synced
  settings.max_total_wal_size = options.write_buffer_bytes;
  settings.db_write_buffer_size = options.write_buffer_bytes;
  // Every group is in the WAL, and a flush first syncs the closed WALs, so tables are recovered to
  // one common point without flushing all of them together.
  settings.atomic_flush = false;
  // A failed write ends the process; a retry could put rows into the WAL twice (fixed in 9.6).
  settings.max_bgerror_resume_count = 0;

  // One committer: the machinery for many writers only costs.
  settings.allow_concurrent_memtable_write = false;
  settings.enable_write_thread_adaptive_yield = false;
  settings.enable_pipelined_write = false;
  settings.max_background_jobs = 2;
  settings.bytes_per_sync = 1U << 20U;
  settings.avoid_unnecessary_blocking_io = true;

  // A reader beside a server keeps all files open, so that it goes on when the server deletes some.
  settings.max_open_files = options.read_only ? -1 : kOpenFilesMax;
  settings.max_file_opening_threads = 2;  // the default starts 16 threads a table at every open
  settings.skip_stats_update_on_db_open = true;
  settings.max_manifest_file_size = kManifestBytesMax;
  settings.max_log_file_size = kInfoLogBytesMax;
  settings.keep_log_file_num = kInfoLogsKept;
  settings.stats_dump_period_sec = 0;
  settings.stats_persist_period_sec = 0;
  if (options.read_only) settings.info_log = std::make_shared<SilentLogger>();
  return settings;
}

std::vector<rocksdb::ColumnFamilyDescriptor> TableSettings(const DatabaseOptions& options) {
  const auto cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  std::vector<rocksdb::ColumnFamilyDescriptor> tables;
  for (std::size_t i = 0; i < kTableCount; ++i) {
    const auto table = static_cast<Table>(i);
    tables.emplace_back(std::string(TableName(table)),
                        ShapeSettings(options, ShapeOf(table), cache));
  }
  tables.emplace_back(rocksdb::kDefaultColumnFamilyName,
                      ShapeSettings(options, ShapeOf(Table::kMeta), cache));
  return tables;
}

Error ToError(const rocksdb::Status& status, std::string_view doing) {
  const std::string text = status.ToString();
  const std::string message = std::string(doing) + ": " + text;
  if (status.IsCorruption()) return {ErrorCode::kCorruption, message};
  if (status.IsNotFound()) return {ErrorCode::kNotFound, message};
  if (status.IsIOError()) {
    // RocksDB has no code of its own for this; both texts are from its file system.
    const bool locked = text.find("While lock file") != std::string::npos ||
                        text.find("lock hold by current process") != std::string::npos;
    if (locked) return {ErrorCode::kLocked, "another process owns this folder (" + message + ")"};
    return {ErrorCode::kIo, message};
  }
  if (status.IsInvalidArgument() || status.IsNotSupported()) {
    return {ErrorCode::kFailedPrecondition, message};
  }
  if (status.IsBusy() || status.IsTryAgain() || status.IsIncomplete()) {
    return {ErrorCode::kUnavailable, message, true};
  }
  return {ErrorCode::kInternal, message};
}

}  // namespace barograph::storage
