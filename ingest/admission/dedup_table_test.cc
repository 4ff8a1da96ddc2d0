// Method: ids are numbers; log time is moved by hand.
#include "ingest/admission/dedup_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace barograph::ingest {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Time kNow{std::chrono::hours(24 * 365 * 50)};

Batch Ids(const std::vector<std::uint64_t>& ids, const std::string& tenant = "default") {
  Batch batch;
  batch.tenant = tenant;
  for (const std::uint64_t id : ids) {
    batch.ids.push_back(
        {{.low = id * 0x9E3779B97F4A7C15U, .high = id}, batch.accepted, batch.offered});
    ++batch.accepted;
    ++batch.offered;
  }
  return batch;
}

std::vector<std::uint32_t> Duplicates(const DedupTable::Taken& taken) {
  std::vector<std::uint32_t> positions;
  for (const OfferedId& id : taken.duplicates) positions.push_back(id.position);
  return positions;
}

TEST(DedupTableTest, AnIdIsNewOnceAndADuplicateAfterwards) {
  DedupTable table;
  EXPECT_THAT(Duplicates(table.Take(Ids({1, 2}), kNow)), IsEmpty());
  EXPECT_THAT(Duplicates(table.Take(Ids({3, 2, 4}), kNow + 1h)), ElementsAre(1));
  EXPECT_EQ(table.size(), 4U);
}

TEST(DedupTableTest, TheSameIdTwiceInOneBatchIsADuplicate) {
  DedupTable table;
  EXPECT_THAT(Duplicates(table.Take(Ids({1, 1, 2, 1}), kNow)), ElementsAre(1, 3));
}

TEST(DedupTableTest, TenantsDoNotSeeEachOther) {
  DedupTable table;
  (void)table.Take(Ids({1}, "a"), kNow);
  EXPECT_THAT(Duplicates(table.Take(Ids({1}, "b"), kNow)), IsEmpty());
}

TEST(DedupTableTest, IdsAreKnownForADayAndThenForgottenInSlices) {
  DedupTable table;
  (void)table.Take(Ids({1, 2, 3}), kNow);
  (void)table.Take(Ids({4}), kNow + 2h);
  EXPECT_FALSE(table.Forget(kNow + 24h, 100));
  EXPECT_EQ(table.size(), 4U);
  EXPECT_TRUE(table.Forget(kNow + 25h, 2));
  EXPECT_EQ(table.size(), 2U);
  EXPECT_FALSE(table.Forget(kNow + 25h, 2));
  EXPECT_EQ(table.size(), 1U);
  EXPECT_THAT(Duplicates(table.Take(Ids({1, 4}), kNow + 25h)), ElementsAre(1));
}

TEST(DedupTableTest, AFullTableForgetsTheOldestAndSaysHowFarItReaches) {
  DedupTable table(/*ids_max=*/3);
  (void)table.Take(Ids({1, 2}), kNow);
  EXPECT_EQ(table.Horizon(kNow + 5h), kDedupHorizon);
  EXPECT_EQ(table.Take(Ids({3}), kNow + 4h).known_since, std::nullopt) << "full, and all known";
  EXPECT_EQ(table.Horizon(kNow + 5h), kDedupHorizon);
  EXPECT_EQ(table.Take(Ids({4}), kNow + 4h).known_since, kNow + 1h) << "1 is forgotten";
  EXPECT_EQ(table.size(), 3U);
  EXPECT_EQ(table.Horizon(kNow + 5h), 4h);
  EXPECT_THAT(Duplicates(table.Take(Ids({2}), kNow + 5h)), ElementsAre(0));
  EXPECT_THAT(Duplicates(table.Take(Ids({1}), kNow + 5h)), IsEmpty());
  EXPECT_EQ(table.Take(Ids({1}), kNow + 24h).known_since, kNow + 1h);
  EXPECT_EQ(table.Take(Ids({1}), kNow + 25h).known_since, std::nullopt)
      << "what is forgotten is a day old by now";
  EXPECT_EQ(table.Take(Ids({9}, "other"), kNow + 5h).known_since, std::nullopt);
}

TEST(DedupTableTest, RowsBringTheTableBack) {
  DedupTable table;
  std::map<std::string, std::string> rows;
  rows[DedupTable::RowKey(kNow, "default", 10)] = table.Take(Ids({1, 2}), kNow).row;
  rows[DedupTable::RowKey(kNow + 3h, "default", 12)] = table.Take(Ids({2, 3}), kNow + 3h).row;
  EXPECT_TRUE(table.Take(Ids({2, 3}), kNow + 3h).row.empty());

  DedupTable loaded;
  for (const auto& [key, row] : rows) ASSERT_TRUE(loaded.LoadRow(key, row).ok());
  EXPECT_EQ(loaded.size(), 3U);
  EXPECT_THAT(Duplicates(loaded.Take(Ids({3, 5, 1}), kNow + 4h)), ElementsAre(0, 2));
  EXPECT_LE(DedupTable::OldestKey(kNow + 24h), rows.begin()->first);
  EXPECT_GT(DedupTable::OldestKey(kNow + 25h), rows.begin()->first);
}

TEST(DedupTableTest, ABrokenRowIsCorruption) {
  DedupTable table;
  EXPECT_EQ(table.LoadRow("xx", "").error().code(), ErrorCode::kCorruption);
  EXPECT_EQ(table.LoadRow(DedupTable::RowKey(kNow, "t", 1), "short").error().code(),
            ErrorCode::kCorruption);
}

}  // namespace
}  // namespace barograph::ingest
