#include <benchmark/benchmark.h>

#include "ingest/formats/fleet.h"

namespace barograph::ingest {
namespace {

void BM_FleetAppend(benchmark::State& state) {
  Fleet fleet({.agents = 1000,
               .start = Time(Duration(1'790'000'000'000'000'000)),
               .events_per_second = 1e6,
               .ids = state.range(0) != 0 ? FleetIds::kRandom : FleetIds::kAbsent});
  std::string request;
  for (auto _ : state) {
    request.clear();
    fleet.Append(FleetFraming::kRequest, 500, &request);
    benchmark::DoNotOptimize(request.data());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(fleet.produced()));
}
BENCHMARK(BM_FleetAppend)->ArgName("random_ids")->Arg(0)->Arg(1);

}  // namespace
}  // namespace barograph::ingest
