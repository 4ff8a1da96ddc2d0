#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "rules/window/window_store.h"
#include "rules/window/window_test_events.h"

namespace barograph::rules {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Time kNoon{seconds(1'700'049'600)};  // 2023-11-15 12:00 UTC
constexpr Time kMidnight = kNoon - hours(12);
const MeasureName kSpent{"cost", "USD"};
const std::string kDay = "day@UTC";

TestEvent Cost(Time time, Int128 nanos, std::string agent = "a") {
  return {time, std::move(agent), "dev", {{kSpent, MeasureType::kSum, nanos, 1}}};
}

struct Windows {
  WindowStore store;

  explicit Windows(bool configured = true) {
    store.Advance(kNoon);
    if (configured) Configure();
  }
  void Configure() {
    WindowPlan plan;
    plan.projections = {{{"agent"}, {}}};
    plan.calendar_sums = {{{{"agent"}, {}}, kSpent, kDay}};
    store.Configure(plan, Sequence{1});
  }
  void Open(Time start, Time end) { store.OpenPeriod(kDay, {start, end}); }
  void Fold(const TestEvent& event) { FoldInto(&store, event); }
  [[nodiscard]] std::int64_t Spent(Time in, const std::string& agent = "a") const {
    const std::vector<std::string_view> values = {agent};
    const auto cell = store.FindCell(store.FindOrBuiltIn({{"agent"}, {}}), values);
    const auto id = store.FindMeasureId(CalendarMeasure(kSpent, kDay));
    const auto period = store.PeriodAt(kDay, in);
    if (!cell || !id || !period) return -1;
    return static_cast<std::int64_t>(store.PeriodSum(*cell, *id, *period));
  }
};

TEST(WindowCalendarTest, AnEventCountsInThePeriodOfItsOwnTime) {
  Windows windows;
  windows.Open(kMidnight - days(1), kMidnight);
  windows.Open(kMidnight, kMidnight + days(1));
  windows.Fold(Cost(kNoon, 5));
  windows.Fold(Cost(kMidnight - seconds(1), 7));
  windows.Fold(Cost(kMidnight, 11));
  windows.Fold(Cost(kNoon, 100, "b"));
  EXPECT_EQ(windows.Spent(kNoon), 16);
  EXPECT_EQ(windows.Spent(kMidnight - seconds(1)), 7);
  EXPECT_EQ(windows.Spent(kNoon, "b"), 100);
  EXPECT_EQ(windows.Spent(kNoon + days(1)), -1) << "not open yet";
}

TEST(WindowCalendarTest, PeriodsThatBeginInsideAnHourAreExact) {
  Windows windows;
  const Time start = kMidnight - hours(5) - minutes(30);  // a day in Kolkata
  windows.Open(start - days(1), start);
  windows.Open(start, start + days(1));
  windows.Fold(Cost(start - Duration(1), 3));
  windows.Fold(Cost(start, 4));
  windows.Fold(Cost(start + days(1) - Duration(1), 5));
  windows.Fold(Cost(start + days(1), 6));
  EXPECT_EQ(windows.Spent(start), 9);
  EXPECT_EQ(windows.Spent(start - Duration(1)), 3);
}

TEST(WindowCalendarTest, ASumThatComesWhileItsPeriodRunsTakesOverWhatWasCounted) {
  Windows windows(/*configured=*/false);
  windows.Fold(Cost(kMidnight - minutes(1), 1));
  windows.Fold(Cost(kMidnight + minutes(1), 2));
  windows.Fold(Cost(kNoon, 4));
  windows.Configure();
  windows.Open(kMidnight, kMidnight + days(1));
  EXPECT_EQ(windows.Spent(kNoon), 6);
  windows.Fold(Cost(kNoon + minutes(1), 8));
  EXPECT_EQ(windows.Spent(kNoon), 14);
}

TEST(WindowCalendarTest, APeriodIsOpenedOnceAndNeverOverlapped) {
  Windows windows;
  windows.Open(kMidnight, kMidnight + days(1));
  windows.Fold(Cost(kNoon, 5));
  windows.Open(kMidnight, kMidnight + days(1));
  windows.Open(kNoon, kNoon + days(1));
  EXPECT_EQ(windows.Spent(kNoon), 5);
  EXPECT_EQ(windows.store.periods().at(kDay).size(), 1U);
}

TEST(WindowCalendarTest, AYearIsCountedToItsEnd) {
  Windows windows;
  const Time start = kMidnight - days(300);
  windows.Open(start, start + days(365));
  for (int day = 0; day < 65; ++day) {
    windows.store.Advance(kNoon + days(day) - minutes(1));
    if (day % 40 == 0) windows.Fold(Cost(kNoon + days(day) - minutes(1), 1));
  }
  EXPECT_EQ(windows.Spent(kNoon), 2);
}

TEST(WindowCalendarTest, ACheckpointHoldsPeriodsAndSums) {
  Windows windows;
  windows.Open(kMidnight, kMidnight + days(1));
  windows.Open(kMidnight + days(1), kMidnight + days(2));
  windows.Fold(Cost(kNoon, 5));
  std::map<std::string, std::string> rows;
  windows.store.BeginCheckpoint();
  while (!windows.store.ContinueCheckpoint(
      100, [&](std::string_view key, std::string_view value) { rows[std::string(key)] = value; })) {
  }
  Windows loaded(/*configured=*/false);
  WindowStore fresh;
  for (const auto& [key, value] : rows) ASSERT_TRUE(fresh.LoadRow(key, value).ok());
  ASSERT_TRUE(fresh.FinishLoad().ok());
  const auto canonical = [](const WindowStore& store) {
    std::string all;
    store.Canonical([&](std::string_view bytes) { all += bytes; });
    return all;
  };
  EXPECT_EQ(canonical(fresh), canonical(windows.store));
  EXPECT_EQ(fresh.periods(), windows.store.periods());
  FoldInto(&fresh, Cost(kNoon, 6));
  windows.Fold(Cost(kNoon, 6));
  EXPECT_EQ(canonical(fresh), canonical(windows.store));
}

TEST(WindowCalendarTest, WithoutRulesACalendarIsForgotten) {
  Windows windows;
  windows.Open(kMidnight, kMidnight + days(1));
  windows.Fold(Cost(kNoon, 5));
  windows.store.Configure({}, Sequence{9});
  EXPECT_TRUE(windows.store.periods().empty());
}

}  // namespace
}  // namespace barograph::rules
