#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "rules/alert/notice_book.h"
#include "rules/engine/rule_harness.h"

// Method: rules with an objective of 100 % fire with each first bad event, so that what is told
// when depends on the route alone.

namespace barograph::rules {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

RuleSet AnyFailure() { return TaskRules(1'000'000'000, {"agent"}); }

TEST(NoticeTest, GroupSpeaksAtOnceAndThenOncePerInterval) {
  RuleSet rules = AnyFailure();
  rules.route.group_by = {"rule"};
  RuleHarness harness(rules);
  harness.At(seconds(10), TaskEvent(false, "a"));
  harness.At(seconds(20), TaskEvent(false, "b"));
  harness.At(seconds(30), TaskEvent(false, "c"));
  harness.RunUntil(minutes(2));
  EXPECT_THAT(harness.TakeNotices(), ElementsAre("10s first notification: [firing a warning 10s]",
                                                 "1m10s new alerts added: [firing b warning 20s] "
                                                 "[firing c warning 30s] [firing a warning 10s]"));
}

TEST(NoticeTest, AnnotationsReadAsTheyDidAtTheStepThatIsTold) {
  RuleSet rules = AnyFailure();
  rules.route.repeat_interval = minutes(2);
  rules.slos[0].common.annotations = {
      {"summary", "{{rule}} {{labels.agent}}: {{value}} bad, {{threshold}} allowed"}};
  RuleHarness harness(rules);
  harness.At(seconds(10), TaskEvent(false, "\"a\"", 3));
  harness.At(seconds(20), TaskEvent(false, "\"a\""));
  harness.RunUntil(minutes(3));
  // The fourth failure came after the step, and a repetition says what was said.
  EXPECT_THAT(
      harness.TakeNotices(),
      ElementsAre(
          "10s first notification: [firing \"a\" warning 10s: task-success \"a\": 3 bad, 0 "
          "allowed]",
          "2m10s repeat interval elapsed: [firing \"a\" warning 10s: task-success \"a\": 3 bad, 0 "
          "allowed]"));
  harness.BeginCheckpoint(3);
  harness.RunUntil(minutes(4));
  harness.Restart();
  harness.RunUntil(minutes(5));
  EXPECT_THAT(harness.TakeNotices(), ElementsAre(::testing::HasSubstr("3 bad, 0 allowed")));
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(NoticeTest, GroupWaitGathersAlerts) {
  RuleSet rules = AnyFailure();
  rules.route.group_by = {"rule"};
  rules.route.group_wait = seconds(15);
  RuleHarness harness(rules);
  harness.At(seconds(10), TaskEvent(false, "a"));
  harness.At(seconds(20), TaskEvent(false, "b"));
  harness.RunUntil(minutes(1));
  EXPECT_THAT(harness.TakeNotices(),
              ElementsAre("25s first notification: [firing a warning 10s] [firing b warning 20s]"));
}

TEST(NoticeTest, EpisodeThatNobodySawArrivesOnceAsResolvedWithBothTimes) {
  RuleSet rules = AnyFailure();
  rules.route.group_by = {"rule"};
  rules.route.group_interval = hours(1);
  RuleHarness harness(rules);
  harness.At(seconds(10), TaskEvent(false, "a"));
  harness.At(seconds(20), TaskEvent(false, "b"));
  harness.RunUntil(minutes(59));
  EXPECT_THAT(harness.TakeNotices(), ElementsAre("10s first notification: [firing a warning 10s]"));
  harness.RunUntil(hours(1) + minutes(1));
  const std::vector<std::string> notices = harness.TakeNotices();
  ASSERT_THAT(notices, SizeIs(1));
  EXPECT_THAT(notices[0], StartsWith("1h10s all alerts resolved: [resolved a warning 10s to 6m"));
  EXPECT_THAT(notices[0], ::testing::HasSubstr("[resolved b warning 20s to 6m"));
  EXPECT_EQ(harness.notices().back().state, storage::AlertState::kResolved);
}

TEST(NoticeTest, FiringGroupIsToldAgainUnderANewIdAfterTheRepeatInterval) {
  RuleSet rules = AnyFailure();
  rules.route.repeat_interval = minutes(30);
  RuleHarness harness(rules);
  harness.Tasks({.from = seconds(10), .to = minutes(75), .every = minutes(1), .ok = false});
  harness.RunUntil(minutes(70));
  EXPECT_THAT(harness.TakeNotices(),
              ElementsAre("10s first notification: [firing a warning 10s]",
                          "30m10s repeat interval elapsed: [firing a warning 10s]",
                          "1h10s repeat interval elapsed: [firing a warning 10s]"));
  std::set<std::string> ids;
  for (const storage::NoticeDecided& notice : harness.notices()) ids.insert(notice.id);
  EXPECT_THAT(ids, SizeIs(3));
}

TEST(NoticeTest, ReceiverThatWantsNoResolvedHearsOnlyOfFiring) {
  RuleSet rules = AnyFailure();
  rules.receivers[0].send_resolved = false;
  RuleHarness harness(rules);
  harness.At(seconds(10), TaskEvent(false, "a"));
  harness.At(minutes(30), TaskEvent(false, "a"));
  harness.RunUntil(hours(1));
  EXPECT_THAT(harness.TakeNotices(), ElementsAre("10s first notification: [firing a warning 10s]",
                                                 "30m first notification: [firing a warning 30m]"));
}

TEST(NoticeTest, WithoutAReceiverAlertsLiveButNobodyIsTold) {
  RuleSet rules = AnyFailure();
  rules.route.receiver.clear();
  rules.receivers.clear();
  RuleHarness harness(rules);
  harness.At(seconds(10), TaskEvent(false, "a"));
  harness.RunUntil(hours(1));
  EXPECT_THAT(harness.TakeTransitions(), SizeIs(2));
  EXPECT_THAT(harness.TakeNotices(), IsEmpty());
}

TEST(NoticeTest, AnotherGroupingDoesNotTellAgainWhatWasTold) {
  RuleSet rules = AnyFailure();
  RuleHarness harness(rules);
  harness.At(seconds(10), TaskEvent(false, "a"));
  harness.RunUntil(minutes(1));
  rules.route.group_by = {"rule"};
  harness.BeginCheckpoint(1);
  harness.Apply(rules);
  harness.RunUntil(minutes(10));
  const std::vector<std::string> notices = harness.TakeNotices();
  ASSERT_THAT(notices, SizeIs(2));
  EXPECT_THAT(notices[1], StartsWith("6m"));
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(NoticeTest, AnotherReceiverIsToldWhatFires) {
  RuleSet rules = AnyFailure();
  RuleHarness harness(rules);
  harness.Tasks({.from = seconds(10), .to = minutes(10), .every = minutes(1), .ok = false});
  harness.RunUntil(minutes(1));
  rules.receivers[0].name = rules.route.receiver = "pager";
  harness.Apply(rules);
  harness.RunUntil(minutes(5));
  EXPECT_THAT(harness.TakeNotices(),
              ElementsAre("10s first notification: [firing a warning 10s]",
                          "1m1s first notification: [firing a warning 10s]"));
  EXPECT_EQ(harness.notices().back().receiver, "pager");
}

TEST(NoticeTest, LargeGroupTakesOneNoticeThatNamesSomeAndCountsTheRest) {
  RuleSet rules = AnyFailure();
  rules.route.group_by = {"rule"};
  RuleHarness harness(rules);
  for (int agent = 0; agent < 100; ++agent)
    harness.At(seconds(10), TaskEvent(false, "a" + std::to_string(agent)));
  harness.RunUntil(minutes(5));
  ASSERT_THAT(harness.notices(), SizeIs(1)) << "what is counted is told";
  EXPECT_THAT(harness.notices()[0].episode_ids, SizeIs(kNoticeMembersMax));
  EXPECT_EQ(harness.notices()[0].more, 100 - kNoticeMembersMax);
  EXPECT_THAT(harness.TakeNotices()[0], ::testing::HasSubstr("and 68 more"));
  harness.RunUntil(minutes(10));
  ASSERT_THAT(harness.notices(), SizeIs(::testing::Ge(2U)));
  EXPECT_EQ(harness.notices().back().state, storage::AlertState::kResolved);
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(NoticeTest, TheMostSevereOfWhatStillFiresIsNamedWhenNotAllHasRoom) {
  RuleSet rules = AnyFailure();
  rules.slos.push_back(rules.slos[0]);
  rules.slos[1].common.name = "worst";
  rules.slos[1].common.severity = Severity::kCritical;
  rules.slos[1].common.where = {{"agent", {"z"}}};
  rules.route.group_by = {};
  RuleHarness harness(rules);
  harness.At(seconds(10), TaskEvent(false, "z"));
  for (int agent = 0; agent < 40; ++agent)
    harness.At(seconds(10), TaskEvent(false, "a" + std::to_string(agent)));
  harness.RunUntil(minutes(2));
  harness.At(minutes(2), TaskEvent(false, "new"));
  harness.RunUntil(minutes(2) + seconds(5));
  const std::vector<std::string> notices = harness.TakeNotices();
  ASSERT_FALSE(notices.empty());
  EXPECT_THAT(notices.back(),
              ::testing::HasSubstr("[firing new warning 2m] [firing z critical 10s]"));
}

TEST(NoticeTest, FingerprintIsAlertmanagersFnv1a) {
  // FNV-1a 64 of no bytes is its offset basis; with labels, names and values are each closed by
  // 0xFF.
  EXPECT_EQ(Fingerprint({}), "cbf29ce484222325");
  EXPECT_NE(Fingerprint({{"a", "bc"}}), Fingerprint({{"ab", "c"}}));
}

}  // namespace
}  // namespace barograph::rules
