#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "rules/engine/engine.h"
#include "storage/base/bytes.h"

namespace barograph::rules {
namespace {

using std::chrono::days;
using std::chrono::seconds;

constexpr Time kStart = Time(days(20'000));
constexpr int kBatch = 500;

RuleSet Rules() {
  RuleSet rules;
  SloSpec slo;
  slo.common.name = "task-success";
  slo.common.by = {"agent"};
  slo.good.measure = "tasks.completed";
  slo.total.measure = "tasks.finished";
  slo.objective_ppb = 990'000'000;
  slo.period = days(30);
  slo.burn = DefaultBurnRows();
  rules.slos.push_back(std::move(slo));
  return rules;
}

void String(int field, std::string_view value, std::string* out) {
  ByteWriter writer(out);
  writer.Varint((static_cast<std::uint64_t>(field) << 3U) | 2U);
  writer.String(value);
}
void Integer(int field, std::uint64_t value, std::string* out) {
  ByteWriter writer(out);
  writer.Varint(static_cast<std::uint64_t>(field) << 3U);
  writer.Varint(value);
}

/// The wire encoding of a finished task (even `kind`) or a cost (odd).
std::string Event(Time time, int agent, int kind, bool ok, std::uint64_t count = 1) {
  std::string stamp;
  Integer(1,
          static_cast<std::uint64_t>(std::chrono::floor<seconds>(time.time_since_epoch()).count()),
          &stamp);
  std::string body;
  if (kind % 2 == 0) {
    Integer(1, ok ? 4 : 5, &body);
    String(2, "type-" + std::to_string(kind % 6), &body);
  } else {
    std::string money;
    String(1, "USD", &money);
    Integer(2, 1, &money);
    Integer(1, 1, &body);
    String(2, money, &body);
  }
  std::string event;
  String(1, "0123456789abcdef0123456789ab" + std::to_string(agent), &event);
  String(2, stamp, &event);
  String(3, "agent-" + std::to_string(agent), &event);
  if (count > 1) Integer(8, count, &event);
  String(kind % 2 == 0 ? 10 : 11, body, &event);
  return event;
}

struct Fleet {
  explicit Fleet(int agents, bool with_rules)
      : engine([](const Notice&, const ReceiverSpec&) { return NoticeBody{}; }) {
    if (with_rules) {
      for (const Engine::Decided& decided : engine.ApplyRules(Rules(), {})) {
        std::string payload;
        for (const auto& event : decided.events)
          ByteWriter(&payload).String(EncodeServerEvent(event, kStart));
        Fold(payload, 1, kStart);
      }
    }
    for (int first = 0; first < agents; first += kBatch) {
      std::string payload;
      for (int i = 0; i < kBatch; ++i) {
        const int agent = (first + i) % agents;
        ByteWriter(&payload).String(Event(kStart, agent, i % 2, true));
      }
      payloads.push_back(std::move(payload));
    }
  }
  /// Gives every agent a bad event of four hundred, so that no row is settled by a look at one
  /// window.
  void Blemish(int agents) {
    for (int agent = 0; agent < agents; ++agent) {
      std::string payload;
      ByteWriter(&payload).String(Event(kStart, agent, 0, true, 399));
      ByteWriter(&payload).String(Event(kStart, agent, 0, false));
      Fold(payload, 2, kStart);
    }
  }
  void Fold(std::string_view payload, std::uint64_t events, Time at) {
    const Status status = engine.Fold({next, at, "default"}, payload);
    BAROGRAPH_ASSERT(status.ok(), "the events are well formed");
    next = next.Plus(events);
  }

  Engine engine;
  Sequence next{1};
  std::vector<std::string> payloads;
};

/// Series a fleet of so many agents has: about 20 of a measure and agent.
void BM_FoldRecords(benchmark::State& state) {
  Fleet fleet(static_cast<int>(state.range(0)), true);
  std::size_t next = 0;
  Time at = kStart;
  for (auto _ : state) {
    fleet.Fold(fleet.payloads[next], kBatch, at);
    if (++next == fleet.payloads.size()) {
      next = 0;
      at += seconds(1);
    }
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
  state.counters["series"] =
      static_cast<double>(fleet.engine.windows("default")->footprint().series);
  state.counters["instances"] = static_cast<double>(fleet.engine.instance_count());
}
BENCHMARK(BM_FoldRecords)->Arg(1'000)->Arg(2'500)->Arg(10'000);

/// All instances that a group of changed cells wakes.
void BM_EvaluateChanged(benchmark::State& state) {
  Fleet fleet(static_cast<int>(state.range(0)), true);
  for (const std::string& payload : fleet.payloads) fleet.Fold(payload, kBatch, kStart);
  std::size_t evaluated = 0;
  for (auto _ : state) {
    state.PauseTiming();
    for (const std::string& payload : fleet.payloads) fleet.Fold(payload, kBatch, kStart);
    state.ResumeTiming();
    for (bool more = true; more;) {
      benchmark::DoNotOptimize(fleet.engine.EvaluateChanged(kStart, &more));
    }
    evaluated += fleet.engine.instance_count();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(evaluated));
}
BENCHMARK(BM_EvaluateChanged)->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMillisecond);

/// Ten whole seconds: every instance is judged once. One iteration is a pass over all.
void BM_PassOverAllInstances(benchmark::State& state) {
  Fleet fleet(static_cast<int>(state.range(0)), true);
  for (const std::string& payload : fleet.payloads) fleet.Fold(payload, kBatch, kStart);
  if (state.range(1) != 0) fleet.Blemish(static_cast<int>(state.range(0)));
  Time second = kStart + seconds(1);
  // The first one makes the instances.
  bool more_changed = false;
  benchmark::DoNotOptimize(fleet.engine.EvaluateChanged(second, &more_changed));
  double longest = 0;
  for (auto _ : state) {
    for (int i = 0; i < 10; ++i) {
      bool more = true;
      while (more) {
        const auto begin = std::chrono::steady_clock::now();
        benchmark::DoNotOptimize(fleet.engine.EvaluateSecond(second, 500, &more));
        longest = std::max(longest, std::chrono::duration<double, std::micro>(
                                        std::chrono::steady_clock::now() - begin)
                                        .count());
      }
      second += seconds(1);
    }
  }
  state.SetItemsProcessed(state.iterations() *
                          static_cast<std::int64_t>(fleet.engine.instance_count()));
  state.counters["longest_slice_us"] = longest;
}
BENCHMARK(BM_PassOverAllInstances)
    ->ArgNames({"instances", "some_bad"})
    ->Args({10'000, 0})
    ->Args({10'000, 1})
    ->Unit(benchmark::kMillisecond);

/// After a start or a reload: every instance is made again.
void BM_MakeInstances(benchmark::State& state) {
  Fleet fleet(static_cast<int>(state.range(0)), true);
  for (const std::string& payload : fleet.payloads) fleet.Fold(payload, kBatch, kStart);
  RuleSet rules = Rules();
  for (auto _ : state) {
    state.PauseTiming();
    rules.slos[0].common.min_events ^= 1;
    for (const Engine::Decided& decided : fleet.engine.ApplyRules(rules, {})) {
      std::string payload;
      ByteWriter(&payload).String(EncodeServerEvent(decided.events[0], kStart));
      fleet.Fold(payload, 1, kStart);
    }
    state.ResumeTiming();
    benchmark::DoNotOptimize(fleet.engine.instance_count());
  }
}
BENCHMARK(BM_MakeInstances)->Arg(10'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace barograph::rules
