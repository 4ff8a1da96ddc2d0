// Cuts the power under an EventLog again and again, and compares what comes back with a ledger
// outside the disk.
//
// BAROGRAPH_POWER_CUTS: how many cuts (default 200). BAROGRAPH_POWER_CUT_SEED: the first seed
// (default 1). A failure prints its seed; one seed is one fresh store and up to kLives lives of it.

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <vector>

#include "ingest/admission/kafka_table.h"
#include "storage/base/bytes.h"
#include "storage/base/digest.h"
#include "storage/log/log_check.h"
#include "storage/log/store.h"
#include "tests/crash/fault_file_system.h"

namespace barograph::crash {
namespace {

namespace fs = std::filesystem;
using storage::DatabaseOptions;
using storage::EventLog;
using storage::EventLogOptions;
using storage::Position;
using storage::RecordHeader;
using storage::RecordView;
using storage::Store;
using storage::Table;
using storage::WriteGroup;

constexpr int kLives = 6;
constexpr std::uint64_t kOperationsMax = 600;
constexpr std::uint64_t kOperationsOfOpen = 80;  ///< about as many as a first open takes
constexpr std::uint64_t kSyncsMax = 40;
/// Flushes, new write-ahead logs and compactions happen within a life; or they do not.
constexpr std::size_t kSmallMemtables = 1U << 20U;
constexpr std::size_t kLargeMemtables = 64U << 20U;
constexpr int kGroupsMax = 400;
constexpr std::string_view kProducerKey = "producer";
constexpr std::uint32_t kKafkaPartitions = 3;

std::uint64_t Environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// What the outside was told, and what it had sent.
struct Ledger {
  Position acknowledged;
  std::uint64_t groups = 0;
  std::vector<Position> staged_ends{Position{}};  ///< ends of groups that may be found
};

struct Tally {
  std::uint64_t cuts = 0, groups = 0, lost_bytes = 0, torn = 0, in_doubt_found = 0,
                in_doubt_gone = 0;
  std::uint64_t positions = 0;  ///< of Kafka, compared with the log after a cut
  std::uint64_t cut_in_open = 0, failed_syncs = 0, acknowledged_at_risk = 0, lost = 0;
  std::int64_t slowest_stop_us = 0;
};

/// One store on one disk that loses power again and again.
class Rig {
 public:
  /// `mutant`: the writer acknowledges without a sync. The test must notice.
  Rig(std::uint64_t seed, bool mutant) : random_(seed), mutant_(mutant) {
    const char* memory = fs::exists("/dev/shm") ? "/dev/shm" : "/tmp";
    folder_ = std::string(memory) + "/barograph_power_cut_" + std::to_string(getpid());
    fs::remove_all(folder_);
    fs::create_directories(folder_ + "/store");
    database_.directory = folder_ + "/store/db";
    log_.frontier_path = folder_ + "/store/frontier";
    log_.clock = &clock_;
  }
  ~Rig() { fs::remove_all(folder_); }

  void Live(Tally* tally) {
    disk_ = std::make_shared<FaultFileSystem>(folder_ + "/graveyard");
    database_.file_system = disk_;
    database_.write_buffer_bytes = kSmallMemtables;
    if (random_() % 10 == 0) FailASync();
    disk_->CutAfter(1 + random_() % (random_() % 4 == 0 ? kOperationsOfOpen : kOperationsMax));
    {
      Result<Store> store = OpenStore(database_, log_);
      if (disk_->off()) ++tally->cut_in_open;
      if (store.ok()) {
        Work(&*store, tally);
      } else {
        EXPECT_TRUE(disk_->off() || disk_->sync_failed()) << store.error().ToString();
      }
      disk_->Cut();
    }
    if (disk_->sync_failed()) ++tally->failed_syncs;
    const auto damage = static_cast<Damage>(random_() % kDamages);
    tally->lost_bytes += disk_->ApplyCut(damage, &random_);
    ++tally->cuts;
    Check(tally);
  }

 private:
  /// Mostly of the write-ahead log; RocksDB sleeps a second after each failure in the background.
  void FailASync() {
    const std::uint64_t kind = random_() % 8;
    if (kind == 0) return disk_->FailSync(1 + random_() % kSyncsMax, "");
    if (kind == 1) return disk_->FailSync(1 + random_() % 10, "frontier");
    // No flush beside it: one that meets the write-ahead log after its failure aborts the process
    // in an assertion of this build of RocksDB. That is fail-stop too, but ends the test.
    database_.write_buffer_bytes = kLargeMemtables;
    disk_->FailSync(1 + random_() % kSyncsMax, ".log");
  }

  std::string Payload() {
    std::string payload;
    const std::size_t bytes = 50 + random_() % 20'000;
    const bool noise = random_() % 2 == 0;
    while (payload.size() < bytes) {
      const std::uint64_t piece = noise ? random_() : 0x7365636f72647321;
      payload.append(reinterpret_cast<const char*>(&piece), sizeof(piece));
    }
    return payload;
  }

  /// Turns the record into one of Kafka: each event is a record there.
  void ReadFromKafka(RecordHeader* header, std::string* topic) {
    ingest::KafkaSource source;
    source.topic = *topic = "topic-" + std::to_string(random_() % 2);
    source.partition = static_cast<std::uint32_t>(random_() % kKafkaPartitions);
    const ingest::KafkaPosition* position = positions_.Find(source.topic, source.partition);
    source.first_offset = position == nullptr ? random_() % 3 : position->next_offset;
    source.next_offset = source.first_offset + header->count;
    source.records = header->count;
    source.last.offset = source.next_offset - 1;
    EXPECT_TRUE(positions_.Decide(source).ok());
    positions_.Apply(source, "acme", header->count, 0);
    header->flags = storage::kRecordKafka;
    header->producer = *topic;
    header->epoch = source.partition;
    header->producer_sequence = source.first_offset;
  }

  /// Stages one group: records, and rows of other tables that must never disagree with them.
  Position StageGroup(Store* store, WriteGroup* group) {
    group->Clear();
    Position end;
    const std::uint64_t records = 1 + random_() % 3;
    for (std::uint64_t i = 0; i < records; ++i) {
      RecordHeader header;
      header.count = static_cast<std::uint32_t>(1 + random_() % 500);
      header.tenant = "acme";
      header.log_time = clock_.WallNow();
      std::string topic;
      if (random_() % 2 == 0) ReadFromKafka(&header, &topic);
      end = store->log->StageAppend(header, storage::SealPayload(Payload()), group);
    }
    std::string row;
    ByteWriter(&row).Fixed(end.sequence.value);
    group->Put(Table::kProducers, kProducerKey, row);
    positions_.StageRows([group](std::string_view key, std::string_view value) {
      group->Put(Table::kKafka, key, value);
    });
    ledger_.staged_ends.push_back(end);
    return end;
  }

  void Work(Store* store, Tally* tally) {
    ledger_.staged_ends.push_back(store->log->durable_end());
    Result<ingest::KafkaTable> positions = LoadPositions(*store);
    if (!positions.ok()) {
      EXPECT_TRUE(disk_->off()) << positions.error().ToString();
      return;
    }
    positions_ = std::move(positions).value();
    WriteGroup group;
    for (int i = 0; i < kGroupsMax; ++i) {
      clock_.Advance(std::chrono::milliseconds(random_() % 400));
      // As checkpoints do: rows that nobody waits for, several unsynced writes in a row.
      for (std::uint64_t row = random_() % 8; row > 4; --row) {
        WriteGroup rows;
        rows.Put(Table::kCheckpoint, std::to_string(random_() % 50), Payload());
        if (!store->database->Write(rows, /*sync=*/false).ok()) return;
      }
      const Position end = StageGroup(store, &group);
      const auto begun = std::chrono::steady_clock::now();
      const bool failed_before = disk_->sync_failed();
      const bool written = store->database->Write(group, !mutant_).ok();
      const bool committed = written && store->log->CommitDone(end).ok();
      if (disk_->off()) return;  // what it believes reaches nobody
      if (committed) {
        if (disk_->BytesAtRisk(".log") > 0) ++tally->acknowledged_at_risk;
        ledger_.acknowledged = end;
        ++ledger_.groups;
        ++tally->groups;
      }
      const bool settled = committed && store->log->SyncFrontier().ok();
      if (disk_->off()) return;
      if (!settled) {
        const auto took = std::chrono::steady_clock::now() - begun;
        if (!failed_before && disk_->sync_failed()) {
          tally->slowest_stop_us = std::max<std::int64_t>(
              tally->slowest_stop_us,
              std::chrono::duration_cast<std::chrono::microseconds>(took).count());
        }
        ExpectStopped(store, written);
        return;
      }
    }
  }

  /// After a failure nothing is acknowledged any more, also when the device answers again.
  void ExpectStopped(Store* store, bool written) {
    for (int i = 0; i < 3; ++i) {
      WriteGroup group;
      const Position end = StageGroup(store, &group);
      const bool again = store->database->Write(group, true).ok();
      EXPECT_TRUE(written || !again);
      EXPECT_FALSE(again && store->log->CommitDone(end).ok());
    }
  }

  void Check(Tally* tally) {
    auto disk = std::make_shared<FaultFileSystem>(folder_ + "/graveyard");
    database_.file_system = disk;
    Result<Store> store = OpenStore(database_, log_);
    if (mutant_ && !store.ok() && store.error().code() == ErrorCode::kDataLoss) {
      ++tally->lost;
      return;
    }
    ASSERT_TRUE(store.ok()) << "needs help: " << store.error().ToString();
    tally->torn += store->report.tail_dropped ? 1U : 0U;
    const Position end = store->log->durable_end();
    const Position& acknowledged = ledger_.acknowledged;
    const Result<Digest> link = store->log->LinkAt(acknowledged.sequence);
    if (end.sequence < acknowledged.sequence || !link.ok() || *link != acknowledged.link) {
      ++tally->lost;
      EXPECT_TRUE(mutant_) << "lost: acknowledged " << acknowledged.sequence.value << ", ends at "
                           << end.sequence.value;
      return;
    }
    const Result<storage::VerifyReport> report = VerifyLog(*store->log, {});
    ASSERT_TRUE(report.ok());
    EXPECT_TRUE(report->chain_ok) << report->defect->ToString();
    EXPECT_EQ(report->last, end);
    ExpectWholeGroups(*store, end);
    ExpectPositionsOfTheLog(*store, tally);
    const bool ahead = end.sequence > acknowledged.sequence;
    ++(ahead ? tally->in_doubt_found : tally->in_doubt_gone);
    // Found is kept: the next life goes on from here, and a client that asks is told so.
    ledger_.acknowledged = end;
    ledger_.staged_ends.clear();
  }

  void ExpectWholeGroups(const Store& store, const Position& end) {
    const auto& ends = ledger_.staged_ends;
    EXPECT_TRUE(end == ledger_.acknowledged ||
                std::find(ends.begin(), ends.end(), end) != ends.end())
        << "ends inside a group, at " << end.sequence.value;
    const Result<std::string> row = store.database->Get(Table::kProducers, kProducerKey);
    ASSERT_EQ(row.ok(), end.sequence.value > 0);
    if (!row.ok()) return;
    EXPECT_EQ(ByteReader(*row).Fixed<std::uint64_t>(), end.sequence.value);
  }

  static Result<ingest::KafkaTable> LoadPositions(const Store& store) {
    ingest::KafkaTable positions;
    storage::TableCursor rows = store.database->NewCursor(Table::kKafka);
    for (rows.Seek({}); rows.Valid(); rows.Next()) {
      BAROGRAPH_TRY(positions.LoadRow(rows.key(), rows.value()));
    }
    BAROGRAPH_TRY(rows.status());
    return positions;
  }

  /// Each record of Kafka is in the log once and in order, and reading goes on behind the last one.
  static void ExpectPositionsOfTheLog(const Store& store, Tally* tally) {
    std::map<std::pair<std::string, std::uint64_t>, std::uint64_t> ends;
    EventLog::Cursor cursor = store.log->Read({});
    for (RecordView record; cursor.Next(&record);) {
      const RecordHeader& header = record.header;
      if ((header.flags & storage::kRecordKafka) == 0) continue;
      std::uint64_t& end = ends[{std::string(header.producer), header.epoch}];
      EXPECT_GE(header.producer_sequence, end) << "a record of Kafka is in the log twice";
      end = header.producer_sequence + header.count;
    }
    EXPECT_TRUE(cursor.status().ok());
    const Result<ingest::KafkaTable> positions = LoadPositions(store);
    ASSERT_TRUE(positions.ok()) << positions.error().ToString();
    EXPECT_EQ(positions->size(), ends.size());
    for (const ingest::KafkaPosition& position : positions->List()) {
      const std::pair place(position.topic, std::uint64_t{position.partition});
      EXPECT_EQ(position.next_offset, ends[place]) << position.topic << "/" << position.partition;
    }
    tally->positions += positions->size();
  }

  std::mt19937_64 random_;
  bool mutant_;
  SimulatedClock clock_{Time(std::chrono::hours(24 * 365 * 50))};
  std::string folder_;
  std::shared_ptr<FaultFileSystem> disk_;
  DatabaseOptions database_;
  EventLogOptions log_;
  ingest::KafkaTable positions_;
  Ledger ledger_;
};

Tally CutPower(std::uint64_t cuts, std::uint64_t seed, bool mutant) {
  Tally tally;
  for (; tally.cuts < cuts && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("BAROGRAPH_POWER_CUT_SEED=" + std::to_string(seed));
    Rig rig(seed, mutant);
    for (int life = 0; life < kLives && tally.lost == 0; ++life) rig.Live(&tally);
    if (tally.lost > 0) break;
  }
  return tally;
}

TEST(PowerCutTest, NothingAcknowledgedIsLostAndEveryStoreStartsWithoutHelp) {
  const std::uint64_t cuts = Environment("BAROGRAPH_POWER_CUTS", 200);
  const Tally tally = CutPower(cuts, Environment("BAROGRAPH_POWER_CUT_SEED", 1), /*mutant=*/false);
  std::cout << tally.cuts << " cuts, " << tally.groups << " acknowledged groups, lost "
            << tally.lost << ", acknowledged before a sync " << tally.acknowledged_at_risk
            << ", unsynced bytes lost " << tally.lost_bytes << ", torn tails " << tally.torn
            << ", groups in doubt found " << tally.in_doubt_found << ", cut while opening "
            << tally.cut_in_open << ", failed syncs " << tally.failed_syncs << ", slowest stop "
            << tally.slowest_stop_us << " us, positions of Kafka compared " << tally.positions
            << "\n";
  EXPECT_EQ(tally.lost, 0U);
  EXPECT_EQ(tally.acknowledged_at_risk, 0U);
  EXPECT_LT(tally.slowest_stop_us, 100'000);
  if (cuts < 200) return;
  // The cuts must have reached what they are there for.
  EXPECT_GT(tally.groups, 10 * tally.cuts);
  EXPECT_GT(tally.lost_bytes, 0U);
  EXPECT_GT(tally.torn, 0U);
  EXPECT_GT(tally.positions, tally.cuts);
  EXPECT_GT(tally.in_doubt_found, 0U);
  EXPECT_GT(tally.cut_in_open, 0U);
  EXPECT_GT(tally.failed_syncs, 0U);
}

TEST(PowerCutTest, AWriterThatAcknowledgesBeforeItsSyncIsCaught) {
  const Tally tally = CutPower(60, 1, /*mutant=*/true);
  EXPECT_GT(tally.acknowledged_at_risk, 0U);
  EXPECT_GT(tally.lost, 0U);
}

/// Appends `groups` synced groups and returns the size of the write-ahead log after each.
std::vector<std::uintmax_t> AppendGroups(Store* store, const std::string& directory, int groups,
                                         std::mt19937_64* random) {
  std::vector<std::uintmax_t> sizes;
  for (int i = 0; i < groups; ++i) {
    WriteGroup group;
    Position end;
    for (std::uint64_t j = 0; j <= (*random)() % 3; ++j) {
      RecordHeader header;
      header.count = static_cast<std::uint32_t>(1 + (*random)() % 500);
      end = store->log->StageAppend(
          header, storage::SealPayload(std::string(1 + (*random)() % 5'000, 'p')), &group);
    }
    EXPECT_TRUE(store->database->Write(group, true).ok());
    EXPECT_TRUE(store->log->CommitDone(end).ok());
    EXPECT_TRUE(store->log->SyncFrontier().ok());
    for (const auto& entry : fs::directory_iterator(directory)) {
      if (entry.path().extension() == ".log") sizes.push_back(entry.file_size());
    }
  }
  return sizes;
}

TEST(PowerCutTest, OneToThreeAcknowledgedGroupsCutOffTheWriteAheadLogAreAlwaysReported) {
  const std::string folder = testing::TempDir() + "power_cut_groups_" + std::to_string(getpid());
  std::mt19937_64 random(Environment("BAROGRAPH_POWER_CUT_SEED", 1));
  const DatabaseOptions database{.directory = folder + "/db"};
  const EventLogOptions log{.frontier_path = folder + "/frontier"};
  for (int round = 0; round < 10; ++round) {
    fs::remove_all(folder);
    fs::create_directories(folder);
    std::vector<std::uintmax_t> sizes;
    Position end;
    {
      Result<Store> store = OpenStore(database, log);
      ASSERT_TRUE(store.ok()) << store.error().ToString();
      sizes =
          AppendGroups(&*store, database.directory, 4 + static_cast<int>(random() % 10), &random);
      end = store->log->durable_end();
    }
    for (std::size_t cut = 1; cut <= 3; ++cut) {
      const std::string copy = folder + "/copy";
      fs::remove_all(copy);
      fs::copy(database.directory, copy);
      for (const auto& entry : fs::directory_iterator(copy)) {
        if (entry.path().extension() == ".log") {
          fs::resize_file(entry.path(), sizes[sizes.size() - 1 - cut]);
        }
      }
      const Result<Store> store = OpenStore({.directory = copy}, log);
      ASSERT_FALSE(store.ok()) << cut << " groups are missing, and nobody said so";
      EXPECT_EQ(store.error().code(), ErrorCode::kDataLoss) << store.error().ToString();
      const std::string last = "to " + std::to_string(end.sequence.value);
      EXPECT_NE(store.error().message().find(last), std::string::npos) << store.error().message();
    }
  }
  fs::remove_all(folder);
}

}  // namespace
}  // namespace barograph::crash
