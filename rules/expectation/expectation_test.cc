#include "rules/expectation/expectation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/spec/rule_spec.h"
#include "rules/window/window_test_events.h"

// Method: tasks that are started and completed by one agent, judged at chosen moments. What the
// engine makes of the verdicts is in rules/engine/expectation_rules_test.cc.

namespace barograph::rules {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr Time kStart = Time(std::chrono::days(20'000));

RuleSet Rules() {
  RuleSet rules;
  ExpectationSpec spec;
  spec.common.name = "tasks-end";
  spec.common.by = {"agent"};
  spec.common.keep_firing_for = 10min;
  spec.measure = "tasks.started";
  spec.expect.measure = "tasks.completed";
  spec.within = 1min;
  rules.expects.push_back(std::move(spec));
  return rules;
}

class ExpectationTest : public ::testing::Test {
 protected:
  ExpectationTest() { store_.Configure(PlanWindows(rules_), Sequence{1}); }

  void Task(Duration at, const std::string& measure, const std::string& agent = "a") {
    FoldInto(&store_, {kStart + at, agent, "research", {{{measure, ""}}}});
  }
  InstanceSeries Series(const std::string& agent = "a") {
    const std::string_view values[] = {agent};
    const Projection projection = ProjectionOf(rules_.expects[0].common);
    const auto cell = store_.FindCell(store_.FindOrBuiltIn(projection), values);
    return {&store_, cell.value_or(kNoCell), {}, kStart};
  }
  /// "missing", or how the last wait ended.
  std::string At(Duration at, const std::string& agent = "a") {
    std::vector<Condition::Verdict> verdicts;
    expectation_.Judge(Series(agent), kStart + at, &verdicts);
    return verdicts.at(0).holds ? "missing" : std::string(verdicts.at(0).ended);
  }
  std::optional<Duration> ChangesAfter(Duration after) {
    const auto moment = expectation_.ChangesAt(Series(), kStart + after);
    if (!moment) return std::nullopt;
    return *moment - kStart;
  }

  RuleSet rules_ = Rules();
  Expectation expectation_{rules_.expects[0]};
  WindowStore store_;
};

TEST_F(ExpectationTest, IsMissingFromTheMomentAtWhichTheAnswerIsDue) {
  Task(10s, "tasks.started");
  EXPECT_NE(At(70s - 1ns), "missing");
  EXPECT_EQ(At(70s), "missing");
  EXPECT_EQ(ChangesAfter(10s), 70s);
  EXPECT_THAT(expectation_.Explain(Series(), 0, kStart + 80s).summary,
              HasSubstr("no tasks.completed for 1m10s after tasks.started at"));
}

TEST_F(ExpectationTest, AnAnswerEndsTheWaitsBeforeItAndNoOthers) {
  Task(10s, "tasks.started");
  Task(20s, "tasks.started");
  Task(15s, "tasks.completed");
  EXPECT_NE(At(80s - 1ns), "missing");
  EXPECT_EQ(At(80s), "missing");
  Task(100s, "tasks.completed");
  EXPECT_EQ(At(100s), "answered late");
}

TEST_F(ExpectationTest, AnAnswerOfAnotherAgentIsNone) {
  Task(10s, "tasks.started");
  Task(20s, "tasks.completed", "b");
  EXPECT_EQ(At(70s), "missing");
}

TEST_F(ExpectationTest, WhatIsNeverAnsweredIsOverAfterKeepFiringFor) {
  Task(0s, "tasks.started");
  EXPECT_EQ(At(11min - 1ns), "missing");
  EXPECT_EQ(At(11min), "not answered");
  EXPECT_EQ(ChangesAfter(1min), 11min);
  EXPECT_EQ(ChangesAfter(11min), std::nullopt);
}

TEST_F(ExpectationTest, NoSecondOfAGapCountsAndTheGraceIsLeftToSenders) {
  Task(0s, "tasks.started");
  store_.Exclude(kStart + 30s, kStart + 8h);
  EXPECT_EQ(ChangesAfter(8h), 8h + kResumeGrace);
  EXPECT_NE(At(8h + kResumeGrace - 1ns), "missing");
  EXPECT_EQ(At(8h + kResumeGrace), "missing");
  EXPECT_EQ(At(8h + kResumeGrace + 10min), "not answered");
}

}  // namespace
}  // namespace barograph::rules
