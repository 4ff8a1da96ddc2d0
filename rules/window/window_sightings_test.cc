#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/window/window_store.h"
#include "rules/window/window_test_events.h"

// Method: tasks started and completed by agents; every test's state is also restored from a
// checkpoint that was under way while its last events were folded, and must be the same.
namespace barograph::rules {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr Time kStart = Time(std::chrono::days(20'000));
constexpr Duration kOpenFor = 5min;
constexpr Duration kMissedFor = 1min;
const Projection kByAgent{{"agent"}, {}};
const Projection kResearch{{"agent"}, {{"type", {"research"}}}};

WindowPlan Plan() {
  WindowPlan plan;
  plan.projections = {kResearch};
  plan.sightings = {{"seen", kByAgent, {"tasks.started"}, {"agent", "type"}, Duration{0}, ""},
                    {"asked", kByAgent, {"tasks.started"}, {}, kOpenFor, "", kMissedFor},
                    {"answer", kResearch, {"tasks.completed"}, {}, Duration{0}, "asked"}};
  return plan;
}

class SightingsTest : public ::testing::Test {
 protected:
  SightingsTest() { store_.Configure(Plan(), Sequence{1}); }

  void Task(Duration at, const std::string& measure, const std::string& agent = "a",
            const std::string& type = "research") {
    FoldInto(&store_, {kStart + at, agent, type, {{{measure, ""}}}});
  }
  const CellSighting* Find(const std::string& id, const std::string& agent = "a",
                           const Projection& projection = kByAgent) {
    const std::string_view values[] = {agent};
    const auto cell = store_.FindCell(store_.FindOrBuiltIn(projection), values);
    return cell ? store_.Sighting(*cell, id) : nullptr;
  }
  std::vector<Duration> Open(const std::string& agent = "a") {
    std::vector<Duration> open;
    const CellSighting* asked = Find("asked", agent);
    for (const Time each : asked == nullptr ? std::vector<Time>() : asked->open)
      open.push_back(each - kStart);
    return open;
  }
  void ExpectRestorable() {
    WindowStore restored;
    ASSERT_TRUE(table_.Load(&restored).ok());
    restored.Configure(Plan(), Sequence{1});
    EXPECT_EQ(CanonicalOf(restored), at_checkpoint_);
  }
  void BeginCheckpoint() {
    at_checkpoint_ = CanonicalOf(store_);
    store_.BeginCheckpoint();
  }
  void FinishCheckpoint() {
    while (!table_.Continue(&store_, 3)) {
    }
  }

  WindowStore store_;
  CheckpointTable table_;
  std::string at_checkpoint_;
};

TEST_F(SightingsTest, NewestEventIsRememberedWithItsTextsHoweverLateOthersCome) {
  EXPECT_EQ(Find("seen"), nullptr);
  Task(10s + 300ms, "tasks.started");
  Task(5s, "tasks.started", "a", "development");
  Task(20s, "tasks.failed");
  ASSERT_NE(Find("seen"), nullptr);
  EXPECT_EQ(Find("seen")->at, kStart + 10s + 300ms);
  EXPECT_THAT(Find("seen")->texts, ElementsAre(Pair("agent", "a"), Pair("type", "research")));
}

TEST_F(SightingsTest, AnswerEndsTheWaitsBeforeItInTheCellOfTheSameValues) {
  Task(10s, "tasks.started");
  Task(20s, "tasks.started");
  Task(20s, "tasks.started", "b");
  EXPECT_THAT(Open(), ElementsAre(10s, 20s));
  Task(15s, "tasks.completed");
  EXPECT_THAT(Open(), ElementsAre(20s));
  Task(25s, "tasks.completed", "a", "development");
  EXPECT_THAT(Open(), SizeIs(1)) << "the filter lets only research answer";
  EXPECT_THAT(Open("b"), ElementsAre(20s));
}

TEST_F(SightingsTest, QuestionThatComesAfterItsAnswerDoesNotWait) {
  Task(30s, "tasks.completed");
  Task(20s, "tasks.started");
  EXPECT_THAT(Open(), IsEmpty());
  Task(40s, "tasks.started");
  EXPECT_THAT(Open(), ElementsAre(40s));
}

TEST_F(SightingsTest, WaitsAreBounded) {
  for (int i = 0; i < 100; ++i) Task(i * 1s, "tasks.started");
  EXPECT_THAT(Open(), SizeIs(kOpenSightingsMax));
  EXPECT_EQ(Open().front(), 0s);
  EXPECT_EQ(Open().back(), 99s) << "the newest takes the place of the one before it";
}

TEST_F(SightingsTest, WhatIsOverHoldsNoPlaceFromThatMomentOn) {
  constexpr int kMax = static_cast<int>(kOpenSightingsMax);
  for (int i = 0; i < kMax; ++i) Task(i * 1s, "tasks.started");
  const Duration over = kOpenFor + kMissedFor;
  store_.BeginRecord(kStart + over - 1ns);
  Task(over - 1s, "tasks.started");
  EXPECT_THAT(Open(), SizeIs(kOpenSightingsMax)) << "the oldest may still be answered";
  EXPECT_EQ(Open().back(), over - 1s);
  EXPECT_EQ(Open()[kOpenSightingsMax - 2], (kMax - 2) * 1s);
  store_.BeginRecord(kStart + over + 3s);
  Task(over, "tasks.started");
  EXPECT_EQ(Open().front(), 3s) << "the newest that is over says why an alert ends";
  EXPECT_EQ(Open()[1], 4s);
  EXPECT_THAT(Open(), ::testing::Contains(over - 1s));
  for (int i = 1; i < 100; ++i) Task(over + i * 1ms, "tasks.started");
  EXPECT_THAT(Open(), SizeIs(kOpenSightingsMax + 1));
  EXPECT_EQ(Open().back(), over + 99ms);
  Task(2s, "tasks.started");
  EXPECT_EQ(Open().front(), 3s) << "a question that comes too late to be missed waits for nothing";
  BeginCheckpoint();
  FinishCheckpoint();
  ExpectRestorable();
}

TEST_F(SightingsTest, NothingIsOverBeforeTheGraceAfterAStartIs) {
  Task(0s, "tasks.started");
  store_.Exclude(kStart + 4min, kStart + 64min);
  const Duration over = 64min + kResumeGrace + kMissedFor;
  store_.BeginRecord(kStart + over - 1ns);
  Task(over - 1s, "tasks.started");
  EXPECT_THAT(Open(), ElementsAre(0s, over - 1s));
  EXPECT_EQ(store_.WaitOf(kStart, kOpenFor, kMissedFor).over, kStart + over);
}

TEST_F(SightingsTest, GapsDoNotCount) {
  store_.Exclude(kStart + 1min, kStart + 61min);
  EXPECT_EQ(store_.ExcludedWithin(kStart, kStart + 2h), 1h);
  EXPECT_EQ(store_.ExcludedWithin(kStart + 30min, kStart + 62min), 31min);
  EXPECT_EQ(store_.ExcludedWithin(kStart + 2h, kStart), 0s);
  EXPECT_EQ(store_.After(kStart, 30s), kStart + 30s);
  EXPECT_EQ(store_.After(kStart, 2min), kStart + 62min);
  EXPECT_EQ(store_.After(kStart + 30min, 2min), kStart + 63min);
  EXPECT_EQ(store_.ExcludedUntil(), kStart + 61min);
  Task(30s, "tasks.started");
  Task(62min, "tasks.started");
  EXPECT_THAT(Open(), ElementsAre(30s, 62min)) << "only a minute and a half counted";
}

TEST_F(SightingsTest, GapsAreForgottenWithWhatTheyWereIn) {
  store_.Exclude(kStart, kStart + 10s);
  store_.Exclude(kStart + 1h, kStart + 1h + 10s);
  EXPECT_EQ(store_.ExcludedWithin(kStart, kStart + 1h + 5s), 15s);
  store_.Exclude(kStart + 40 * 24h, kStart + 40 * 24h + 1s);
  EXPECT_EQ(store_.ExcludedWithin(kStart, kStart + 41 * 24h), 1s);
}

TEST_F(SightingsTest, CheckpointHoldsWhatWasSeenWhenItBegan) {
  Task(10s, "tasks.started");
  Task(10s, "tasks.started", "b");
  Task(12s, "tasks.completed", "b");
  BeginCheckpoint();
  FinishCheckpoint();
  ExpectRestorable();
  Task(20s, "tasks.started");
  Task(20s, "tasks.started", "c");
  BeginCheckpoint();
  Task(30s, "tasks.started");
  Task(31s, "tasks.completed");
  Task(30s, "tasks.started", "d");
  FinishCheckpoint();
  ExpectRestorable();
}

TEST_F(SightingsTest, NewSightingBeginsWithTheNewestBucketOfWhatTheCellKnows) {
  Task(17s, "tasks.started");
  WindowPlan plan = Plan();
  plan.sightings[0].id = "renamed";
  store_.Configure(plan, Sequence{2});
  EXPECT_EQ(Find("seen"), nullptr);
  ASSERT_NE(Find("renamed"), nullptr);
  EXPECT_EQ(Find("renamed")->at, kStart + 10s);
  EXPECT_THAT(Open(), ElementsAre(17s)) << "an unchanged one keeps what it knows";
}

TEST_F(SightingsTest, BrokenRowsAreRefused) {
  Task(10s, "tasks.started");
  BeginCheckpoint();
  FinishCheckpoint();
  std::string row;
  for (const auto& [key, value] : table_.rows()) {
    if (key.starts_with("wf")) row = value;
  }
  ASSERT_FALSE(row.empty());
  for (const std::string& broken : {row.substr(0, row.size() - 1), "x" + row, row + "\x01"}) {
    WindowStore restored;
    for (const auto& [key, value] : table_.rows()) {
      const Status status = restored.LoadRow(key, key.starts_with("wf") ? broken : value);
      EXPECT_EQ(status.ok(), !key.starts_with("wf"));
    }
  }
}

}  // namespace
}  // namespace barograph::rules
