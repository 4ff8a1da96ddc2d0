// Method: batches are only named by producer, sequence, count and hash; the table never looks at
// events.
#include "ingest/admission/producer_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace barograph::ingest {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Time kNow{std::chrono::hours(24 * 365 * 50)};

struct Sent {
  std::uint64_t first = 1;
  std::uint32_t count = 1;
  std::uint64_t hash = 1;
  std::uint64_t epoch = 0;
  std::vector<std::uint32_t> rejected = {};
  std::string producer = "p";
};

Batch Make(const Sent& sent) {
  Batch batch;
  batch.producer = sent.producer;
  batch.first_sequence = sent.first;
  batch.offered = sent.count;
  batch.epoch = sent.epoch;
  batch.offered_hash = sent.hash;
  for (const std::uint32_t index : sent.rejected) {
    batch.rejected.push_back(
        {index, Verdict::Outcome::kRejected, "events[" + std::to_string(index) + "].agent: bad"});
  }
  batch.accepted = sent.count - static_cast<std::uint32_t>(sent.rejected.size());
  return batch;
}

/// Decides and applies as the writer does.
Result<ProducerTable::Decision> Send(ProducerTable* table, const Sent& sent, Time at = kNow) {
  Batch batch = Make(sent);
  Result<ProducerTable::Decision> decision = table->Decide(batch);
  if (!decision.ok() || decision->decided_before == batch.offered) return decision;
  if (decision->decided_before > 0) {
    batch.first_sequence += decision->decided_before;
    batch.cut_before = decision->decided_before;
    batch.offered -= decision->decided_before;
    batch.offered_hash = 0;
    std::erase_if(batch.rejected,
                  [&](const Verdict& verdict) { return verdict.index < batch.cut_before; });
  }
  table->Apply(batch, at);
  return decision;
}

ErrorCode CodeOf(const Result<ProducerTable::Decision>& decision) {
  return decision.ok() ? ErrorCode::kInternal : decision.error().code();
}

TEST(ProducerTableTest, SequencesAdvanceOverAcceptedAndRejectedEvents) {
  ProducerTable table;
  EXPECT_EQ(Send(&table, {.first = 1, .count = 500})->acked_sequence, 500U);
  EXPECT_EQ(Send(&table, {.first = 501, .count = 2, .rejected = {0, 1}})->acked_sequence, 502U);
  EXPECT_EQ(table.Find("default", "p").acked_sequence, 502U);
  EXPECT_TRUE(table.Find("default", "p").known);
  EXPECT_FALSE(table.Find("default", "q").known);
  EXPECT_FALSE(table.Find("other", "p").known);
}

TEST(ProducerTableTest, DecidingAloneChangesNothing) {
  ProducerTable table;
  ASSERT_TRUE(table.Decide(Make({.first = 1, .count = 5})).ok());
  EXPECT_FALSE(table.Find("default", "p").known);
  EXPECT_EQ(table.size(), 0U);
}

TEST(ProducerTableTest, ARepeatedBatchGetsItsVerdictsAgain) {
  ProducerTable table;
  ASSERT_TRUE(Send(&table, {.first = 1, .count = 3, .hash = 7, .rejected = {1}}).ok());
  const auto again = Send(&table, {.first = 1, .count = 3, .hash = 7, .rejected = {1}});
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->decided_before, 3U);
  EXPECT_EQ(again->acked_sequence, 3U);
  ASSERT_THAT(again->verdicts, SizeIs(3));
  EXPECT_EQ(again->verdicts[0].outcome, Verdict::Outcome::kDuplicate);
  EXPECT_EQ(again->verdicts[1].outcome, Verdict::Outcome::kRejected);
  EXPECT_EQ(again->verdicts[1].reason, "events[1].agent: bad");
  EXPECT_EQ(again->verdicts[2].outcome, Verdict::Outcome::kDuplicate);
}

TEST(ProducerTableTest, OtherBytesUnderTheSameSequencesAreRefused) {
  ProducerTable table;
  ASSERT_TRUE(Send(&table, {.first = 1, .count = 3, .hash = 7}).ok());
  const auto other = Send(&table, {.first = 1, .count = 3, .hash = 8});
  ASSERT_EQ(CodeOf(other), ErrorCode::kAlreadyExists);
  EXPECT_THAT(other.error().message(), HasSubstr("1 to 3"));
}

TEST(ProducerTableTest, AGapIsRefusedAndNamesExpectedAndGiven) {
  ProducerTable table;
  const auto unknown = Send(&table, {.first = 6});
  ASSERT_EQ(CodeOf(unknown), ErrorCode::kInvalidArgument);
  EXPECT_THAT(unknown.error().message(),
              HasSubstr("expected 1, given 6 (this producer is unknown"));
  ASSERT_TRUE(Send(&table, {.first = 1, .count = 5}).ok());
  const auto gap = Send(&table, {.first = 9});
  ASSERT_EQ(CodeOf(gap), ErrorCode::kInvalidArgument);
  EXPECT_THAT(gap.error().message(), HasSubstr("expected 6, given 9"));
}

TEST(ProducerTableTest, AnEpochFencesLowerOnesAndSequencesGoOn) {
  ProducerTable table;
  ASSERT_TRUE(Send(&table, {.first = 1, .count = 5, .epoch = 3}).ok());
  ASSERT_TRUE(Send(&table, {.first = 6, .count = 5, .epoch = 4}).ok());
  const auto fenced = Send(&table, {.first = 11, .epoch = 3});
  ASSERT_EQ(CodeOf(fenced), ErrorCode::kFailedPrecondition);
  EXPECT_THAT(fenced.error().message(), HasSubstr("epoch 4 took over, given 3"));
  EXPECT_EQ(table.Find("default", "p").epoch, 4U);
}

TEST(ProducerTableTest, ABatchThatIsPartlyOldBringsOnlyItsNewPart) {
  ProducerTable table;
  ASSERT_TRUE(Send(&table, {.first = 1, .count = 4, .hash = 7, .rejected = {3}}).ok());
  const auto overlap = Send(&table, {.first = 3, .count = 6, .hash = 9, .rejected = {1, 5}});
  ASSERT_TRUE(overlap.ok());
  EXPECT_EQ(overlap->decided_before, 2U);
  EXPECT_EQ(overlap->acked_sequence, 8U);
  ASSERT_THAT(overlap->verdicts, SizeIs(2));
  EXPECT_EQ(overlap->verdicts[0].outcome, Verdict::Outcome::kDuplicate);
  EXPECT_EQ(overlap->verdicts[1].reason, "events[1].agent: bad");
  const auto again = Send(&table, {.first = 5, .count = 4, .hash = 11});
  ASSERT_TRUE(again.ok()) << "the new part's bytes alone were never hashed";
  EXPECT_EQ(again->verdicts[3].reason, "events[3].agent: bad");
}

TEST(ProducerTableTest, ARepetitionCutInOtherPlacesIsADuplicate) {
  ProducerTable table;
  ASSERT_TRUE(Send(&table, {.first = 1, .count = 4, .hash = 7, .rejected = {2}}).ok());
  ASSERT_TRUE(Send(&table, {.first = 5, .count = 4, .hash = 8}).ok());
  const auto again = Send(&table, {.first = 2, .count = 5, .hash = 9});
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->decided_before, 5U);
  EXPECT_EQ(again->verdicts[1].reason, "events[1].agent: bad");
}

TEST(ProducerTableTest, BatchesBeyondTheKeptOnesAreDuplicatesWithoutComparison) {
  ProducerTable table({.batches_kept = 2});
  for (std::uint64_t i = 0; i < 4; ++i) {
    ASSERT_TRUE(Send(&table, {.first = 1 + i, .hash = 10 + i}).ok());
  }
  EXPECT_EQ(CodeOf(Send(&table, {.first = 3, .hash = 99})), ErrorCode::kAlreadyExists);
  const auto old = Send(&table, {.first = 2, .hash = 99});
  ASSERT_TRUE(old.ok());
  ASSERT_THAT(old->verdicts, SizeIs(1));
  EXPECT_THAT(old->verdicts[0].reason, HasSubstr("decided before"));
}

TEST(ProducerTableTest, AKeptRejectionWithoutRoomForItsReasonSaysSo) {
  ProducerTable table;
  Batch batch = Make({.first = 1, .count = 2, .rejected = {0, 1}});
  batch.rejected[1].reason = "events[1].message: " + std::string(kKeptReasonBytesMax, 'x');
  table.Apply(batch, kNow);
  const auto again = table.Decide(batch);
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->verdicts[0].reason, "events[0].agent: bad");
  EXPECT_THAT(again->verdicts[1].reason, HasSubstr("no longer kept"));
}

TEST(ProducerTableTest, ATenantHasABoundedNumberOfProducers) {
  ProducerTable table({.producers_max = 1});
  ASSERT_TRUE(Send(&table, {.producer = "a"}).ok());
  EXPECT_EQ(CodeOf(Send(&table, {.producer = "b"})), ErrorCode::kResourceExhausted);
  table.Remove("default", "a");
  EXPECT_TRUE(Send(&table, {.producer = "b"}).ok());
}

TEST(ProducerTableTest, IdleProducersAreFoundTheLongestIdleFirst) {
  ProducerTable table;
  ASSERT_TRUE(Send(&table, {.producer = "a"}, kNow).ok());
  ASSERT_TRUE(Send(&table, {.producer = "b"}, kNow + std::chrono::hours(1)).ok());
  ASSERT_TRUE(Send(&table, {.first = 2, .producer = "a"}, kNow + std::chrono::hours(2)).ok());
  EXPECT_THAT(table.FindExpired(kNow + kProducerIdleMax, 10), IsEmpty());
  const auto expired = table.FindExpired(kNow + kProducerIdleMax + std::chrono::hours(3), 10);
  ASSERT_THAT(expired, SizeIs(2));
  EXPECT_EQ(expired[0].producer, "b");
  EXPECT_EQ(expired[1].acked_sequence, 2U);
  EXPECT_THAT(table.FindExpired(kNow + kProducerIdleMax + std::chrono::hours(3), 1), SizeIs(1));
}

TEST(ProducerTableTest, RowsBringTheWholeTableBack) {
  ProducerTable table;
  std::map<std::string, std::string> rows;
  const auto stage = [&] {
    table.StageRows([&](std::string_view key, std::optional<std::string_view> value) {
      if (value.has_value()) {
        rows[std::string(key)] = *value;
      } else {
        rows.erase(std::string(key));
      }
    });
  };
  ASSERT_TRUE(Send(&table, {.first = 1, .count = 3, .hash = 7, .epoch = 2, .rejected = {1}}).ok());
  ASSERT_TRUE(Send(&table, {.producer = "gone"}).ok());
  stage();
  EXPECT_THAT(rows, SizeIs(2));
  table.Remove("default", "gone");
  stage();
  EXPECT_THAT(rows, SizeIs(1));

  ProducerTable loaded;
  for (const auto& [key, value] : rows) ASSERT_TRUE(loaded.LoadRow(key, value).ok());
  loaded.FinishLoad();
  EXPECT_EQ(loaded.Find("default", "p").acked_sequence, 3U);
  EXPECT_EQ(loaded.Find("default", "p").epoch, 2U);
  EXPECT_EQ(CodeOf(Send(&loaded, {.first = 1, .count = 3, .hash = 8, .epoch = 2})),
            ErrorCode::kAlreadyExists);
  const auto again = Send(&loaded, {.first = 1, .count = 3, .hash = 7, .epoch = 2});
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->verdicts[1].reason, "events[1].agent: bad");
  EXPECT_THAT(loaded.FindExpired(kNow + kProducerIdleMax, 10), SizeIs(1));
}

TEST(ProducerTableTest, ABrokenRowIsCorruption) {
  ProducerTable table;
  EXPECT_EQ(table
                .LoadRow("\x07"
                         "default"
                         "p",
                         "nonsense")
                .error()
                .code(),
            ErrorCode::kCorruption);
  EXPECT_EQ(table
                .LoadRow("\x07"
                         "default"
                         "p",
                         "")
                .error()
                .code(),
            ErrorCode::kCorruption);
}

}  // namespace
}  // namespace barograph::ingest
