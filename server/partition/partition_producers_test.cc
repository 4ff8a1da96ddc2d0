// Who sent what: receipts, repetitions, ids without a producer. Method: partition_fixture.h.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/partition/limits.h"
#include "server/partition/partition_fixture.h"

namespace barograph::server {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using PartitionProducersTest = PartitionTest;

TEST_F(PartitionProducersTest, ReceiptsNameThePlaceInTheChain) {
  Open();
  const auto first = Send({.first = 1, .count = 3});
  const auto second = Send({.first = 4, .count = 2});
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(second->receipt.sequence.value, 5U);
  EXPECT_EQ(partition_->log().LinkAt({5}).value(), second->receipt.link);
  const auto look_up = [&](ingest::Receipt receipt) {
    return AwaitAnswer<Result<ingest::ProducerStanding>>(
        [&](auto answer) { partition_->LookUpProducer("default", "p", receipt, answer); });
  };
  const auto standing = look_up(first->receipt);
  ASSERT_TRUE(standing.ok());
  EXPECT_EQ(standing->acked_sequence, 5U);
  EXPECT_TRUE(standing->known);
  EXPECT_EQ(look_up({{5}, {}}).error().code(), ErrorCode::kDataLoss);
  EXPECT_EQ(look_up({{900}, first->receipt.link}).error().code(), ErrorCode::kDataLoss);
}

TEST_F(PartitionProducersTest, RepetitionsAndConflictsAreKnownAfterARestart) {
  Open();
  ASSERT_TRUE(Send({.first = 1, .count = 4, .epoch = 2}).ok());
  Open();
  const auto again = Send({.first = 1, .count = 4, .epoch = 2});
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->accepted, 0U);
  EXPECT_EQ(again->acked_sequence, 4U);
  EXPECT_THAT(again->verdicts, SizeIs(4));
  EXPECT_EQ(Send({.first = 1, .count = 4, .salt = "x", .epoch = 2}).error().code(),
            ErrorCode::kAlreadyExists);
  EXPECT_EQ(Send({.first = 9, .epoch = 2}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(Send({.first = 5, .epoch = 1}).error().code(), ErrorCode::kFailedPrecondition);
  const auto overlap = Send({.first = 3, .count = 4, .epoch = 2});
  ASSERT_TRUE(overlap.ok());
  EXPECT_EQ(overlap->accepted, 2U);
  EXPECT_EQ(overlap->acked_sequence, 6U);
}

TEST_F(PartitionProducersTest, EventsWithoutAProducerAreCheckedByTheirIdsAlsoAfterARestart) {
  Open();
  EXPECT_EQ(Send({.producer = "", .first = 1, .count = 3})->accepted, 3U);
  const auto overlap = Send({.producer = "", .first = 2, .count = 4});
  EXPECT_EQ(overlap->accepted, 2U);
  ASSERT_THAT(overlap->verdicts, SizeIs(2));
  EXPECT_EQ(overlap->verdicts[1].index, 1U);
  Open();
  EXPECT_EQ(Send({.producer = "", .first = 1, .count = 6})->accepted, 1U);
  partition_.reset();
  clock_.Advance(26h);
  Open();
  EXPECT_EQ(Send({.producer = "", .first = 1, .count = 6})->accepted, 6U);
}

TEST_F(PartitionProducersTest, AnswersSaySinceWhenIdsAreKnownOnceSomeWereForgottenEarly) {
  options_.dedup_ids_max = 3;
  Open();
  EXPECT_EQ(Send({.producer = "", .first = 1, .count = 3})->ids_known_since, std::nullopt);
  const Time next_hour = std::chrono::floor<std::chrono::hours>(kStart) + 1h;
  EXPECT_EQ(Send({.producer = "", .first = 4})->ids_known_since, next_hour);
  EXPECT_EQ(Send({.producer = "", .first = 4})->ids_known_since, next_hour) << "a repetition too";
  EXPECT_EQ(Send({.first = 1})->ids_known_since, std::nullopt) << "producers are known for ever";
}

TEST_F(PartitionProducersTest, AnIdleProducerLeavesByAnEventAndIsUnknownAfterwards) {
  Open();
  ASSERT_TRUE(Send({.first = 1, .count = 9}).ok());
  clock_.Advance(kProducerIdleMax + 1h);
  ASSERT_TRUE(Eventually([&] { return !ServerEventsOf<storage::ProducerExpired>().empty(); }));
  const auto expired = ServerEventsOf<storage::ProducerExpired>();
  ASSERT_THAT(expired, SizeIs(1));
  EXPECT_EQ(expired[0].producer_id, "p");
  EXPECT_EQ(expired[0].acked_sequence, 9U);
  EXPECT_THAT(Send({.first = 10}).error().message(), HasSubstr("unknown here"));
  Open();
  EXPECT_THAT(Send({.first = 10}).error().message(), HasSubstr("unknown here"));
}

TEST_F(PartitionProducersTest, RefusesWhatADoorShouldHaveRefused) {
  Open();
  ingest::Batch batch = MakeBatch({.producer = ""});
  batch.first_sequence = 5;
  const auto answer = AwaitAnswer<Result<ingest::BatchAnswer>>(
      [&](auto done) { ASSERT_TRUE(partition_->TrySubmit(batch, done)); });
  EXPECT_EQ(answer.error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace barograph::server
