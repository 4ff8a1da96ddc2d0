#include "rules/window/window_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "rules/window/window_test_events.h"
#include "storage/base/limits.h"

namespace barograph::rules {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr Time kNoon{seconds(1'700'049'600)};  // 2023-11-15 12:00 UTC
const MeasureName kDone{"tasks.completed", ""};
const MeasureName kSpent{"cost", "USD"};

TestEvent Done(Time time, std::string agent = "a", Int128 value = 1, std::string type = "dev") {
  return {time, std::move(agent), std::move(type), {{kDone, MeasureType::kSum, value, 1}}};
}

/// A store with one look at the {agent} projection.
struct Windows {
  WindowStore store;

  Windows() { store.Advance(kNoon); }
  [[nodiscard]] std::optional<CellId> Cell(std::string_view agent,
                                           const Projection& projection = {{"agent"}, {}}) const {
    const std::vector<std::string_view> values(projection.by.size(), agent);
    return store.FindCell(store.FindOrBuiltIn(projection), values);
  }
  [[nodiscard]] std::int64_t Sum(Time at, Duration window, std::string_view agent = "a",
                                 const MeasureName& measure = kDone) const {
    const auto cell = Cell(agent);
    const auto id = store.FindMeasureId(measure);
    return cell && id ? static_cast<std::int64_t>(store.Sum(*cell, *id, at, window)) : -1;
  }
  void Fold(const TestEvent& event) { FoldInto(&store, event); }
};

TEST(WindowStoreTest, AWindowIsTheBucketsUpToTheOneOfNow) {
  Windows windows;
  windows.Fold(Done(kNoon));
  const auto check = [&](Duration later, Duration window, std::int64_t sum) {
    SCOPED_TRACE(testing::Message()
                 << FormatDuration(later) << " later, over " << FormatDuration(window));
    EXPECT_EQ(windows.Sum(kNoon + later, window), sum);
  };
  check(seconds(0), seconds(10), 1);
  check(seconds(9), seconds(10), 1);
  check(seconds(10), seconds(10), 0);
  check(seconds(299), minutes(5), 1);
  check(seconds(300), minutes(5), 0);
  check(minutes(60) - seconds(1), hours(1), 1);
  check(minutes(60), hours(1), 0);
  check(minutes(60), minutes(61), 1);
  check(hours(6) - seconds(1), hours(6), 1);
  check(hours(6), hours(6), 0);
  check(hours(72) - seconds(1), hours(72), 1);
  check(hours(72), hours(72), 0);
  check(hours(840) - seconds(1), hours(840), 1);
  check(hours(840), hours(840), 0);
}

TEST(WindowStoreTest, ALateEventCountsInEveryWindowThatReachesItsBucket) {
  Windows windows;
  windows.Fold(Done(kNoon, "a", 100));
  windows.Fold(Done(kNoon - minutes(30), "a", 10));
  windows.Fold(Done(kNoon - hours(50), "a", 1));
  EXPECT_EQ(windows.Sum(kNoon, minutes(30)), 100);
  EXPECT_EQ(windows.Sum(kNoon, hours(1)), 110);
  EXPECT_EQ(windows.Sum(kNoon, hours(6)), 110);
  EXPECT_EQ(windows.Sum(kNoon, hours(72)), 111);
}

TEST(WindowStoreTest, AnEventAheadOfLogTimeCountsWhenItsBucketComes) {
  Windows windows;
  windows.Fold(Done(kNoon, "a", 1));
  windows.Fold(Done(kNoon + minutes(5), "a", 10));
  EXPECT_EQ(windows.Sum(kNoon, minutes(5)), 1);
  EXPECT_EQ(windows.Sum(kNoon, hours(1)), 1);
  EXPECT_EQ(windows.Sum(kNoon + minutes(5), minutes(5)), 10);
}

TEST(WindowStoreTest, WindowsThatAreNoMultipleOfTheirBucketsAreRefused) {
  const auto refused = [](Duration window) {
    const Status status = WindowStore::ValidateWindow(window);
    return status.ok() ? std::string() : status.error().message();
  };
  EXPECT_EQ(refused(seconds(10)), "");
  EXPECT_EQ(refused(hours(1)), "");
  EXPECT_EQ(refused(minutes(61)), "");
  EXPECT_EQ(refused(hours(72)), "");
  EXPECT_EQ(refused(hours(35 * 24)), "");
  EXPECT_THAT(refused(seconds(15)), HasSubstr("not a multiple of 10s"));
  EXPECT_THAT(refused(minutes(90) + seconds(30)), HasSubstr("not a multiple of 1m"));
  EXPECT_THAT(refused(hours(7) + minutes(1)), HasSubstr("not a multiple of 10m"));
  EXPECT_THAT(refused(hours(73) + minutes(10)), HasSubstr("not a multiple of 1h"));
  EXPECT_THAT(refused(hours(36 * 24)), HasSubstr("out of range"));
  EXPECT_THAT(refused(Duration(0)), HasSubstr("out of range"));
  EXPECT_THAT(refused(seconds(-10)), HasSubstr("out of range"));
}

TEST(WindowStoreTest, SumsAreExactBeyond64Bits) {
  Windows windows;
  constexpr Int128 kHuge = Int128{9'200'000'000} * 1'000'000'000;
  for (int i = 0; i < 400; ++i) {
    TestEvent event{kNoon + seconds(10 * i),
                    "a",
                    "dev",
                    {{kSpent, MeasureType::kSum, kHuge * 1'000'000'000, 1}}};
    windows.Fold(event);
  }
  const MeasureId spent = *windows.store.FindMeasureId(kSpent);
  EXPECT_TRUE(windows.store.Sum(*windows.Cell("a"), spent, kNoon + seconds(3'990), hours(1)) ==
              kHuge * 1'000'000'000 * 360);
  EXPECT_TRUE(windows.store.Sum(*windows.Cell("a"), spent, kNoon + seconds(3'990), minutes(5)) ==
              kHuge * 1'000'000'000 * 30);
}

TEST(WindowStoreTest, EventsWithoutADimensionMakeNoCellOfABuiltInProjection) {
  Windows windows;
  windows.Fold(Done(kNoon, "", 1));
  EXPECT_FALSE(windows.Cell("").has_value());
  const auto all = windows.store.FindCell(windows.store.FindOrBuiltIn({}), {});
  ASSERT_TRUE(all.has_value());
  EXPECT_TRUE(windows.store.Sum(*all, *windows.store.FindMeasureId(kDone), kNoon, minutes(5)) == 1);
}

TEST(WindowStoreTest, ARulesProjectionHasACellForTheEmptyValueAndPassesItsFiltersOnly) {
  Windows windows;
  const Projection rule{{"agent"}, {{"type", {"dev", "ops"}}}};
  windows.store.Configure({{rule}, {}, {}, {}}, Sequence{42});
  EXPECT_EQ(windows.store.Since(windows.store.FindOrBuiltIn(rule)), Sequence{42});
  EXPECT_EQ(windows.store.Since(windows.store.FindOrBuiltIn({})), Sequence{1});
  windows.Fold(Done(kNoon, "", 1, "ops"));
  windows.Fold(Done(kNoon, "b", 1, "finance"));
  windows.Fold(Done(kNoon, "a", 1, "dev"));
  EXPECT_TRUE(windows.Cell("", rule).has_value());
  EXPECT_TRUE(windows.Cell("a", rule).has_value());
  EXPECT_FALSE(windows.Cell("b", rule).has_value());
  EXPECT_EQ(windows.store.LabelsOf(*windows.Cell("a", rule)), (storage::Labels{{"agent", "a"}}));
}

TEST(WindowStoreTest, AThousandFilteredProjectionsEachGetTheirOwnEvents) {
  Windows windows;
  WindowPlan plan;
  for (int i = 0; i < 1'000; ++i) {
    plan.projections.push_back(
        {{}, {{"agent", {"agent-" + std::to_string(i)}}, {"type", {"dev"}}}});
  }
  windows.store.Configure(plan, Sequence{2});
  for (int i = 0; i < 1'000; ++i) windows.Fold(Done(kNoon, "agent-" + std::to_string(i), i + 1));
  windows.Fold(Done(kNoon, "agent-7", 1, "ops"));
  for (int i = 0; i < 1'000; ++i) {
    const auto cell = windows.store.FindCell(
        windows.store.FindOrBuiltIn(plan.projections[static_cast<std::size_t>(i)]), {});
    ASSERT_TRUE(cell.has_value());
    ASSERT_TRUE(windows.store.Sum(*cell, *windows.store.FindMeasureId(kDone), kNoon, minutes(5)) ==
                i + 1);
  }
}

TEST(WindowStoreTest, ConfigureKeepsWhatStaysAndDropsWhatGoes) {
  Windows windows;
  const Projection kept{{"agent"}, {{"type", {"dev"}}}};
  const Projection gone{{"type"}, {{"agent", {"a"}}}};
  const MeasureName counter{"task.duration", "<=300"};
  windows.store.Configure({{kept, gone}, {{"task.duration", 300}}, {}, {}}, Sequence{5});
  TestEvent event = Done(kNoon);
  event.values.push_back({counter, MeasureType::kSum, 1, 1});
  windows.Fold(event);
  const CellId cell = *windows.Cell("a", kept);
  const std::size_t series = windows.store.footprint().series;
  windows.store.Configure({{kept}, {}, {}, {}}, Sequence{9});
  EXPECT_EQ(windows.store.Since(windows.store.FindOrBuiltIn(kept)), Sequence{5});
  EXPECT_EQ(windows.Cell("a", kept), cell);
  EXPECT_TRUE(windows.store.Sum(cell, *windows.store.FindMeasureId(kDone), kNoon, minutes(5)) == 1);
  EXPECT_TRUE(windows.store.Sum(cell, *windows.store.FindMeasureId(counter), kNoon, minutes(5)) ==
              0);
  // Cells {}, {agent}, {type} and `kept` lose their counter, `gone` its two series.
  EXPECT_EQ(windows.store.footprint().series, series - 4 - 2);
}

TEST(WindowStoreTest, WatchedCellsAreReportedOnceInOrderOfFirstTouch) {
  Windows windows;
  windows.store.Watch(windows.store.FindOrBuiltIn({{"agent"}, {}}));
  windows.Fold(Done(kNoon, "b"));
  windows.Fold(Done(kNoon, "a"));
  windows.Fold(Done(kNoon, "b"));
  std::vector<CellId> touched;
  windows.store.TakeTouched(&touched);
  EXPECT_THAT(touched, ElementsAre(*windows.Cell("b"), *windows.Cell("a")));
  windows.store.TakeTouched(&touched);
  EXPECT_TRUE(touched.empty());
  windows.Fold(Done(kNoon, "a"));
  windows.store.TakeTouched(&touched);
  EXPECT_THAT(touched, ElementsAre(*windows.Cell("a")));
}

TEST(WindowStoreTest, BeyondTheLimitNewCellsFoldIntoOverflowAndTotalsStayExact) {
  Windows windows;
  std::int64_t folded = 0;
  for (std::size_t i = 0; i < kSeriesMax + 1'000; ++i, ++folded)
    windows.Fold(Done(kNoon, "agent-" + std::to_string(i)));
  const WindowStore::Footprint print = windows.store.footprint();
  EXPECT_TRUE(print.overflowed);
  EXPECT_LE(print.series, kSeriesMax + 1);
  const MeasureId done = *windows.store.FindMeasureId(kDone);
  const auto all = windows.store.FindCell(windows.store.FindOrBuiltIn({}), {});
  EXPECT_TRUE(windows.store.Sum(*all, done, kNoon, minutes(5)) == folded);
  Int128 by_agent = 0;
  windows.store.ForEachCell(windows.store.FindOrBuiltIn({{"agent"}, {}}), [&](CellId cell) {
    by_agent += windows.store.Sum(cell, done, kNoon, minutes(5));
  });
  EXPECT_TRUE(by_agent == folded);
  EXPECT_GE(windows.Sum(kNoon, minutes(5), "_overflow"), 1'000);
  EXPECT_FALSE(windows.Cell("agent-" + std::to_string(kSeriesMax + 999)).has_value());
}

TEST(WindowStoreTest, SilentSeriesLeaveMemoryAndTheirHistoryStays) {
  Windows windows;
  for (int i = 0; i < 300; ++i) windows.Fold(Done(kNoon + hours(i)));
  const WindowStore::Footprint before = windows.store.footprint();
  for (Time time = kNoon + hours(300); time < kNoon + hours(300 + 37 * 24); time += minutes(1))
    windows.store.Advance(time);
  const WindowStore::Footprint after = windows.store.footprint();
  EXPECT_EQ(before.series, 3U);
  EXPECT_EQ(after.series, 0U);
  EXPECT_EQ(after.cells, 3U);
  const MeasureId done = *windows.store.FindMeasureId(kDone);
  EXPECT_TRUE(windows.store.SumBetween(*windows.Cell("a"), done, kNoon, kNoon + hours(300)) == 300);
  // Late for the dormant series, and then it wakes.
  windows.Fold(Done(kNoon + hours(10)));
  EXPECT_TRUE(windows.store.SumBetween(*windows.Cell("a"), done, kNoon, kNoon + hours(300)) == 301);
  EXPECT_TRUE(*windows.store.Total(*windows.Cell("a"), done) == 301);
  const Time again = kNoon + hours(300 + 37 * 24);
  windows.Fold(Done(again));
  EXPECT_EQ(windows.Sum(again, hours(840)), 1);
  EXPECT_TRUE(windows.store.SumBetween(*windows.Cell("a"), done, kNoon, again + hours(24)) == 302);
  EXPECT_EQ(windows.store.footprint().series, 3U);
}

TEST(WindowStoreTest, OldHoursAreReadBackFromTheirRowsAndWrittenAgainWhenALateEventReachesThem) {
  Windows windows;
  CheckpointTable table;
  table.Attach(&windows.store);
  for (int day = 0; day < 200; ++day) {
    windows.Fold(Done(kNoon + hours(24 * day)));
    if (day % 10 == 0) table.Write(&windows.store);
  }
  table.Write(&windows.store);
  table.Write(&windows.store);
  WindowStore loaded;
  table.Attach(&loaded);
  ASSERT_TRUE(table.Load(&loaded).ok());
  EXPECT_EQ(CanonicalOf(loaded), CanonicalOf(windows.store));
  const auto history = [&](const WindowStore& store, int from_day, int to_day) {
    const CellId cell = *store.FindCell(store.FindOrBuiltIn({}), {});
    const Time midnight = kNoon - hours(12);
    return static_cast<std::int64_t>(store.SumBetween(cell, *store.FindMeasureId(kDone),
                                                      midnight + hours(24 * from_day),
                                                      midnight + hours(24 * to_day)));
  };
  EXPECT_EQ(history(loaded, 0, 200), 200);
  EXPECT_EQ(history(loaded, 3, 7), 4);
  FoldInto(&loaded, Done(kNoon + hours(24 * 5), "a", 1'000));
  EXPECT_EQ(history(loaded, 3, 7), 1'004);
  table.Write(&loaded);
  WindowStore again;
  table.Attach(&again);
  ASSERT_TRUE(table.Load(&again).ok());
  EXPECT_EQ(history(again, 3, 7), 1'004);
  EXPECT_EQ(history(again, 0, 200), 1'200);
}

struct Slices : Windows {
  WindowPlan plan;
  explicit Slices(bool above = true) {
    plan.slices.push_back({"busy", {{"agent"}, {}}, kDone, minutes(1), 10, above});
    store.Configure(plan, Sequence{1});
  }
  [[nodiscard]] std::pair<std::int64_t, std::int64_t> Counts(Time at) const {
    return {Sum(at, hours(1), "a", {"slice.good:busy", ""}),
            Sum(at, hours(1), "a", {"slice.total:busy", ""})};
  }
};
using Pair = std::pair<std::int64_t, std::int64_t>;

TEST(WindowSlicesTest, ASliceIsJudgedWhenItClosesAndEmptyOnesCountAfterTheFirstEvent) {
  Slices slices;
  slices.store.Advance(kNoon + minutes(10));
  slices.Fold(Done(kNoon + minutes(10) + seconds(5), "a", 11));
  slices.store.Advance(kNoon + minutes(10) + seconds(59));
  EXPECT_EQ(slices.Counts(kNoon + minutes(11)), Pair(0, 0));
  slices.store.Advance(kNoon + minutes(11));
  EXPECT_EQ(slices.Counts(kNoon + minutes(11)), Pair(1, 1));
  slices.store.Advance(kNoon + minutes(14));
  EXPECT_EQ(slices.Counts(kNoon + minutes(14)), Pair(1, 4));
}

TEST(WindowSlicesTest, BelowABoundTheEmptySliceIsGood) {
  Slices slices(false);
  slices.Fold(Done(kNoon, "a", 11));
  slices.store.Advance(kNoon + minutes(3));
  EXPECT_EQ(slices.Counts(kNoon + minutes(3)), Pair(2, 3));
}

TEST(WindowSlicesTest, ALateEventThatTurnsAVerdictCorrectsIt) {
  Slices slices;
  slices.Fold(Done(kNoon, "a", 10));
  slices.store.Advance(kNoon + minutes(2));
  EXPECT_EQ(slices.Counts(kNoon + minutes(2)), Pair(0, 2));
  slices.Fold(Done(kNoon + seconds(30), "a", 1));
  EXPECT_EQ(slices.Counts(kNoon + minutes(2)), Pair(1, 2));
  slices.Fold(Done(kNoon + seconds(30), "a", 1));
  EXPECT_EQ(slices.Counts(kNoon + minutes(2)), Pair(1, 2));
  slices.Fold(Done(kNoon + seconds(30), "a", -5));
  EXPECT_EQ(slices.Counts(kNoon + minutes(2)), Pair(0, 2));
}

TEST(WindowSlicesTest, ExcludedSlicesCountInNeither) {
  Slices slices;
  slices.Fold(Done(kNoon, "a", 11));
  slices.store.Exclude(kNoon + seconds(90), kNoon + minutes(5));
  slices.store.Advance(kNoon + minutes(6));
  EXPECT_EQ(slices.Counts(kNoon + minutes(6)), Pair(1, 2));
}

TEST(WindowSlicesTest, ASliceThatClosedWhenTheServerStoppedCountsHoweverLongItWasAway) {
  Slices slices;
  slices.Fold(Done(kNoon, "a", 11));
  const Time stopped = kNoon + minutes(1);
  const Time resumed = stopped + std::chrono::hours(9);
  slices.store.Exclude(stopped, resumed);
  slices.store.Advance(resumed);
  EXPECT_EQ(slices.Counts(stopped), Pair(1, 1));
}

TEST(WindowCheckpointTest, RowsAreTheStateAtTheBeginningThoughFoldingGoesOn) {
  Windows windows;
  for (int i = 0; i < 500; ++i)
    windows.Fold(Done(kNoon + seconds(i), "agent-" + std::to_string(i % 50)));
  CheckpointTable table;
  windows.store.BeginCheckpoint();
  const std::string at_begin = CanonicalOf(windows.store);
  int folded = 0;
  while (!table.Continue(&windows.store, 7)) {
    windows.Fold(
        Done(kNoon + minutes(20) + seconds(folded), "agent-" + std::to_string(folded % 70)));
    ++folded;
  }
  EXPECT_GT(folded, 10);
  WindowStore loaded;
  ASSERT_TRUE(table.Load(&loaded).ok());
  EXPECT_EQ(CanonicalOf(loaded), at_begin);
  EXPECT_NE(CanonicalOf(windows.store), at_begin);
}

TEST(WindowCheckpointTest, OnlyWhatChangedIsWrittenAgain) {
  Windows windows;
  for (int i = 0; i < 100; ++i) windows.Fold(Done(kNoon, "agent-" + std::to_string(i)));
  CheckpointTable table;
  table.Write(&windows.store);
  windows.Fold(Done(kNoon, "agent-3"));
  windows.store.BeginCheckpoint();
  std::set<std::string> keys;
  EXPECT_TRUE(windows.store.ContinueCheckpoint(
      1'000, [&](std::string_view key, std::string_view) { keys.emplace(key); }));
  // The store's row, and the series of {}, {agent} and {type}.
  EXPECT_EQ(keys.size(), 4U);
}

TEST(WindowCheckpointTest, BrokenRowsAreRefusedWithCorruption) {
  Windows windows;
  TestEvent event = Done(kNoon);
  event.values.push_back({{"task.duration", ""}, MeasureType::kDistribution, 12'345, 2});
  event.values.push_back({{"sample:queue", ""}, MeasureType::kGauge, 5, 1});
  event.values.push_back({{"subjects", ""}, MeasureType::kDistinct, 99, 1});
  for (int i = 0; i < 100; ++i) {
    event.time = kNoon + minutes(20 * i);
    windows.Fold(event);
  }
  CheckpointTable table;
  table.Write(&windows.store);
  std::size_t refused = 0;
  for (const auto& [broken_key, broken_value] : table.rows()) {
    WindowStore loaded;
    Status status;
    for (const auto& [key, value] : table.rows()) {
      const bool cut = key == broken_key;
      status = loaded.LoadRow(
          key, cut ? std::string_view(value).substr(0, value.size() - 1) : std::string_view(value));
      if (!status.ok()) break;
    }
    if (status.ok()) status = loaded.FinishLoad();
    if (broken_value.size() == 1) continue;  // nothing left is a deletion
    ASSERT_FALSE(status.ok()) << "key of " << broken_key.size() << " bytes";
    EXPECT_EQ(status.error().code(), ErrorCode::kCorruption);
    ++refused;
  }
  EXPECT_GT(refused, 20U);
  WindowStore empty;
  EXPECT_EQ(empty.LoadRow("x", "y").error().code(), ErrorCode::kCorruption);
  EXPECT_EQ(empty.LoadRow("", "").error().code(), ErrorCode::kCorruption);
}

}  // namespace
}  // namespace barograph::rules
