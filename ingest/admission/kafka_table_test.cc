// Method: a table and, where rows matter, a second one that is loaded from the rows of the first.
#include "ingest/admission/kafka_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace barograph::ingest {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Time kNow{std::chrono::hours(24 * 365 * 50)};

KafkaSource Source(std::uint64_t first, std::uint64_t next, std::string topic = "t",
                   std::uint32_t partition = 0) {
  return {.topic = std::move(topic),
          .partition = partition,
          .first_offset = first,
          .next_offset = next,
          .last = {.offset = next == 0 ? 0 : next - 1, .timestamp_ms = 17, .crc = 5},
          .records = next - first};
}

Status Send(KafkaTable* table, const KafkaSource& source, std::uint64_t events = 1) {
  const Status decided = table->Decide(source);
  if (decided.ok()) table->Apply(source, "acme", events, 0);
  return decided;
}

void ExpectRefused(const Status& status, ErrorCode code, const std::string& message) {
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), code);
  EXPECT_THAT(status.error().message(), HasSubstr(message));
}

/// Takes the rows of `table` to `*loaded`; the number of rows.
std::size_t Reload(KafkaTable* table, KafkaTable* loaded) {
  std::size_t rows = 0;
  table->StageRows([&](std::string_view key, std::string_view value) {
    ++rows;
    const Status status = loaded->LoadRow(key, value);
    EXPECT_TRUE(status.ok()) << status.error().ToString();
  });
  return rows;
}

TEST(KafkaTableTest, EachOffsetIsDecidedOnce) {
  KafkaTable table;
  ASSERT_TRUE(Send(&table, Source(10, 20)).ok());
  ExpectRefused(Send(&table, Source(10, 20)), ErrorCode::kFailedPrecondition,
                "kafka t/0, which stands at offset 20, cannot go on at offset 10");
  ExpectRefused(Send(&table, Source(19, 25)), ErrorCode::kFailedPrecondition, "offset 19");
  ASSERT_TRUE(Send(&table, Source(20, 21)).ok());
  EXPECT_EQ(table.Find("t", 0)->next_offset, 21U);
}

TEST(KafkaTableTest, PartitionsAndTopicsStandForThemselves) {
  KafkaTable table;
  ASSERT_TRUE(Send(&table, Source(0, 5, "b", 1)).ok());
  ASSERT_TRUE(Send(&table, Source(0, 6, "b", 0)).ok());
  ASSERT_TRUE(Send(&table, Source(0, 7, "a", 300)).ok());
  std::vector<std::uint64_t> ends;
  for (const KafkaPosition& position : table.List()) ends.push_back(position.next_offset);
  EXPECT_THAT(ends, ElementsAre(7, 6, 5)) << "by topic, then partition";
  EXPECT_EQ(table.Find("a", 0), nullptr);
}

TEST(KafkaTableTest, CountsGrowAndHolesAreWhatHasNoRecord) {
  KafkaTable table;
  KafkaSource source = Source(100, 110);
  source.records = 8;
  source.tombstones = 2;
  source.set_aside.resize(1);
  source.set_aside[0].offset = 104;
  ASSERT_TRUE(table.Decide(source).ok());
  table.Apply(source, "acme", 5, 3);
  EXPECT_EQ(table.Find("t", 0)->holes, 2U) << "what lies before the first batch is no hole";
  source = Source(110, 120);
  source.records = 5;
  ASSERT_TRUE(Send(&table, source).ok());
  const KafkaPosition& position = *table.Find("t", 0);
  EXPECT_EQ(position.holes, 7U);
  EXPECT_EQ(position.records, 13U);
  EXPECT_EQ(position.events, 6U);
  EXPECT_EQ(position.duplicates, 3U);
  EXPECT_EQ(position.set_aside, 1U);
  EXPECT_EQ(position.tombstones, 2U);
  EXPECT_EQ(position.tenant, "acme");
}

TEST(KafkaTableTest, OnlyHolesMoveThePositionAndKeepTheMark) {
  KafkaTable table;
  ASSERT_TRUE(Send(&table, Source(0, 5)).ok());
  KafkaSource holes = Source(5, 9);
  holes.records = 0;
  holes.last = {};
  ASSERT_TRUE(Send(&table, holes, 0).ok());
  EXPECT_EQ(table.Find("t", 0)->next_offset, 9U);
  EXPECT_EQ(table.Find("t", 0)->last->offset, 4U);
}

TEST(KafkaTableTest, OffsetsThatContradictEachOtherAreRefused) {
  const KafkaTable table;
  const auto refuses = [&](const KafkaSource& source, const std::string& message) {
    ExpectRefused(table.Decide(source), ErrorCode::kInvalidArgument, message);
  };
  KafkaSource source = Source(5, 4);
  refuses(source, "the end lies before");
  source = Source(0, std::numeric_limits<std::uint64_t>::max());
  refuses(source, "beyond 2^62");
  source = Source(5, 7);
  source.records = 3;
  refuses(source, "3 records do not fit");
  source = Source(5, 7);
  source.tombstones = 3;
  refuses(source, "do not fit");
  source = Source(5, 7);
  source.last.offset = 7;
  refuses(source, "the last record, 7,");
  source = Source(5, 7);
  source.set_aside.resize(1);
  refuses(source, "the record set aside, 0,");
  refuses(Source(0, 1, ""), "a topic's name of 0 bytes");
  refuses(Source(0, 1, std::string(250, 't')), "of 250 bytes; 1 to 249");
}

TEST(KafkaTableTest, AStoppedPartitionTakesNothingUntilItIsSkipped) {
  KafkaTable table;
  ASSERT_TRUE(Send(&table, Source(0, 50)).ok());
  ASSERT_TRUE(table.Stop("t", 0, "offsets 50 to 99 are gone", kNow).ok());
  ExpectRefused(Send(&table, Source(100, 110)), ErrorCode::kFailedPrecondition,
                "stands at offset 50, is stopped: offsets 50 to 99 are gone");
  EXPECT_THAT(table.Stopped(10), SizeIs(1));
  const auto skipped = table.Skip("t", 0, 100);
  ASSERT_TRUE(skipped.ok());
  EXPECT_EQ(skipped->from, 50U);
  EXPECT_EQ(skipped->tenant, "acme");
  EXPECT_EQ(skipped->problem, "offsets 50 to 99 are gone");
  EXPECT_THAT(table.Stopped(10), IsEmpty());
  EXPECT_FALSE(table.Find("t", 0)->last.has_value()) << "nothing to compare with";
  ASSERT_TRUE(Send(&table, Source(100, 110)).ok());
  EXPECT_EQ(table.Find("t", 0)->holes, 0U) << "a gap is no hole";
}

TEST(KafkaTableTest, ASkipMayGoBackBecauseTheTopicWasMadeAnew) {
  KafkaTable table;
  ASSERT_TRUE(Send(&table, Source(0, 50)).ok());
  ASSERT_TRUE(table.Skip("t", 0, 0).ok());
  ASSERT_TRUE(Send(&table, Source(0, 10)).ok());
  EXPECT_EQ(table.Find("t", 0)->next_offset, 10U);
  EXPECT_EQ(table.Find("t", 0)->records, 60U);
  EXPECT_EQ(table.Skip("t", 1, 0).error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(table.Skip("t", 0, ~std::uint64_t{0}).error().code(), ErrorCode::kInvalidArgument);
}

TEST(KafkaTableTest, AProblemMayEndByItselfAndAnUnknownPartitionMayHaveOne) {
  KafkaTable table;
  ASSERT_TRUE(table.Stop("new", 3, "", kNow).ok());
  EXPECT_EQ(table.size(), 0U);
  ASSERT_TRUE(table.Stop("new", 3, std::string(2'000, 'x'), kNow).ok());
  EXPECT_THAT(table.Find("new", 3)->problem, SizeIs(1'024));
  ASSERT_TRUE(table.Stop("new", 3, "", kNow).ok());
  EXPECT_EQ(table.stopped(), 0U);
  ASSERT_TRUE(Send(&table, Source(7, 9, "new", 3)).ok());
  EXPECT_EQ(table.Find("new", 3)->holes, 0U);
}

TEST(KafkaTableTest, ThoseThatWereStoppedFirstAreToldFirstAlsoAfterARestart) {
  KafkaTable table;
  using std::chrono::seconds;
  ASSERT_TRUE(table.Stop("z", 0, "first", kNow).ok());
  ASSERT_TRUE(table.Stop("a", 0, "second", kNow + seconds(1)).ok());
  ASSERT_TRUE(table.Stop("m", 0, "third", kNow + seconds(2)).ok());
  ASSERT_TRUE(table.Stop("z", 0, "first, told again", kNow + seconds(3)).ok());
  KafkaTable loaded;
  Reload(&table, &loaded);
  for (const KafkaTable* each : {&table, &loaded}) {
    EXPECT_EQ(each->stopped(), 3U);
    const auto stopped = each->Stopped(2);
    ASSERT_THAT(stopped, SizeIs(2));
    EXPECT_EQ(stopped[0]->problem, "first, told again");
    EXPECT_EQ(stopped[1]->problem, "second");
  }
}

TEST(KafkaTableTest, RowsBringEverythingBackAndOnlyWhatChangedIsStaged) {
  KafkaTable table;
  KafkaSource source = Source(1U << 30U, (1U << 30U) + 40, "agent.events", 4'000'000'000);
  source.records = 30;
  source.tombstones = 3;
  source.last.timestamp_ms = -1;
  ASSERT_TRUE(table.Decide(source).ok());
  table.Apply(source, "acme", 20, 2);
  ASSERT_TRUE(Send(&table, Source(0, 1, "other")).ok());
  ASSERT_TRUE(table.Stop("other", 0, "gone", kNow).ok());
  KafkaTable loaded;
  EXPECT_EQ(Reload(&table, &loaded), 2U) << "one row each";
  const auto expect_alike = [](const KafkaPosition& a, const KafkaPosition& b) {
    EXPECT_EQ(a.topic, b.topic);
    EXPECT_EQ(a.partition, b.partition);
    EXPECT_EQ(a.tenant, b.tenant);
    EXPECT_EQ(a.next_offset, b.next_offset);
    EXPECT_EQ(a.last, b.last);
    EXPECT_EQ(a.problem, b.problem);
    EXPECT_EQ(a.records, b.records);
    EXPECT_EQ(a.events, b.events);
    EXPECT_EQ(a.duplicates, b.duplicates);
    EXPECT_EQ(a.tombstones, b.tombstones);
    EXPECT_EQ(a.holes, b.holes);
  };
  const auto before = table.List();
  const auto after = loaded.List();
  ASSERT_EQ(before.size(), after.size());
  for (std::size_t i = 0; i < before.size(); ++i) expect_alike(before[i], after[i]);
  EXPECT_EQ(Reload(&table, &loaded), 0U);
  ASSERT_TRUE(
      Send(&table, Source((1U << 30U) + 40, (1U << 30U) + 41, "agent.events", 4'000'000'000)).ok());
  EXPECT_EQ(Reload(&table, &loaded), 1U);
}

TEST(KafkaTableTest, ARowThatCannotBeReadIsCorruption) {
  KafkaTable table;
  const auto refuses = [&](std::string_view key, std::string_view value) {
    const Status status = table.LoadRow(key, value);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code(), ErrorCode::kCorruption);
  };
  refuses("\x01t", "");
  refuses(std::string("\x01t\0\0\0\0", 6), "\x09");
  EXPECT_EQ(table.size(), 0U);
}

TEST(KafkaTableTest, TooManyPartitionsAreRefusedAndKnownOnesGoOn) {
  KafkaTable table(2);
  ASSERT_TRUE(Send(&table, Source(0, 1, "a")).ok());
  ASSERT_TRUE(Send(&table, Source(0, 1, "b")).ok());
  ExpectRefused(Send(&table, Source(0, 1, "c")), ErrorCode::kResourceExhausted,
                "2 partitions are known already");
  ExpectRefused(table.Stop("c", 0, "x", kNow), ErrorCode::kResourceExhausted, "kafka c/0");
  EXPECT_TRUE(Send(&table, Source(1, 2, "a")).ok());
}

TEST(KafkaCrcTest, TellsKeyFromValueAndATombstoneFromAnEmptyValue) {
  const std::uint32_t crc = KafkaCrc("key", "value");
  EXPECT_EQ(crc, KafkaCrc("key", "value"));
  EXPECT_NE(crc, KafkaCrc("keyv", "alue"));
  EXPECT_NE(crc, KafkaCrc("key", "valuf"));
  EXPECT_NE(KafkaCrc("", ""), KafkaCrc("", std::nullopt));
  EXPECT_EQ(KafkaCrc("key", "value"), 276'175'363U) << "stored in positions: never changes";
}

}  // namespace
}  // namespace barograph::ingest
