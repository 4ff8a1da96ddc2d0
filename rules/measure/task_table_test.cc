// Method: the lives of a few tasks through a whole MeasureFold, because lateness is seen in its
// yields.
#include "rules/measure/task_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "rules/measure/measure_test_fold.h"

namespace barograph::rules {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

constexpr Time kStart = TextFold::kTime;

/// An event of task `id` with a deadline one minute after kStart, if wished.
std::string TaskEvent(std::string_view id, std::string_view status, bool deadline,
                      std::string_view type = "x") {
  const std::string at = deadline ? " deadline { seconds: 1700000060 }" : "";
  return "task_id: '" + std::string(id) + "' agent: 'a' task { status: " + std::string(status) +
         " type: '" + std::string(type) + "'" + at + " }";
}

TEST(TaskLatenessTest, IsDecidedAtTheEnd) {
  const auto check = [](std::string_view status, seconds end, bool on_time, bool late) {
    TextFold text;
    text.Fold(TaskEvent("t", "STARTED", true), kStart);
    const auto yields = text.Fold(TaskEvent("t", status, false), kStart + end);
    EXPECT_EQ(std::ranges::count(yields, "tasks.on_time=1"), on_time ? 1 : 0)
        << status << end.count();
    EXPECT_EQ(std::ranges::count(yields, "tasks.late=1"), late ? 1 : 0) << status << end.count();
    EXPECT_EQ(text.fold.sizes().open_tasks, 0U);
    EXPECT_THAT(text.fold.Overdue(kStart + minutes(5), 10), IsEmpty());
  };
  check("COMPLETED", seconds(59), true, false);
  check("COMPLETED", seconds(60), true, false);
  check("COMPLETED", seconds(61), false, true);
  check("FAILED", seconds(61), false, true);
  check("FAILED", seconds(1), true, false);
  check("CANCELLED", seconds(61), false, false);
}

TEST(TaskLatenessTest, TheDeadlineOfTheLastEventCounts) {
  TextFold text;
  EXPECT_THAT(text.Fold(TaskEvent("never started", "COMPLETED", true), kStart + seconds(61)),
              Contains("tasks.late=1"));
  EXPECT_THAT(text.Fold(TaskEvent("", "COMPLETED", true), kStart), Contains("tasks.on_time=1"));
  text.Fold("task_id: 't' task { status: STARTED deadline { seconds: 1700000010 } }", kStart);
  text.Fold(TaskEvent("t", "PROGRESS", true), kStart);
  EXPECT_THAT(text.fold.Overdue(kStart + seconds(60), 10), IsEmpty());
  EXPECT_EQ(text.fold.Overdue(kStart + seconds(61), 10).size(), 1U);
  EXPECT_THAT(text.Fold(TaskEvent("t", "COMPLETED", false), kStart + seconds(30)),
              Contains("tasks.on_time=1"));
}

TEST(TaskLatenessTest, AnOpenTaskIsLateOnce) {
  TextFold text;
  text.Fold(TaskEvent("t", "STARTED", true), kStart);
  EXPECT_THAT(text.fold.Overdue(kStart + seconds(60), 10), IsEmpty());
  const auto overdue = text.fold.Overdue(kStart + seconds(61), 10);
  ASSERT_EQ(overdue.size(), 1U);
  EXPECT_EQ(overdue[0].task_id, "t");
  EXPECT_EQ(overdue[0].agent, "a");
  EXPECT_EQ(overdue[0].type, "x");
  EXPECT_EQ(overdue[0].deadline, kStart + seconds(60));
  EXPECT_THAT(text.Fold(storage::ServerEvent(overdue[0])), ElementsAre("tasks.late=1"));
  EXPECT_THAT(text.Fold(storage::ServerEvent(overdue[0])), IsEmpty());
  EXPECT_THAT(text.fold.Overdue(kStart + minutes(5), 10), IsEmpty());
  text.Fold(TaskEvent("t", "PROGRESS", true), kStart + seconds(70));
  EXPECT_THAT(text.fold.Overdue(kStart + minutes(5), 10), IsEmpty());
  const auto end = text.Fold(TaskEvent("t", "COMPLETED", true), kStart + seconds(80));
  EXPECT_THAT(end, Not(Contains("tasks.late=1")));
  EXPECT_THAT(end, Not(Contains("tasks.on_time=1")));
}

TEST(TaskLatenessTest, OverdueTasksComeInOrderOfTheirDeadlines) {
  TextFold text;
  for (const int second : {30, 10, 20}) {
    text.Fold("task_id: 't" + std::to_string(second) +
              "' task { status: STARTED deadline { seconds: " +
              std::to_string(1'700'000'000 + second) + " } }");
  }
  const auto overdue = text.fold.Overdue(kStart + seconds(60), 2);
  ASSERT_EQ(overdue.size(), 2U);
  EXPECT_EQ(overdue[0].task_id, "t10");
  EXPECT_EQ(overdue[1].task_id, "t20");
}

TEST(TaskSpentTest, CountsWhatWasSpentSinceTheLastProgress) {
  TextFold text;
  const auto spend = [&](std::string_view task, std::string_view currency) {
    text.Fold("count: 2 task_id: '" + std::string(task) + "' cost { amount { currency_code: '" +
              std::string(currency) + "' nanos: 5 } }");
  };
  const auto check = [&](std::vector<std::pair<std::string, int>> cost) {
    std::vector<std::pair<std::string, int>> found;
    for (const auto& [currency, nanos] : text.fold.open_tasks(kStart).cost) {
      found.emplace_back(currency.code(), static_cast<int>(nanos));
    }
    EXPECT_EQ(found, cost);
  };
  spend("t", "USD");
  check({});  // Not open.
  text.Fold(TaskEvent("t", "STARTED", false));
  text.Fold(TaskEvent("u", "STARTED", false));
  spend("t", "USD");
  spend("t", "EUR");
  spend("u", "EUR");
  check({{"EUR", 20}, {"USD", 10}});
  text.Fold(TaskEvent("t", "BLOCKED", false));
  check({{"EUR", 20}, {"USD", 10}});
  text.Fold(TaskEvent("t", "PROGRESS", false));
  check({{"EUR", 10}});
  spend("t", "GBP");
  check({{"EUR", 10}, {"GBP", 10}});
  text.Fold(TaskEvent("u", "COMPLETED", false));
  check({{"GBP", 10}});
  text.Fold(TaskEvent("t", "CANCELLED", false));
  check({});
}

TEST(TaskAtRiskTest, IsATaskWhoseDeadlineIsNearerThanTheMedian) {
  TextFold text;
  for (const int duration : {10, 30, 1000}) {
    text.Fold("task { status: COMPLETED type: 'x' duration { seconds: " + std::to_string(duration) +
              " } }");
  }
  text.Fold(TaskEvent("t", "STARTED", true));
  text.Fold(TaskEvent("other type", "STARTED", true, "y"));
  const auto at_risk = [&](seconds after) { return text.fold.open_tasks(kStart + after).at_risk; };
  EXPECT_EQ(at_risk(seconds(0)), 0U);
  EXPECT_EQ(at_risk(seconds(28)), 0U);
  EXPECT_EQ(at_risk(seconds(32)), 1U);
  EXPECT_EQ(at_risk(seconds(60)), 1U);
  EXPECT_EQ(at_risk(seconds(61)), 0U);  // Past it: late, no longer at risk.
  EXPECT_EQ(text.fold.open_tasks(kStart).open, 2U);
}

TEST(TaskAtRiskTest, DurationsAreTakenFromStartToEndWhereTheEventHasNone) {
  TextFold text;
  text.Fold(TaskEvent("first", "STARTED", false), kStart);
  text.Fold(TaskEvent("first", "COMPLETED", false), kStart + seconds(40));
  text.Fold(TaskEvent("t", "STARTED", true), kStart);
  EXPECT_EQ(text.fold.open_tasks(kStart).at_risk, 0U);
  EXPECT_EQ(text.fold.open_tasks(kStart + seconds(30)).at_risk, 1U);
}

TEST(UsualDurationTest, MedianIsWithinThreePercent) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 200; ++round) {
    UsualDuration usual;
    std::vector<std::int64_t> values;
    const int shift = static_cast<int>(random() % 60);
    for (int i = 0; i < 101; ++i) {
      values.push_back(static_cast<std::int64_t>(random() >> 2 >> shift));
      usual.Add(Duration(values.back()), 1);
    }
    std::ranges::nth_element(values, values.begin() + 50);
    const auto exact = static_cast<double>(values[50]);
    EXPECT_NEAR(static_cast<double>(usual.Median().count()), exact, exact * 0.0313 + 0.5);
  }
}

TEST(UsualDurationTest, IsReadBackAsItWas) {
  UsualDuration usual;
  usual.Add(Duration(-5), 2);
  usual.Add(seconds(3), 1);
  std::string bytes;
  usual.Encode(&bytes);
  const Result<UsualDuration> read = UsualDuration::Decode(bytes);
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read.value().count(), 3U);
  EXPECT_EQ(read.value().Median(), Duration(0));
  EXPECT_FALSE(UsualDuration::Decode(bytes + "x").ok());
}

}  // namespace
}  // namespace barograph::rules
