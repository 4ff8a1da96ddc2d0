// Log time, stops and the seconds that are evaluated. Method: partition_fixture.h.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "server/partition/limits.h"
#include "server/partition/partition_fixture.h"

namespace barograph::server {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using PartitionTimeTest = PartitionTest;

TEST_F(PartitionTimeTest, ARestartLogsTheStop) {
  Open();
  EXPECT_THAT(ServerEventsOf<storage::Resumed>(), IsEmpty()) << "an empty log has not stopped";
  ASSERT_TRUE(Send({.first = 1}).ok());
  partition_.reset();
  clock_.Advance(8h);
  Open();
  const auto resumed = ServerEventsOf<storage::Resumed>();
  ASSERT_THAT(resumed, SizeIs(1));
  EXPECT_EQ(resumed[0].stopped_at, kStart);
  EXPECT_EQ(resumed[0].resumed_at, kStart + 8h);
}

TEST_F(PartitionTimeTest, ASuspendIsLoggedAsAStopAndItsSecondsAreNotEvaluated) {
  Open();
  ASSERT_TRUE(Send({.first = 1}).ok());
  clock_.Advance(8h);
  ASSERT_TRUE(Eventually([&] { return partition_->figures().durable.value == 2; }));
  EXPECT_LT(partition_->figures().evaluations, 100U);
  EXPECT_THAT(ServerEventsOf<storage::Resumed>(), SizeIs(1));
}

TEST_F(PartitionTimeTest, EveryWholeSecondOfLogTimeIsEvaluatedOnce) {
  Open();
  ASSERT_TRUE(ApplyRules(NoFailureAllowed()).ok());
  const std::uint64_t before = partition_->figures().evaluations;
  for (int i = 0; i < 20; ++i) {
    clock_.Advance(500ms);
    ASSERT_TRUE(AwaitRead([](const auto&) { return false; }).ok());
  }
  EXPECT_TRUE(Eventually([&] { return partition_->figures().evaluations == before + 10; }));
  std::this_thread::sleep_for(3 * kIdleWakeMax);
  EXPECT_EQ(partition_->figures().evaluations, before + 10);
}

TEST_F(PartitionTimeTest, LogTimeNeverGoesBackWhenTheWallClockIsSet) {
  Open();
  for (const Duration step : {Duration(24h), Duration(-48h), Duration(24h)}) {
    const Time before = partition_->LogTimeNow();
    clock_.StepWall(step);
    EXPECT_EQ(partition_->LogTimeNow(), before);
    EXPECT_GT(std::chrono::abs(partition_->figures().wall_difference), Duration(0) - 1ns);
  }
  ASSERT_TRUE(Send({.first = 1}).ok());
  clock_.StepWall(-24h);
  clock_.Advance(1s);
  ASSERT_TRUE(Send({.first = 2}).ok());
  EXPECT_THAT(ServerEventsOf<storage::Resumed>(), IsEmpty());
}

TEST_F(PartitionTimeTest, AWallClockFarFromLogTimeRaisesOneAlertThatEndsWhenTheyAgreeAgain) {
  Open();
  ASSERT_TRUE(ApplyRules(NoFailureAllowed()).ok());
  const auto run = [this](int seconds) {
    for (int i = 0; i < seconds; ++i) {
      clock_.Advance(1s);
      ASSERT_TRUE(AwaitRead([](const auto&) { return false; }).ok());
    }
  };
  const auto steps = [this] {
    std::vector<std::string> told;
    for (const auto& step : ServerEventsOf<storage::AlertTransition>()) {
      if (step.from == step.to) continue;
      told.push_back(step.rule + " " + std::string(Name(step.to)) + ": " + step.summary);
    }
    return told;
  };
  clock_.StepWall(5s);
  run(3);
  EXPECT_THAT(steps(), IsEmpty()) << "five seconds are within bounds";
  clock_.StepWall(-24h);
  run(30);
  EXPECT_THAT(steps(), ElementsAre(HasSubstr("server.clock firing: the wall clock is 23h59m55")));
  ASSERT_TRUE(Send({.first = 1}).ok());  // log time goes on from the last record
  Open();
  run(5);
  EXPECT_THAT(steps(), SizeIs(1)) << "a restart does not raise it again";
  clock_.StepWall(24h - 5s);
  run(75);
  EXPECT_THAT(steps(), ElementsAre(HasSubstr("firing"), HasSubstr("server.clock resolved")));
  const DigestAnswer live = StateDigest();
  EXPECT_THAT(ServerEventsOf<storage::NoticeDecided>(), SizeIs(2))
      << "the same route as all others";
  EXPECT_TRUE(live.ok());
}

}  // namespace
}  // namespace barograph::server
