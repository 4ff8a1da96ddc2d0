#include "storage/rocks/database.h"

#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <optional>
#include <vector>

#include "storage/base/bytes.h"
#include "storage/rocks/manifest_view.h"
#include "storage/rocks/settings.h"

namespace barograph::storage {
namespace {

constexpr std::size_t kTableCount = static_cast<std::size_t>(Table::kCount);
/// Tables from here on were not in the first version.
constexpr Table kFirstAddedTable = Table::kKafka;
constexpr std::size_t kBlockCacheBytesMin = 1U << 20U;
constexpr std::size_t kWriteBufferBytesMin = 1U << 20U;
constexpr std::size_t kMemoryBytesMax = std::size_t{64} << 30U;
/// A reader beside a server may see a file vanish while it opens; the next try finds the newer
/// ones.
constexpr int kReadOnlyTriesMax = 5;
constexpr std::size_t kDeletesPerWrite = 1024;
constexpr std::size_t kIdentityBytesMax = 64;
constexpr std::uint32_t kFormatVersion = 1;
constexpr std::string_view kFormatKey = "format";

rocksdb::Slice ToSlice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

Status CheckRange(std::string_view name, std::size_t value, std::size_t least) {
  if (value >= least && value <= kMemoryBytesMax) return {};
  return Error(ErrorCode::kInvalidArgument, std::string(name) + " is " + std::to_string(value) +
                                                ", must be in [" + std::to_string(least) + ", " +
                                                std::to_string(kMemoryBytesMax) + "]");
}

struct Folder {
  bool has_current = false;
  bool has_rows = false;  ///< table or WAL files
  std::uint64_t wal_bytes = 0;
};

Result<Folder> ReadFolder(rocksdb::FileSystem& file_system, const std::string& directory) {
  Folder folder;
  const rocksdb::IOOptions io;
  std::vector<std::string> children;
  const rocksdb::IOStatus status = file_system.GetChildren(directory, io, &children, nullptr);
  if (status.IsNotFound() || status.IsPathNotFound()) return folder;
  if (!status.ok()) return ToError(status, "list " + directory);
  for (const std::string& name : children) {
    const std::string_view view = name;
    folder.has_current |= view == "CURRENT";
    folder.has_rows |= view.ends_with(".sst") || view.ends_with(".log");
    if (!view.ends_with(".log")) continue;
    std::uint64_t bytes = 0;
    // A server beside us may just have removed it.
    if (file_system.GetFileSize(directory + "/" + name, io, &bytes, nullptr).ok()) {
      folder.wal_bytes += bytes;
    }
  }
  return folder;
}

}  // namespace

enum class Operation : std::uint8_t { kDelete, kPut, kPutJoined };

// Operations are kept flat, [table u8, operation u8, key, value or its head] each, because a
// rocksdb::WriteBatch needs the handles of an open database; Write copies them over once, at memory
// speed. Tails lie beside them, in order.
struct WriteGroup::State {
  std::string operations;
  std::vector<std::string> tails;
  std::size_t tail_bytes = 0;

  ByteWriter Begin(Table table, Operation operation, std::string_view key) {
    ByteWriter writer(&operations);
    writer.Fixed(static_cast<std::uint8_t>(table));
    writer.Fixed(static_cast<std::uint8_t>(operation));
    writer.String(key);
    return writer;
  }
};

WriteGroup::WriteGroup() : state_(std::make_unique<State>()) {}
WriteGroup::~WriteGroup() = default;
WriteGroup::WriteGroup(WriteGroup&&) noexcept = default;
WriteGroup& WriteGroup::operator=(WriteGroup&&) noexcept = default;

void WriteGroup::Put(Table table, std::string_view key, std::string_view value) {
  state_->Begin(table, Operation::kPut, key).String(value);
}

void WriteGroup::PutJoined(Table table, std::string_view key, std::string_view head,
                           std::string tail) {
  state_->Begin(table, Operation::kPutJoined, key).String(head);
  state_->tail_bytes += tail.size();
  state_->tails.push_back(std::move(tail));
}

void WriteGroup::Delete(Table table, std::string_view key) {
  state_->Begin(table, Operation::kDelete, key);
}

void WriteGroup::Clear() {
  state_->operations.clear();
  state_->tails.clear();
  state_->tail_bytes = 0;
}

std::size_t WriteGroup::bytes() const { return state_->operations.size() + state_->tail_bytes; }
bool WriteGroup::empty() const { return state_->operations.empty(); }

struct TableCursor::State {
  std::unique_ptr<rocksdb::Iterator> iterator;
};

TableCursor::TableCursor(std::unique_ptr<State> state) : state_(std::move(state)) {}
TableCursor::~TableCursor() = default;
TableCursor::TableCursor(TableCursor&&) noexcept = default;
TableCursor& TableCursor::operator=(TableCursor&&) noexcept = default;
void TableCursor::Seek(std::string_view key) { state_->iterator->Seek(ToSlice(key)); }
void TableCursor::SeekBefore(std::string_view key) { state_->iterator->SeekForPrev(ToSlice(key)); }
bool TableCursor::Valid() const { return state_->iterator->Valid(); }
void TableCursor::Next() { state_->iterator->Next(); }
void TableCursor::Prev() { state_->iterator->Prev(); }
std::string_view TableCursor::key() const { return ToView(state_->iterator->key()); }
std::string_view TableCursor::value() const { return ToView(state_->iterator->value()); }

Status TableCursor::status() const {
  const rocksdb::Status status = state_->iterator->status();
  if (!status.ok()) return ToError(status, "read");
  return {};
}

struct Database::State {
  DatabaseOptions options;
  std::unique_ptr<rocksdb::Env> env;  ///< only with another file system than the machine's
  std::unique_ptr<rocksdb::DB> db;
  std::array<rocksdb::ColumnFamilyHandle*, kTableCount> tables{};
  rocksdb::WriteBatch batch;  ///< Write's; keeps its memory
  std::uint64_t recovered_bytes = 0;

  std::atomic<bool> failed{false};
  std::mutex mutex;
  std::optional<Error> failure;  ///< guarded by mutex

  ~State() {
    for (rocksdb::ColumnFamilyHandle* table : tables) {
      if (table != nullptr) db->DestroyColumnFamilyHandle(table);
    }
    if (db != nullptr) db->Close().PermitUncheckedError();
  }

  [[nodiscard]] rocksdb::ColumnFamilyHandle* Handle(Table table) const {
    return tables[static_cast<std::size_t>(table)];
  }
  void Fill(const WriteGroup::State& group);
  [[nodiscard]] Status Commit(rocksdb::WriteBatch* rows, bool sync);
  [[nodiscard]] Status Fail(const rocksdb::Status& status);
  [[nodiscard]] Status ChooseEnv(bool exists);
  [[nodiscard]] rocksdb::Status FindTables(const rocksdb::DBOptions& settings,
                                           std::vector<Table>* present) const;
  [[nodiscard]] rocksdb::Status OpenRocks();
  [[nodiscard]] Status CheckFormat();
  [[nodiscard]] bool IsEmpty() const;
  [[nodiscard]] std::uint64_t Property(Table table, const std::string& name) const;
};

void Database::State::Fill(const WriteGroup::State& group) {
  batch.Clear();
  ByteReader reader(group.operations);
  auto tail = group.tails.begin();
  while (!reader.done()) {
    rocksdb::ColumnFamilyHandle* const table =
        Handle(static_cast<Table>(reader.Fixed<std::uint8_t>()));
    const auto operation = static_cast<Operation>(reader.Fixed<std::uint8_t>());
    const rocksdb::Slice key = ToSlice(reader.String());
    rocksdb::Status status;
    if (operation == Operation::kDelete) {
      status = batch.Delete(table, key);
    } else if (operation == Operation::kPut) {
      status = batch.Put(table, key, ToSlice(reader.String()));
    } else {
      const rocksdb::Slice value[] = {ToSlice(reader.String()), ToSlice(*tail++)};
      status = batch.Put(table, rocksdb::SliceParts(&key, 1), rocksdb::SliceParts(value, 2));
    }
    BAROGRAPH_ASSERT(status.ok() && reader.ok(), "a write group holds whole operations");
  }
}

Status Database::State::Fail(const rocksdb::Status& status) {
  const std::lock_guard lock(mutex);
  if (!failure.has_value()) {
    const Error error = ToError(status, "write " + options.directory);
    failure = Error(ErrorCode::kIo, error.message());
    failed = true;
  }
  return *failure;
}

Status Database::State::Commit(rocksdb::WriteBatch* rows, bool sync) {
  if (options.read_only) {
    return Error(ErrorCode::kFailedPrecondition, options.directory + " is open read-only");
  }
  if (failed) {
    const std::lock_guard lock(mutex);
    return *failure;
  }
  rocksdb::WriteOptions write;
  write.sync = sync;
  const rocksdb::Status status = db->Write(write, rows);
  if (!status.ok()) return Fail(status);
  return {};
}

/// RocksDB's way to the files.
Status Database::State::ChooseEnv(bool exists) {
  std::shared_ptr<rocksdb::FileSystem> view = options.file_system;
  if (exists && options.recovery == TailRecovery::kPointInTime) {
    BAROGRAPH_ASSIGN(view, WithoutTornManifest(view, options.directory));
  }
  if (view != rocksdb::FileSystem::Default()) env = rocksdb::NewCompositeEnv(view);
  return {};
}

/// The tables to open, in order. Who may not write cannot make those that an earlier version did
/// not have.
rocksdb::Status Database::State::FindTables(const rocksdb::DBOptions& settings,
                                            std::vector<Table>* present) const {
  std::vector<std::string> found;
  rocksdb::Status status;
  if (options.read_only) {
    status = rocksdb::DB::ListColumnFamilies(settings, options.directory, &found);
  }
  for (std::size_t i = 0; i < kTableCount; ++i) {
    const auto table = static_cast<Table>(i);
    const bool may_lack = options.read_only && table >= kFirstAddedTable;
    if (may_lack && std::find(found.begin(), found.end(), TableName(table)) == found.end()) {
      continue;
    }
    present->push_back(table);
  }
  return status;
}

rocksdb::Status Database::State::OpenRocks() {
  rocksdb::DBOptions settings = DatabaseSettings(options);
  if (env != nullptr) settings.env = env.get();
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors = TableSettings(options);
  std::vector<Table> present;
  rocksdb::Status status = FindTables(settings, &present);
  if (!status.ok()) return status;
  for (std::size_t i = kTableCount; i-- > 0;) {
    if (std::find(present.begin(), present.end(), static_cast<Table>(i)) != present.end()) continue;
    descriptors.erase(descriptors.begin() + static_cast<std::ptrdiff_t>(i));
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  status = options.read_only
               ? rocksdb::DB::OpenForReadOnly(settings, options.directory, descriptors, &handles,
                                              &opened)
               : rocksdb::DB::Open(settings, options.directory, descriptors, &handles, &opened);
  if (!status.ok()) return status;
  db.reset(opened);
  for (std::size_t i = 0; i < present.size(); ++i) {
    tables[static_cast<std::size_t>(present[i])] = handles[i];
  }
  db->DestroyColumnFamilyHandle(handles.back());
  return status;
}

bool Database::State::IsEmpty() const {
  for (rocksdb::ColumnFamilyHandle* table : tables) {
    if (table == nullptr) continue;
    const std::unique_ptr<rocksdb::Iterator> rows(db->NewIterator({}, table));
    rows->SeekToFirst();
    if (rows->Valid() || !rows->status().ok()) return false;
  }
  return true;
}

Status Database::State::CheckFormat() {
  std::string row;
  const rocksdb::Status status = db->Get({}, Handle(Table::kMeta), ToSlice(kFormatKey), &row);
  if (status.IsNotFound()) {
    if (!IsEmpty()) {
      return Error(ErrorCode::kCorruption, options.directory + " has rows but no format row");
    }
    if (options.read_only) return {};
    ByteWriter(&row).Fixed(kFormatVersion);
    WriteGroup group;
    group.Put(Table::kMeta, kFormatKey, row);
    Fill(*group.state_);
    return Commit(&batch, /*sync=*/true);
  }
  if (!status.ok()) return ToError(status, "read the format row of " + options.directory);
  ByteReader reader(row);
  const auto version = reader.Fixed<std::uint32_t>();
  if (!reader.ok() || version != kFormatVersion) {
    return Error(ErrorCode::kFailedPrecondition,
                 options.directory + " has format " + std::to_string(version) +
                     "; this program knows format " + std::to_string(kFormatVersion));
  }
  return {};
}

Database::Database() : state_(std::make_unique<State>()) {}
Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::Open(const DatabaseOptions& options) {
  BAROGRAPH_TRY(CheckRange("block_cache_bytes", options.block_cache_bytes, kBlockCacheBytesMin));
  BAROGRAPH_TRY(CheckRange("write_buffer_bytes", options.write_buffer_bytes, kWriteBufferBytesMin));
  std::unique_ptr<Database> database(new Database());
  State& state = *database->state_;
  state.options = options;
  if (options.file_system == nullptr) state.options.file_system = rocksdb::FileSystem::Default();
  BAROGRAPH_ASSIGN(const Folder folder, ReadFolder(*state.options.file_system, options.directory));
  state.recovered_bytes = folder.wal_bytes;
  if (!folder.has_current && folder.has_rows) {
    // RocksDB would start a new database here and remove these files as obsolete.
    return Error(ErrorCode::kCorruption, options.directory + " holds rows but no CURRENT file");
  }
  if (!folder.has_current && (options.read_only || !options.create_if_missing)) {
    return Error(ErrorCode::kNotFound, "no database in " + options.directory);
  }
  if (!options.read_only) {
    std::error_code failed;
    std::filesystem::create_directories(options.directory, failed);
    if (failed)
      return Error(ErrorCode::kIo, "create " + options.directory + ": " + failed.message());
  }
  BAROGRAPH_TRY(state.ChooseEnv(folder.has_current));
  rocksdb::Status status = state.OpenRocks();
  for (int i = 1; options.read_only && !status.ok() && i < kReadOnlyTriesMax; ++i) {
    status = state.OpenRocks();
  }
  if (!status.ok()) return ToError(status, "open " + options.directory);
  BAROGRAPH_TRY(state.CheckFormat());
  return database;
}

Status Database::Write(WriteGroup& group, bool sync) {
  state_->Fill(*group.state_);
  return state_->Commit(&state_->batch, sync);
}

Result<std::string> Database::Get(Table table, std::string_view key) const {
  std::string row;
  const rocksdb::Status status =
      state_->Handle(table) == nullptr
          ? rocksdb::Status::NotFound()
          : state_->db->Get({}, state_->Handle(table), ToSlice(key), &row);
  if (status.IsNotFound()) {
    return Error(ErrorCode::kNotFound, "no such row in " + std::string(TableName(table)));
  }
  if (!status.ok()) return ToError(status, "read " + std::string(TableName(table)));
  return row;
}

TableCursor Database::NewCursor(Table table, const CursorOptions& options) const {
  rocksdb::ReadOptions read;
  read.readahead_size = options.readahead_bytes;
  read.fill_cache = options.fill_cache;
  auto cursor = std::make_unique<TableCursor::State>();
  rocksdb::ColumnFamilyHandle* const handle = state_->Handle(table);
  cursor->iterator.reset(handle == nullptr ? rocksdb::NewEmptyIterator()
                                           : state_->db->NewIterator(read, handle));
  return TableCursor(std::move(cursor));
}

Status Database::DeleteRange(Table table, std::string_view from, std::string_view to) {
  if (state_->options.read_only) {
    return Error(ErrorCode::kFailedPrecondition, directory() + " is open read-only");
  }
  rocksdb::ColumnFamilyHandle* handle = state_->Handle(table);
  const rocksdb::Slice begin = ToSlice(from);
  const rocksdb::Slice end = ToSlice(to);
  const rocksdb::Status status = rocksdb::DeleteFilesInRange(state_->db.get(), handle, &begin, &end,
                                                             /*include_end=*/false);
  if (!status.ok()) return ToError(status, "delete from " + std::string(TableName(table)));
  // Point deletes: range tombstones slow the scans of this version down (fixed in 7.10).
  rocksdb::ReadOptions read;
  read.iterate_upper_bound = &end;
  read.fill_cache = false;
  const std::unique_ptr<rocksdb::Iterator> rows(state_->db->NewIterator(read, handle));
  rocksdb::WriteBatch deletes;
  for (rows->Seek(begin); rows->Valid(); rows->Next()) {
    const rocksdb::Status added = deletes.Delete(handle, rows->key());
    BAROGRAPH_ASSERT(added.ok(), "a delete always fits a batch");
    if (static_cast<std::size_t>(deletes.Count()) < kDeletesPerWrite) continue;
    BAROGRAPH_TRY(state_->Commit(&deletes, /*sync=*/false));
    deletes.Clear();
  }
  if (!rows->status().ok()) {
    return ToError(rows->status(), "delete from " + std::string(TableName(table)));
  }
  if (deletes.Count() == 0) return {};
  return state_->Commit(&deletes, /*sync=*/false);
}

std::uint64_t Database::State::Property(Table table, const std::string& name) const {
  std::uint64_t value = 0;
  if (Handle(table) == nullptr) return value;
  const bool known = db->GetIntProperty(Handle(table), name, &value);
  BAROGRAPH_ASSERT(known, "the property is RocksDB's own");
  return value;
}

std::uint64_t Database::DiskBytes(Table table) const {
  return state_->Property(table, rocksdb::DB::Properties::kTotalSstFilesSize);
}

std::uint64_t Database::RowsEstimate(Table table) const {
  return state_->Property(table, rocksdb::DB::Properties::kEstimateNumKeys);
}

Result<std::string> Database::Identity() const {
  std::string identity;
  const rocksdb::Status status = state_->db->GetDbIdentity(identity);
  if (!status.ok()) return ToError(status, "read the identity of " + directory());
  // A UUID, whose letters and line end depend on where RocksDB got it from.
  std::string name;
  for (const char c : identity) {
    const auto letter = static_cast<char>(c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
    const bool hex = (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'f');
    if ((hex || letter == '-') && name.size() < kIdentityBytesMax) name.push_back(letter);
  }
  if (name.empty()) {
    return Error(ErrorCode::kCorruption, directory() + " has no identity");
  }
  return name;
}

const std::string& Database::directory() const { return state_->options.directory; }
bool Database::read_only() const { return state_->options.read_only; }
bool Database::tail_was_torn() const {
  return state_->options.recovery == TailRecovery::kPointInTime;
}
std::uint64_t Database::recovered_bytes() const { return state_->recovered_bytes; }
const std::shared_ptr<rocksdb::FileSystem>& Database::file_system() const {
  return state_->options.file_system;
}

}  // namespace barograph::storage
