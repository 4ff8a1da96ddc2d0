#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/engine/rule_harness.h"

// Method: the same events beside few and beside many other instances. An evaluation of many takes
// several calls, between which the writer looks at its queue; nobody may see that.

namespace barograph::rules {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

/// More than one call judges.
constexpr int kMany = 1'200;

std::string Name(int agent) { return "agent-" + std::to_string(1'000 + agent); }

/// Any failure fires, all of it in one group.
RuleSet AnyFailure() {
  RuleSet rules = TaskRules(1'000'000'000, {"agent"});
  rules.route.group_by = {"rule"};
  return rules;
}

/// One record: of `agents` the first and the last one fail, or all of them do.
void Arrive(RuleHarness* harness, Duration at, int agents, bool all = false) {
  for (int agent = 0; agent < agents; ++agent) {
    const bool ok = !all && agent != 0 && agent != agents - 1;
    harness->At(at, TaskEvent(ok, Name(agent)));
  }
}

TEST(EvaluationSlicesTest, WhatFiresAtOnePointIsOneMessage) {
  for (const int agents : {2, kMany}) {
    RuleHarness harness(AnyFailure());
    Arrive(&harness, 10s + 100ms, agents);
    harness.RunUntil(30s);
    EXPECT_THAT(harness.TakeNotices(),
                ElementsAre(AllOf(HasSubstr("first notification"), HasSubstr(Name(0)),
                                  HasSubstr(Name(agents - 1)), Not(HasSubstr("11s")))));
    EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
  }
}

TEST(EvaluationSlicesTest, WhatIsTooMuchToBeLoggedAtOnceIsStillOneMessage) {
  RuleHarness harness(AnyFailure());
  Arrive(&harness, 10s + 100ms, kMany, true);
  harness.RunUntil(30s);
  EXPECT_THAT(harness.TakeTransitions(), SizeIs(kMany));
  EXPECT_THAT(harness.TakeNotices(), SizeIs(1));
}

TEST(EvaluationSlicesTest, WhatAnEvaluationBringsIsJudgedAtTheNextOne) {
  const auto run = [](int agents) {
    RuleSet rules = AnyFailure();
    ThresholdSpec storm;
    storm.common.name = "storm";
    storm.form = ThresholdSpec::Form::kSum;
    storm.measure = "alerts.fired";
    storm.over = 10min;
    storm.side = ThresholdSpec::Side::kAbove;
    storm.bound.number = "0";
    rules.thresholds.push_back(storm);
    RuleHarness harness(rules);
    Arrive(&harness, 10s + 100ms, agents);
    harness.RunUntil(10s + 900ms);
    EXPECT_THAT(harness.TakeTransitions(), SizeIs(2)) << "the storm is none of them";
    harness.RunUntil(30s);
    return harness.TakeTransitions();
  };
  EXPECT_THAT(run(2), SizeIs(1));
  EXPECT_EQ(run(kMany), run(2));
}

TEST(EvaluationSlicesTest, WhatComesDueInOneSecondIsOneMessage) {
  const auto run = [](std::size_t slice) {
    RuleSet rules = TaskRules(990'000'000);
    rules.slos.clear();
    rules.route.group_by = {"rule"};
    AbsenceSpec silent;
    silent.common.name = "agent-silent";
    silent.common.by = {"agent"};
    silent.measure = "tasks.completed";
    silent.silence = 1min;
    rules.absences.push_back(silent);
    RuleHarness harness(rules);
    harness.slice = slice;
    for (int agent = 0; agent < 20; ++agent) harness.At(10s + 500ms, TaskEvent(true, Name(agent)));
    harness.RunUntil(1min + 30s);
    EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
    return harness.TakeNotices();
  };
  EXPECT_THAT(run(1'000), ElementsAre(HasSubstr(Name(19))));
  EXPECT_EQ(run(3), run(1'000));
}

TEST(EvaluationSlicesTest, WhatWasDecidedAndNotHandedOutIsDecidedAnewAfterAStop) {
  RuleHarness harness(AnyFailure());
  Arrive(&harness, 10s + 100ms, kMany);
  harness.RunUntilFolded(10s + 100ms);
  bool more = false;
  EXPECT_THAT(harness.engine().EvaluateChanged(harness.Now(), &more), IsEmpty());
  ASSERT_TRUE(more);
  storage::Resumed gap;
  gap.stopped_at = harness.Now();
  gap.resumed_at = harness.Now() + 1min;
  harness.Append(gap);
  harness.RunUntil(2min);
  EXPECT_THAT(harness.TakeTransitions(), SizeIs(2));
}

}  // namespace
}  // namespace barograph::rules
