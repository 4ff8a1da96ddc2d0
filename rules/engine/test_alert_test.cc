#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/engine/rule_harness.h"

namespace barograph::rules {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// "ops firing 10s" of every notice so far.
std::vector<std::string> Told(const RuleHarness& harness) {
  std::vector<std::string> told;
  for (const storage::NoticeDecided& notice : harness.notices()) {
    told.push_back(notice.receiver + " " + std::string(Name(notice.state)) + " " +
                   FormatDuration(notice.at - RuleHarness::kStart));
  }
  return told;
}

class TestAlertTest : public ::testing::Test {
 protected:
  /// The root route waits, and goes to another receiver.
  static RuleSet Rules() {
    RuleSet rules = TaskRules(1'000'000'000);
    rules.route.group_wait = minutes(5);
    rules.route.group_interval = minutes(5);
    ReceiverSpec pager;
    pager.name = "pager";
    pager.target = "http://127.0.0.1:9000/pager";
    rules.receivers.push_back(pager);
    return rules;
  }
  void Fire(const std::string& receiver = "pager") {
    harness_.Do(
        harness_.engine().FireTest("default", receiver, {"ada", "command"}, harness_.Now()));
  }
  void End() {
    harness_.Do(harness_.engine().EndTest("default", "pager", {"ada", "command"}, harness_.Now()));
  }

  RuleHarness harness_{Rules()};
};

TEST_F(TestAlertTest, TellsItsReceiverAtOnceOfBothSteps) {
  harness_.RunUntil(seconds(10));
  Fire();
  harness_.RunUntil(seconds(12));
  End();
  harness_.RunUntil(minutes(20));
  EXPECT_THAT(Told(harness_), ElementsAre("pager firing 10s", "pager resolved 12s"));
  EXPECT_EQ(harness_.notices()[0].episode_ids, harness_.notices()[1].episode_ids);
  EXPECT_EQ(harness_.LiveDigest(), harness_.ReplayedDigest());
}

TEST_F(TestAlertTest, EndsByItselfWhenNobodyEndsIt) {
  harness_.RunUntil(seconds(10));
  Fire();
  harness_.Restart();
  harness_.RunUntil(hours(1) + seconds(9));
  EXPECT_THAT(Told(harness_), SizeIs(1));
  harness_.RunUntil(hours(1) + seconds(30));
  EXPECT_THAT(Told(harness_), ElementsAre("pager firing 10s", "pager resolved 1h10s"));
  EXPECT_EQ(harness_.LiveDigest(), harness_.ReplayedDigest());
}

TEST_F(TestAlertTest, IsAcknowledgedLikeAllOthers) {
  harness_.RunUntil(seconds(10));
  Fire();
  AckWish wish;
  wish.origin = {"ada", "command"};
  wish.matchers = {{.name = "rule", .value = std::string(kTestRule)}};
  wish.author = "ada";
  harness_.RunUntil(seconds(20));
  harness_.Do(harness_.engine().Acknowledge("default", wish, harness_.Now()));
  const std::vector<AlertStatus> alerts = harness_.engine().Alerts("default");
  ASSERT_THAT(alerts, SizeIs(1));
  const auto view = harness_.engine().ViewAlert("default", alerts[0].fingerprint, harness_.Now());
  ASSERT_TRUE(view.has_value());
  ASSERT_TRUE(view->status.acknowledged.has_value());
  EXPECT_EQ(view->status.acknowledged->at - RuleHarness::kStart, seconds(20));
  const WindowStore& windows = *harness_.engine().windows("default");
  EXPECT_FALSE(windows.FindMeasureId({"alerts.fired", ""})) << "it counts in no measure of alerts";
  EXPECT_FALSE(windows.FindMeasureId({"alert.ack.duration", ""}));
}

TEST_F(TestAlertTest, IsHeldBackByASilence) {
  harness_.RunUntil(seconds(10));
  storage::Silenced wish;
  wish.origin = {"ada", "command"};
  wish.matchers = {{.name = "receiver", .value = "pager"}};
  wish.comment = "moving house";
  wish.starts_at = harness_.Now();
  wish.ends_at = harness_.Now() + hours(1);
  harness_.Do(harness_.engine().AddSilence("default", wish, harness_.Now()));
  Fire();
  harness_.RunUntil(seconds(20));
  End();
  harness_.RunUntil(minutes(20));
  EXPECT_THAT(Told(harness_), IsEmpty());
}

TEST_F(TestAlertTest, ManyTestsAreNoFlapping) {
  for (int i = 1; i <= 20; ++i) {
    harness_.RunUntil(seconds(10 * i));
    Fire();
    harness_.RunUntil(seconds(10 * i + 5));
    End();
  }
  EXPECT_THAT(Told(harness_), SizeIs(40));
}

TEST_F(TestAlertTest, WhatCannotBeTestedIsToldApart) {
  harness_.RunUntil(seconds(10));
  const auto fire = [&](std::string_view tenant, std::string_view receiver) {
    return harness_.engine().FireTest(tenant, receiver, {"ada", "command"}, harness_.Now());
  };
  EXPECT_THAT(fire("default", "pagr").error().message(), HasSubstr("there is ops, pager"));
  EXPECT_THAT(fire("acme", "pager").error().message(), HasSubstr("acme"));
  EXPECT_EQ(harness_.engine().EndTest("default", "pager", {}, harness_.Now()).error().code(),
            ErrorCode::kFailedPrecondition);
  Fire();
  EXPECT_THAT(fire("default", "pager").error().message(), HasSubstr("runs since"));
  EXPECT_TRUE(fire("default", "ops").ok()) << "one at a time for each receiver";
}

}  // namespace
}  // namespace barograph::rules
