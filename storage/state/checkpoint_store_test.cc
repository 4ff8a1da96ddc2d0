// Method: checkpoints are written step by step, and the database is closed and opened between any
// two steps: what comes back must be one whole checkpoint, the last whose head was written.
#include "storage/state/checkpoint_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

namespace barograph::storage {
namespace {

using ::testing::IsEmpty;

using Rows = std::map<std::string, std::string>;
constexpr Sequence kAllDurable{~std::uint64_t{0}};

class CheckpointStoreTest : public ::testing::Test {
 protected:
  CheckpointStoreTest() { Reopen(); }
  ~CheckpointStoreTest() override {
    store_.reset();
    database_.reset();
    std::filesystem::remove_all(directory_);
  }
  void Reopen() {
    store_.reset();
    database_.reset();
    Result<std::unique_ptr<Database>> opened = Database::Open({.directory = directory_});
    ASSERT_TRUE(opened.ok()) << opened.error().ToString();
    database_ = std::move(opened).value();
    store_ = std::make_unique<CheckpointStore>(*database_);
    Result<std::optional<CheckpointHead>> head = store_->Recover();
    ASSERT_TRUE(head.ok()) << head.error().ToString();
    head_ = head.value();
  }
  void Add(std::uint64_t number, const Rows& rows) {
    store_->Begin();
    for (const auto& [key, value] : rows) store_->Add(key, value);
    CheckpointHead head{.number = number, .sequence = {number * 100}};
    head.link.fill(static_cast<std::uint8_t>(number));
    store_->Finish(head);
  }
  bool Step(Sequence durable = kAllDurable) {
    const Result<std::optional<CheckpointHead>> head = store_->WriteSome(durable);
    EXPECT_TRUE(head.ok());
    return head.value().has_value();
  }
  void WriteAll() {
    while (store_->busy()) Step();
  }
  Rows ReadAll() {
    Rows rows;
    EXPECT_TRUE(store_
                    ->ForEachRow([&](std::string_view key, std::string_view value) {
                      rows[std::string(key)] = value;
                      return Status();
                    })
                    .ok());
    return rows;
  }
  /// Several chunks.
  static Rows ManyRows(char fill) {
    Rows rows;
    for (int i = 0; i < 5; ++i) {
      rows["key-" + std::to_string(i)] = std::string(kCheckpointChunkBytes / 2 + 1, fill);
    }
    return rows;
  }

  std::string directory_ = ::testing::TempDir() + "checkpoint_test_" + std::to_string(getpid());
  std::unique_ptr<Database> database_;
  std::unique_ptr<CheckpointStore> store_;
  std::optional<CheckpointHead> head_;
};

TEST_F(CheckpointStoreTest, AnEmptyDatabaseHasNoCheckpoint) {
  EXPECT_FALSE(head_.has_value());
  EXPECT_THAT(ReadAll(), IsEmpty());
  EXPECT_FALSE(store_->busy());
  EXPECT_FALSE(store_->has_writes());
}

TEST_F(CheckpointStoreTest, ACheckpointComesBackAndALaterOneLiesOverIt) {
  Add(1, {{"a", "1"}, {"b", "1"}, {"c", "1"}});
  WriteAll();
  Add(2, {{"b", "2"}, {"c", ""}, {"d", "2"}});
  WriteAll();
  Reopen();
  ASSERT_TRUE(head_.has_value());
  EXPECT_EQ(head_->number, 2U);
  EXPECT_EQ(head_->sequence.value, 200U);
  EXPECT_EQ(head_->link[31], 2);
  EXPECT_EQ(head_->rows, 3U);
  EXPECT_EQ(ReadAll(), (Rows{{"a", "1"}, {"b", "2"}, {"d", "2"}}));
}

TEST_F(CheckpointStoreTest, AtEveryStepOneWholeCheckpointComesBack) {
  const Rows before = ManyRows('x');
  Rows after = ManyRows('y');
  after["new"] = "row";
  bool stopped_early = true;
  for (int steps = 0; stopped_early; ++steps) {
    ASSERT_TRUE(store_->Clear().ok());
    Reopen();
    Add(1, before);
    WriteAll();
    Add(2, after);
    bool head_written = false;
    stopped_early = false;
    for (int i = 0; store_->busy(); ++i) {
      if (i == steps) {
        stopped_early = true;
        break;
      }
      head_written |= Step();
    }
    Reopen();
    ASSERT_TRUE(head_.has_value()) << steps;
    EXPECT_EQ(head_->number, head_written ? 2U : 1U) << steps;
    EXPECT_TRUE(ReadAll() == (head_written ? after : before)) << steps;
    ASSERT_LT(steps, 100);
  }
}

TEST_F(CheckpointStoreTest, TheHeadWaitsForItsSequenceToBeDurable) {
  Add(1, {{"a", "1"}});
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(Step(Sequence{99}));
  EXPECT_TRUE(store_->busy());
  EXPECT_TRUE(Step(Sequence{100}));
}

TEST_F(CheckpointStoreTest, ReadSeesARowAsTheLastMergeLeftIt) {
  Add(1, {{"a", "1"}, {"b", "1"}});
  WriteAll();
  store_->Begin();
  store_->Add("a", "2");
  store_->Add("b", "");
  EXPECT_EQ(store_->Read("a"), "1");
  EXPECT_EQ(store_->Read("b"), "1");
  store_->Finish({.number = 2});
  while (!Step()) {
    EXPECT_EQ(store_->Read("a"), "1");
    EXPECT_EQ(store_->Read("b"), "1");
  }
  WriteAll();
  EXPECT_EQ(store_->Read("a"), "2");
  EXPECT_EQ(store_->Read("b"), std::nullopt);
  EXPECT_EQ(store_->Read("c"), std::nullopt);
}

TEST_F(CheckpointStoreTest, ManySmallRowsOfOneChunkAreMergedInSeveralWrites) {
  Rows rows;
  for (std::size_t i = 0; i < 3 * kCheckpointRowsMerged + 1; ++i) rows[std::to_string(i)] = "x";
  Add(1, rows);
  int writes = 0;
  for (; store_->busy(); ++writes) Step();
  EXPECT_EQ(writes, 1 + 1 + 4 + 1);  // a chunk, the head, four merges, their end
  Reopen();
  EXPECT_TRUE(ReadAll() == rows);
}

TEST_F(CheckpointStoreTest, ARowThatWasAddedTwiceCountsAsAddedLast) {
  store_->Begin();
  store_->Add("a", "1");
  store_->Add("b", "1");
  store_->Add("a", "2");
  store_->Add("b", "");
  store_->Finish({.number = 1});
  WriteAll();
  EXPECT_EQ(ReadAll(), (Rows{{"a", "2"}}));
}

TEST_F(CheckpointStoreTest, AMissingChunkOfACompleteCheckpointIsCorruption) {
  Add(1, ManyRows('x'));
  while (!Step()) {
  }
  WriteGroup group;
  group.Delete(Table::kCheckpoint, std::string("s\0\0\0\1", 5));
  ASSERT_TRUE(database_->Write(group, /*sync=*/true).ok());
  const auto recovered = CheckpointStore(*database_).Recover();
  ASSERT_FALSE(recovered.ok());
  EXPECT_EQ(recovered.error().code(), ErrorCode::kCorruption);
}

TEST_F(CheckpointStoreTest, ClearForgetsEverything) {
  Add(1, {{"a", "1"}});
  WriteAll();
  ASSERT_TRUE(store_->Clear().ok());
  Reopen();
  EXPECT_FALSE(head_.has_value());
  EXPECT_THAT(ReadAll(), IsEmpty());
}

}  // namespace
}  // namespace barograph::storage
