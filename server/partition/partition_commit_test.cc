// What is answered, seen and refused around the sync of a group. Method: partition_fixture.h.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "server/partition/limits.h"
#include "server/partition/partition_fixture.h"

namespace barograph::server {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using PartitionCommitTest = PartitionTest;

TEST_F(PartitionCommitTest, NothingOutsideSeesABatchBeforeItsSync) {
  Open();
  gate_->Hold();
  Answers answers;
  Submit({.count = 5}, answers.Add(1));
  gate_->AwaitHeld();
  std::promise<Result<Sequence>> read;
  auto read_done = read.get_future();
  std::uint64_t seen = 0;
  partition_->Read(
      [&](const Partition::ReadView& view) {
        seen = view.sequence.value;
        return false;
      },
      [&](Result<Sequence> done) { read.set_value(done); });
  std::promise<void> woken;
  auto wake = woken.get_future();
  partition_->WhenDurable({0}, [&] { woken.set_value(); });
  EXPECT_EQ(read_done.wait_for(kWhile), std::future_status::timeout);
  EXPECT_EQ(wake.wait_for(0ms), std::future_status::timeout);
  EXPECT_THAT(answers.order(), IsEmpty());
  EXPECT_EQ(partition_->figures().durable.value, 0U);
  EXPECT_EQ(partition_->log().durable_end().sequence.value, 0U);
  gate_->Release();
  ASSERT_TRUE(answers.Await(1));
  EXPECT_EQ(answers.at(0)->acked_sequence, 5U);
  EXPECT_EQ(answers.at(0)->accepted, 5U);
  ASSERT_EQ(read_done.wait_for(kSoon), std::future_status::ready);
  EXPECT_EQ(read_done.get()->value, 5U);
  EXPECT_EQ(seen, 5U);
  EXPECT_EQ(wake.wait_for(kSoon), std::future_status::ready);
  EXPECT_EQ(partition_->figures().durable.value, 5U);
}

TEST_F(PartitionCommitTest, BatchesThatComeDuringASyncShareTheNextOneAndAreAnsweredInOrder) {
  Open();
  gate_->Hold();
  Answers answers;
  std::vector<int> expected;
  for (int i = 0; i < 30; ++i) {
    const std::uint64_t first = static_cast<std::uint64_t>(i) * 2 + 1;
    Submit({.first = first, .count = 2}, answers.Add(i));
    if (i == 0) gate_->AwaitHeld();
    if (i % 10 == 9) Submit({.first = first, .count = 2}, answers.Add(100 + i));  // a repetition
    expected.push_back(i);
    if (i % 10 == 9) expected.push_back(100 + i);
  }
  ASSERT_TRUE(Eventually([&] { return partition_->figures().queue_batches == 0; }));
  const std::uint64_t before = gate_->syncs();
  gate_->Release();
  ASSERT_TRUE(answers.Await(33));
  EXPECT_EQ(answers.order(), expected);
  EXPECT_LE(gate_->syncs() - before, 2U);
  EXPECT_EQ(partition_->figures().durable.value, 60U);
  EXPECT_EQ(partition_->figures().duplicates, 6U);
}

TEST_F(PartitionCommitTest, AFullQueueTakesNothingAndSaysWhenThereIsRoom) {
  options_.queue_batches_max = 4;
  options_.group_events_max = 1;
  Open();
  gate_->Hold();
  Answers answers;
  std::uint64_t taken = 0;
  ingest::Batch refused;
  while (true) {
    refused = MakeBatch({.first = taken + 1});
    if (!partition_->TrySubmit(refused, answers.Add(static_cast<int>(taken)))) break;
    ++taken;
    if (taken == 1) gate_->AwaitHeld();
    ASSERT_LT(taken, 100U);
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_EQ(refused.accepted, 1U);
  EXPECT_FALSE(refused.payload.empty()) << "a refused batch is left untouched";
  EXPECT_GE(taken, 5U);
  std::promise<void> room;
  auto woken = room.get_future();
  partition_->WhenRoom([&] { room.set_value(); });
  EXPECT_EQ(woken.wait_for(kWhile), std::future_status::timeout);
  gate_->Release();
  ASSERT_EQ(woken.wait_for(kSoon), std::future_status::ready);
  ASSERT_TRUE(partition_->TrySubmit(refused, answers.Add(static_cast<int>(taken))));
  ASSERT_TRUE(answers.Await(taken + 1));
  EXPECT_EQ(partition_->figures().durable.value, taken + 1);
}

TEST_F(PartitionCommitTest, AFailedSyncStopsEverythingAndNothingIsAnsweredAnyMore) {
  Open();
  ASSERT_TRUE(Send({.first = 1}).ok());
  gate_->FailNextSync();
  Answers answers;
  Submit({.first = 2}, answers.Add(1));
  ASSERT_TRUE(Eventually([&] { return failures_ == 1; }));
  EXPECT_TRUE(partition_->figures().failed);
  ingest::Batch batch = MakeBatch({.first = 3});
  EXPECT_FALSE(partition_->TrySubmit(batch, answers.Add(2)));
  std::this_thread::sleep_for(kWhile);
  EXPECT_THAT(answers.order(), IsEmpty());
  EXPECT_EQ(partition_->figures().durable.value, 1U);
  EXPECT_EQ(failures_, 1);
  Open();
  EXPECT_LE(Send({.first = 2})->acked_sequence, 2U);
}

TEST_F(PartitionCommitTest, DrainAnswersWhatWasTakenAndRefusesTheRest) {
  Open();
  Answers answers;
  for (int i = 0; i < 10; ++i) Submit({.first = static_cast<std::uint64_t>(i) + 1}, answers.Add(i));
  const Status drained = partition_->Drain(std::chrono::seconds(20));
  ASSERT_TRUE(drained.ok()) << drained.error().ToString();
  ASSERT_TRUE(answers.Await(10));
  EXPECT_EQ(answers.at(9)->acked_sequence, 10U);
  EXPECT_EQ(Send({.first = 11}).error().code(), ErrorCode::kUnavailable);
  Open();
  EXPECT_EQ(partition_->figures().tail_events_replayed, 0U);
  EXPECT_EQ(Send({.first = 11})->acked_sequence, 11U);
}

TEST_F(PartitionCommitTest, ADrainThatCannotFinishSaysSo) {
  Open();
  gate_->Hold();
  Answers answers;
  Submit({.first = 1}, answers.Add(1));
  EXPECT_EQ(partition_->Drain(kWhile).error().code(), ErrorCode::kDeadlineExceeded);
  gate_->Release();
  EXPECT_TRUE(answers.Await(1));
}

TEST_F(PartitionCommitTest, StoppingAnswersEverythingThatWaits) {
  Open();
  Answers answers;
  for (int i = 0; i < 50; ++i) Submit({.first = static_cast<std::uint64_t>(i) + 1}, answers.Add(i));
  std::promise<void> woken;
  auto wake = woken.get_future();
  partition_->WhenDurable({1'000'000}, [&] { woken.set_value(); });
  partition_.reset();
  EXPECT_THAT(answers.order(), SizeIs(50));
  EXPECT_EQ(wake.wait_for(0ms), std::future_status::ready);
}

TEST_F(PartitionCommitTest, AReadBeginsBetweenSlicesOfAnEvaluationBeforeBatchesThatWait) {
  constexpr std::uint32_t kAgents = 1'000;
  rules::RuleSet rules = NoFailureAllowed();
  rules.slos.front().common.by = {"agent"};
  Open();
  ASSERT_TRUE(ApplyRules(rules).ok());
  std::promise<void> go = HoldWriter();
  Answers answers;
  Submit({.first = 1, .count = kAgents, .agents = kAgents}, answers.Add(1));
  Submit({.first = 1 + kAgents, .count = 1}, answers.Add(2));
  Sequence seen;
  std::promise<void> read;
  partition_->Read(
      [&](const Partition::ReadView& view) {
        seen = view.sequence;
        return false;
      },
      [&](const Result<Sequence>&) { read.set_value(); });
  go.set_value();
  ASSERT_EQ(read.get_future().wait_for(kSoon), std::future_status::ready);
  ASSERT_TRUE(answers.Await(2));
  EXPECT_LT(seen, answers.at(1)->receipt.sequence);
}

TEST_F(PartitionCommitTest, AReadBeginsBetweenSlicesOfAWholeSecondBeforeBatchesThatWait) {
  constexpr std::uint32_t kAgents = 20 * kInstancesAtOnce;  // a second looks at the tenth part
  rules::RuleSet rules = NoFailureAllowed();
  rules.slos.front().common.by = {"agent"};
  Open();
  ASSERT_TRUE(ApplyRules(rules).ok());
  const auto before = Send({.first = 1, .count = kAgents, .agents = kAgents});
  ASSERT_TRUE(before.ok());
  std::promise<void> go = HoldWriter();
  Answers answers;
  Submit({.first = 1 + kAgents}, answers.Add(1));
  std::promise<Result<Sequence>> read;
  auto read_done = read.get_future();
  partition_->Read([](const Partition::ReadView&) { return false; },
                   [&](Result<Sequence> seen) { read.set_value(seen); });
  clock_.Advance(1s);
  go.set_value();
  ASSERT_EQ(read_done.wait_for(kSoon), std::future_status::ready);
  ASSERT_TRUE(answers.Await(1));
  EXPECT_LT(read_done.get().value(), answers.at(0)->receipt.sequence);
}

TEST_F(PartitionCommitTest, AReadGoesOnInSlicesAndSeesWhatWasFoldedMeanwhile) {
  Open();
  ASSERT_TRUE(Send({.first = 1, .count = 3}).ok());
  std::vector<std::uint64_t> seen;
  const auto done = AwaitRead([&](const Partition::ReadView& view) {
    seen.push_back(view.sequence.value);
    return seen.size() < 4;
  });
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(done->value, 3U);
  EXPECT_THAT(seen, ElementsAre(3, 3, 3, 3));
}

}  // namespace
}  // namespace barograph::server
