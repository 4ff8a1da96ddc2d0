#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/engine/rule_harness.h"

// Method: agents start tasks below the simulated log; each test says at which whole second who is
// told to be silent. Who is back is seen in the second of its phase, at most ten seconds later.
// Every engine is compared with a replay of its log.
namespace barograph::rules {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

RuleSet Silent(std::vector<std::string> by = {"agent"}, std::vector<std::string> expected = {}) {
  RuleSet rules = TaskRules(990'000'000);
  rules.slos.clear();
  AbsenceSpec absence;
  absence.common.name = "agent-silent";
  absence.common.by = std::move(by);
  absence.common.annotations = {
      {"summary", "{{labels.agent}} silent since task {{event.task_id}}"}};
  absence.measure = "tasks.started";
  absence.silence = 30min;
  absence.expected = std::move(expected);
  rules.absences.push_back(std::move(absence));
  return rules;
}

v1::Event Started(const std::string& agent, const std::string& task = "t-1") {
  v1::Event event;
  event.set_agent(agent);
  event.set_task_id(task);
  event.mutable_task()->set_status(v1::Task::STARTED);
  return event;
}

void Starts(RuleHarness* harness, const std::string& agent, Duration from, Duration to,
            Duration every = 1min) {
  for (Duration at = from; at < to; at += every) harness->At(at, Started(agent));
}

TEST(AbsenceRulesTest, FiresAtTheWholeSecondAtWhichItIsDue) {
  RuleHarness harness(Silent());
  harness.At(10s + 300ms, Started("a"));
  harness.At(17s, Started("b"));
  harness.RunUntil(30min + 10s);
  EXPECT_THAT(harness.TakeTransitions(), IsEmpty());
  harness.RunUntil(31min);
  EXPECT_THAT(harness.TakeTransitions(),
              ElementsAre("30m11s warning inactive>firing a", "30m17s warning inactive>firing b"));
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(AbsenceRulesTest, AMomentThatAnEventMovedIsNoMomentAnyMore) {
  RuleHarness harness(Silent());
  harness.At(10s + 300ms, Started("a"));
  harness.RunUntil(1h);
  EXPECT_THAT(harness.TakeTransitions(), SizeIs(1));
  // At 24h11s it would be forgotten; it is heard of before, and nobody looks at it until its phase.
  harness.At(24h + 10s + 500ms, Started("a"));
  harness.RunUntilFolded(24h + 10s + 500ms);
  const auto phase =
      static_cast<std::int64_t>(FingerprintValue({{"agent", "a"}, {"rule", "agent-silent"}}) % 10);
  ASSERT_NE(phase, 1) << "the moment would be its phase";
  Duration heard = 24h + 11s;
  while (heard / 1s % 10 != phase) heard += 1s;
  harness.RunUntil(24h + 2min);
  EXPECT_THAT(harness.TakeTransitions(),
              ElementsAre(FormatDuration(heard + 1min) + " warning firing>resolved a"));
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(AbsenceRulesTest, AMomentThatAnEventMovedIsNoMomentAnyMoreAlsoWhenTheEventWasJudged) {
  RuleHarness harness(Silent());
  harness.At(10s + 300ms, Started("a"));
  harness.RunUntil(1h);
  EXPECT_THAT(harness.TakeTransitions(), SizeIs(1));
  // At 24h11s it would be forgotten; that it is back is seen at once, and its calm begins in its
  // phase, as after a restart, which knows nothing of the moment.
  const auto phase =
      static_cast<std::int64_t>(FingerprintValue({{"agent", "a"}, {"rule", "agent-silent"}}) % 10);
  ASSERT_NE(phase, 1) << "the moment would be its phase";
  harness.At(24h + 10s + 500ms, Started("a"));
  Duration heard = 24h + 11s;
  while (heard / 1s % 10 != phase) heard += 1s;
  harness.RunUntil(24h + 2min);
  EXPECT_THAT(harness.TakeTransitions(),
              ElementsAre(FormatDuration(heard + 1min) + " warning firing>resolved a"));
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(AbsenceRulesTest, NamesTheLastEventAndEndsWhenTheAgentIsBack) {
  RuleHarness harness(Silent());
  harness.At(0s, Started("a", "t-1"));
  harness.At(10s, Started("a", "t-7"));
  harness.At(40min, Started("a", "t-8"));
  harness.RunUntil(1h);
  EXPECT_THAT(
      harness.TakeNotices(),
      ElementsAre(HasSubstr("firing a warning 30m10s: a silent since task t-7"),
                  HasSubstr("resolved a warning 30m10s to 41m8s: a silent since task t-8")));
  const auto alerts = harness.engine().Alerts("default");
  ASSERT_THAT(alerts, SizeIs(1));
  EXPECT_EQ(alerts[0].condition, "silent");
  EXPECT_EQ(alerts[0].threshold, 1'800);
}

TEST(AbsenceRulesTest, OtherEventsOfTheCellDoNotCount) {
  RuleHarness harness(Silent());
  harness.At(0s, Started("a"));
  harness.Tasks({.from = 1min, .to = 40min, .every = 1min});
  harness.RunUntil(40min);
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("30m warning inactive>firing a"));
}

TEST(AbsenceRulesTest, ExpectedInstancesAreThereBeforeTheirFirstEvent) {
  RuleHarness harness(Silent({"agent"}, {"CMO", "CFO", "CTO"}));
  harness.At(10min, Started("CFO"));
  harness.At(35min, Started("CMO"));
  harness.RunUntil(45min);
  EXPECT_THAT(
      harness.TakeTransitions(),
      UnorderedElementsAre("30m warning inactive>firing CMO", "30m warning inactive>firing CTO",
                           "36m6s warning firing>resolved CMO", "40m warning inactive>firing CFO"));
  harness.RunUntil(72h);
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("1h5m warning inactive>firing CMO"))
      << "whoever is expected is never forgotten";
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(AbsenceRulesTest, WithoutByTheOneInstanceIsExpected) {
  RuleHarness harness(Silent({}));
  harness.RunUntil(31min);
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("30m warning inactive>firing"));
  harness.At(32min, Started("a"));
  harness.RunUntil(40min);
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("33m6s warning firing>resolved"));
}

TEST(AbsenceRulesTest, InstanceThatWasNotSeenForLongIsForgotten) {
  RuleHarness harness(Silent());
  harness.At(5s, Started("a"));
  harness.RunUntil(24h + 1min);
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("30m5s warning inactive>firing a",
                                                     "1d5s warning firing>resolved a (forgotten)"));
  harness.At(25h, Started("a"));
  harness.RunUntil(26h);
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("1d1h30m warning inactive>firing a"));
}

TEST(AbsenceRulesTest, NoSecondOfAGapCountsAndNothingIsKnownUntilTheGraceIsOver) {
  RuleHarness harness(Silent());
  Starts(&harness, "sends-again", 0s, 20min);
  Starts(&harness, "gone", 0s, 20min);
  Starts(&harness, "nearly-due", 0s, 1s);
  harness.RunUntil(28min);
  harness.StopUntil(8h + 28min);
  Starts(&harness, "sends-again", 8h + 28min + 10s, 10h);
  harness.RunUntil(8h + 33min - 1s);
  EXPECT_THAT(harness.TakeTransitions(), IsEmpty());
  harness.RunUntil(9h);
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("8h33m warning inactive>firing nearly-due",
                                                     "8h49m warning inactive>firing gone"));
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(AbsenceRulesTest, EventsThatWaitedForTheServerCountFromItsReturn) {
  RuleHarness harness(Silent());
  harness.At(0s, Started("a"));
  harness.RunUntil(10min);
  harness.StopUntil(2h);
  v1::Event buffered = Started("a");
  buffered.mutable_time()->set_seconds(
      std::chrono::floor<std::chrono::seconds>((RuleHarness::kStart + 1h).time_since_epoch())
          .count());
  harness.At(2h + 1min, buffered);
  harness.RunUntil(2h + 30min - 1s);
  EXPECT_THAT(harness.TakeTransitions(), IsEmpty());
  harness.RunUntil(3h);
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("2h30m warning inactive>firing a"));
}

TEST(AbsenceRulesTest, ImportOfOldEventsFiresForNobody) {
  RuleHarness harness(Silent());
  for (int i = 0; i < 50; ++i) {
    v1::Event old = Started("old-" + std::to_string(i));
    old.mutable_time()->set_seconds(
        std::chrono::floor<std::chrono::seconds>((RuleHarness::kStart - 48h).time_since_epoch())
            .count());
    harness.At(1min, old);
  }
  harness.RunUntil(2h);
  EXPECT_THAT(harness.TakeTransitions(), IsEmpty());
}

TEST(AbsenceRulesTest, RestartAtAnyPointChangesNothing) {
  const auto run = [](const std::vector<Duration>& restarts) {
    RuleHarness harness(Silent({"agent"}, {"CMO"}));
    Starts(&harness, "a", 0s, 10min, 17s);
    Starts(&harness, "b", 0s, 2h, 59s);
    Starts(&harness, "a", 50min, 55min);
    for (const Duration at : restarts) {
      harness.RunUntil(at);
      harness.BeginCheckpoint(5);
      harness.RunUntil(at + 3s);
      harness.Restart();
    }
    harness.RunUntil(2h);
    EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
    return harness.TakeTransitions();
  };
  const std::vector<std::string> undisturbed = run({});
  EXPECT_THAT(undisturbed, SizeIs(4));
  EXPECT_EQ(run({5min, 30min, 39min + 40s, 52min, 80min}), undisturbed);
}

TEST(AbsenceRulesTest, RuleThatComesLaterKnowsWhoWasThere) {
  RuleSet before = TaskRules(990'000'000, {"agent"});
  RuleHarness harness(before);
  harness.At(7s, Started("a"));
  harness.RunUntil(20min);
  RuleSet after = Silent();
  after.slos = before.slos;
  harness.Apply(after);
  harness.RunUntil(31min);
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre("30m warning inactive>firing a"))
      << "from the bucket of ten seconds in which it was seen last";
}

}  // namespace
}  // namespace barograph::rules
