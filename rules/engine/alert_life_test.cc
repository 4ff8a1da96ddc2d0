#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "rules/engine/rule_harness.h"

// Method: rules with an objective of 100 % fire with each first bad event and end about 6 min after
// the last one, so that what is told when depends on the life of the alert alone. Where it matters,
// the same happens again with a restart at every step.

namespace barograph::rules {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;
using Op = LabelMatcher::Op;

RuleSet AnyFailure() { return TaskRules(1'000'000'000, {"agent"}); }

ReceiverSpec Hook(const std::string& name) {
  ReceiverSpec receiver;
  receiver.name = name;
  receiver.target = "http://127.0.0.1:9000/" + name;
  return receiver;
}

RouteSpec Child(const RuleSet& rules, const std::string& receiver,
                std::vector<LabelMatcher> match) {
  RouteSpec child = rules.route;
  child.children.clear();
  child.receiver = receiver;
  child.match = std::move(match);
  return child;
}

/// "ops 10s first notification: [...]" of every notice so far.
std::vector<std::string> Told(const RuleHarness& harness) {
  std::vector<std::string> told;
  for (const storage::NoticeDecided& notice : harness.notices()) {
    told.push_back(notice.receiver + " " + FormatDuration(notice.at - RuleHarness::kStart) + " " +
                   notice.body);
  }
  return told;
}

storage::Silenced SilenceOf(const std::string& agent, Time from, Time to) {
  storage::Silenced wish;
  wish.origin = {"ada", "command"};
  wish.matchers = {{"agent", Op::kEqual, agent}};
  wish.comment = "upgrade";
  wish.starts_at = from;
  wish.ends_at = to;
  return wish;
}

void Silence(RuleHarness* harness, const std::string& agent, Duration from, Duration to) {
  const storage::Silenced wish =
      SilenceOf(agent, RuleHarness::kStart + from, RuleHarness::kStart + to);
  harness->Do(harness->engine().AddSilence("default", wish, harness->Now()));
}

void Acknowledge(RuleHarness* harness, const std::string& agent) {
  AckWish wish;
  wish.origin = {"ada", "command"};
  wish.matchers = {{"agent", Op::kEqual, agent}};
  harness->Do(harness->engine().Acknowledge("default", wish, harness->Now()));
}

void Fails(RuleHarness* harness, const std::string& agent, Duration from, Duration to) {
  harness->Tasks({.from = from, .to = to, .every = minutes(1), .ok = false, .agent = agent});
}

void ExpectSameAfterReplay(RuleHarness* harness) {
  EXPECT_EQ(harness->LiveDigest(), harness->ReplayedDigest());
}

// --- Routing -------------------------------------------------------------------------------------

TEST(AlertLifeTest, EachAlertGoesWhereItsRouteSays) {
  RuleSet rules = AnyFailure();
  rules.receivers.push_back(Hook("pager"));
  rules.receivers.push_back(Hook("audit"));
  rules.route.children = {Child(rules, "audit", {{"rule", Op::kMatch, ".+"}}),
                          Child(rules, "pager", {{"agent", Op::kEqual, "a"}})};
  rules.route.children[0].proceeds = true;
  rules.route.children[0].group_by = {};
  RuleHarness harness(rules);
  harness.At(seconds(10), TaskEvent(false, "a"));
  harness.At(seconds(20), TaskEvent(false, "b"));
  harness.RunUntil(minutes(2));
  EXPECT_THAT(
      Told(harness),
      ElementsAre("audit 10s first notification: [firing a warning 10s]",
                  "pager 10s first notification: [firing a warning 10s]",
                  "audit 1m10s new alerts added: [firing b warning 20s] [firing a warning 10s]"));
  EXPECT_EQ(harness.notices()[1].group_key,
            "{}/{agent=\"a\"}:{agent=\"a\", rule=\"task-success\"}");
  ExpectSameAfterReplay(&harness);
}

TEST(AlertLifeTest, AChildThatComesTellsOnlyItsOwnReceiver) {
  RuleSet rules = AnyFailure();
  RuleHarness harness(rules);
  Fails(&harness, "a", seconds(10), minutes(20));
  Fails(&harness, "b", seconds(10), minutes(20));
  harness.RunUntil(minutes(2));
  EXPECT_THAT(Told(harness), SizeIs(2));
  rules.receivers.push_back(Hook("pager"));
  rules.route.children = {Child(rules, "pager", {{"agent", Op::kEqual, "a"}})};
  harness.Apply(rules);
  harness.RunUntil(minutes(10));
  ASSERT_THAT(Told(harness), SizeIs(3));
  EXPECT_EQ(Told(harness)[2], "pager 2m1s first notification: [firing a warning 10s]");
  ExpectSameAfterReplay(&harness);
}

// --- Silences ------------------------------------------------------------------------------------

TEST(AlertLifeTest, EndOfASilenceOnAFiringAlertIsToldAtOnce) {
  RuleHarness harness(AnyFailure());
  Silence(&harness, "a", Duration(0), minutes(10));
  Fails(&harness, "a", seconds(10), minutes(20));
  Fails(&harness, "b", seconds(10), minutes(5));
  harness.RunUntil(minutes(5));
  EXPECT_THAT(Told(harness), ElementsAre("ops 10s first notification: [firing b warning 10s]"));
  harness.BeginCheckpoint(2);
  harness.RunUntil(minutes(9) + seconds(59));
  harness.Restart();
  harness.RunUntil(minutes(10));
  ASSERT_THAT(Told(harness), SizeIs(2));
  EXPECT_EQ(Told(harness)[1], "ops 10m silence ended: [firing a warning 10s]");
  ExpectSameAfterReplay(&harness);
}

TEST(AlertLifeTest, WhatBeganAndEndedInASilenceIsNotTold) {
  RuleHarness harness(AnyFailure());
  Silence(&harness, "a", Duration(0), minutes(30));
  harness.At(seconds(10), TaskEvent(false, "a"));
  harness.RunUntil(hours(1));
  EXPECT_THAT(harness.TakeTransitions(), SizeIs(2));
  EXPECT_THAT(Told(harness), IsEmpty());
}

TEST(AlertLifeTest, EndOfAnAlertThatWasToldIsToldInASilenceToo) {
  RuleHarness harness(AnyFailure());
  harness.At(seconds(10), TaskEvent(false, "a"));
  harness.RunUntil(minutes(1));
  Silence(&harness, "a", minutes(1), minutes(30));
  harness.RunUntil(hours(1));
  ASSERT_THAT(Told(harness), SizeIs(2));
  EXPECT_THAT(Told(harness)[1], HasSubstr("all alerts resolved"));
}

TEST(AlertLifeTest, SilenceThatSomebodyEndsAndOneToCome) {
  RuleSet rules = AnyFailure();
  rules.route.repeat_interval = minutes(10);
  RuleHarness harness(rules);
  Fails(&harness, "a", seconds(10), hours(2));
  Silence(&harness, "a", minutes(5), minutes(60));
  harness.RunUntil(minutes(30));
  EXPECT_THAT(Told(harness), SizeIs(1)) << "the silence began before the first repetition";
  const std::vector<SilenceView> silences = harness.engine().Silences("default");
  ASSERT_THAT(silences, SizeIs(1));
  EXPECT_EQ(silences[0].state, SilenceState::kActive);
  harness.Do(harness.engine().EndSilence("default", silences[0].said.id, {"ada", "command"},
                                         harness.Now()));
  harness.RunUntil(minutes(31));
  ASSERT_THAT(Told(harness), SizeIs(2));
  EXPECT_THAT(Told(harness)[1], StartsWith("ops 30m1s silence ended"));
  harness.RunUntil(minutes(41));
  EXPECT_THAT(Told(harness), SizeIs(3));
  ExpectSameAfterReplay(&harness);
}

// --- Acknowledgement -----------------------------------------------------------------------------

TEST(AlertLifeTest, AcknowledgementStopsRepetitionsUntilTheAlertResolves) {
  RuleSet rules = AnyFailure();
  rules.route.repeat_interval = minutes(10);
  RuleHarness harness(rules);
  Fails(&harness, "a", seconds(10), minutes(30));
  harness.At(hours(1), TaskEvent(false, "a"));
  harness.RunUntil(minutes(11));
  EXPECT_THAT(Told(harness), SizeIs(2));
  Acknowledge(&harness, "a");
  harness.BeginCheckpoint(1);
  harness.RunUntil(minutes(15));
  harness.Restart();
  harness.RunUntil(minutes(40));
  ASSERT_THAT(Told(harness), SizeIs(3));
  EXPECT_THAT(Told(harness)[2], HasSubstr("all alerts resolved"));
  // The next life is nobody's yet.
  harness.RunUntil(hours(1) + minutes(1));
  ASSERT_THAT(Told(harness), SizeIs(4));
  EXPECT_FALSE(harness.engine().Alerts("default")[0].acknowledged.has_value());
  ExpectSameAfterReplay(&harness);
}

TEST(AlertLifeTest, HowLongAnAlertWaitedIsMeasuredUnderItsLabels) {
  RuleSet rules = AnyFailure();
  rules.series = {{.by = {"severity"}, .where = {}}};
  RuleHarness harness(rules);
  Fails(&harness, "a", seconds(10), minutes(30));
  harness.RunUntil(minutes(11));
  const Time fired = harness.engine().Alerts("default")[0].fired_at;
  Acknowledge(&harness, "a");
  const WindowStore& windows = *harness.engine().windows("default");
  const std::string_view values[] = {"WARNING"};
  for (const auto& cell :
       {windows.FindCell(windows.FindOrBuiltIn({}), {}),
        windows.FindCell(windows.FindOrBuiltIn({.by = {"severity"}, .where = {}}), values)}) {
    ASSERT_TRUE(cell.has_value());
    const auto waited = windows.FindMeasureId({"alert.ack.duration", ""});
    ASSERT_TRUE(waited.has_value());
    const QuantileAnswer answer = windows.Quantile(*cell, *waited, 0.5, harness.Now(), hours(1));
    EXPECT_EQ(answer.count, 1U);
    const double seconds_waited = static_cast<double>((harness.Now() - fired).count()) * 1e-9;
    EXPECT_NEAR(static_cast<double>(answer.value) * 1e-9, seconds_waited, 0.01 * seconds_waited);
    const auto count = windows.FindMeasureId({"alerts.fired", ""});
    EXPECT_EQ(windows.Sum(*cell, *count, harness.Now(), hours(1)), 1);
  }
  ExpectSameAfterReplay(&harness);
}

TEST(AlertLifeTest, OnlyWhatFiresIsAcknowledgedAndOnlyOnce) {
  RuleHarness harness(AnyFailure());
  harness.At(seconds(10), TaskEvent(false, "a"));
  harness.RunUntil(seconds(20));
  AckWish wish;
  EXPECT_EQ(harness.engine().Acknowledge("default", wish, harness.Now()).error().code(),
            ErrorCode::kInvalidArgument);
  wish.names = {"0123"};
  EXPECT_EQ(harness.engine().Acknowledge("default", wish, harness.Now()).error().code(),
            ErrorCode::kNotFound);
  wish.names = {harness.engine().Alerts("default")[0].fingerprint};
  EXPECT_THAT(*harness.engine().Acknowledge("default", wish, harness.Now()), SizeIs(1));
  harness.Do(harness.engine().Acknowledge("default", wish, harness.Now()));
  EXPECT_THAT(*harness.engine().Acknowledge("default", wish, harness.Now()), IsEmpty());
  harness.RunUntil(minutes(30));
  EXPECT_EQ(harness.engine().Acknowledge("default", wish, harness.Now()).error().code(),
            ErrorCode::kFailedPrecondition);
}

// --- Inhibition ----------------------------------------------------------------------------------

/// A second rule over the same tasks, which `task-success` holds back.
RuleSet Inhibited() {
  RuleSet rules = AnyFailure();
  rules.slos.push_back(rules.slos[0]);
  rules.slos[1].common.name = "also";
  rules.slos[1].common.keep_firing_for = minutes(10);
  rules.inhibitions = {
      {{{"rule", Op::kEqual, "task-success"}}, {{"rule", Op::kEqual, "also"}}, {"agent"}}};
  return rules;
}

TEST(AlertLifeTest, AnAlertInTheShadowHoldsNobodyBack) {
  RuleSet rules = Inhibited();
  rules.slos[0].common.shadow = true;
  RuleHarness harness(rules);
  harness.At(seconds(10), TaskEvent(false, "a"));
  harness.RunUntil(minutes(5));
  ASSERT_THAT(Told(harness), SizeIs(1));
  EXPECT_THAT(harness.notices()[0].group_key, HasSubstr("also"));
  ExpectSameAfterReplay(&harness);
}

TEST(AlertLifeTest, InhibitedAlertIsToldOnlyOnceNothingHoldsItBack) {
  RuleHarness harness(Inhibited());
  harness.At(seconds(10), TaskEvent(false, "a"));
  harness.RunUntil(minutes(5));
  ASSERT_THAT(Told(harness), SizeIs(1)) << "both fired at one point, one is told";
  EXPECT_THAT(harness.notices()[0].group_key, HasSubstr("task-success"));
  harness.RunUntil(minutes(8));
  ASSERT_THAT(Told(harness), SizeIs(3));
  EXPECT_THAT(Told(harness)[1], HasSubstr("all alerts resolved"));
  EXPECT_THAT(Told(harness)[2], HasSubstr("first notification"));
  EXPECT_THAT(harness.notices()[2].group_key, HasSubstr("also"));
  ExpectSameAfterReplay(&harness);
}

// --- Mute times ----------------------------------------------------------------------------------

TEST(AlertLifeTest, MutedRouteTellsInTheMorningWhatStillFires) {
  RuleSet rules = AnyFailure();
  rules.mute_times = {{.name = "night", .from_minute = 0, .to_minute = 60}};
  rules.route.children = {Child(rules, "ops", {{"rule", Op::kMatch, ".+"}})};
  rules.route.children[0].mute_times = {"night"};
  RuleHarness harness(rules);
  harness.At(seconds(10), TaskEvent(false, "a"));
  Fails(&harness, "b", minutes(5), minutes(90));
  harness.RunUntil(minutes(20));
  harness.BeginCheckpoint(1);
  harness.RunUntil(minutes(59));
  harness.Restart();
  harness.RunUntil(minutes(80));
  EXPECT_THAT(Told(harness), ElementsAre("ops 1h first notification: [firing b warning 5m]"));
  ExpectSameAfterReplay(&harness);
}

// --- Escalation ----------------------------------------------------------------------------------

RuleSet Escalated() {
  RuleSet rules = AnyFailure();
  rules.receivers.push_back(Hook("lead"));
  rules.receivers.push_back(Hook("boss"));
  rules.escalations = {{"oncall", {{minutes(15), "lead"}, {minutes(40), "boss"}}}};
  rules.route.escalation = "oncall";
  return rules;
}

TEST(AlertLifeTest, LadderIsClimbedUntilSomebodyAcknowledges) {
  RuleHarness harness(Escalated());
  Fails(&harness, "a", seconds(10), minutes(50));
  harness.RunUntil(minutes(16));
  EXPECT_THAT(Told(harness), ElementsAre("ops 10s first notification: [firing a warning 10s]",
                                         "lead 15m10s escalated: [firing a warning 10s]"));
  Acknowledge(&harness, "a");
  harness.BeginCheckpoint(1);
  harness.RunUntil(minutes(20));
  harness.Restart();
  harness.RunUntil(minutes(70));
  ASSERT_THAT(Told(harness), SizeIs(4));
  EXPECT_THAT(Told(harness)[2], HasSubstr("all alerts resolved"));
  EXPECT_THAT(Told(harness)[3], HasSubstr("all alerts resolved"));
  EXPECT_NE(harness.notices()[2].receiver, harness.notices()[3].receiver);
  ExpectSameAfterReplay(&harness);
}

TEST(AlertLifeTest, WithoutAnybodyTheLastStepIsReached) {
  RuleHarness harness(Escalated());
  Fails(&harness, "a", seconds(10), minutes(70));
  harness.RunUntil(minutes(60));
  ASSERT_THAT(Told(harness), SizeIs(3));
  EXPECT_EQ(Told(harness)[2], "boss 40m10s escalated: [firing a warning 10s]");
}

// --- Flap control --------------------------------------------------------------------------------

TEST(AlertLifeTest, FlappingIsToldOnceAndSoIsItsEnd) {
  RuleHarness harness(AnyFailure());
  for (int i = 0; i < 9; ++i) harness.At(minutes(7 * i) + seconds(10), TaskEvent(false, "a"));
  harness.RunUntil(minutes(28) + seconds(30));
  ASSERT_THAT(Told(harness), SizeIs(9)) << "four lives and the fifth, which flaps";
  EXPECT_EQ(Told(harness)[8], "ops 28m10s flapping: [firing a warning 28m10s]");
  harness.BeginCheckpoint(1);
  harness.RunUntil(minutes(40));
  harness.Restart();
  harness.RunUntil(hours(2));
  ASSERT_THAT(Told(harness), SizeIs(10));
  EXPECT_THAT(Told(harness)[9], HasSubstr("settled: [resolved a warning 56m10s to 1h2m"));
  ExpectSameAfterReplay(&harness);
}

TEST(AlertLifeTest, AGroupThatSpeaksBecauseOneFlapsTellsWhatFiresWithIt) {
  RuleSet rules = AnyFailure();
  rules.route.group_by = {"rule"};
  rules.route.group_interval = minutes(10);
  RuleHarness harness(rules);
  for (int i = 0; i < 5; ++i) harness.At(minutes(7 * i) + seconds(10), TaskEvent(false, "a"));
  harness.At(minutes(28) + seconds(10), TaskEvent(false, "b"));
  harness.RunUntil(minutes(28) + seconds(11));
  EXPECT_THAT(Told(harness).back(), testing::AllOf(StartsWith("ops 28m10s"), HasSubstr("[firing a"),
                                                   HasSubstr("[firing b")));
  ExpectSameAfterReplay(&harness);
}

TEST(AlertLifeTest, WhatFlapsInASilenceIsToldWhenItEndsThoughALifeBeforeItWasNotToldToEnd) {
  RuleSet rules = AnyFailure();
  rules.flapping.fires = 2;
  rules.route.group_interval = minutes(20);
  RuleHarness harness(rules);
  harness.At(seconds(10), TaskEvent(false, "a"));
  harness.RunUntil(minutes(6) + seconds(50));
  // The first life began with the second event of the log, the one that flaps after its ninth: as
  // text the later one is the lesser.
  for (int i = 0; i < 10; ++i) harness.At(minutes(7), TaskEvent(true, "b"));
  Silence(&harness, "a", minutes(6) + seconds(50), minutes(40));
  harness.At(minutes(7) + seconds(10), TaskEvent(false, "a"));
  harness.RunUntil(minutes(30));
  ASSERT_THAT(Told(harness), SizeIs(2));
  EXPECT_THAT(Told(harness)[1], HasSubstr("flapping: [resolved a warning 7m10s to 1"));
  ExpectSameAfterReplay(&harness);
}

TEST(AlertLifeTest, FlappingStaysQuietWhereNobodyHearsOfEnds) {
  RuleSet rules = AnyFailure();
  rules.receivers[0].send_resolved = false;
  RuleHarness harness(rules);
  for (int i = 0; i < 9; ++i) harness.At(minutes(7 * i) + seconds(10), TaskEvent(false, "a"));
  harness.RunUntil(hours(2));
  ASSERT_THAT(Told(harness), SizeIs(5)) << "four lives and the fifth, which flaps";
  EXPECT_EQ(Told(harness)[4], "ops 28m10s flapping: [firing a warning 28m10s]");
  ExpectSameAfterReplay(&harness);
}

TEST(AlertLifeTest, RatioThatHoversAtItsThresholdForAnHourBringsNoStorm) {
  RuleSet rules = TaskRules(900'000'000, {"agent"});
  // Above 40 % bad over 10 min and over the last minute.
  rules.slos[0].burn = {
      {minutes(10), minutes(1), 0.4 * 10 / (30 * 24 * 60) / 0.1, Severity::kCritical}};
  rules.slos[0].common.keep_firing_for = Duration(0);
  RuleHarness harness(rules);
  for (Duration at{0}; at < hours(1); at += seconds(1)) {
    const bool bad = at % minutes(3) < minutes(1) + seconds(20);
    harness.At(at, TaskEvent(!bad, "a"));
  }
  harness.RunUntil(hours(2));
  std::size_t fired = 0;
  for (const std::string& step : harness.TakeTransitions())
    fired += step.find(">firing") != std::string::npos ? 1 : 0;
  EXPECT_GE(fired, 15U) << "the alert hovers";
  EXPECT_LE(harness.notices().size(), 10U);
  EXPECT_THAT(Told(harness).back(), HasSubstr("settled"));
  ExpectSameAfterReplay(&harness);
}

// --- Ten thousand at once ------------------------------------------------------------------------

TEST(AlertLifeTest, TenThousandAlertsWithinASecondAreToldInOneNoticeOfBoundedSize) {
  RuleSet rules = AnyFailure();
  rules.route.group_by = {"rule"};
  rules.route.group_wait = seconds(1);
  RuleHarness harness(rules);
  for (int agent = 0; agent < 10'000; ++agent)
    harness.At(seconds(10) + std::chrono::milliseconds(agent / 100 * 9),
               TaskEvent(false, "a" + std::to_string(agent)));
  harness.RunUntil(seconds(12));
  ASSERT_THAT(harness.notices(), SizeIs(1));
  EXPECT_LE(harness.notices()[0].at, RuleHarness::kStart + seconds(12));
  EXPECT_EQ(harness.notices()[0].episode_ids.size(), kNoticeMembersMax);
  EXPECT_EQ(harness.notices()[0].more, 10'000 - kNoticeMembersMax);
  EXPECT_THAT(harness.notices()[0].body, HasSubstr("and 9968 more"));
  harness.RunUntil(minutes(2));
  EXPECT_THAT(harness.notices(), SizeIs(1)) << "what was counted was told";
  harness.RunUntil(minutes(10));
  EXPECT_EQ(harness.notices().back().state, storage::AlertState::kResolved);
  EXPECT_LE(harness.notices().size(), 12U);
  ExpectSameAfterReplay(&harness);
}

TEST(AlertLifeTest, TenThousandGroupsAreToldWithinTwoSeconds) {
  RuleHarness harness(AnyFailure());
  for (int agent = 0; agent < 10'000; ++agent)
    harness.At(seconds(10) + std::chrono::milliseconds(agent / 100 * 9),
               TaskEvent(false, "a" + std::to_string(agent)));
  harness.RunUntil(seconds(12));
  std::set<std::string> ids;
  for (const storage::NoticeDecided& notice : harness.notices()) ids.insert(notice.id);
  EXPECT_THAT(ids, SizeIs(10'000));
}

}  // namespace
}  // namespace barograph::rules
