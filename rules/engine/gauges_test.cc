#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/engine/rule_harness.h"

// Method: tasks that open, spend and end, with a reading of all levels every minute, as the server
// takes them.

namespace barograph::rules {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

ThresholdSpec Last(std::string name, std::string measure, ThresholdSpec::Side side, Bound bound) {
  ThresholdSpec spec;
  spec.common.name = std::move(name);
  spec.form = ThresholdSpec::Form::kLast;
  spec.measure = std::move(measure);
  spec.over = hours(1);
  spec.side = side;
  spec.bound = std::move(bound);
  return spec;
}

RuleSet With(std::vector<ThresholdSpec> thresholds) {
  RuleSet rules = TaskRules(990'000'000);
  rules.slos.clear();
  rules.thresholds = std::move(thresholds);
  return rules;
}

const Bound kFiveDollars{Bound::Unit::kMoney, "5"};

v1::Event Task(v1::Task::Status status, const std::string& id) {
  v1::Event event;
  event.set_agent("a");
  event.set_task_id(id);
  event.mutable_task()->set_status(status);
  return event;
}

v1::Event Cost(const std::string& task, std::int64_t dollars) {
  v1::Event event;
  event.set_agent("a");
  event.set_task_id(task);
  event.mutable_cost()->mutable_amount()->set_currency_code("USD");
  event.mutable_cost()->mutable_amount()->set_units(dollars);
  return event;
}

void ReadUntil(Duration from, Duration until, RuleHarness* harness,
               const std::vector<storage::GaugeReading>& of_server = {}) {
  for (Duration minute = from; minute < until; minute += minutes(1)) {
    harness->RunUntil(minute);
    harness->Do(harness->engine().ReadGauges(of_server, RuleHarness::kStart + minute));
  }
  harness->RunUntil(until);
}

TEST(GaugesTest, MoneySpentOnATaskThatNeitherCompletesNorFailsFiresAndItsEndResolves) {
  RuleHarness harness(
      With({Last("stuck", "cost.open_tasks", ThresholdSpec::Side::kAbove, kFiveDollars)}));
  harness.At(seconds(10), Task(v1::Task::STARTED, "t1"));
  harness.At(seconds(70), Cost("t1", 6));
  harness.At(minutes(10) + seconds(5), Task(v1::Task::COMPLETED, "t1"));
  ReadUntil(minutes(1), minutes(15), &harness);
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre(StartsWith("2m"), StartsWith("12m")));
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(GaugesTest, ARestartKnowsWhichLevelsWereRead) {
  RuleHarness harness(
      With({Last("busy", "tasks.open", ThresholdSpec::Side::kAbove, {Bound::Unit::kNumber, "0"})}));
  harness.At(seconds(10), Task(v1::Task::STARTED, "t1"));
  harness.At(minutes(3), Task(v1::Task::CANCELLED, "t1"));
  harness.BeginCheckpoint(3);
  ReadUntil(minutes(1), minutes(2) + seconds(30), &harness);
  harness.Restart();
  const std::size_t records = harness.record_count();
  ReadUntil(minutes(4), minutes(9), &harness);
  EXPECT_THAT(harness.TakeTransitions(), SizeIs(2)) << "fired, and resolved by one reading of 0";
  EXPECT_LE(harness.record_count(), records + 6) << "nothing is open: no further readings";
  EXPECT_EQ(harness.LiveDigest(), harness.ReplayedDigest());
}

TEST(GaugesTest, TheServersOwnLevelsAreReadOnlyWhenARuleNamesThem) {
  const std::vector<storage::GaugeReading> low_disk = {{"disk.free", "", 4'000'000'000},
                                                       {"ingest.lag", "", 0}};
  RuleHarness none(With({}));
  const std::size_t before = none.record_count();
  ReadUntil(minutes(1), minutes(3), &none, low_disk);
  EXPECT_EQ(none.record_count(), before);

  RuleHarness harness(With(
      {Last("disk", "disk.free", ThresholdSpec::Side::kBelow, {Bound::Unit::kPercent, "0.05"})}));
  ReadUntil(minutes(1), minutes(3), &harness, low_disk);
  EXPECT_THAT(harness.TakeTransitions(), ElementsAre(StartsWith("1m")));
}

}  // namespace
}  // namespace barograph::rules
