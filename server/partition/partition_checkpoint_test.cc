// Checkpoints behind the durable end, and starts from them. Method: partition_fixture.h.
#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <thread>

#include "server/partition/partition_fixture.h"

namespace barograph::server {
namespace {

using namespace std::chrono_literals;
using PartitionCheckpointTest = PartitionTest;

TEST_F(PartitionCheckpointTest, CheckpointAndTailGiveTheSameStateAsAFullReplay) {
  options_.checkpoint_interval = 24h;
  Open();
  ASSERT_TRUE(ApplyRules(NoFailureAllowed()).ok());
  for (std::uint64_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(Send({.first = i * 50 + 1, .count = 50, .failed = i == 3}).ok());
    clock_.Advance(700ms);
    if (i == 7 || i == 13) {
      ASSERT_TRUE(AwaitAnswer<Status>([&](auto done) { partition_->Checkpoint(done); }).ok());
    }
  }
  EXPECT_GE(partition_->figures().checkpoints, 2U);
  const DigestAnswer live = StateDigest();
  ASSERT_TRUE(live.ok());
  partition_.reset();
  std::filesystem::copy(directory_, copy_, std::filesystem::copy_options::recursive);

  Open();
  EXPECT_GT(partition_->figures().tail_events_replayed, 0U);
  EXPECT_LT(partition_->figures().tail_events_replayed, 900U);
  const DigestAnswer from_checkpoint = StateDigest();
  ASSERT_TRUE(from_checkpoint.ok());

  PartitionOptions replay = options_;
  replay.directory = copy_;
  replay.replay_from_start = true;
  Result<std::unique_ptr<Partition>> replayed = TryOpen(replay);
  ASSERT_TRUE(replayed.ok()) << replayed.error().ToString();
  partition_ = std::move(replayed).value();
  EXPECT_GE(partition_->figures().tail_events_replayed, 1000U);
  const DigestAnswer from_start = StateDigest();
  ASSERT_TRUE(from_start.ok());
  EXPECT_EQ(from_checkpoint->first, from_start->first);
  EXPECT_EQ(from_checkpoint->second, from_start->second);
  EXPECT_NE(live->second, from_start->second) << "Resumed is part of the state";
}

TEST_F(PartitionCheckpointTest, ACheckpointDoesNotExistBeforeItsEventsAreDurable) {
  Open();
  gate_->Hold();
  Answers answers;
  Submit({.count = 5}, answers.Add(1));
  gate_->AwaitHeld();
  clock_.Advance(options_.checkpoint_interval);
  ASSERT_TRUE(Eventually([&] { return partition_->figures().evaluations >= 3; }));
  std::this_thread::sleep_for(kWhile);
  EXPECT_EQ(partition_->figures().checkpoint.value, 0U);
  gate_->Release();
  ASSERT_TRUE(Eventually([&] { return partition_->figures().checkpoint.value == 5; }));
  EXPECT_EQ(partition_->figures().checkpoints, 1U);
}

TEST_F(PartitionCheckpointTest, ACheckpointThatIsDueDoesNotWaitForAnEmptyQueue) {
  constexpr std::uint64_t kBatches = 400;
  constexpr std::uint32_t kEach = 20;
  options_.queue_batches_max = kBatches;
  Open();
  std::promise<void> go = HoldWriter();
  Answers answers;
  for (std::uint64_t i = 0; i < kBatches; ++i) {
    Submit({.first = 1 + i * kEach, .count = kEach}, answers.Add(static_cast<int>(i)));
  }
  clock_.Advance(options_.checkpoint_interval);
  go.set_value();
  ASSERT_TRUE(answers.Await(kBatches));
  ASSERT_TRUE(Eventually([&] { return partition_->figures().checkpoints > 0; }));
  EXPECT_LT(partition_->figures().checkpoint.value, kBatches * kEach)
      << "it began while batches were waiting";
}

}  // namespace
}  // namespace barograph::server
