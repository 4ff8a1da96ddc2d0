// Nanoseconds of one Fold with all its yields, windows apart, over a fleet's mix of kinds already
// read into views.
#include <benchmark/benchmark.h>

#include <map>
#include <string>
#include <vector>

#include "barograph/v1/event.pb.h"
#include "rules/measure/measure_fold.h"
#include "storage/event/event_view.h"

namespace barograph::rules {
namespace {

constexpr Time kTime = Time(std::chrono::seconds(1'700'000'000));

/// Events and the bytes that their views point into.
struct Fleet {
  std::vector<std::string> wires;
  std::vector<storage::EventView> views;

  void Add(const v1::Event& event) { wires.push_back(event.SerializeAsString()); }
  void Read() {
    views.resize(wires.size());
    for (std::size_t i = 0; i < wires.size(); ++i) {
      if (!storage::ReadEvent(wires[i], storage::EventSource::kLog, &views[i]).ok()) std::abort();
    }
  }
};

v1::Event EventOf(int i) {
  v1::Event event;
  event.set_agent("agent-" + std::to_string(i % 1000));
  event.set_task_id("task-0123456789-" + std::to_string(i));
  return event;
}

enum Kind { kRequest, kError, kAmount, kTokens, kTaskPair, kMixed };

Fleet FleetOf(Kind kind) {
  Fleet fleet;
  for (int i = 0; i < 512;
       ++i) {  // What fits the cache: a view is 1.5 KB, and the server reuses one.
    v1::Event event = EventOf(i);
    const int choice = kind == kMixed ? i % 5 : kind;
    if (choice == kRequest) {
      event.mutable_request()->set_service("tiles");
      event.mutable_request()->set_ok(true);
      event.mutable_request()->mutable_duration()->set_nanos(1000 * i);
    } else if (choice == kError) {
      event.mutable_error()->set_service("tiles");
    } else if (choice == kAmount) {
      event.mutable_cost()->mutable_amount()->set_currency_code("USD");
      event.mutable_cost()->mutable_amount()->set_nanos(i);
    } else if (choice == kTokens) {
      event.mutable_cost()->set_provider("openai");
      event.mutable_cost()->set_model(i % 2 == 0 ? "gpt-large" : "gpt-small");
      event.mutable_cost()->mutable_tokens()->set_input(1000 + i);
      event.mutable_cost()->mutable_tokens()->set_output(100 + i);
    } else {
      event.mutable_task()->set_type("development");
      event.mutable_task()->set_status(v1::Task::STARTED);
      fleet.Add(event);
      event.mutable_task()->set_status(v1::Task::COMPLETED);
      event.mutable_task()->mutable_duration()->set_seconds(i % 100);
    }
    fleet.Add(event);
  }
  fleet.Read();
  return fleet;
}

void FoldEvents(benchmark::State& state) {
  const Fleet fleet = FleetOf(static_cast<Kind>(state.range(0)));
  std::map<MeasureName, std::uint16_t> ids;
  MeasureFold fold([&](const MeasureName& name) {
    return MeasureId{ids.try_emplace(name, static_cast<std::uint16_t>(ids.size())).first->second};
  });
  storage::PricesApplied prices;
  prices.effective_from = kTime;
  prices.currency_code = "USD";
  for (const char* model : {"gpt-large", "gpt-small"}) {
    prices.prices.push_back({model, "openai", 2'500'000'000, 10'000'000'000, {}, {}, {}});
  }
  fold.Fold(storage::ServerEvent(prices));
  const std::vector<std::pair<std::string, std::int64_t>> bounds = {
      {"request.duration", 300'000'000}};
  fold.SetAtMost(bounds);
  std::size_t at = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(fold.Fold(fleet.views[at], kTime).data());
    if (++at == fleet.views.size()) at = 0;
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(FoldEvents)
    ->ArgName("request_error_amount_tokens_task_mixed")
    ->DenseRange(kRequest, kMixed);

}  // namespace
}  // namespace barograph::rules
