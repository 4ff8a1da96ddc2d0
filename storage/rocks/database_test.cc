#include "storage/rocks/database.h"

#include <gtest/gtest.h>
#include <rocksdb/db.h>
#include <rocksdb/file_system.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <set>

#include "storage/rocks/settings.h"

namespace barograph::storage {
namespace {

/// Counts the bytes of table files, and fails the syncs of write-ahead logs on demand.
class WatchedFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  WatchedFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "WatchedFileSystem"; }
  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;

  std::atomic<std::uint64_t> table_bytes{0};
  std::atomic<int> syncs_to_fail{0};
};

class WatchedFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  WatchedFile(WatchedFileSystem* owner, const std::string& path,
              std::unique_ptr<rocksdb::FSWritableFile> file)
      : FSWritableFileOwnerWrapper(std::move(file)),
        owner_(owner),
        table_(path.ends_with(".sst")),
        wal_(path.ends_with(".log")) {}

  using FSWritableFileOwnerWrapper::Append;
  rocksdb::IOStatus Append(const rocksdb::Slice& bytes, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* debug) override {
    if (table_) owner_->table_bytes += bytes.size();
    return FSWritableFileOwnerWrapper::Append(bytes, options, debug);
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                         rocksdb::IODebugContext* debug) override {
    if (wal_ && owner_->syncs_to_fail > 0) {
      --owner_->syncs_to_fail;
      return rocksdb::IOStatus::IOError("injected");
    }
    return FSWritableFileOwnerWrapper::Sync(options, debug);
  }

 private:
  WatchedFileSystem* owner_;
  bool table_, wal_;
};

rocksdb::IOStatus WatchedFileSystem::NewWritableFile(const std::string& path,
                                                     const rocksdb::FileOptions& options,
                                                     std::unique_ptr<rocksdb::FSWritableFile>* file,
                                                     rocksdb::IODebugContext* debug) {
  rocksdb::IOStatus status = FileSystemWrapper::NewWritableFile(path, options, file, debug);
  if (status.ok()) *file = std::make_unique<WatchedFile>(this, path, std::move(*file));
  return status;
}

class DatabaseTest : public testing::Test {
 protected:
  void SetUp() override {
    options_.directory = testing::TempDir() + "database_" +
                         testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(options_.directory);
  }
  void TearDown() override { std::filesystem::remove_all(options_.directory); }

  std::unique_ptr<Database> Open() {
    Result<std::unique_ptr<Database>> database = Database::Open(options_);
    EXPECT_TRUE(database.ok()) << database.error().ToString();
    return database.ok() ? std::move(*database) : nullptr;
  }
  ErrorCode RefusedWith() {
    const Result<std::unique_ptr<Database>> database = Database::Open(options_);
    EXPECT_FALSE(database.ok());
    return database.ok() ? ErrorCode::kInternal : database.error().code();
  }
  static Status Put(Database& database, std::string_view key, std::string_view value,
                    Table table = Table::kMeta, bool sync = false) {
    WriteGroup group;
    group.Put(table, key, value);
    return database.Write(group, sync);
  }

  DatabaseOptions options_;
};

TEST_F(DatabaseTest, AGroupOverAllTablesIsReadBackAfterAReopen) {
  {
    const auto database = Open();
    WriteGroup group;
    EXPECT_TRUE(group.empty());
    for (std::size_t i = 0; i < static_cast<std::size_t>(Table::kCount); ++i) {
      group.PutJoined(static_cast<Table>(i), "key", "table ", std::to_string(i));
    }
    group.Put(Table::kOutbox, "gone", "x");
    group.Delete(Table::kOutbox, "gone");
    EXPECT_GT(group.bytes(), 0U);
    ASSERT_TRUE(database->Write(group, /*sync=*/true).ok());
  }
  const auto database = Open();
  for (std::size_t i = 0; i < static_cast<std::size_t>(Table::kCount); ++i) {
    const Result<std::string> row = database->Get(static_cast<Table>(i), "key");
    ASSERT_TRUE(row.ok()) << row.error().ToString();
    EXPECT_EQ(*row, "table " + std::to_string(i));
  }
  EXPECT_EQ(database->Get(Table::kOutbox, "gone").error().code(), ErrorCode::kNotFound);
}

TEST_F(DatabaseTest, AClearedGroupWritesNothingOfWhatItHeld) {
  const auto database = Open();
  WriteGroup group;
  group.Put(Table::kMeta, "a", "1");
  group.Clear();
  group.Put(Table::kMeta, "b", "2");
  ASSERT_TRUE(database->Write(group, true).ok());
  EXPECT_FALSE(database->Get(Table::kMeta, "a").ok());
  EXPECT_TRUE(database->Get(Table::kMeta, "b").ok());
}

TEST_F(DatabaseTest, ACursorWalksInKeyOrderBothWays) {
  const auto database = Open();
  for (const char* key : {"b", "d", "a", "c"}) {
    ASSERT_TRUE(Put(*database, key, key, Table::kOutbox).ok());
  }
  TableCursor cursor = database->NewCursor(Table::kOutbox);
  std::string seen;
  for (cursor.Seek("b"); cursor.Valid(); cursor.Next()) seen += cursor.key();
  EXPECT_EQ(seen, "bcd");
  seen.clear();
  for (cursor.SeekBefore("cc"); cursor.Valid(); cursor.Prev()) seen += cursor.value();
  EXPECT_EQ(seen, "cba");
  EXPECT_TRUE(cursor.status().ok());
}

TEST_F(DatabaseTest, DeleteRangeDropsExactlyTheRangeInMemoryAndInFiles) {
  options_.write_buffer_bytes = 1U << 20U;
  const auto database = Open();
  const std::string value(20'000, 'v');
  const auto key = [](int i) { return "key" + std::to_string(1000 + i); };
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(Put(*database, key(i), value, Table::kLog).ok());
  }
  ASSERT_TRUE(database->DeleteRange(Table::kLog, key(10), key(190)).ok());
  std::string seen;
  TableCursor cursor = database->NewCursor(Table::kLog);
  int count = 0;
  for (cursor.Seek(""); cursor.Valid(); cursor.Next(), ++count) {
    const int i = count < 10 ? count : count + 180;
    EXPECT_EQ(cursor.key(), key(i));
  }
  EXPECT_EQ(count, 20);
}

TEST_F(DatabaseTest, FilesOfRisingKeysMoveAndAreNotRewritten) {
  options_.write_buffer_bytes = 1U << 20U;
  auto watched = std::make_shared<WatchedFileSystem>();
  options_.file_system = watched;
  const auto database = Open();
  std::uint64_t written = 0;
  const std::string value(8'000, 'v');
  for (int i = 0; written < 16U << 20U; ++i, written += value.size()) {
    ASSERT_TRUE(Put(*database, std::to_string(1'000'000 + i), value, Table::kLog).ok());
  }
  EXPECT_GT(watched->table_bytes, written * 8 / 10);
  EXPECT_LT(watched->table_bytes, written * 11 / 10);
}

TEST_F(DatabaseTest, ASecondProcessIsLockedOut) {
  int ready[2];
  int done[2];
  ASSERT_EQ(pipe(ready), 0);
  ASSERT_EQ(pipe(done), 0);
  const pid_t child = fork();
  if (child == 0) {
    const Result<std::unique_ptr<Database>> database = Database::Open(options_);
    char byte = database.ok() ? 1 : 0;
    const bool told = write(ready[1], &byte, 1) == 1;
    const bool heard = read(done[0], &byte, 1) >= 0;
    _exit(told && heard ? 0 : 1);
  }
  char opened = 0;
  ASSERT_EQ(read(ready[0], &opened, 1), 1);
  ASSERT_EQ(opened, 1);
  EXPECT_EQ(RefusedWith(), ErrorCode::kLocked);
  ASSERT_EQ(write(done[1], &opened, 1), 1);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_NE(Open(), nullptr);
}

TEST_F(DatabaseTest, TheSameProcessIsLockedOutToo) {
  const auto database = Open();
  EXPECT_EQ(RefusedWith(), ErrorCode::kLocked);
}

TEST_F(DatabaseTest, AReaderBesideAWriterSeesWhatWasWrittenAndWritesNothing) {
  const auto writer = Open();
  ASSERT_TRUE(Put(*writer, "key", "value").ok());
  const auto files = [&] {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(options_.directory)) {
      names.insert(entry.path().filename());
    }
    return names;
  };
  const auto before = files();
  options_.read_only = true;
  const auto reader = Open();
  ASSERT_NE(reader, nullptr);
  EXPECT_TRUE(reader->read_only());
  EXPECT_EQ(*reader->Get(Table::kMeta, "key"), "value");
  EXPECT_EQ(Put(*reader, "a", "b").error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(reader->DeleteRange(Table::kMeta, "a", "b").error().code(),
            ErrorCode::kFailedPrecondition);
  EXPECT_EQ(files(), before);
  EXPECT_TRUE(Put(*writer, "key", "later").ok());
}

TEST_F(DatabaseTest, WhatDoesNotExistIsNotFoundUnlessItMayBeMade) {
  options_.create_if_missing = false;
  EXPECT_EQ(RefusedWith(), ErrorCode::kNotFound);
  options_.create_if_missing = true;
  options_.read_only = true;
  EXPECT_EQ(RefusedWith(), ErrorCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(options_.directory));
}

TEST_F(DatabaseTest, RowsWithoutACurrentFileAreNotReplacedByAnEmptyDatabase) {
  ASSERT_TRUE(Put(*Open(), "key", "value").ok());
  std::filesystem::rename(options_.directory + "/CURRENT", options_.directory + "/elsewhere");
  EXPECT_EQ(RefusedWith(), ErrorCode::kCorruption);
  std::filesystem::rename(options_.directory + "/elsewhere", options_.directory + "/CURRENT");
  EXPECT_EQ(*Open()->Get(Table::kMeta, "key"), "value");
}

TEST_F(DatabaseTest, AnUnknownFormatIsRefused) {
  ASSERT_TRUE(Put(*Open(), "format", std::string("\x02\0\0\0", 4)).ok());
  EXPECT_EQ(RefusedWith(), ErrorCode::kFailedPrecondition);
}

TEST_F(DatabaseTest, TablesThatAnEarlierVersionLackedAreEmptyForReadersAndMadeForWriters) {
  ASSERT_TRUE(Put(*Open(), "key", "value").ok());
  {
    auto tables = TableSettings(options_);
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* raw = nullptr;
    ASSERT_TRUE(
        rocksdb::DB::Open(DatabaseSettings(options_), options_.directory, tables, &handles, &raw)
            .ok());
    for (const Table table : {Table::kKafka, Table::kQuarantine}) {
      ASSERT_TRUE(raw->DropColumnFamily(handles[static_cast<std::size_t>(table)]).ok());
    }
    for (rocksdb::ColumnFamilyHandle* handle : handles) raw->DestroyColumnFamilyHandle(handle);
    delete raw;
  }
  options_.read_only = true;
  {
    const auto reader = Open();
    ASSERT_NE(reader, nullptr);
    EXPECT_EQ(*reader->Get(Table::kMeta, "key"), "value");
    EXPECT_EQ(reader->Get(Table::kKafka, "key").error().code(), ErrorCode::kNotFound);
    TableCursor cursor = reader->NewCursor(Table::kQuarantine);
    cursor.Seek("");
    EXPECT_FALSE(cursor.Valid());
    EXPECT_TRUE(cursor.status().ok());
    EXPECT_EQ(reader->RowsEstimate(Table::kKafka), 0U);
  }
  options_.read_only = false;
  const auto writer = Open();
  ASSERT_NE(writer, nullptr);
  WriteGroup group;
  group.Put(Table::kKafka, "key", "value");
  ASSERT_TRUE(writer->Write(group, /*sync=*/true).ok());
  EXPECT_EQ(*writer->Get(Table::kKafka, "key"), "value");
  EXPECT_EQ(*writer->Get(Table::kMeta, "key"), "value");
}

TEST_F(DatabaseTest, TheIdentityStaysWithTheFilesAndDiffersBetweenDatabases) {
  const std::string identity = *Open()->Identity();
  EXPECT_FALSE(identity.empty());
  EXPECT_LE(identity.size(), 64U);
  EXPECT_EQ(identity.find_first_not_of("0123456789abcdef-"), std::string::npos) << identity;
  EXPECT_EQ(*Open()->Identity(), identity);
  std::filesystem::remove_all(options_.directory);
  EXPECT_NE(*Open()->Identity(), identity);
}

TEST_F(DatabaseTest, AnUnknownTableIsRefused) {
  Open().reset();
  {
    auto tables = TableSettings(options_);
    std::vector<rocksdb::ColumnFamilyHandle*> handles;
    rocksdb::DB* raw = nullptr;
    ASSERT_TRUE(
        rocksdb::DB::Open(DatabaseSettings(options_), options_.directory, tables, &handles, &raw)
            .ok());
    rocksdb::ColumnFamilyHandle* added = nullptr;
    ASSERT_TRUE(raw->CreateColumnFamily({}, "from_the_future", &added).ok());
    handles.push_back(added);
    for (rocksdb::ColumnFamilyHandle* handle : handles) raw->DestroyColumnFamilyHandle(handle);
    delete raw;
  }
  EXPECT_EQ(RefusedWith(), ErrorCode::kFailedPrecondition);
}

TEST_F(DatabaseTest, AnOptionOutOfItsRangeIsNamed) {
  options_.write_buffer_bytes = 1;
  const Result<std::unique_ptr<Database>> database = Database::Open(options_);
  ASSERT_FALSE(database.ok());
  EXPECT_EQ(database.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_NE(database.error().message().find("write_buffer_bytes is 1"), std::string::npos);
}

TEST_F(DatabaseTest, AFailedSyncIsNeverForgiven) {
  auto watched = std::make_shared<WatchedFileSystem>();
  options_.file_system = watched;
  {
    const auto database = Open();
    ASSERT_TRUE(Put(*database, "before", "x", Table::kMeta, true).ok());
    watched->syncs_to_fail = 1;
    EXPECT_EQ(Put(*database, "in doubt", "x", Table::kMeta, true).error().code(), ErrorCode::kIo);
    EXPECT_EQ(watched->syncs_to_fail, 0);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(Put(*database, "after", "x", Table::kMeta, true).error().code(), ErrorCode::kIo);
    }
    EXPECT_EQ(Put(*database, "after", "x").error().code(), ErrorCode::kIo);
  }
  const auto database = Open();
  EXPECT_TRUE(database->Get(Table::kMeta, "before").ok());
  EXPECT_EQ(database->Get(Table::kMeta, "after").error().code(), ErrorCode::kNotFound);
}

TEST_F(DatabaseTest, DamageInsideTheWriteAheadLogIsRefusedAndThenCutOffOnDemand) {
  {
    const auto database = Open();
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(Put(*database, "key" + std::to_string(i), std::string(1000, 'v')).ok());
    }
  }
  for (const auto& entry : std::filesystem::directory_iterator(options_.directory)) {
    if (entry.path().extension() != ".log") continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(entry.file_size() / 2));
    file << "damage";
  }
  EXPECT_EQ(RefusedWith(), ErrorCode::kCorruption);
  options_.recovery = TailRecovery::kPointInTime;
  const auto database = Open();
  EXPECT_TRUE(database->tail_was_torn());
  EXPECT_TRUE(database->Get(Table::kMeta, "key5").ok());
  EXPECT_FALSE(database->Get(Table::kMeta, "key19").ok());
}

TEST_F(DatabaseTest, TheInfoLogIsBounded) {
  const rocksdb::DBOptions settings = DatabaseSettings(options_);
  EXPECT_GT(settings.max_log_file_size, 0U);
  EXPECT_LE(settings.max_log_file_size * settings.keep_log_file_num, 64U << 20U);
}

TEST_F(DatabaseTest, TrapsOfThisRocksDbVersionAreAvoided) {
  const rocksdb::DBOptions settings = DatabaseSettings(options_);
  EXPECT_EQ(settings.wal_compression, rocksdb::kNoCompression);
  EXPECT_FALSE(settings.manual_wal_flush);
  EXPECT_FALSE(settings.track_and_verify_wals_in_manifest);
  EXPECT_EQ(settings.recycle_log_file_num, 0U);
  EXPECT_EQ(settings.max_bgerror_resume_count, 0);
  EXPECT_FALSE(settings.avoid_flush_during_recovery);
  EXPECT_EQ(settings.wal_recovery_mode, rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords);
  for (const auto& table : TableSettings(options_)) {
    EXPECT_TRUE(table.options.compression_per_level.empty()) << table.name;
    EXPECT_EQ(table.options.bottommost_compression, rocksdb::kDisableCompressionOption);
    EXPECT_EQ(table.options.compaction_style, rocksdb::kCompactionStyleLevel);
    EXPECT_EQ(table.options.ttl, 0U) << table.name;
  }
}

}  // namespace
}  // namespace barograph::storage
