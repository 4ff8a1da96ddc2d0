// Method: conditions are judged at every whole second and what is decided is folded, as the writer
// does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/engine/rule_harness.h"

namespace barograph::rules {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using storage::AlertState;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

ServerCondition Stopped(const std::string& partition, std::string problem = "offsets are gone") {
  return {.rule = kKafkaRule,
          .labels = {{"topic", "t"}, {"partition", partition}},
          .severity = Severity::kCritical,
          .holds = true,
          .value = 1,
          .threshold = 0,
          .summary = std::move(problem),
          .condition = "stopped"};
}

class ServerAlertsTest : public ::testing::Test {
 protected:
  /// Log time goes on to `until`, with these conditions at every whole second.
  void Run(Duration until, const std::vector<ServerCondition>& conditions) {
    for (; now_ < until; now_ += seconds(1)) {
      harness_.RunUntil(now_ + seconds(1));
      Judge(conditions);
    }
  }
  void Judge(const std::vector<ServerCondition>& conditions) {
    for (const Engine::Decided& decided :
         harness_.engine().JudgeServer(conditions, harness_.Now())) {
      EXPECT_EQ(decided.tenant, "default");
      for (const storage::ServerEvent& event : decided.events) {
        const auto* step = std::get_if<storage::AlertTransition>(&event);
        if (step != nullptr && step->from != step->to) {
          steps_.push_back(FormatDuration(step->at - RuleHarness::kStart) + " " + step->rule + " " +
                           step->labels.at("severity") + " " + std::string(Name(step->to)) + ": " +
                           step->summary);
        }
        harness_.Append(event);
      }
    }
  }
  std::vector<std::string> TakeSteps() { return std::exchange(steps_, {}); }

  RuleHarness harness_{TaskRules(1'000'000'000)};
  Duration now_{0};
  std::vector<std::string> steps_;
};

TEST_F(ServerAlertsTest, AStoppedPartitionFiresAtOnceAndEndsOnceItWasCalm) {
  Run(seconds(5), {});
  EXPECT_THAT(TakeSteps(), IsEmpty());
  Run(seconds(60), {Stopped("3")});
  EXPECT_THAT(TakeSteps(), ElementsAre("6s server.kafka critical firing: offsets are gone"));
  const std::vector<AlertStatus> alerts = harness_.engine().Alerts("default");
  ASSERT_THAT(alerts, SizeIs(1));
  EXPECT_EQ(alerts[0].labels, (storage::Labels{{"alertname", "server.kafka"},
                                               {"partition", "3"},
                                               {"rule", "server.kafka"},
                                               {"severity", "critical"},
                                               {"topic", "t"}}));
  Run(minutes(5), {});
  EXPECT_THAT(TakeSteps(),
              ElementsAre(HasSubstr("server.kafka critical resolved: offsets are gone")));
  EXPECT_THAT(harness_.notices(), SizeIs(2)) << "the same route as all others";
  EXPECT_EQ(harness_.LiveDigest(), harness_.ReplayedDigest());
}

TEST_F(ServerAlertsTest, EachPartitionHasAnAlertOfItsOwn) {
  Run(seconds(2), {Stopped("1"), Stopped("2")});
  EXPECT_THAT(TakeSteps(), SizeIs(2));
  Run(minutes(5), {Stopped("2")});
  EXPECT_THAT(TakeSteps(), SizeIs(1));
  std::vector<AlertState> states;
  for (const AlertStatus& alert : harness_.engine().Alerts("default"))
    states.push_back(alert.state);
  EXPECT_THAT(states, ElementsAre(AlertState::kResolved, AlertState::kFiring));
}

TEST_F(ServerAlertsTest, ARestartAndANewConfigurationLeaveTheAlertAlone) {
  Run(seconds(20), {Stopped("3")});
  harness_.BeginCheckpoint(1'000);
  Run(seconds(30), {Stopped("3")});
  EXPECT_THAT(TakeSteps(), SizeIs(1));
  harness_.Restart();
  harness_.Apply(TaskRules(990'000'000));
  Run(minutes(3), {Stopped("3")});
  EXPECT_THAT(TakeSteps(), IsEmpty());
}

TEST_F(ServerAlertsTest, TheClockIsJudgedByItsDifferenceAlone) {
  Run(seconds(10), {ClockCondition(seconds(5))});
  EXPECT_THAT(TakeSteps(), IsEmpty()) << "five seconds are within bounds";
  Run(seconds(20), {ClockCondition(-seconds(6)), Stopped("3")});
  EXPECT_THAT(TakeSteps(),
              ElementsAre("11s server.clock warning firing: the wall clock is 6s behind the log's "
                          "clock",
                          HasSubstr("server.kafka")));
  Run(minutes(5), {ClockCondition(seconds(1)), Stopped("3")});
  EXPECT_THAT(TakeSteps(), ElementsAre(HasSubstr("resolved: the wall clock is 1s ahead of")));
}

}  // namespace
}  // namespace barograph::rules
