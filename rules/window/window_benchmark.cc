#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "rules/window/window_store.h"

namespace barograph::rules {
namespace {

using storage::EventKind;
using storage::EventView;

constexpr Time kStart{std::chrono::seconds(1'700'000'000)};
constexpr std::size_t kAgents = 1'000;
constexpr const char* kTypes[] = {"development", "research", "support",
                                  "marketing",   "finance",  "operations"};
constexpr const char* kModels[] = {"claude-sonnet-4", "gpt-4.1-mini", "gemini-2.0-flash",
                                   "llama-3.3-70b"};
constexpr const char* kServices[] = {"tiles", "billing", "search", "auth"};

/// A fleet's mixed events: 40 % tasks, 35 % costs, 20 % requests, 5 % others, of 1,000 agents in
/// random order.
class Fleet {
 public:
  explicit Fleet(WindowStore* store) : store_(store) {
    for (std::size_t i = 0; i < kAgents; ++i)
      agents_.push_back("agent-" + std::to_string(10'000 + i * 7919 % kAgents));
    const auto id = [&](const char* base, const char* qualifier = "") {
      return store_->Intern({base, qualifier});
    };
    const auto sum = [](MeasureId measure, Int128 value = 1) {
      return Yield{measure, MeasureType::kSum, 1, value};
    };
    const auto spread = [](MeasureId measure) {
      return Yield{measure, MeasureType::kDistribution, 1, 0};
    };
    yields_[0] = {sum(id("tasks.started"))};
    yields_[1] = {sum(id("tasks.completed")), sum(id("tasks.finished")), sum(id("operations")),
                  sum(id("tasks.on_time")), spread(id("task.duration"))};
    yields_[2] = {sum(id("cost", "USD"), 12'345'678), sum(id("tokens"), 5'123),
                  sum(id("tokens.input"), 4'000), sum(id("tokens.output"), 1'123),
                  spread(id("cost.amount", "USD"))};
    yields_[3] = {sum(id("requests")), sum(id("requests.ok")), sum(id("operations")),
                  spread(id("request.duration"))};
    yields_[4] = {sum(id("errors"))};
    yields_[5] = {sum(id("tasks.failed")), sum(id("tasks.finished")), sum(id("operations"))};
  }

  void Fold(Time time, bool fold = true) {
    const std::uint64_t draw = random_();
    EventView event;
    event.agent = agents_[draw % kAgents];
    const std::size_t share = (draw >> 32) % 100;
    std::size_t shape = 4;
    if (share < 40) {
      event.kind = EventKind::kTask;
      event.task = storage::TaskView{};
      event.task.type = kTypes[(draw >> 40) % std::size(kTypes)];
      event.task.status = storage::TaskStatus::kCompleted;
      shape = share < 20 ? 0 : share < 38 ? 1 : 5;
    } else if (share < 75) {
      event.kind = EventKind::kCost;
      event.cost = storage::CostView{};
      event.cost.category = storage::CostCategory::kModel;
      event.cost.model = kModels[(draw >> 40) % std::size(kModels)];
      shape = 2;
    } else if (share < 95) {
      event.kind = EventKind::kRequest;
      event.request = storage::RequestView{};
      event.request.service = kServices[(draw >> 40) % std::size(kServices)];
      shape = 3;
    } else {
      event.kind = EventKind::kError;
      event.error = storage::ErrorView{};
      event.error.service = kServices[(draw >> 40) % std::size(kServices)];
    }
    for (Yield& yield : yields_[shape]) {
      if (yield.type == MeasureType::kDistribution)
        yield.value = 1'000'000 + static_cast<std::int64_t>((draw >> 20) % 500'000'000);
    }
    benchmark::DoNotOptimize(event.agent);
    if (fold) store_->Fold(event, time, yields_[shape]);
  }

  [[nodiscard]] const std::vector<std::string>& agents() const { return agents_; }

 private:
  WindowStore* store_;
  std::vector<std::string> agents_;
  std::vector<Yield> yields_[6];
  std::mt19937_64 random_{42};
};

WindowPlan RulePlan() {
  WindowPlan plan;
  plan.projections.push_back({{"agent"}, {{"type", {"development", "research"}}}});
  return plan;
}

/// ns per event when `range(0)` events arrive in a second of event time.
void FoldMixedEvents(benchmark::State& state) {
  WindowStore store;
  store.Configure(RulePlan(), Sequence{1});
  Fleet fleet(&store);
  Time time = kStart;
  const Duration step(1'000'000'000 / state.range(0));
  const auto fold = [&] {
    time += step;
    fleet.Fold(time);
  };
  for (int i = 0; i < 400'000; ++i) fold();
  for (auto _ : state) fold();
  const WindowStore::Footprint print = store.footprint();
  state.counters["series"] = static_cast<double>(print.series);
  state.counters["megabytes"] = static_cast<double>(print.bytes) / 1e6;
}
BENCHMARK(FoldMixedEvents)->Arg(1'000'000)->Arg(100'000)->Arg(1'000)->MinTime(2);

/// What making the events of FoldMixedEvents costs by itself: to be subtracted.
void MakeMixedEvents(benchmark::State& state) {
  WindowStore store;
  Fleet fleet(&store);
  for (auto _ : state) fleet.Fold(kStart, false);
}
BENCHMARK(MakeMixedEvents);

/// A store of 20,000 series with a value in every hour of 35 days, every 10 minutes of 3 days,
/// every minute of 6 hours and
/// every 10 s of the last hour.
struct DenseStore {
  static constexpr std::size_t kCells = 2'000, kMeasures = 10;
  WindowStore store;
  std::vector<CellId> cells;
  std::vector<MeasureId> measures;
  std::vector<std::string> agents;
  Time now = kStart + std::chrono::hours(24 * 36);
  std::map<std::string, std::string> rows;  ///< of the first checkpoint

  DenseStore() {
    for (std::size_t i = 0; i < kMeasures; ++i)
      measures.push_back(store.Intern({"activity:" + std::to_string(i), ""}));
    for (std::size_t i = 0; i < kCells; ++i) agents.push_back("agent-" + std::to_string(i));
    Time time = now - std::chrono::hours(24 * 35);
    for (; time < now - std::chrono::hours(72); time += std::chrono::hours(1)) FoldAll(time);
    for (; time < now - std::chrono::hours(6); time += std::chrono::minutes(10)) FoldAll(time);
    for (; time < now - std::chrono::hours(1); time += std::chrono::minutes(1)) FoldAll(time);
    for (; time <= now; time += std::chrono::seconds(10)) FoldAll(time);
    const ProjectionId by_agent = store.FindOrBuiltIn({{"agent"}, {}});
    store.ForEachCell(by_agent, [this](CellId cell) { cells.push_back(cell); });
    store.BeginCheckpoint();
    while (!store.ContinueCheckpoint(4'096, [this](std::string_view key, std::string_view value) {
      rows.insert_or_assign(std::string(key), std::string(value));
    })) {
    }
  }
  void FoldAll(Time time) {
    std::vector<Yield> yields;
    for (const MeasureId measure : measures) yields.push_back({measure, MeasureType::kSum, 1, 3});
    for (const std::string& agent : agents) Fold(agent, time, yields);
  }
  void Fold(std::string_view agent, Time time, std::span<const Yield> yields) {
    EventView event;
    event.agent = agent;
    event.kind = EventKind::kActivity;
    event.activity = storage::ActivityView{};
    store.Fold(event, time, yields);
  }
  static DenseStore& Shared() {
    static auto* const shared = new DenseStore;
    return *shared;
  }
};

double Percentile(std::vector<double>* values, double share) {
  std::sort(values->begin(), values->end());
  return (*values)[static_cast<std::size_t>(share * static_cast<double>(values->size() - 1))];
}

/// One call of Sum on a cold series drawn at random, a late event of another one between calls.
void SumOfColdSeries(benchmark::State& state) {
  DenseStore& dense = DenseStore::Shared();
  constexpr Duration kWindows[] = {std::chrono::minutes(5), std::chrono::hours(1),
                                   std::chrono::hours(6), std::chrono::hours(72),
                                   std::chrono::hours(720)};
  std::vector<double> taken[std::size(kWindows)];
  std::mt19937_64 random(7);
  for (auto _ : state) {
    for (std::size_t i = 0; i < std::size(kWindows); ++i) {
      const std::uint64_t draw = random();
      const Yield late{dense.measures[draw % DenseStore::kMeasures], MeasureType::kSum, 1, 1};
      dense.Fold(dense.agents[(draw >> 8) % DenseStore::kCells],
                 dense.now - std::chrono::seconds((draw >> 20) % 3'600), {&late, 1});
      const CellId cell = dense.cells[(draw >> 32) % DenseStore::kCells];
      const MeasureId measure = dense.measures[(draw >> 48) % DenseStore::kMeasures];
      const auto begin = std::chrono::steady_clock::now();
      benchmark::DoNotOptimize(dense.store.Sum(cell, measure, dense.now, kWindows[i]));
      const auto end = std::chrono::steady_clock::now();
      taken[i].push_back(static_cast<double>((end - begin).count()));
    }
  }
  constexpr const char* kNames[] = {"5m", "1h", "6h", "3d", "30d"};
  for (std::size_t i = 0; i < std::size(kWindows); ++i) {
    state.counters[std::string(kNames[i]) + "_p50_ns"] = Percentile(&taken[i], 0.5);
    state.counters[std::string(kNames[i]) + "_p99_ns"] = Percentile(&taken[i], 0.99);
  }
  state.counters["ratio_p99_30d_to_5m"] = Percentile(&taken[4], 0.99) / Percentile(&taken[0], 0.99);
}
BENCHMARK(SumOfColdSeries)->Iterations(50'000)->Unit(benchmark::kMicrosecond);

/// All rows of a checkpoint of 20,000 dirty dense series, 256 rows a call.
void CheckpointOfDirtySeries(benchmark::State& state) {
  DenseStore& dense = DenseStore::Shared();
  std::size_t rows = 0;
  std::size_t bytes = 0;
  double longest = 0;
  const auto sink = [&](std::string_view key, std::string_view value) {
    ++rows;
    bytes += key.size() + value.size();
  };
  const auto checkpoint = [&] {
    dense.store.BeginCheckpoint();
    for (bool done = false; !done;) {
      const auto begin = std::chrono::steady_clock::now();
      done = dense.store.ContinueCheckpoint(256, sink);
      longest = std::max(longest, std::chrono::duration<double, std::micro>(
                                      std::chrono::steady_clock::now() - begin)
                                      .count());
    }
  };
  checkpoint();
  for (auto _ : state) {
    state.PauseTiming();
    dense.now += std::chrono::seconds(3);
    dense.FoldAll(dense.now);
    rows = bytes = 0;
    longest = 0;
    state.ResumeTiming();
    checkpoint();
  }
  state.counters["rows"] = static_cast<double>(rows);
  state.counters["megabytes"] = static_cast<double>(bytes) / 1e6;
  state.counters["longest_slice_us"] = longest;
}
BENCHMARK(CheckpointOfDirtySeries)->Iterations(20)->Unit(benchmark::kMillisecond);

/// Loading the rows of 20,000 dense series.
void LoadDenseSeries(benchmark::State& state) {
  const std::map<std::string, std::string>& rows = DenseStore::Shared().rows;
  for (auto _ : state) {
    WindowStore loaded;
    for (const auto& [key, value] : rows) {
      if (!loaded.LoadRow(key, value).ok()) state.SkipWithError("a row did not load");
    }
    if (!loaded.FinishLoad().ok()) state.SkipWithError("loading did not finish");
  }
  state.counters["rows"] = static_cast<double>(rows.size());
}
BENCHMARK(LoadDenseSeries)->Iterations(3)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace barograph::rules
