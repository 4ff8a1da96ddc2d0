#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "rules/engine/rule_harness.h"

// Method: payments and errors below the simulated log, and what receivers are told of them.
namespace barograph::rules {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

RuleSet Revenue(std::uint32_t limit = 20) {
  RuleSet rules = TaskRules(990'000'000, {"agent"});
  NoticeSpec spec;
  spec.common.name = "revenue";
  spec.common.severity = Severity::kInfo;
  spec.common.where = {{"type", {"CHARGE"}}};
  spec.each = "payments";
  spec.text = "Revenue: {{event.amount}} from {{event.customer}}";
  spec.limit = limit;
  rules.notices.push_back(std::move(spec));
  return rules;
}

v1::Event Charge(std::int64_t units, const std::string& customer) {
  v1::Event event;
  event.set_agent("sales");
  event.mutable_payment()->set_type(v1::Payment::CHARGE);
  event.mutable_payment()->set_customer(customer);
  event.mutable_payment()->mutable_amount()->set_currency_code("USD");
  event.mutable_payment()->mutable_amount()->set_units(units);
  return event;
}

v1::Event OldCharge(Duration at, const std::string& customer) {
  v1::Event event = Charge(1, customer);
  event.mutable_time()->set_seconds(
      std::chrono::floor<std::chrono::seconds>((RuleHarness::kStart + at).time_since_epoch())
          .count());
  return event;
}

/// Revenue is told to "till" as well as to "ops", on a route of its own.
RuleSet TwoReceivers(std::uint32_t limit = 20) {
  RuleSet rules = Revenue(limit);
  rules.receivers.push_back(rules.receivers[0]);
  rules.receivers.back().name = "till";
  RouteSpec child = rules.route;
  child.receiver = "till";
  child.match = {{"severity", LabelMatcher::Op::kEqual, "info"}};
  child.proceeds = true;
  RouteSpec other = rules.route;
  other.match = {{"rule", LabelMatcher::Op::kEqual, "revenue"}};
  rules.route.children = {child, other};
  return rules;
}

/// "ops 10s" of every notice so far.
std::vector<std::string> Told(const RuleHarness& harness) {
  std::vector<std::string> told;
  for (const storage::NoticeDecided& notice : harness.notices())
    told.push_back(notice.receiver + " " + FormatDuration(notice.at - RuleHarness::kStart));
  return told;
}

void Silence(RuleHarness* harness, Duration length) {
  storage::Silenced wish;
  wish.matchers = {{"rule", LabelMatcher::Op::kEqual, "revenue"}};
  wish.comment = "fair";
  wish.starts_at = harness->Now();
  wish.ends_at = harness->Now() + length;
  harness->Do(harness->engine().AddSilence("default", wish, harness->Now()));
}

TEST(EventNoticeTest, NobodyHearsOfARuleInTheShadow) {
  RuleSet rules = Revenue();
  rules.notices[0].common.shadow = true;
  RuleHarness harness(rules);
  harness.At(10s, Charge(12, "acme"));
  harness.RunUntil(2min);
  EXPECT_THAT(harness.TakeNotices(), IsEmpty());
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(EventNoticeTest, OnlyEventsThatComeWhileTheRuleIsInForceAreTold) {
  RuleSet rules = Revenue();
  rules.notices[0].common.active_from = RuleHarness::kStart + 1min;
  rules.notices[0].common.active_to = RuleHarness::kStart + 2min;
  RuleHarness harness(rules);
  for (int at = 30; at < 180; at += 30) harness.At(std::chrono::seconds(at), Charge(at, "acme"));
  harness.RunUntil(10min);
  EXPECT_THAT(Told(harness), ElementsAre("ops 1m", "ops 1m30s"));
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(EventNoticeTest, MessageIsDecidedInTheBatchAfterItsEvent) {
  RuleHarness harness(Revenue());
  harness.At(10s + 250ms, Charge(12, "acme"));
  harness.At(20s, Charge(7, "bolt"));
  harness.RunUntil(2h);
  EXPECT_THAT(harness.TakeTransitions(), IsEmpty());
  EXPECT_THAT(harness.TakeNotices(),
              ElementsAre("10.25s event: [firing info 10.25s: Revenue: 12.00 USD from acme]",
                          "20s event: [firing info 20s: Revenue: 7.00 USD from bolt]"));
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(EventNoticeTest, EveryMessageHasAnIdAndAGroupOfItsOwn) {
  RuleHarness harness(Revenue());
  for (int i = 0; i < 5; ++i) harness.At(10s, Charge(1, "acme"));
  harness.RunUntil(1min);
  std::set<std::string> ids, groups;
  for (const storage::NoticeDecided& notice : harness.notices()) {
    ids.insert(notice.id);
    groups.insert(notice.group_key);
    EXPECT_EQ(notice.receiver, "ops");
  }
  EXPECT_THAT(ids, SizeIs(5));
  EXPECT_THAT(groups, SizeIs(5)) << "so that no message supersedes another one";
}

TEST(EventNoticeTest, EachMessageGoesWhereItsRoutesSay) {
  RuleHarness harness(TwoReceivers());
  harness.At(10s, Charge(12, "acme"));
  harness.At(20s, Charge(7, "bolt"));
  harness.RunUntil(1min);
  EXPECT_THAT(Told(harness), ElementsAre("till 10s", "ops 10s", "till 20s", "ops 20s"));
  EXPECT_EQ(harness.notices()[0].group_key,
            "{}/{severity=\"info\"}:{message=\"" + harness.notices()[0].episode_ids[0] + "\"}");
  EXPECT_NE(harness.notices()[0].id, harness.notices()[1].id);
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(EventNoticeTest, WhatASilenceCoversIsNotToldAndWhatItFindsOwedIsToldAfterIt) {
  RuleHarness harness(Revenue(1));
  for (int i = 0; i < 5; ++i) harness.At(10s, Charge(1, "before"));
  harness.RunUntil(30min);
  EXPECT_THAT(harness.TakeNotices(), ElementsAre(HasSubstr("1.00 USD from before")));
  Silence(&harness, 2h);
  for (int i = 0; i < 5; ++i) harness.At(31min, Charge(1, "meanwhile"));
  harness.RunUntil(150min - 1s);
  EXPECT_THAT(harness.TakeNotices(), IsEmpty());
  harness.BeginCheckpoint(2);
  harness.RunUntil(150min);
  EXPECT_THAT(harness.TakeNotices(), ElementsAre(HasSubstr("and 4 more within 1h")));
  harness.At(151min, Charge(1, "after"));
  harness.RunUntil(155min);
  EXPECT_THAT(harness.TakeNotices(), ElementsAre(HasSubstr("1.00 USD from after")));
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(EventNoticeTest, WhatAnAlertInhibitsIsNotTold) {
  RuleSet rules = Revenue();
  rules.slos[0].objective_ppb = 1'000'000'000;
  rules.slos[0].burn.clear();
  rules.inhibitions = {{.source = {{"rule", LabelMatcher::Op::kEqual, "task-success"}},
                        .target = {{"rule", LabelMatcher::Op::kEqual, "revenue"}}}};
  RuleHarness harness(rules);
  harness.At(10s, Charge(1, "acme"));
  harness.At(20s, TaskEvent(false, "a"));
  harness.At(30s, Charge(1, "bolt"));
  harness.At(1h, Charge(1, "core"));
  harness.RunUntil(2h);
  EXPECT_THAT(Told(harness), ElementsAre("ops 10s", "ops 20s", ::testing::_, "ops 1h"));
}

TEST(EventNoticeTest, AMutedRouteTellsWhenItsHoursAreOver) {
  RuleSet rules = Revenue(100);
  rules.mute_times = {{.name = "night", .from_minute = 0, .to_minute = 60}};
  rules.route.children = {rules.route};
  rules.route.children[0].match = {{"rule", LabelMatcher::Op::kEqual, "revenue"}};
  rules.route.children[0].mute_times = {"night"};
  RuleHarness harness(rules);
  for (int i = 0; i < 70; ++i) harness.At(10min + i * 10ms, Charge(i, "acme"));
  harness.RunUntil(20min);
  harness.BeginCheckpoint(1);
  harness.RunUntil(1h - 1s);
  EXPECT_THAT(harness.notices(), IsEmpty());
  harness.Restart();
  harness.RunUntil(2h);
  EXPECT_THAT(Told(harness), ::testing::AllOf(SizeIs(70), ::testing::Each("ops 1h")));
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(EventNoticeTest, BeyondTheLimitOneSummaryEndsTheWindow) {
  RuleHarness harness(Revenue(3));
  for (int i = 0; i < 38; ++i) harness.At(5s + i * 1s, Charge(1, "acme"));
  harness.RunUntil(3h);
  const std::vector<std::string> told = harness.TakeNotices();
  ASSERT_THAT(told, SizeIs(4));
  EXPECT_THAT(told[3], HasSubstr("1h5s event: [firing info 5s: and 35 more within 1h"));
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(EventNoticeTest, ImportOfOldEventsBringsOneDigest) {
  RuleHarness harness(Revenue(3));
  for (int i = 0; i < 60; ++i)
    harness.At(1min + i * 100ms, OldCharge(-48h + i * 1min, "old-" + std::to_string(i)));
  harness.At(2min, Charge(9, "new"));
  harness.RunUntil(3min);
  EXPECT_THAT(harness.TakeNotices(), ElementsAre(HasSubstr("9.00 USD from new")));
  harness.Append(storage::ImportEnded{{}, "import", 60});
  harness.RunUntil(1h);
  const std::vector<std::string> told = harness.TakeNotices();
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_THAT(told[0], HasSubstr("3m1s events found late: 32 of 60: [resolved info -2d to -2d: "
                                 "Revenue: 1.00 USD from old-0]"));
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(EventNoticeTest, RestartBetweenEventAndDecisionTellsItOnceUnderTheSameId) {
  const auto run = [](bool restart) {
    RuleHarness harness(Revenue(3));
    for (int i = 0; i < 10; ++i) harness.At(10s, Charge(i, "c" + std::to_string(i)));
    if (restart) {
      harness.BeginCheckpoint(2);
      // Folded, and the process dies before anything of it is decided.
      harness.RunUntilFolded(10s);
      harness.Restart();
    }
    harness.RunUntil(30min);
    if (restart) {
      harness.BeginCheckpoint(3);
      harness.At(31min, Charge(1, "late"));
      harness.RunUntil(40min);
      harness.Restart();
    } else {
      harness.At(31min, Charge(1, "late"));
    }
    harness.RunUntil(2h);
    EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
    std::vector<std::string> ids;
    for (const storage::NoticeDecided& notice : harness.notices()) ids.push_back(notice.id);
    return ids;
  };
  const std::vector<std::string> undisturbed = run(false);
  EXPECT_THAT(undisturbed, SizeIs(4));
  EXPECT_EQ(run(true), undisturbed);
}

TEST(EventNoticeTest, WithoutAReceiverNothingWaits) {
  RuleSet rules = Revenue();
  rules.receivers.clear();
  rules.route.receiver.clear();
  RuleHarness harness(rules);
  for (int i = 0; i < 100; ++i) harness.At(10s, Charge(1, "acme"));
  harness.RunUntil(1min);
  harness.Apply(Revenue());
  harness.RunUntil(2min);
  EXPECT_THAT(harness.TakeNotices(), IsEmpty());
  for (int i = 0; i < 3; ++i) harness.At(3min, Charge(1, "acme"));
  harness.RunUntil(4min);
  EXPECT_THAT(harness.TakeNotices(), SizeIs(3));
}

TEST(EventNoticeTest, AlertsNameTheLastEventThatCounted) {
  RuleSet rules = TaskRules(990'000'000, {"agent"});
  rules.slos[0].common.annotations = {
      {"summary", "last: {{event.task_id}} of {{event.labels.mode}}"}};
  RuleHarness harness(rules);
  for (int i = 0; i < 60; ++i) {
    v1::Event event = TaskEvent(false, "a");
    event.set_task_id("t-" + std::to_string(i));
    (*event.mutable_labels())["mode"] = "batch";
    harness.At(i * 1s, event);
    v1::Event other;
    other.set_agent("a");
    other.set_task_id("not this");
    other.mutable_request()->set_service("tiles");
    harness.At(i * 1s, other);
  }
  harness.BeginCheckpoint(3);
  harness.RunUntil(30s);
  harness.Restart();
  harness.RunUntil(2min);
  const std::vector<std::string> told = harness.TakeNotices();
  ASSERT_FALSE(told.empty());
  EXPECT_THAT(told[0], HasSubstr("last: t-0 of batch"));
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

}  // namespace
}  // namespace barograph::rules
