#include "rules/absence/absence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/spec/rule_spec.h"
#include "rules/window/window_test_events.h"

// Method: one agent's tasks in a window store, judged at chosen moments. What the engine makes of
// the verdicts is in rules/engine/absence_rules_test.cc.

namespace barograph::rules {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr Time kStart = Time(std::chrono::days(20'000));

RuleSet Rules() {
  RuleSet rules;
  AbsenceSpec spec;
  spec.common.name = "agent-silent";
  spec.common.by = {"agent"};
  spec.measure = "tasks.started";
  spec.silence = 30min;
  spec.seen_within = 2h;
  spec.expected = {"CMO"};
  rules.absences.push_back(std::move(spec));
  return rules;
}

class AbsenceTest : public ::testing::Test {
 protected:
  AbsenceTest() { store_.Configure(PlanWindows(rules_), Sequence{1}); }

  void Start(Duration at, const std::string& agent) {
    FoldInto(&store_, {kStart + at, agent, "research", {{{"tasks.started", ""}}}});
  }
  /// An instance whose series began at kStart.
  InstanceSeries Of(const std::string& agent) {
    const std::string_view values[] = {agent};
    const Projection projection = ProjectionOf(rules_.absences[0].common);
    const auto cell = store_.FindCell(store_.FindOrBuiltIn(projection), values);
    return {&store_, cell.value_or(kNoCell), {}, kStart};
  }
  /// "", "silent" or the reason why it is over.
  std::string At(const std::string& agent, Duration at) {
    std::vector<Condition::Verdict> verdicts;
    absence_.Judge(Of(agent), kStart + at, &verdicts);
    const Condition::Verdict& verdict = verdicts.at(0);
    EXPECT_EQ(verdict.missing, verdict.holds || !verdict.ended.empty());
    return verdict.holds ? "silent" : std::string(verdict.ended);
  }
  std::optional<Duration> ChangesAfter(const std::string& agent, Duration after) {
    const auto moment = absence_.ChangesAt(Of(agent), kStart + after);
    if (!moment) return std::nullopt;
    return *moment - kStart;
  }

  RuleSet rules_ = Rules();
  Absence absence_{rules_.absences[0]};
  WindowStore store_;
};

TEST_F(AbsenceTest, IsSilentFromTheMomentAtWhichItsSpanHasPassed) {
  Start(10s, "temp");
  EXPECT_EQ(At("temp", 30min + 10s - 1ns), "");
  EXPECT_EQ(At("temp", 30min + 10s), "silent");
  Start(40min, "temp");
  EXPECT_EQ(At("temp", 40min), "");
}

TEST_F(AbsenceTest, IsForgottenUnlessItIsExpected) {
  Start(0s, "temp");
  Start(0s, "CMO");
  EXPECT_EQ(At("temp", 2h - 1ns), "silent");
  EXPECT_EQ(At("temp", 2h), "forgotten");
  EXPECT_EQ(At("CMO", 30h), "silent");
}

TEST_F(AbsenceTest, WhoWasNeverSeenIsMissedOnlyWhenExpected) {
  EXPECT_EQ(absence_.expected(), std::vector<std::string>{"CMO"});
  EXPECT_EQ(At("CMO", 30min - 1ns), "");
  EXPECT_EQ(At("CMO", 30min), "silent");
  EXPECT_THAT(absence_.Explain(Of("CMO"), 0, kStart + 30min).summary,
              HasSubstr("no tasks.started for 30m, threshold 30m: never seen, expected since"));
}

TEST_F(AbsenceTest, SaysWhenTimeAloneWillChangeIt) {
  Start(10s, "temp");
  EXPECT_EQ(ChangesAfter("temp", 0s), 30min + 10s);
  EXPECT_EQ(ChangesAfter("temp", 30min + 10s), 2h + 10s);
  EXPECT_EQ(ChangesAfter("temp", 2h + 10s), std::nullopt);
  EXPECT_EQ(ChangesAfter("CMO", 30min), std::nullopt);
}

TEST_F(AbsenceTest, NoSecondOfAGapCounts) {
  Start(0s, "temp");
  store_.Exclude(kStart + 20min, kStart + 8h);
  EXPECT_EQ(At("temp", 8h + 10min - 1ns), "");
  EXPECT_EQ(At("temp", 8h + 10min), "silent");
  EXPECT_EQ(ChangesAfter("temp", 8h), 8h + 10min);
  EXPECT_EQ(At("temp", 8h + 100min), "forgotten");
}

TEST_F(AbsenceTest, WhatComesDueInTheGraceAfterAStartIsJudgedAtItsEnd) {
  Start(0s, "temp");
  store_.Exclude(kStart + 29min, kStart + 8h);
  EXPECT_EQ(ChangesAfter("temp", 8h), 8h + kResumeGrace);
}

}  // namespace
}  // namespace barograph::rules
