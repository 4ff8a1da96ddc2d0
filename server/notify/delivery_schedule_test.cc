#include "server/notify/delivery_schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace barograph::server {
namespace {

using storage::DeliveryOutcome;
using testing::ElementsAre;
using testing::IsEmpty;

// Method: a schedule without clock and network is fed rows and results; only what it wants to send
// and what it says has ended is looked at.
class DeliveryScheduleTest : public testing::Test {
 protected:
  static Time At(Duration since_start) { return Time(std::chrono::hours(1000)) + since_start; }

  std::vector<std::string> Add(std::uint64_t sequence, std::string group,
                               std::vector<std::string> episodes, Duration at = Duration(0),
                               std::string receiver = "ops") {
    storage::OutboxRow row;
    row.tenant = "default";
    row.sequence = Sequence{sequence};
    row.notice.id = "n" + std::to_string(sequence);
    row.notice.receiver = std::move(receiver);
    row.notice.group_key = std::move(group);
    row.notice.episode_ids = std::move(episodes);
    row.notice.at = At(at);
    return Ends(schedule_.Add(std::move(row), At(at)));
  }
  std::vector<std::string> Due(Duration at, std::size_t limit = 100) {
    std::vector<std::string> ids;
    for (const auto& row : schedule_.TakeDue(At(at), limit)) ids.push_back(row.notice.id);
    return ids;
  }
  std::vector<std::string> Finish(std::uint64_t sequence, TryResult::Outcome outcome, Duration at) {
    return Ends(schedule_.Finish(Sequence{sequence}, {.outcome = outcome, .detail = "x"}, At(at)));
  }
  static std::vector<std::string> Ends(const std::vector<DeliverySchedule::Ended>& ended) {
    std::vector<std::string> texts;
    for (const auto& row : ended) {
      texts.push_back(row.delivery.notice_id + " " + std::string(Name(row.delivery.outcome)) + " " +
                      std::to_string(row.delivery.attempts));
    }
    return texts;
  }

  static constexpr auto kDelivered = TryResult::Outcome::kDelivered;
  static constexpr auto kRetry = TryResult::Outcome::kRetry;
  DeliverySchedule schedule_{DeliveryPolicy{.jitter = 0}};
};

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_F(DeliveryScheduleTest, GroupsDoNotWaitForOneAnother) {
  Add(1, "a", {"e1"});
  Add(2, "b", {"e2"});
  EXPECT_THAT(Due(seconds(0)), ElementsAre("n1", "n2"));
}

TEST_F(DeliveryScheduleTest, AResolveNeverOvertakesItsFiring) {
  Add(1, "a", {"e1"});
  EXPECT_THAT(Due(seconds(0)), ElementsAre("n1"));
  Add(2, "a", {"e1"});
  EXPECT_THAT(Due(seconds(5)), IsEmpty());
  EXPECT_THAT(Finish(1, kDelivered, seconds(6)), ElementsAre("n1 delivered 1"));
  EXPECT_THAT(Due(seconds(6)), ElementsAre("n2"));
}

TEST_F(DeliveryScheduleTest, PausesDouble) {
  Add(1, "a", {"e1"});
  Duration now{0};
  for (const int pause : {1, 2, 4, 8}) {
    ASSERT_THAT(Due(now), ElementsAre("n1"));
    EXPECT_THAT(Finish(1, kRetry, now), IsEmpty());
    EXPECT_THAT(Due(now + seconds(pause) - milliseconds(1)), IsEmpty());
    now += seconds(pause);
  }
}

TEST_F(DeliveryScheduleTest, WhatTheReceiverAsksForIsHonoured) {
  Add(1, "a", {"e1"});
  ASSERT_THAT(Due(seconds(0)), ElementsAre("n1"));
  (void)schedule_.Finish(Sequence{1}, {.outcome = kRetry, .retry_after = seconds(120)},
                         At(seconds(0)));
  EXPECT_THAT(Due(seconds(119)), IsEmpty());
  EXPECT_THAT(Due(seconds(120)), ElementsAre("n1"));
}

TEST_F(DeliveryScheduleTest, AFailedNoticeIsSupersededByANewerOneOfItsGroup) {
  Add(1, "a", {"e1"});
  ASSERT_THAT(Due(seconds(0)), ElementsAre("n1"));
  EXPECT_THAT(Finish(1, kRetry, seconds(0)), IsEmpty());
  EXPECT_THAT(Add(2, "a", {"e1", "e2"}), ElementsAre("n1 superseded 1"));
  EXPECT_THAT(Due(milliseconds(900)), IsEmpty()) << "the pause stays";
  EXPECT_THAT(Due(seconds(1)), ElementsAre("n2"));
}

TEST_F(DeliveryScheduleTest, ANoticeThatTellsLessSupersedesNothing) {
  Add(1, "a", {"e1"});
  ASSERT_THAT(Due(seconds(0)), ElementsAre("n1"));
  Finish(1, kRetry, seconds(0));
  EXPECT_THAT(Add(2, "a", {"e2"}), IsEmpty());
  EXPECT_THAT(Due(seconds(1)), ElementsAre("n1"));
  EXPECT_THAT(Finish(1, kDelivered, seconds(1)), ElementsAre("n1 delivered 2"));
  EXPECT_THAT(Due(seconds(1)), ElementsAre("n2"));
}

TEST_F(DeliveryScheduleTest, WhatWaitedLongBehindOthersIsSupersededUntried) {
  // Eight tries that hang take all of the receiver's room.
  for (std::uint64_t i = 1; i <= kTriesOfReceiverMax; ++i) Add(i, "g" + std::to_string(i), {"e"});
  EXPECT_EQ(Due(seconds(0)).size(), kTriesOfReceiverMax);
  Add(20, "late", {"e20"});
  EXPECT_THAT(Add(21, "late", {"e20"}, seconds(9)), IsEmpty()) << "not long yet";
  EXPECT_THAT(Add(22, "late", {"e20"}, seconds(10)), ElementsAre("n20 superseded 0"));
  EXPECT_THAT(Finish(1, kDelivered, seconds(11)), ElementsAre("n1 delivered 1"));
  EXPECT_THAT(Due(seconds(11)), ElementsAre("n21")) << "it waited for 2 s only";
}

TEST_F(DeliveryScheduleTest, GivesUpAfterThreeDays) {
  Add(1, "a", {"e1"});
  ASSERT_THAT(Due(hours(74)), ElementsAre("n1"));
  EXPECT_THAT(Finish(1, kRetry, hours(74)), IsEmpty());
  ASSERT_THAT(Due(hours(76)), ElementsAre("n1"));
  EXPECT_THAT(Finish(1, kRetry, hours(76)), ElementsAre("n1 dead 2"));
}

TEST_F(DeliveryScheduleTest, RefusedIsDeadAndAMissingReceiverDropped) {
  Add(1, "a", {"e1"});
  Add(2, "b", {"e2"});
  Due(seconds(0));
  EXPECT_THAT(Finish(1, TryResult::Outcome::kRefused, seconds(0)), ElementsAre("n1 dead 1"));
  EXPECT_THAT(Finish(2, TryResult::Outcome::kNoReceiver, seconds(0)), ElementsAre("n2 dropped 1"));
  EXPECT_FALSE(schedule_.NextDue().has_value());
  schedule_.Forget(Sequence{1});
  schedule_.Forget(Sequence{2});
  EXPECT_EQ(schedule_.size(), 0U);
}

TEST_F(DeliveryScheduleTest, ARateLimitLetsABurstThroughAndThenOneEachInterval) {
  schedule_.SetLimits({{"ops", {30, std::chrono::minutes(1)}}});  // one each 2 s, 3 at once
  for (std::uint64_t row = 1; row <= 6; ++row) Add(row, "g" + std::to_string(row), {"e"});
  Add(7, "x", {"e"}, Duration(0), "other");
  EXPECT_THAT(Due(seconds(0)), ElementsAre("n1", "n2", "n3", "n7"));
  EXPECT_EQ(schedule_.figures().at("ops").waits_for_rate, 3U);
  EXPECT_EQ(schedule_.NextDue(), At(seconds(2)));
  EXPECT_THAT(Due(milliseconds(1'999)), IsEmpty());
  EXPECT_THAT(Due(seconds(2)), ElementsAre("n4"));
  EXPECT_THAT(Due(seconds(6)), ElementsAre("n5", "n6")) << "nothing is lost";
  EXPECT_EQ(schedule_.figures().at("ops").waits_for_rate, 3U);
}

TEST_F(DeliveryScheduleTest, ATryThatFailedCountsTowardsTheRate) {
  schedule_.SetLimits({{"ops", {1, std::chrono::minutes(1)}}});
  Add(1, "a", {"e1"});
  ASSERT_THAT(Due(seconds(0)), ElementsAre("n1"));
  Finish(1, kRetry, seconds(0));
  EXPECT_THAT(Due(seconds(59)), IsEmpty());
  EXPECT_THAT(Due(seconds(60)), ElementsAre("n1"));
}

TEST_F(DeliveryScheduleTest, ALimitThatStaysAtAReloadForgetsNothing) {
  const DeliverySchedule::Limits limits{{"ops", {1, std::chrono::minutes(1)}}};
  schedule_.SetLimits(limits);
  Add(1, "a", {"e1"});
  Add(2, "b", {"e2"});
  ASSERT_THAT(Due(seconds(0)), ElementsAre("n1"));
  schedule_.SetLimits(limits);
  EXPECT_THAT(Due(seconds(1)), IsEmpty());
  schedule_.SetLimits({});
  EXPECT_THAT(Due(seconds(1)), ElementsAre("n2"));
}

TEST_F(DeliveryScheduleTest, AClockThatIsSetBackStopsALimitedReceiverForOneIntervalAtMost) {
  schedule_.SetLimits({{"ops", {1, std::chrono::minutes(1)}}});
  Add(1, "a", {"e1"});
  ASSERT_THAT(Due(hours(5)), ElementsAre("n1"));
  Add(2, "b", {"e2"});
  EXPECT_THAT(Due(seconds(0)), IsEmpty());
  EXPECT_THAT(Due(seconds(60)), ElementsAre("n2"));
}

TEST_F(DeliveryScheduleTest, AReceiverThatHangsTakesNoRoomFromOthers) {
  for (std::uint64_t row = 1; row <= 20; ++row) Add(row, "g" + std::to_string(row), {"e"});
  EXPECT_EQ(Due(seconds(0)).size(), kTriesOfReceiverMax);
  EXPECT_FALSE(schedule_.NextDue().has_value()) << "nothing to wait for but an answer";
  Add(21, "x", {"e"}, seconds(1), "other");
  EXPECT_THAT(Due(seconds(1)), ElementsAre("n21"));
  Finish(1, kDelivered, seconds(2));
  EXPECT_THAT(Due(seconds(2)), ElementsAre("n9"));
  EXPECT_EQ(schedule_.figures().at("ops").under_way, kTriesOfReceiverMax);
}

}  // namespace
}  // namespace barograph::server
