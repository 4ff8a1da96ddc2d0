#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "storage/base/result.h"

namespace rocksdb {
class FileSystem;
}  // namespace rocksdb

namespace barograph::storage {

/// The column families of the one RocksDB instance. All share one WAL, so that a group is one
/// atomic synced write. A folder of an earlier version gets those that it lacks when it is opened
/// for writing; read-only they are empty.
enum class Table : std::uint8_t {
  kLog,         ///< records: partition u32BE, first sequence u64BE -> record
  kMeta,        ///< format version, retention start, checkpoint head
  kProducers,   ///< tenant, producer id -> producer row
  kDedup,       ///< hour, tenant, id hash -> sequence
  kOutbox,      ///< notices that wait for delivery, and the ended ones
  kCheckpoint,  ///< state rows: heads and chunks
  kKafka,       ///< topic, partition -> where reading stands
  kQuarantine,  ///< records of Kafka that were set aside and wait for somebody
  kCount,
};

/// What to do with a write-ahead log that does not read cleanly to its end.
enum class TailRecovery : std::uint8_t {
  /// An incomplete last record is dropped, as kill -9 leaves it; any other bad byte is kCorruption.
  kTolerateTornRecord,
  /// Everything from the first bad byte on is dropped, in the log of writes and in the MANIFEST.
  /// Silent about acknowledged rows, so only for those who compare the result with what was
  /// acknowledged: see OpenStore in storage/log/store.h.
  kPointInTime,
};

struct DatabaseOptions {
  std::string directory;
  TailRecovery recovery = TailRecovery::kTolerateTornRecord;
  /// Open without the lock and without writing; for `log stat|verify|export` beside a running
  /// server.
  bool read_only = false;
  bool create_if_missing = true;
  /// Block cache for all tables, bytes. More: faster cold reads. Range [1 MiB, 64 GiB].
  std::size_t block_cache_bytes = 64U << 20U;
  /// Memtables of all tables together, bytes, and the most that a restart replays. Range [1 MiB, 64
  /// GiB].
  std::size_t write_buffer_bytes = 128U << 20U;
  /// For tests: a file system that drops, tears and fails. Empty: the machine's.
  std::shared_ptr<rocksdb::FileSystem> file_system;
};

/// One atomic group of rows. Not thread-safe; reused with Clear().
class WriteGroup {
 public:
  WriteGroup();
  ~WriteGroup();
  WriteGroup(WriteGroup&&) noexcept;
  WriteGroup& operator=(WriteGroup&&) noexcept;

  void Put(Table table, std::string_view key, std::string_view value);
  /// As Put with the value `head` followed by `tail`; the tail is kept, not copied.
  void PutJoined(Table table, std::string_view key, std::string_view head, std::string tail);
  void Delete(Table table, std::string_view key);
  void Clear();
  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] bool empty() const;

 private:
  friend class Database;
  struct State;
  std::unique_ptr<State> state_;
};

struct CursorOptions {
  /// Bytes read ahead of a forward walk; 0 = adaptive. For walks over a whole table: 1 MiB and
  /// more.
  std::size_t readahead_bytes = 0;
  /// Whether blocks that the walk reads may push others out of the block cache.
  bool fill_cache = true;
};

/// An ordered walk over one table, as it was when the cursor was made. It starts nowhere: seek
/// first.
/// Lifetime: must not outlive its Database; holds files and memtables of its moment in place.
class TableCursor {
 public:
  ~TableCursor();
  TableCursor(TableCursor&&) noexcept;
  TableCursor& operator=(TableCursor&&) noexcept;
  void Seek(std::string_view key);
  /// To the last key <= `key`.
  void SeekBefore(std::string_view key);
  [[nodiscard]] bool Valid() const;
  void Next();
  void Prev();
  /// Views of key and value live until the next move.
  [[nodiscard]] std::string_view key() const;
  [[nodiscard]] std::string_view value() const;
  /// kIo or kCorruption of the last move; a cursor that ends with an error has not seen everything.
  [[nodiscard]] Status status() const;

 private:
  friend class Database;
  struct State;
  explicit TableCursor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// The one RocksDB instance below log and state, set up for its exact version (7.8.3):
/// tolerate-corrupted-tail recovery, no WAL compression, no manual WAL flush, leveled compaction
/// with one LZ4 setting everywhere so that files of rising keys move and are not rewritten,
/// `max_bgerror_resume_count` 0. Each setting and its reason: storage/rocks/settings.cc.
///
/// Threads: every method from any thread; Write is called by one thread at a time.
/// Errors: the first failed write or sync is sticky (kIo): nothing is retried on the same file.
class Database {
 public:
  /// Errors: kLocked (another process), kCorruption, kIo, kFailedPrecondition (unknown format
  /// version). kNotFound (absent, and not to be created), kInvalidArgument (an option out of its
  /// range).
  [[nodiscard]] static Result<std::unique_ptr<Database>> Open(const DatabaseOptions& options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// Writes the group atomically; returns after the WAL was synced when `sync`.
  [[nodiscard]] Status Write(WriteGroup& group, bool sync);
  /// kNotFound if absent.
  [[nodiscard]] Result<std::string> Get(Table table, std::string_view key) const;
  [[nodiscard]] TableCursor NewCursor(Table table, const CursorOptions& options = {}) const;
  /// Drops all keys in [from, to): whole files first, then the rest key by key. Not synced: rows
  /// may come back after a power cut, so the caller first commits a row that hides them.
  [[nodiscard]] Status DeleteRange(Table table, std::string_view from, std::string_view to);
  /// Bytes on disk of one table.
  [[nodiscard]] std::uint64_t DiskBytes(Table table) const;
  /// About how many rows one table has.
  [[nodiscard]] std::uint64_t RowsEstimate(Table table) const;
  [[nodiscard]] const std::string& directory() const;
  /// A name that RocksDB gave this database when it was made, and that stays with its files:
  /// [0-9a-f-], at most 64 bytes.
  [[nodiscard]] Result<std::string> Identity() const;
  [[nodiscard]] bool read_only() const;
  /// Opened with TailRecovery::kPointInTime: a torn tail may have been cut off. See OpenStore in
  /// storage/log/store.h.
  [[nodiscard]] bool tail_was_torn() const;
  /// Bytes of the write-ahead logs that Open found: at most so much of the newest rows came from
  /// them.
  [[nodiscard]] std::uint64_t recovered_bytes() const;
  /// The file system below; for files that must share its fate (and its faults).
  [[nodiscard]] const std::shared_ptr<rocksdb::FileSystem>& file_system() const;

 private:
  Database();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace barograph::storage
