#include "storage/log/event_log.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <vector>

#include "storage/base/digest.h"
#include "storage/log/log_check.h"
#include "storage/log/log_key.h"
#include "storage/log/store.h"

namespace barograph::storage {
namespace {

class EventLogTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "event_log_" +
              testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    database_options_.directory = folder_ + "/db";
    log_options_.frontier_path = folder_ + "/frontier";
    log_options_.clock = &clock_;
    Reopen();
  }
  void TearDown() override {
    Close();
    std::filesystem::remove_all(folder_);
  }

  void Close() {
    store_.log.reset();
    store_.database.reset();
  }
  void Reopen() {
    Close();
    Result<Store> store = OpenStore(database_options_, log_options_);
    ASSERT_TRUE(store.ok()) << store.error().ToString();
    store_ = std::move(*store);
  }
  EventLog& log() { return *store_.log; }
  Database& database() { return *store_.database; }

  /// Stages a record of `count` events whose payload tells its first sequence.
  Position Stage(std::uint32_t count, WriteGroup* group) {
    RecordHeader header;
    header.count = count;
    header.tenant = "acme";
    header.log_time = Time(Duration(log().staged_end().sequence.value));
    const std::string payload =
        "first " + std::to_string(log().staged_end().sequence.value + 1) + std::string(300, 'p');
    return log().StageAppend(header, SealPayload(payload), group);
  }
  Position Append(std::uint32_t count) {
    WriteGroup group;
    const Position end = Stage(count, &group);
    EXPECT_TRUE(database().Write(group, true).ok());
    EXPECT_TRUE(log().CommitDone(end).ok());
    return end;
  }

  struct Walk {
    std::vector<std::uint64_t> firsts;
    Status status;
  };
  Walk ReadAll(const EventLog::ReadOptions& options) {
    Walk walk;
    EventLog::Cursor cursor = log().Read(options);
    RecordView record;
    std::string buffer;
    while (cursor.Next(&record)) {
      walk.firsts.push_back(record.header.first_sequence.value);
      EXPECT_TRUE(
          OpenPayload(record, &buffer)->starts_with("first " + std::to_string(walk.firsts.back())));
    }
    walk.status = cursor.status();
    return walk;
  }

  std::string Row(std::uint64_t first) {
    return *database().Get(Table::kLog, LogKey({}, {first}).bytes());
  }
  /// Behind the log's back; an empty value deletes.
  void Overwrite(std::uint64_t first, const std::string& value) {
    WriteGroup group;
    const LogKey key({}, {first});
    if (value.empty()) {
      group.Delete(Table::kLog, key.bytes());
    } else {
      group.Put(Table::kLog, key.bytes(), value);
    }
    ASSERT_TRUE(database().Write(group, true).ok());
  }

  SimulatedClock clock_{Time{}};
  DatabaseOptions database_options_;
  EventLogOptions log_options_;
  std::string folder_;
  Store store_;
};

TEST_F(EventLogTest, SequencesAreDenseFromOneAndGoOnAfterAReopen) {
  EXPECT_EQ(log().durable_end(), Position{});
  EXPECT_EQ(Append(3).sequence, Sequence{3});
  EXPECT_EQ(Append(1).sequence, Sequence{4});
  const Position end = Append(500);
  EXPECT_EQ(end.sequence, Sequence{504});
  Reopen();
  EXPECT_EQ(store_.report.end, end);
  EXPECT_EQ(store_.report.frontier, end);
  EXPECT_FALSE(store_.report.tail_dropped);
  EXPECT_EQ(log().durable_end(), end);
  EXPECT_EQ(log().staged_end(), end);
  EXPECT_EQ(Append(1).sequence, Sequence{505});
  const Walk walk = ReadAll({.verify_chain = true});
  EXPECT_TRUE(walk.status.ok());
  EXPECT_EQ(walk.firsts, (std::vector<std::uint64_t>{1, 4, 5, 505}));
}

TEST_F(EventLogTest, ReadingStartsWithTheRecordThatHoldsTheSequence) {
  for (const std::uint32_t count : {3U, 1U, 5U}) Append(count);
  const auto check = [&](std::uint64_t from, const std::vector<std::uint64_t>& expected) {
    for (const bool verify : {false, true}) {
      const Walk walk = ReadAll({.from = {from}, .verify_chain = verify});
      EXPECT_TRUE(walk.status.ok()) << from;
      EXPECT_EQ(walk.firsts, expected) << from;
    }
  };
  check(0, {1, 4, 5});
  check(1, {1, 4, 5});
  check(3, {1, 4, 5});
  check(4, {4, 5});
  check(5, {5});
  check(9, {5});
  check(10, {});
  check(UINT64_MAX, {});
}

TEST_F(EventLogTest, OnlyDurableRecordsAreSeenAndACursorGoesOnWhenMoreBecomeDurable) {
  EventLog::Cursor cursor = log().Read({.verify_chain = true});
  RecordView record;
  EXPECT_FALSE(cursor.Next(&record));
  WriteGroup group;
  Stage(2, &group);
  const Position second = Stage(3, &group);
  EXPECT_EQ(log().staged_end(), second);
  EXPECT_EQ(log().durable_end(), Position{});
  ASSERT_TRUE(database().Write(group, true).ok());
  EXPECT_FALSE(cursor.Next(&record)) << "written, but nobody said that it is durable";
  ASSERT_TRUE(log().CommitDone(second).ok());
  ASSERT_TRUE(cursor.Next(&record));
  EXPECT_EQ(record.header.last_sequence(), Sequence{2});
  Append(1);
  ASSERT_TRUE(cursor.Next(&record));
  EXPECT_EQ(record.header.last_sequence(), Sequence{5});
  ASSERT_TRUE(cursor.Next(&record));
  EXPECT_EQ(record.header.last_sequence(), Sequence{6});
  EXPECT_FALSE(cursor.Next(&record));
  EXPECT_TRUE(cursor.status().ok());
}

TEST_F(EventLogTest, LinksAreFoundWhereRecordsEndAndNowhereElse) {
  Append(3);
  const Position end = Append(2);
  EXPECT_EQ(*log().LinkAt({0}), Digest{});
  EXPECT_EQ(*log().LinkAt(end.sequence), end.link);
  for (const std::uint64_t sequence : {1U, 2U, 4U, 6U, 100U}) {
    EXPECT_EQ(log().LinkAt({sequence}).error().code(), ErrorCode::kNotFound) << sequence;
  }
}

TEST_F(EventLogTest, EveryEditDropSwapAndCutOfEveryRecordIsFound) {
  constexpr std::uint64_t kRecords = 6;
  std::vector<std::string> rows{""};
  for (std::uint64_t i = 1; i <= kRecords; ++i) {
    Append(1);
    rows.push_back(Row(i));
  }
  const auto found = [&](const std::string& what) {
    const Result<VerifyReport> report = VerifyLog(log(), {});
    ASSERT_TRUE(report.ok()) << what;
    EXPECT_FALSE(report->chain_ok) << what;
    ASSERT_TRUE(report->defect.has_value()) << what;
    EXPECT_NE(report->defect->message().find("sequence"), std::string::npos);
    EventLog::Cursor cursor = log().Read({.verify_chain = true});
    RecordView record;
    while (cursor.Next(&record)) {
    }
    EXPECT_FALSE(cursor.status().ok()) << what;
  };
  const auto restore = [&] {
    for (std::uint64_t i = 1; i <= kRecords; ++i) Overwrite(i, rows[i]);
    EXPECT_TRUE(VerifyLog(log(), {})->chain_ok);
  };
  /// A forger who also repairs the checksums: the payload of another, under a right header CRC.
  const auto forge = [&](std::uint64_t i) {
    RecordView view = *DecodeRecord(rows[i]);
    const SealedPayload payload = SealPayload("forged");
    view.header.payload_crc = payload.crc;
    view.header.payload_digest = payload.digest;
    view.header.stored_bytes = view.header.payload_bytes = 6;
    view.header.compression = Compression::kNone;
    std::string record;
    EncodeRecordHeader(view.header, &record);
    return record + payload.bytes;
  };
  for (std::uint64_t i = 1; i <= kRecords; ++i) {
    const std::string at = " of record " + std::to_string(i);
    std::string flipped = rows[i];
    flipped.back() = static_cast<char>(flipped.back() ^ 1);
    Overwrite(i, flipped);
    found("edit" + at);
    restore();
    Overwrite(i, rows[i].substr(0, rows[i].size() - 1));
    found("cut" + at);
    restore();
    Overwrite(i, "");
    found("drop" + at);
    restore();
    if (i == kRecords) continue;  // only the frontier and the receipts protect the last one
    Overwrite(i, forge(i));
    found("forgery" + at);
    restore();
    Overwrite(i, rows[i + 1]);
    Overwrite(i + 1, rows[i]);
    found("swap" + at);
    restore();
  }
}

TEST_F(EventLogTest, ARecordCutOffTheEndIsAReportedLoss) {
  for (int i = 0; i < 5; ++i) Append(2);
  Overwrite(9, "");
  Overwrite(7, "");
  Close();
  const Result<Store> store = OpenStore(database_options_, log_options_);
  ASSERT_FALSE(store.ok());
  EXPECT_EQ(store.error().code(), ErrorCode::kDataLoss);
  EXPECT_NE(store.error().message().find("sequences 7 to 10"), std::string::npos)
      << store.error().message();
  EXPECT_NE(store.error().message().find("barograph log recover --accept-loss"), std::string::npos);

  log_options_.accept_loss = true;
  Reopen();
  EXPECT_EQ(store_.report.lost, (SequenceRange{{7}, {10}}));
  EXPECT_EQ(store_.report.end.sequence, Sequence{6});
  log_options_.accept_loss = false;
  Reopen();
  EXPECT_EQ(Append(1).sequence, Sequence{7});
}

TEST_F(EventLogTest, ARecordMissingInTheTailIsFoundAtOpen) {
  for (int i = 0; i < 5; ++i) Append(2);
  const std::string row = Row(5);
  const auto refused = [&](const std::string& value, ErrorCode code) {
    Overwrite(5, value);
    Close();
    const Result<Store> store = OpenStore(database_options_, log_options_);
    ASSERT_FALSE(store.ok());
    EXPECT_EQ(store.error().code(), code) << store.error().ToString();
    Result<std::unique_ptr<Database>> raw = Database::Open(database_options_);
    ASSERT_TRUE(raw.ok());
    store_.database = std::move(*raw);
    Overwrite(5, row);
    Reopen();
  };
  refused("", ErrorCode::kDataLoss);
  RecordView view = *DecodeRecord(row);
  view.header.flags ^= kRecordEvaluate;  // a right checksum, and another link
  std::string forged;
  EncodeRecordHeader(view.header, &forged);
  forged += view.stored_payload;
  refused(forged, ErrorCode::kCorruption);
}

TEST_F(EventLogTest, AnotherHistoryOfTheSameLengthIsRefused) {
  Append(2);
  const std::string frontier_copy = folder_ + "/copy";
  Close();
  std::filesystem::copy_file(log_options_.frontier_path, frontier_copy);
  std::filesystem::remove_all(database_options_.directory);
  std::filesystem::remove(log_options_.frontier_path);
  Reopen();
  WriteGroup group;
  RecordHeader header;
  header.count = 2;
  const Position end = log().StageAppend(header, SealPayload("other"), &group);
  ASSERT_TRUE(database().Write(group, true).ok());
  ASSERT_TRUE(log().CommitDone(end).ok());
  Close();
  std::filesystem::rename(frontier_copy, log_options_.frontier_path);
  EXPECT_EQ(OpenStore(database_options_, log_options_).error().code(), ErrorCode::kDataLoss);
}

TEST_F(EventLogTest, RetentionKeepsTheChainCheckable) {
  for (int i = 0; i < 5; ++i) Append(2);
  WriteGroup group;
  EXPECT_EQ(log().StageStart({3}, &group).error().code(), ErrorCode::kNotFound);
  const Result<Position> start = log().StageStart({4}, &group);
  ASSERT_TRUE(start.ok()) << start.error().ToString();
  ASSERT_TRUE(database().Write(group, true).ok());
  ASSERT_TRUE(log().StartCommitted(*start).ok());
  for (int round = 0; round < 2; ++round, Reopen()) {
    EXPECT_EQ(log().begin(), Sequence{5});
    EXPECT_EQ(ReadAll({.verify_chain = true}).firsts, (std::vector<std::uint64_t>{5, 7, 9}));
    EXPECT_EQ(*log().LinkAt({4}), start->link);
    EXPECT_EQ(log().LinkAt({2}).error().code(), ErrorCode::kNotFound);
    EXPECT_TRUE(VerifyLog(log(), {})->chain_ok);
    EXPECT_EQ(StatLog(log())->events, 6U);
  }
  EXPECT_EQ(Append(1).sequence, Sequence{11});
}

TEST_F(EventLogTest, VerifyAndStatCountWhatIsThere) {
  for (const std::uint32_t count : {3U, 1U, 5U}) Append(count);
  const Result<VerifyReport> report = VerifyLog(log(), {});
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->chain_ok);
  EXPECT_EQ(report->records, 3U);
  EXPECT_EQ(report->events, 9U);
  EXPECT_EQ(report->payload_bytes, 3U * 307U);
  EXPECT_EQ(report->first.sequence, Sequence{3});
  EXPECT_EQ(report->last, log().durable_end());
  const Result<LogStat> stat = StatLog(log());
  ASSERT_TRUE(stat.ok());
  EXPECT_EQ(stat->events, 9U);
  EXPECT_EQ(stat->end, log().durable_end());
  EXPECT_EQ(stat->first_log_time, Time{});
}

TEST_F(EventLogTest, TwoPartitionsOfOneDatabaseDoNotMeet) {
  Append(2);
  EventLogOptions other = log_options_;
  other.partition = {7};
  other.frontier_path = folder_ + "/frontier7";
  OpenReport report;
  Result<std::unique_ptr<EventLog>> second = EventLog::Open(database(), other, &report);
  ASSERT_TRUE(second.ok()) << second.error().ToString();
  EXPECT_EQ(report.end, Position{});
  WriteGroup group;
  RecordHeader header;
  header.count = 9;
  const Position end = (*second)->StageAppend(header, SealPayload("other"), &group);
  ASSERT_TRUE(database().Write(group, true).ok());
  ASSERT_TRUE((*second)->CommitDone(end).ok());
  EXPECT_EQ(ReadAll({.verify_chain = true}).firsts, (std::vector<std::uint64_t>{1}));
  EXPECT_TRUE(VerifyLog(**second, {})->chain_ok);
  second->reset();
  Reopen();
  EXPECT_EQ(log().durable_end().sequence, Sequence{2});
}

}  // namespace
}  // namespace barograph::storage
