#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/engine/rule_harness.h"

// Method: thresholds over tasks that end once a second, through records, every evaluation point,
// stops, checkpoints and replays, as the writer runs them.

namespace barograph::rules {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Form = ThresholdSpec::Form;
using Side = ThresholdSpec::Side;

ThresholdSpec Spec(std::string name, Form form, std::string measure, Duration over, Side side,
                   std::string number) {
  ThresholdSpec spec;
  spec.common.name = std::move(name);
  spec.form = form;
  spec.measure = std::move(measure);
  spec.over = over;
  spec.side = side;
  spec.bound.number = std::move(number);
  return spec;
}

RuleSet With(std::vector<ThresholdSpec> thresholds) {
  RuleSet rules = TaskRules(990'000'000);
  rules.slos.clear();
  rules.thresholds = std::move(thresholds);
  return rules;
}

ThresholdSpec SlowAgent(std::vector<std::string> by = {}) {
  ThresholdSpec spec =
      Spec("slow-agent", Form::kRate, "tasks.completed", minutes(10), Side::kBelow, "60");
  spec.per = hours(1);
  spec.common.by = std::move(by);
  return spec;
}

/// First second from `from` on in which the instance is judged.
Duration PhaseAfter(Duration from, storage::Labels identity) {
  const auto phase = static_cast<std::int64_t>(FingerprintValue(identity) % 10);
  Duration second = std::chrono::ceil<seconds>(from);
  while (std::chrono::floor<seconds>(second).count() % 10 != phase) second += seconds(1);
  return second;
}

std::string At(Duration at, std::string_view what) {
  return FormatDuration(at) + " " + std::string(what);
}

TEST(ThresholdRulesTest, ASumFiresWithTheEventThatCrossesItsBoundAndResolvesByTime) {
  RuleHarness harness(
      With({Spec("failures", Form::kSum, "tasks.failed", minutes(10), Side::kAbove, "5")}));
  harness.Tasks({.from = seconds(0), .to = seconds(20), .ok = false});
  harness.RunUntil(minutes(20));
  // From 10m10s on the window begins after all of them.
  const Duration resolved =
      PhaseAfter(minutes(10) + seconds(10), {{"rule", "failures"}}) + minutes(1);
  EXPECT_THAT(harness.TakeTransitions(),
              ElementsAre("5s warning inactive>firing", At(resolved, "warning firing>resolved")));
  EXPECT_THAT(harness.TakeNotices(), SizeIs(2));
}

TEST(ThresholdRulesTest, ARateThatFallsBecauseEventsStopFiresWithinTenSeconds) {
  RuleHarness harness(With({SlowAgent({"agent"})}));
  harness.Tasks({.from = seconds(0), .to = minutes(20)});
  harness.RunUntil(minutes(40));
  // Fewer than ten in ten minutes: from the moment that the last bucket leaves the window.
  const Duration fired =
      PhaseAfter(minutes(29) + seconds(50), {{"agent", "a"}, {"rule", "slow-agent"}});
  EXPECT_LT(fired, minutes(30));
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre(At(fired, "warning inactive>firing a")));
}

TEST(ThresholdRulesTest, NothingIsTooSlowBeforeItsFirstWindowIsOver) {
  RuleHarness harness(With({SlowAgent({"agent"})}));
  harness.Tasks({.from = seconds(0), .to = minutes(20), .every = minutes(5)});
  harness.RunUntil(minutes(10) - seconds(1));
  EXPECT_THAT(harness.TakeTransitions(), IsEmpty());
  harness.RunUntil(minutes(11));
  EXPECT_THAT(harness.TakeTransitions(), SizeIs(1));
}

TEST(ThresholdRulesTest, ForAndMinEventsWorkAsForSlos) {
  ThresholdSpec share =
      Spec("share", Form::kRatio, "tasks.failed", minutes(10), Side::kAbove, "0.1");
  share.whole = "tasks.finished";
  share.bound.unit = Bound::Unit::kPercent;
  share.common.for_duration = minutes(1);
  share.common.min_events = 30;
  RuleHarness harness(With({share}));
  harness.Tasks({.from = seconds(0), .to = minutes(5), .ok = false});
  harness.RunUntil(minutes(5));
  EXPECT_THAT(harness.TakeTransitions(),
              ElementsAre("29s warning inactive>pending", "1m29s warning pending>firing"));
}

TEST(ThresholdRulesTest, AStopOfTheServerBringsNoStep) {
  ThresholdSpec busy = Spec("busy", Form::kSum, "tasks.finished", minutes(10), Side::kAbove, "500");
  ThresholdSpec share =
      Spec("share", Form::kRatio, "tasks.failed", minutes(10), Side::kAbove, "0.9");
  share.whole = "tasks.finished";
  share.bound.unit = Bound::Unit::kPercent;
  ThresholdSpec slow = SlowAgent();
  slow.bound.number = "1800";
  slow.measure = "tasks.finished";
  for (const Duration stop :
       {Duration(seconds(30)), Duration(minutes(4)), Duration(minutes(9)), Duration(hours(8))}) {
    RuleHarness harness(With({busy, share, slow}));
    harness.Tasks({.from = seconds(0), .to = minutes(30), .ok = false});
    harness.RunUntil(minutes(30));
    EXPECT_THAT(harness.TakeTransitions(), SizeIs(2)) << "busy and share";
    harness.StopUntil(minutes(30) + stop);
    // Senders come back one minute after the server.
    harness.Tasks({.from = minutes(31) + stop, .to = hours(1) + stop, .ok = false});
    harness.RunUntil(hours(1) + stop);
    EXPECT_THAT(harness.TakeTransitions(), IsEmpty()) << FormatDuration(stop);
    EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
  }
}

TEST(ThresholdRulesTest, ARealFallAfterAStopIsFoundOnceTheWindowIsPastIt) {
  RuleHarness harness(With({SlowAgent()}));
  harness.Tasks({.from = seconds(0), .to = minutes(30)});
  harness.RunUntil(minutes(30));
  harness.StopUntil(minutes(40));
  harness.RunUntil(hours(1));
  const std::vector<std::string> steps = harness.TakeTransitions();
  ASSERT_THAT(steps, SizeIs(1));
  const AlertStatus alert = harness.engine().Alerts("default").at(0);
  EXPECT_GE(alert.since, RuleHarness::kStart + minutes(45)) << "not in the grace";
  EXPECT_LE(alert.since, RuleHarness::kStart + minutes(51));
}

TEST(ThresholdRulesTest, ANewErrorFiresOnceAndResolvesByItself) {
  ThresholdSpec spec = Spec("new-error", Form::kNew, "errors", minutes(5), Side::kAbove, "0");
  spec.common.by = {"fingerprint"};
  spec.span = hours(24);
  RuleHarness harness(With({spec}));
  for (int minute = 0; minute < 30; minute += 2) {
    v1::Event event;
    event.mutable_error()->set_fingerprint("f1");
    event.mutable_error()->set_message("boom");
    harness.At(minutes(minute), event);
    event.mutable_error()->set_fingerprint("f2");
    if (minute == 10) harness.At(minutes(minute), event);
  }
  harness.RunUntil(hours(1));
  EXPECT_THAT(harness.TakeTransitions(), SizeIs(4)) << "f1 and f2, each once";
}

TEST(ThresholdRulesTest, TheFirstErrorOfAFreshInstallIsNew) {
  ThresholdSpec spec = Spec("new-error", Form::kNew, "errors", minutes(5), Side::kAbove, "0");
  spec.span = hours(24);
  v1::Event event;
  event.mutable_error()->set_message("boom");
  const auto fires_after = [&](bool had_events) {
    RuleHarness harness(With({}));
    if (had_events) harness.Tasks({.from = seconds(0), .to = seconds(2)});
    harness.RunUntil(minutes(1));
    harness.Apply(With({spec}));
    harness.At(minutes(2), event);
    harness.RunUntil(minutes(3));
    return !harness.TakeTransitions().empty();
  };
  EXPECT_TRUE(fires_after(false)) << "the rules came before all events";
  EXPECT_FALSE(fires_after(true)) << "what came before the rule is not known";
}

TEST(ThresholdRulesTest, WhatIsLeftOfABudgetIsAnAlertOfEachInstanceOfTheSlo) {
  RuleSet rules = TaskRules(990'000'000, {"agent"});
  ThresholdSpec spec = Spec("nearly-gone", Form::kBudget, "", {}, Side::kBelow, "0.5");
  spec.slo = "task-success";
  rules.slos[0].burn = {{hours(1), minutes(5), 1, Severity::kCritical}};
  rules.thresholds = {spec};
  rules.slos[0].burn[0].budget = 0.02;
  rules.slos[0].common.min_events = 1'000'000;
  RuleHarness harness(rules);
  harness.Tasks({.from = seconds(0), .to = minutes(10), .agent = "b"});
  harness.Tasks({.from = seconds(0), .to = minutes(10), .agent = "a"});
  harness.Tasks({.from = minutes(10), .to = minutes(11), .ok = false, .agent = "b"});
  harness.RunUntil(minutes(12));
  // 4 of 604 is 0.66 % of 1 %.
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("10m3s warning inactive>firing b"));
}

TEST(ThresholdRulesTest, CheckpointsAndReplaysHoldTheSameState) {
  ThresholdSpec share =
      Spec("share", Form::kRatio, "tasks.failed", minutes(10), Side::kAbove, "0.1");
  share.whole = "tasks.finished";
  share.bound.unit = Bound::Unit::kPercent;
  share.common.by = {"agent"};
  ThresholdSpec twice = Spec("twice", Form::kSum, "tasks.failed", minutes(5), Side::kAbove, "2");
  twice.versus = ThresholdSpec::Versus::kPrevious;
  twice.bound.unit = Bound::Unit::kPercent;
  twice.span = minutes(5);
  const auto feed = [](RuleHarness* harness) {
    for (const char* agent : {"a", "b", "c"}) {
      harness->Tasks({.from = seconds(0), .to = minutes(20), .agent = agent});
      harness->Tasks(
          {.from = minutes(20), .to = minutes(40), .ok = agent[0] != 'b', .agent = agent});
      harness->Tasks({.from = minutes(40), .to = minutes(60), .agent = agent});
    }
  };
  RuleHarness whole(With({share, twice, SlowAgent({"agent"})}));
  feed(&whole);
  whole.RunUntil(hours(1));
  const std::vector<std::string> expected = whole.TakeTransitions();
  EXPECT_GE(expected.size(), 2U);

  RuleHarness restarted(With({share, twice, SlowAgent({"agent"})}));
  feed(&restarted);
  std::vector<std::string> seen;
  for (const Duration until : {minutes(15), minutes(21), minutes(33), minutes(45), minutes(60)}) {
    restarted.BeginCheckpoint(7);
    restarted.RunUntil(until);
    for (std::string& step : restarted.TakeTransitions()) seen.push_back(std::move(step));
    restarted.Restart();
  }
  EXPECT_EQ(seen, expected);
  EXPECT_EQ(restarted.LiveDigest(), whole.LiveDigest());
  EXPECT_EQ(whole.LiveDigest(), whole.ReplayedDigest());
}

}  // namespace
}  // namespace barograph::rules
