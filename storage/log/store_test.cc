#include "storage/log/store.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "storage/log/log_check.h"

namespace barograph::storage {
namespace {

namespace fs = std::filesystem;

class StoreTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "store_" +
              testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    database_.directory = folder_ + "/db";
    log_.frontier_path = folder_ + "/frontier";
    log_.clock = &clock_;
  }
  void TearDown() override { fs::remove_all(folder_); }

  Store Open() {
    Result<Store> store = OpenStore(database_, log_);
    EXPECT_TRUE(store.ok()) << store.error().ToString();
    return store.ok() ? std::move(*store) : Store{};
  }
  Error Refused() {
    const Result<Store> store = OpenStore(database_, log_);
    EXPECT_FALSE(store.ok());
    return store.ok() ? Error(ErrorCode::kInternal, "opened") : store.error();
  }
  static Position Append(Store& store, int records) {
    WriteGroup group;
    if (store.log == nullptr) return {};
    for (int i = 0; i < records; ++i) {
      group.Clear();
      RecordHeader header;
      header.count = 2;
      const Position end = store.log->StageAppend(
          header, SealPayload(std::string(900, static_cast<char>('a' + i))), &group);
      EXPECT_TRUE(store.database->Write(group, true).ok());
      EXPECT_TRUE(store.log->CommitDone(end).ok());
    }
    return store.log->durable_end();
  }
  fs::path WriteAheadLog() {
    fs::path newest;
    for (const auto& entry : fs::directory_iterator(database_.directory)) {
      if (entry.path().extension() == ".log" && entry.path() > newest) newest = entry.path();
    }
    return newest;
  }
  static std::string Read(const fs::path& path) {
    std::stringstream content;
    content << std::ifstream(path, std::ios::binary).rdbuf();
    return content.str();
  }
  static void Write(const fs::path& path, const std::string& content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  }

  SimulatedClock clock_{Time{}};
  DatabaseOptions database_;
  EventLogOptions log_;
  std::string folder_;
};

TEST_F(StoreTest, ATornTailThatNobodyWasToldOfIsDroppedAndReported) {
  Position end;
  std::string frontier;
  std::size_t synced = 0;
  {
    Store store = Open();
    end = Append(store, 10);
    frontier = Read(log_.frontier_path);
    synced = fs::file_size(WriteAheadLog());
    Append(store, 2);
  }
  // As a power cut leaves it that came before the last two groups were synced, and kept only the
  // later block.
  Write(log_.frontier_path, frontier);
  std::string content = Read(WriteAheadLog());
  content.replace(synced + 10, 50, std::string(50, '\0'));
  Write(WriteAheadLog(), content);
  {
    Store store = Open();
    EXPECT_TRUE(store.report.tail_dropped);
    EXPECT_NE(store.report.detail.find("after sequence 20"), std::string::npos);
    EXPECT_EQ(store.report.end, end);
    EXPECT_EQ(Append(store, 1).sequence, Sequence{22});
  }
  EXPECT_FALSE(Open().report.tail_dropped);
}

TEST_F(StoreTest, DamageBehindWhichAcknowledgedRecordsLieIsRefusedAndChangesNothing) {
  {
    Store store = Open();
    Append(store, 10);
  }
  const fs::path wal = WriteAheadLog();
  std::string content = Read(wal);
  content[content.size() / 2] = static_cast<char>(content[content.size() / 2] ^ 1);
  Write(wal, content);
  for (int round = 0; round < 2; ++round) {
    const Error error = Refused();
    EXPECT_EQ(error.code(), ErrorCode::kDataLoss);
    EXPECT_NE(error.message().find("to 20"), std::string::npos) << error.message();
    EXPECT_EQ(Read(wal), content);
  }
  log_.accept_loss = true;
  {
    Store store = Open();
    ASSERT_TRUE(store.report.lost.has_value());
    EXPECT_EQ(store.report.lost->last, Sequence{20});
    EXPECT_EQ(store.report.lost->first, store.report.end.sequence.Plus(1));
    EXPECT_GT(store.report.end.sequence, Sequence{4});
  }
  log_.accept_loss = false;
  EXPECT_FALSE(Open().report.tail_dropped);
}

TEST_F(StoreTest, EveryCutThroughTheWriteAheadLogIsRefusedWithALoss) {
  {
    Store store = Open();
    Append(store, 4);
  }
  const fs::path wal = WriteAheadLog();
  const std::string content = Read(wal);
  for (std::size_t bytes = 0; bytes < content.size(); bytes += 97) {
    const std::string copy = folder_ + "/copy";
    fs::remove_all(copy);
    fs::copy(database_.directory, copy);
    Write(fs::path(copy) / wal.filename(), content.substr(0, bytes));
    DatabaseOptions cut = database_;
    cut.directory = copy;
    const Result<Store> store = OpenStore(cut, log_);
    ASSERT_FALSE(store.ok()) << bytes;
    EXPECT_EQ(store.error().code(), ErrorCode::kDataLoss) << store.error().ToString();
  }
}

TEST_F(StoreTest, AMissingDatabaseIsALossWhenTheFrontierKnowsOfRecords) {
  {
    Store store = Open();
    Append(store, 1);
  }
  fs::remove_all(database_.directory);
  EXPECT_EQ(Refused().code(), ErrorCode::kDataLoss);
  EXPECT_FALSE(fs::exists(database_.directory));
}

TEST_F(StoreTest, AMissingWriteAheadLogIsALoss) {
  {
    Store store = Open();
    Append(store, 3);
  }
  fs::remove(WriteAheadLog());
  EXPECT_EQ(Refused().code(), ErrorCode::kDataLoss);
}

TEST_F(StoreTest, AnAbsentOrUnreadableFrontierIsRefusedUnlessAcceptedOrReadOnly) {
  {
    Store store = Open();
    Append(store, 3);
  }
  const auto check = [&](ErrorCode code) {
    EXPECT_EQ(Refused().code(), code);
    database_.read_only = true;
    EXPECT_EQ(Open().log->durable_end().sequence, Sequence{6});
    database_.read_only = false;
    log_.accept_loss = true;
    EXPECT_EQ(Open().report.end.sequence, Sequence{6});
    log_.accept_loss = false;
    EXPECT_EQ(Open().report.frontier->sequence, Sequence{6});
  };
  fs::remove(log_.frontier_path);
  check(ErrorCode::kFailedPrecondition);
  Write(log_.frontier_path, std::string(8192, 'x'));
  check(ErrorCode::kCorruption);
}

TEST_F(StoreTest, AFrontierBehindTheLogIsBroughtUpToIt) {
  std::string early;
  {
    Store store = Open();
    Append(store, 2);
    early = Read(log_.frontier_path);
    Append(store, 2);
  }
  Write(log_.frontier_path, early);
  EXPECT_EQ(Open().report.frontier->sequence, Sequence{4});
  EXPECT_EQ(Open().report.frontier->sequence, Sequence{8});
}

TEST_F(StoreTest, AReaderBesideARunningWriterVerifiesItsLog) {
  Store writer = Open();
  Append(writer, 5);
  DatabaseOptions reading = database_;
  reading.read_only = true;
  for (int round = 1; round <= 3; ++round) {
    Append(writer, 5);
    const std::string frontier = Read(log_.frontier_path);
    Result<Store> reader = OpenStore(reading, log_);
    ASSERT_TRUE(reader.ok()) << reader.error().ToString();
    const Result<VerifyReport> report = VerifyLog(*reader->log, {});
    ASSERT_TRUE(report.ok());
    EXPECT_TRUE(report->chain_ok);
    EXPECT_EQ(report->last, writer.log->durable_end());
    EXPECT_EQ(StatLog(*reader->log)->events, report->events);
    EXPECT_EQ(Read(log_.frontier_path), frontier);
  }
}

}  // namespace
}  // namespace barograph::storage
