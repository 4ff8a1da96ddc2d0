#include "rules/engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/engine/rule_harness.h"
#include "storage/base/bytes.h"

// Method: tasks that end once a second, so that firing moments follow from the workbook's
// arithmetic. At T the 1 h window over 10 s buckets holds 3591 + T mod 10 seconds.

namespace barograph::rules {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Ge;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::SizeIs;
using Texts = std::vector<std::string>;

constexpr std::int64_t kPercent99 = 990'000'000;
constexpr std::int64_t kPercent999 = 999'000'000;
constexpr std::int64_t kPercent100 = 1'000'000'000;

/// Only the workbook's first row, so that one alert has one condition.
RuleSet FirstRow(std::int64_t objective_ppb, std::vector<std::string> by = {}) {
  RuleSet rules = TaskRules(objective_ppb, std::move(by));
  rules.slos[0].burn.resize(1);
  return rules;
}

/// First second from `from` on in which the instance without labels is judged.
Duration PhaseAfter(Duration from) {
  const auto phase = static_cast<std::int64_t>(FingerprintValue({{"rule", "task-success"}}) % 10);
  Duration second = std::chrono::ceil<seconds>(from);
  while (std::chrono::floor<seconds>(second).count() % 10 != phase) second += seconds(1);
  return second;
}

std::string At(Duration at, std::string_view what) {
  return FormatDuration(at) + " " + std::string(what);
}

TEST(EngineTest, TotalOutageAt99PercentFiresWithTheFirstEventAboveTheFactor) {
  RuleHarness harness(FirstRow(kPercent99));
  harness.Tasks({.from = seconds(0), .to = hours(1)});
  harness.Tasks({.from = hours(1), .to = hours(2), .ok = false});
  harness.RunUntil(hours(1) + minutes(30));
  // 519 of 3599 is 14.42 %; one second before, 518 of 3598 was 14.397 %.
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("1h8m38s critical inactive>firing"));
}

TEST(EngineTest, TotalOutageAt999PerMilleFiresWithTheFirstEventAboveTheFactor) {
  RuleHarness harness(FirstRow(kPercent999));
  harness.Tasks({.from = seconds(0), .to = hours(1)});
  harness.Tasks({.from = hours(1), .to = hours(2), .ok = false});
  harness.RunUntil(hours(1) + minutes(5));
  // 52 of 3592 is 1.4477 %; one second before, 51 of 3591 was 1.4202 %.
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("1h51s critical inactive>firing"));
}

TEST(EngineTest, EachSeverityIsAnAlertOfItsOwnOverItsRows) {
  RuleHarness harness(TaskRules(kPercent99));
  harness.Tasks({.from = seconds(0), .to = hours(1)});
  harness.Tasks({.from = hours(1), .to = hours(2), .ok = false});
  harness.RunUntil(hours(1) + minutes(30));
  // With one hour of history the long rows see no more than it: 37 of 3637 exceeds 1 %, 230 of 3830
  // exceeds 6 %.
  EXPECT_THAT(harness.TakeTransitions(),
              ElementsAre("1h36s warning inactive>firing", "1h3m49s critical inactive>firing"));
  const std::vector<AlertStatus> alerts = harness.engine().Alerts("default");
  ASSERT_THAT(alerts, SizeIs(2));
  EXPECT_EQ(alerts[0].condition, "6h/30m");
  EXPECT_EQ(alerts[1].condition, "3d/6h");
}

TEST(EngineTest, OneSpikeThatTheLongWindowForgivesDoesNotFire) {
  RuleHarness harness(FirstRow(kPercent99));
  harness.Tasks({.from = seconds(0), .to = hours(1), .count = 2});
  harness.Tasks({.from = hours(1), .to = hours(1) + minutes(2), .ok = false});
  harness.RunUntil(hours(2));
  EXPECT_THAT(harness.TakeTransitions(), IsEmpty());
}

TEST(EngineTest, TenMinuteOutageResolvesSoonAfterItsEnd) {
  RuleHarness harness(FirstRow(kPercent99));
  harness.Tasks({.from = seconds(0), .to = hours(1)});
  harness.Tasks({.from = hours(1), .to = minutes(70), .ok = false});
  harness.Tasks({.from = minutes(70), .to = minutes(90)});
  harness.RunUntil(minutes(90));
  // From 74m10s on the short window holds 40 bad of 291 or more: 13.7 %.
  const Duration resolved = PhaseAfter(minutes(74) + seconds(10)) + minutes(1);
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("1h8m38s critical inactive>firing",
                                                     At(resolved, "critical firing>resolved")));
  EXPECT_EQ(harness.marks(), 1U);
}

TEST(EngineTest, ForDelaysFiringByExactlyItsLength) {
  RuleSet rules = FirstRow(kPercent99);
  rules.slos[0].common.for_duration = minutes(2);
  RuleHarness harness(rules);
  harness.Tasks({.from = seconds(0), .to = hours(1)});
  harness.Tasks({.from = hours(1), .to = hours(2), .ok = false});
  harness.RunUntil(hours(1) + minutes(30));
  EXPECT_THAT(harness.TakeTransitions(),
              ElementsAre("1h8m38s critical inactive>pending", "1h10m38s critical pending>firing"));
}

TEST(EngineTest, PendingGoesBackOnceTheConditionWasFalseForTenSeconds) {
  RuleSet rules = FirstRow(kPercent999);
  rules.slos[0].common.for_duration = minutes(10);
  RuleHarness harness(rules);
  harness.Tasks({.from = seconds(0), .to = hours(1)});
  harness.Tasks({.from = hours(1), .to = hours(1) + minutes(1), .ok = false});
  harness.Tasks({.from = hours(1) + minutes(1), .to = hours(2)});
  harness.RunUntil(hours(2));
  // From 1h5m50s on the short window begins after the outage.
  const Duration reset = PhaseAfter(hours(1) + minutes(5) + seconds(50)) + seconds(10);
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("1h51s critical inactive>pending",
                                                     At(reset, "critical pending>inactive")));
  EXPECT_THAT(harness.TakeNotices(), IsEmpty());
}

TEST(EngineTest, KeepFiringForHoldsTheAlertThroughShortRecoveries) {
  RuleSet rules = FirstRow(kPercent100);
  rules.slos[0].common.keep_firing_for = minutes(20);
  RuleHarness harness(rules);
  harness.Tasks({.from = seconds(0), .to = hours(2)});
  harness.At(minutes(10), TaskEvent(false, "a"));
  harness.At(minutes(30), TaskEvent(false, "a"));
  harness.RunUntil(hours(2));
  const Duration resolved = PhaseAfter(minutes(35)) + minutes(20);
  EXPECT_THAT(harness.TakeTransitions(),
              ElementsAre("10m warning inactive>firing", At(resolved, "warning firing>resolved")));
  EXPECT_EQ(harness.marks(), 3U) << "false after the first, true with the second, false again";
}

TEST(EngineTest, ObjectiveOf100PercentFiresWithTheFirstBadEvent) {
  RuleHarness harness(FirstRow(kPercent100));
  harness.Tasks({.from = seconds(0), .to = hours(1)});
  harness.At(minutes(20) + milliseconds(250), TaskEvent(false, "a"));
  harness.RunUntil(hours(1));
  const Duration resolved = PhaseAfter(minutes(25)) + minutes(1);
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("20m250ms warning inactive>firing",
                                                     At(resolved, "warning firing>resolved")));
}

TEST(EngineTest, FewerThanMinEventsInTheLongWindowNeverFire) {
  RuleSet rules = FirstRow(kPercent99);
  rules.slos[0].common.min_events = 20;
  RuleHarness harness(rules);
  harness.Tasks({.from = seconds(0), .to = seconds(30), .ok = false});
  harness.RunUntil(minutes(2));
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("19s critical inactive>firing"));
}

TEST(EngineTest, LatencySloCountsExactlyAndTheBoundIsGood) {
  RuleSet rules = FirstRow(950'000'000);
  SloSpec& slo = rules.slos[0];
  slo.good = {"request.duration", 300'000'000};
  slo.total = {"requests", std::nullopt};
  slo.period = days(28);
  RuleHarness harness(rules);
  harness.Requests(seconds(0), hours(1), milliseconds(300));
  harness.Requests(hours(1), hours(2), milliseconds(300) + Duration(1));
  harness.RunUntil(hours(2));
  // Factor 13.44 x 5 % = 67.2 %: 2418 of 3598.
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("1h40m17s critical inactive>firing"));
}

TEST(EngineTest, TimeSliceSloFiresOnSilence) {
  RuleSet rules = FirstRow(kPercent99);
  SloSpec& slo = rules.slos[0];
  slo.good = slo.total = {};
  slo.slice = TimeSlice{"tasks.finished", seconds(1), 0.5, true, minutes(1)};
  RuleHarness harness(rules);
  harness.Tasks({.from = seconds(0), .to = hours(2)});
  harness.RunUntil(hours(2) + minutes(20));
  // The ninth bad slice of sixty exceeds 14.4 %; it is judged at 2h9m.
  EXPECT_THAT(
      harness.TakeTransitions(),
      ElementsAre(At(PhaseAfter(hours(2) + minutes(9) + seconds(1)), "critical inactive>firing")));
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(EngineTest, ByMakesAnInstanceForEachValueWithItsOwnAlert) {
  RuleHarness harness(FirstRow(kPercent999, {"agent"}));
  for (const char* agent : {"a", "b", "c"}) {
    harness.Tasks({.from = seconds(0), .to = hours(1), .agent = agent});
    harness.Tasks(
        {.from = hours(1), .to = hours(1) + minutes(5), .ok = *agent != 'b', .agent = agent});
  }
  harness.RunUntil(hours(1) + minutes(5));
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("1h51s critical inactive>firing b"));
  EXPECT_EQ(harness.engine().instance_count(), 3U);
  EXPECT_THAT(harness.engine().Slos("default", harness.Now(), "task-success", 2), SizeIs(2));
}

TEST(EngineTest, ErrorBudgetIsExactAndShowsThatItFills) {
  RuleHarness harness(FirstRow(kPercent99));
  harness.Tasks({.from = seconds(0), .to = seconds(990)});
  harness.Tasks({.from = seconds(990), .to = seconds(995), .ok = false});
  harness.RunUntil(seconds(995));
  const std::vector<SloStatus> slos = harness.engine().Slos("default", harness.Now(), "", 10);
  ASSERT_THAT(slos, SizeIs(1));
  EXPECT_EQ(slos[0].total, 995);
  EXPECT_EQ(slos[0].good, 990);
  EXPECT_DOUBLE_EQ(slos[0].budget_remaining, (995 * 0.01 - 5) / (995 * 0.01));
  EXPECT_TRUE(slos[0].filling);
  ASSERT_THAT(slos[0].rows, SizeIs(1));
  EXPECT_DOUBLE_EQ(slos[0].rows[0].factor, 14.4);
  EXPECT_DOUBLE_EQ(slos[0].rows[0].long_burn, 5.0 / 995 / 0.01);
}

TEST(EngineTest, BudgetPolicyFreezesWhenTheBudgetIsNearlyGone) {
  RuleSet rules = FirstRow(kPercent99);
  rules.slos[0].freeze_below = 0.1;
  RuleHarness harness(rules);
  harness.Tasks({.from = seconds(0), .to = seconds(10'000), .every = seconds(10), .count = 10});
  // 91 of 10,091 leave 9.8 % of the budget; 90 of 10,090 leave 10.8 %.
  harness.Tasks({.from = seconds(10'000), .to = seconds(10'200), .every = seconds(2), .ok = false});
  harness.RunUntil(seconds(10'200));
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("2h49m40s warning freeze inactive>firing"));
  EXPECT_TRUE(harness.engine().Slos("default", harness.Now(), "", 1)[0].frozen);
}

TEST(EngineTest, UnchangedRulesAreNotLoggedAgain) {
  RuleHarness harness(FirstRow(kPercent99));
  const std::size_t before = harness.record_count();
  harness.Apply(FirstRow(kPercent99));
  EXPECT_EQ(harness.record_count(), before);
}

TEST(EngineTest, ChangedRuleKeepsItsEpisodeAndIsJudgedAnew) {
  RuleHarness harness(FirstRow(kPercent999));
  harness.Tasks({.from = seconds(0), .to = hours(2), .every = seconds(50), .ok = false});
  harness.Tasks({.from = seconds(0), .to = hours(2)});
  harness.RunUntil(hours(1));
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("0s critical inactive>firing"));
  const std::string episode = harness.engine().Alerts("default")[0].episode_id;
  harness.Apply(FirstRow(kPercent99));
  harness.RunUntil(hours(1) + minutes(5));
  const Duration resolved = PhaseAfter(hours(1) + seconds(1)) + minutes(1);
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre(At(resolved, "critical firing>resolved")));
  EXPECT_EQ(harness.engine().Alerts("default")[0].episode_id, episode);
}

TEST(EngineTest, RemovedRuleResolvesItsAlertsWithTheReason) {
  RuleHarness harness(FirstRow(kPercent99));
  harness.Tasks({.from = seconds(0), .to = minutes(2), .ok = false});
  harness.RunUntil(minutes(1));
  RuleSet rules = FirstRow(kPercent99);
  rules.slos.clear();
  harness.Apply(rules);
  harness.RunUntil(minutes(4));
  EXPECT_THAT(
      harness.TakeTransitions(),
      ElementsAre("0s critical inactive>firing", "1m1s critical firing>resolved (rule removed)"));
  EXPECT_THAT(harness.TakeNotices(),
              ElementsAre("0s first notification: [firing critical 0s]",
                          "1m1s all alerts resolved: [resolved critical 0s to 1m1s]"));
}

TEST(EngineTest, RuleThatNamesItsAlertsDifferentlyResolvesTheOldOnes) {
  RuleHarness harness(FirstRow(kPercent99));
  harness.Tasks({.from = seconds(0), .to = minutes(2), .ok = false});
  harness.RunUntil(minutes(1));
  RuleSet rules = FirstRow(kPercent99);
  rules.slos[0].burn[0].severity = Severity::kWarning;
  harness.Apply(rules);
  harness.RunUntil(minutes(2));
  EXPECT_THAT(harness.TakeTransitions(),
              ElementsAre("0s critical inactive>firing", "1m warning inactive>firing",
                          "1m1s critical firing>resolved (rule changed)"));
}

/// An outage with recovery and relapse over several agents.
void Incident(RuleHarness* harness) {
  for (const char* agent : {"a", "b"}) {
    harness->Tasks({.from = seconds(0), .to = minutes(40), .agent = agent});
    harness->Tasks({.from = minutes(40), .to = minutes(50), .ok = false, .agent = agent});
    harness->Tasks({.from = minutes(50), .to = minutes(60), .agent = agent});
    harness->Tasks({.from = minutes(60), .to = minutes(63), .ok = *agent != 'b', .agent = agent});
    harness->Tasks({.from = minutes(63), .to = minutes(90), .agent = agent});
  }
}

TEST(EngineTest, RestartAtAnyMomentOfAnEpisodeChangesNothing) {
  RuleHarness calm(FirstRow(kPercent99, {"agent"}));
  Incident(&calm);
  calm.RunUntil(minutes(90));
  const Texts transitions = calm.TakeTransitions();
  const Texts notices = calm.TakeNotices();
  ASSERT_GE(transitions.size(), 4U);

  RuleHarness shaken(FirstRow(kPercent99, {"agent"}));
  Incident(&shaken);
  for (Duration at = minutes(5); at <= minutes(90); at += minutes(5)) {
    shaken.BeginCheckpoint(3);
    shaken.RunUntil(at - seconds(20));
    const Digest before = shaken.LiveDigest();
    shaken.Restart();
    EXPECT_EQ(shaken.LiveDigest(), before) << FormatDuration(at);
    shaken.RunUntil(at);
  }
  EXPECT_EQ(shaken.TakeTransitions(), transitions);
  EXPECT_EQ(shaken.TakeNotices(), notices);
  EXPECT_EQ(shaken.LiveDigest(), calm.LiveDigest());
  EXPECT_EQ(calm.LiveDigest(), calm.ReplayedDigest());
}

TEST(EngineTest, SlicesOfASecondDecideTheSameAsOneCall) {
  RuleHarness whole(FirstRow(kPercent99, {"agent"}));
  RuleHarness sliced(FirstRow(kPercent99, {"agent"}));
  sliced.slice = 1;
  for (RuleHarness* harness : {&whole, &sliced}) {
    Incident(harness);
    harness->RunUntil(minutes(90));
  }
  EXPECT_EQ(whole.TakeTransitions(), sliced.TakeTransitions());
}

TEST(EngineTest, EightHoursOfStopWithAThousandAgentsBringNoFalseTransition) {
  RuleSet rules = TaskRules(kPercent99, {"agent"});
  rules.slos[0].common.for_duration = minutes(1);
  RuleHarness harness(rules);
  const auto fleet = [&](Duration from, Duration to) {
    for (int agent = 0; agent < 1'000; ++agent) {
      const std::string name = "agent-" + std::to_string(agent);
      harness.Tasks({.from = from, .to = to, .every = minutes(2), .agent = name, .count = 400});
      harness.Tasks({.from = from, .to = to, .every = minutes(2), .ok = false, .agent = name});
    }
    harness.Tasks(
        {.from = from, .to = to, .every = minutes(2), .ok = false, .agent = "broken", .count = 50});
  };
  fleet(seconds(1), minutes(6));
  harness.RunUntil(minutes(6));
  EXPECT_THAT(
      harness.TakeTransitions(),
      ElementsAre("1s critical inactive>pending broken", "1s warning inactive>pending broken",
                  "1m1s critical pending>firing broken", "1m1s warning pending>firing broken"));
  harness.StopUntil(hours(8) + minutes(6));
  // Agents send again only minutes after the server is back.
  fleet(hours(8) + minutes(9), hours(8) + minutes(16));
  harness.RunUntil(hours(8) + minutes(16));
  EXPECT_THAT(harness.TakeTransitions(), IsEmpty());
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(EngineTest, GapIsNotCountedByFor) {
  RuleSet rules = FirstRow(kPercent99);
  rules.slos[0].common.for_duration = minutes(10);
  RuleHarness harness(rules);
  harness.Tasks({.from = seconds(0), .to = minutes(3), .ok = false});
  harness.RunUntil(minutes(3));
  harness.StopUntil(minutes(33));
  harness.Tasks({.from = minutes(33), .to = minutes(50), .ok = false});
  harness.RunUntil(minutes(50));
  EXPECT_THAT(harness.TakeTransitions(),
              ElementsAre("0s critical inactive>pending", "40m critical pending>firing"));
}

/// Twenty failures within an hour make an alert of one row.
RuleSet SlowAgent() {
  RuleSet rules = FirstRow(kPercent99);
  rules.slos[0].common.min_events = 20;
  return rules;
}

TEST(EngineTest, AnAlertKeepsFiringAfterAStopUntilAFailingAgentHasEnoughEventsAgain) {
  RuleHarness harness(SlowAgent());
  harness.Tasks({.from = seconds(0), .to = hours(1), .every = minutes(1), .ok = false});
  harness.RunUntil(hours(1));
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("19m critical inactive>firing"));
  harness.StopUntil(hours(3));
  // Twenty events take twenty minutes, four times the grace.
  harness.Tasks({.from = hours(3), .to = hours(5), .every = minutes(1), .ok = false});
  harness.RunUntil(hours(5));
  EXPECT_THAT(harness.TakeTransitions(), IsEmpty());
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(EngineTest, FewGoodEventsAfterAStopResolveAnAlert) {
  RuleHarness harness(SlowAgent());
  harness.Tasks({.from = seconds(0), .to = hours(1), .every = minutes(1), .ok = false});
  harness.RunUntil(hours(1));
  (void)harness.TakeTransitions();
  harness.StopUntil(hours(3));
  harness.Tasks({.from = hours(3), .to = hours(5), .every = minutes(1)});
  harness.RunUntil(hours(3) + minutes(10));
  const Duration resolved = PhaseAfter(hours(3) + minutes(5)) + minutes(1);
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre(At(resolved, "critical firing>resolved")));
}

TEST(EngineTest, AShortWindowThatIsLongerThanTheGraceWaitsForItsFirstEventAfterAStop) {
  RuleSet rules = SlowAgent();
  rules.slos[0].common.min_events = 0;
  rules.slos[0].burn[0].long_window = hours(6);
  rules.slos[0].burn[0].short_window = minutes(30);
  for (const bool ok : {false, true}) {
    RuleHarness harness(rules);
    harness.Tasks({.from = seconds(0), .to = hours(1), .every = minutes(10), .ok = false});
    harness.RunUntil(hours(1));
    EXPECT_THAT(harness.TakeTransitions(), ElementsAre("0s critical inactive>firing"));
    harness.StopUntil(hours(9));
    const Duration first = hours(9) + minutes(20);
    harness.Tasks({.from = first, .to = hours(12), .every = minutes(10), .ok = ok});
    harness.RunUntil(first);
    EXPECT_THAT(harness.TakeTransitions(), IsEmpty());
    harness.RunUntil(first + minutes(5));
    EXPECT_THAT(harness.TakeTransitions(), SizeIs(ok ? 1 : 0));
  }
}

TEST(EngineTest, WhoStaysSilentAfterAStopIsResolvedOnceItsShortWindowWasWatched) {
  RuleHarness harness(SlowAgent());
  harness.Tasks({.from = seconds(0), .to = hours(1), .every = minutes(1), .ok = false});
  harness.RunUntil(hours(1));
  (void)harness.TakeTransitions();
  harness.StopUntil(hours(3));
  harness.RunUntil(hours(3) + minutes(10));
  const Duration resolved = PhaseAfter(hours(3) + minutes(5)) + minutes(1);
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre(At(resolved, "critical firing>resolved")));
}

TEST(EngineTest, WhatChangedWaitsForTheEndOfAGapInsteadOfBeingAskedForAgainAndAgain) {
  RuleSet rules = FirstRow(kPercent99, {"agent"});
  RuleHarness harness(rules);
  constexpr int kAgents = 600;
  for (int agent = 0; agent < kAgents; ++agent) {
    harness.At(seconds(1), TaskEvent(true, std::to_string(agent)));
  }
  harness.RunUntil(seconds(2));
  // After a reload every instance counts as changed: more than one call judges, so that some still
  // wait when the gap begins.
  rules.slos[0].common.min_events = 30;
  harness.Apply(rules);
  bool more = false;
  (void)harness.engine().EvaluateChanged(harness.Now(), &more);
  ASSERT_TRUE(more);
  storage::Resumed gap;
  gap.stopped_at = harness.Now();
  gap.resumed_at = harness.Now() + minutes(1);
  harness.Append(gap);
  EXPECT_THAT(harness.engine().EvaluateChanged(harness.Now(), &more), IsEmpty());
  EXPECT_FALSE(more);
  (void)harness.engine().EvaluateChanged(gap.resumed_at, &more);
  EXPECT_TRUE(more);
  (void)harness.engine().EvaluateChanged(gap.resumed_at, &more);
  EXPECT_FALSE(more);
}

TEST(EngineTest, UnknownKindStopsTheFold) {
  Engine engine([](const Notice&, const ReceiverSpec&) { return NoticeBody{}; });
  // Field 90 is a kind that this version does not know.
  std::string event;
  ByteWriter writer(&event);
  writer.Varint((90U << 3U) | 2U);
  writer.String("");
  std::string payload;
  ByteWriter(&payload).String(event);
  const Status status = engine.Fold({Sequence{1}, RuleHarness::kStart, "default"}, payload);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), ErrorCode::kFailedPrecondition) << status.error().ToString();
}

TEST(EngineTest, BrokenFramingIsCorruption) {
  Engine engine([](const Notice&, const ReceiverSpec&) { return NoticeBody{}; });
  const Status status = engine.Fold({Sequence{1}, RuleHarness::kStart, "default"}, "\x7F");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), ErrorCode::kCorruption);
}

TEST(EngineTest, OpenTaskPastItsDeadlineIsLateOnce) {
  RuleHarness harness(FirstRow(kPercent99));
  v1::Event event;
  event.set_agent("a");
  event.set_task_id("t1");
  event.mutable_task()->set_status(v1::Task::STARTED);
  event.mutable_task()->mutable_deadline()->set_seconds(
      std::chrono::floor<seconds>(RuleHarness::kStart.time_since_epoch()).count() + 60);
  harness.At(seconds(1), event);
  harness.RunUntil(minutes(5));
  const WindowStore& windows = *harness.engine().windows("default");
  const auto cell = windows.FindCell(windows.FindOrBuiltIn({}), {});
  const auto late = windows.FindMeasureId({"tasks.late", ""});
  ASSERT_TRUE(cell && late);
  EXPECT_EQ(windows.Sum(*cell, *late, harness.Now(), hours(1)), 1);
}

TEST(EngineTest, PriceTableThatIsInForceIsNotLoggedAgain) {
  RuleHarness harness(FirstRow(kPercent99));
  storage::PricesApplied prices;
  prices.origin.reason = "start";
  prices.version = "2026-11-01";
  prices.currency_code = "USD";
  prices.prices.push_back({"model-a", "provider", 2'500'000'000, std::nullopt, {}, {}, {}});
  ASSERT_THAT(harness.engine().ApplyPrices("default", prices), SizeIs(1));
  harness.Append(prices);
  prices.origin.reason = "reload";
  EXPECT_THAT(harness.engine().ApplyPrices("default", prices), IsEmpty());
  EXPECT_THAT(harness.engine().ApplyPrices("other", prices), SizeIs(1));
  harness.BeginCheckpoint(1'000);
  harness.RunUntil(seconds(2));
  harness.Append(storage::TailDropped{{}, Sequence{1}, "test"});
  harness.Restart();
  EXPECT_THAT(harness.engine().ApplyPrices("default", prices), IsEmpty());
  prices.prices[0].input = 2'600'000'000;
  EXPECT_THAT(harness.engine().ApplyPrices("default", prices), SizeIs(1));
}

TEST(EngineTest, HoursThatDoNotCountEndWhatFiresAndWithdrawnTheyCountAgain) {
  RuleHarness harness(FirstRow(kPercent99));
  harness.Tasks({.from = seconds(0), .to = hours(1)});
  harness.Tasks({.from = hours(1), .to = hours(1) + minutes(20), .ok = false});
  harness.Tasks({.from = hours(1) + minutes(20), .to = hours(3)});
  harness.RunUntil(hours(1) + minutes(15));
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("1h8m38s critical inactive>firing"));
  storage::Exclusion wish;
  wish.origin = {"ada", "command"};
  wish.slo = "task-success";
  wish.from = RuleHarness::kStart + hours(1) + minutes(10);
  wish.to = wish.from + minutes(10);
  wish.note = "new disks";
  const auto exclude = [&] { return harness.engine().Exclude("default", wish, harness.Now()); };
  harness.Do(exclude());
  harness.RunUntil(hours(1) + minutes(18));
  EXPECT_THAT(harness.TakeTransitions(),
              ElementsAre(testing::EndsWith("critical firing>resolved")));
  const SloStatus status = harness.engine().Slos("default", harness.Now(), "", 10).at(0);
  EXPECT_EQ(status.total, 3'600);
  EXPECT_EQ(status.budget_remaining, 1);
  EXPECT_LT(status.remaining_with_excluded, 0);
  harness.BeginCheckpoint(100);
  harness.RunUntil(hours(1) + minutes(19));
  harness.Restart();
  const std::vector<storage::Exclusion> all = harness.engine().Exclusions("default");
  ASSERT_THAT(all, SizeIs(1));
  harness.Do(
      harness.engine().WithdrawExclusion("default", all[0].id, {"ada", "command"}, harness.Now()));
  harness.RunUntil(hours(1) + minutes(20));
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("1h19m critical inactive>firing"));
  wish.slo = "task";
  EXPECT_EQ(exclude().error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(EngineTest, TenantsDoNotSeeEachOther) {
  Engine engine([](const Notice&, const ReceiverSpec&) { return NoticeBody{}; });
  std::string payload;
  ByteWriter(&payload).String(TaskEvent(false, "a").SerializeAsString());
  ASSERT_TRUE(engine.Fold({Sequence{1}, RuleHarness::kStart, "one"}, payload).ok());
  ASSERT_TRUE(engine.Fold({Sequence{2}, RuleHarness::kStart, "two"}, payload).ok());
  ASSERT_TRUE(engine.Fold({Sequence{3}, RuleHarness::kStart, "one"}, payload).ok());
  EXPECT_THAT(engine.tenants(), ElementsAre("one", "two"));
  const auto failed = [&](std::string_view tenant) {
    const WindowStore& windows = *engine.windows(tenant);
    return windows.Sum(*windows.FindCell(windows.FindOrBuiltIn({}), {}),
                       *windows.FindMeasureId({"tasks.failed", ""}), RuleHarness::kStart, hours(1));
  };
  EXPECT_EQ(failed("one"), 2);
  EXPECT_EQ(failed("two"), 1);
}

}  // namespace
}  // namespace barograph::rules
