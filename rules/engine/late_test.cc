#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/engine/late_book.h"
#include "rules/engine/rule_harness.h"

namespace barograph::rules {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

constexpr std::int64_t kPercent99 = 990'000'000;

v1::Event OldTask(Duration at, bool ok, const std::string& agent, std::uint64_t count) {
  v1::Event event = TaskEvent(ok, agent, count);
  event.mutable_time()->set_seconds(
      std::chrono::floor<seconds>((RuleHarness::kStart + at).time_since_epoch()).count());
  return event;
}

/// Ten days ago, agents `from` to `to` failed everything for three hours of a day; all of it
/// arrives within two minutes.
void Import(RuleHarness* harness, Duration at, int from, int to) {
  for (int agent = from; agent < to; ++agent) {
    for (int hour = 0; hour < 24; ++hour) {
      const Duration old = -days(10) + hours(hour) + minutes(5);
      harness->At(at + seconds(hour),
                  OldTask(old, hour < 12 || hour >= 15, "a" + std::to_string(agent), 100));
    }
  }
}

TEST(LateTest, ImportedOutageMakesOneDigestAndPagesNobody) {
  RuleHarness harness(TaskRules(kPercent99, {"agent"}));
  Import(&harness, minutes(1), 0, 40);
  harness.RunUntil(minutes(2));
  EXPECT_THAT(harness.TakeTransitions(), IsEmpty());
  harness.Append(storage::ImportEnded{{}, "import", 960});
  harness.RunUntil(minutes(30));
  const std::vector<std::string> transitions = harness.TakeTransitions();
  EXPECT_THAT(transitions, SizeIs(4 * 40)) << "began and ended, for both severities of 40 agents";
  EXPECT_THAT(transitions, Each(HasSubstr("late")));
  const std::vector<std::string> notices = harness.TakeNotices();
  ASSERT_THAT(notices, SizeIs(1));
  EXPECT_THAT(notices[0], StartsWith("2m1s breaches found late: 32 of 80:"));
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(LateTest, BreachLastsFromTheFirstBadHourUntilTheLastBadHour) {
  RuleSet rules = TaskRules(kPercent99, {"agent"});
  rules.slos[0].burn.resize(1);
  RuleHarness harness(rules);
  Import(&harness, minutes(1), 0, 1);
  harness.RunUntil(minutes(2));
  harness.Append(storage::ImportEnded{{}, "import", 24});
  harness.RunUntil(minutes(3));
  EXPECT_THAT(harness.TakeTransitions(),
              ElementsAre("-9d12h critical inactive>firing a0 late (found late)",
                          "-9d9h critical firing>resolved a0 late (found late)"));
  EXPECT_THAT(
      harness.TakeNotices(),
      ElementsAre("2m1s breaches found late: 1 of 1: [resolved a0 critical -9d12h to -9d9h]"));
}

TEST(LateTest, WithoutAnEndOfImportTheDigestComesAfterFiveQuietMinutes) {
  RuleHarness harness(TaskRules(kPercent99, {"agent"}));
  Import(&harness, minutes(1), 0, 1);
  harness.RunUntil(minutes(6) + seconds(22));
  EXPECT_THAT(harness.TakeNotices(), IsEmpty());
  harness.RunUntil(minutes(6) + seconds(23));
  EXPECT_THAT(harness.TakeNotices(), ElementsAre(StartsWith("6m23s breaches found late: 2 of 2")));
  harness.Append(storage::ImportEnded{{}, "import", 24});
  harness.RunUntil(minutes(30));
  EXPECT_THAT(harness.TakeNotices(), IsEmpty());
}

TEST(LateTest, TwoImportsMakeTwoDigestsEvenWhenTheSecondBeginsAtOnce) {
  RuleHarness harness(TaskRules(kPercent99, {"agent"}));
  Import(&harness, minutes(1), 0, 3);
  harness.RunUntil(minutes(2));
  harness.Append(storage::ImportEnded{{}, "first", 72});
  Import(&harness, minutes(2), 3, 8);
  harness.RunUntil(minutes(3));
  harness.Append(storage::ImportEnded{{}, "second", 120});
  harness.RunUntil(minutes(30));
  EXPECT_THAT(harness.TakeNotices(),
              ElementsAre(HasSubstr("found late: 6 of 6"), HasSubstr("found late: 10 of 10")));
}

TEST(LateTest, RestartBetweenTheBreachesAndTheirDigestTellsThemOnce) {
  const Duration restarts[] = {minutes(1) + seconds(30), minutes(2), minutes(2) + seconds(5)};
  for (const Duration restart : restarts) {
    RuleHarness harness(TaskRules(kPercent99, {"agent"}));
    harness.slice = 60;
    Import(&harness, minutes(1), 0, 5);
    harness.BeginCheckpoint(1'000);
    harness.RunUntil(minutes(1) + seconds(10));
    if (restart < minutes(2)) {
      harness.RunUntil(restart);
      harness.Restart();
    }
    harness.RunUntil(minutes(2));
    harness.Append(storage::ImportEnded{{}, "import", 120});
    if (restart >= minutes(2)) {
      harness.RunUntil(restart);
      harness.BeginCheckpoint(1'000);
      harness.Append(storage::TailDropped{{}, Sequence{1}, "test"});
      harness.Restart();
    }
    harness.RunUntil(minutes(20));
    EXPECT_THAT(harness.TakeTransitions(), SizeIs(20)) << FormatDuration(restart);
    EXPECT_THAT(harness.TakeNotices(), SizeIs(1)) << FormatDuration(restart);
    EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
  }
}

TEST(LateTest, EventsThatComeAnHourLateDoNotTellWhatWasToldLive) {
  RuleSet rules = TaskRules(kPercent99, {"agent"});
  rules.slos[0].burn.resize(1);
  RuleHarness harness(rules);
  harness.Tasks({.from = seconds(0), .to = minutes(10), .ok = false});
  harness.Tasks({.from = minutes(10), .to = hours(4)});
  harness.At(hours(3), OldTask(minutes(5), false, "a", 1));
  harness.RunUntil(hours(4));
  EXPECT_THAT(harness.TakeTransitions(), SizeIs(2)) << "one live episode, nothing late";
}

TEST(LateTest, RowHoldsTheWholeBook) {
  LateBook book;
  const auto at = [](Duration offset) { return RuleHarness::kStart + offset; };
  book.Mark({CellId{3}, CellId{9}}, at(-days(2)), at(-days(1)), at(minutes(1)));
  book.Mark({CellId{3}}, at(-days(3)), at(-hours(2)), at(minutes(2)));
  book.EndImport();
  book.Mark({CellId{4}}, at(-days(3)), at(-hours(2)), at(minutes(3)));
  ASSERT_EQ(book.runs()[0].number, 2U);
  EXPECT_EQ(book.runs()[1].cells.at(3).from, at(-days(3)));
  EXPECT_EQ(book.runs()[1].cells.at(3).to, at(-hours(2)));
  LateBook loaded;
  ASSERT_TRUE(loaded.Load(book.Encode()).ok());
  EXPECT_EQ(loaded.Encode(), book.Encode());
  EXPECT_FALSE(loaded.Load(book.Encode() + "x").ok());
  EXPECT_FALSE(loaded.Load(book.Encode().substr(0, 20)).ok());
}

}  // namespace
}  // namespace barograph::rules
