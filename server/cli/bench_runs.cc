#include "server/cli/bench_runs.h"

#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

#include "storage/base/clock.h"

namespace barograph::server {

std::vector<BenchBatches> MakeTwoStreams(std::uint64_t events) {
  const SystemClock clock;
  return {MakeBatches(events / 2, 1, clock.WallNow()), MakeBatches(events / 2, 2, clock.WallNow())};
}

Result<nlohmann::ordered_json> MeasureMedianRun(
    const BenchFlags& flags, const std::string& by,
    const std::function<Result<nlohmann::ordered_json>()>& measure) {
  std::vector<nlohmann::ordered_json> runs;
  runs.reserve(flags.runs);
  for (std::uint32_t i = 0; i < flags.runs; ++i) {
    BAROGRAPH_ASSIGN(nlohmann::ordered_json run, measure());
    runs.push_back(std::move(run));
    if (flags.runs > 1) std::fprintf(stderr, "run %u: %s\n", i + 1, runs.back().dump().c_str());
  }
  std::sort(runs.begin(), runs.end(), [&by](const auto& a, const auto& b) {
    return a[by].template get<double>() < b[by].template get<double>();
  });
  nlohmann::ordered_json median = std::move(runs[runs.size() / 2]);
  median["runs_count"] = runs.size();
  return median;
}

double Milliseconds(const google::protobuf::Duration& duration) {
  return static_cast<double>(duration.seconds()) * 1e3 + duration.nanos() / 1e6;
}

}  // namespace barograph::server
