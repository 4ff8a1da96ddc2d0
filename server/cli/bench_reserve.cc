#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "barograph/v1/guard.pb.h"
#include "server/cli/bench.h"
#include "server/cli/bench_append.h"
#include "server/cli/bench_load.h"
#include "server/cli/bench_process.h"
#include "server/cli/bench_runs.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/output.h"

namespace barograph::server {
namespace {

/// A tree of three budgets that has room for all reservations.
constexpr const char* kBudgets = R"(budgets:
  - {name: all, measure: cost, limit: 1000000000 USD, period: day, enforce: true}
  - {name: agent, measure: cost, limit: 1000000000 USD, period: day, by: [agent], enforce: true}
  - {name: model, measure: cost, limit: 1000000000 USD, period: day, by: [model], enforce: true}
)";
/// Ten SLOs for each of the fleet's thousand agents, on the default rows.
constexpr int kSlos = 10;
constexpr std::uint64_t kCalibrationEvents = 2'000'000;
/// A load that lasts longer than this begins anew, with what are old events then.
constexpr double kLoadSeconds = 60;
constexpr int kLoadedReservations = 1'000;
constexpr int kAgents = 100;
constexpr int kWarmUp = 200;
/// Of the ceiling, at the median and at the 99th percentile.
constexpr double kRatioMax = 4;

Status Reserve(Client& client, int number) {
  v1::ReserveRequest request;
  request.set_agent("agent-" + std::to_string(number % kAgents));
  request.set_model("model-" + std::to_string(number % kAgents));
  request.mutable_amount()->set_currency_code("USD");
  request.mutable_amount()->set_units(1);
  v1::ReserveResponse response;
  BAROGRAPH_TRY(client.Call("barograph.v1.GuardService/Reserve", request, &response));
  if (response.has_lease()) return {};
  return Error(ErrorCode::kInternal, "a reservation was denied");
}

/// The periods of the budgets open within a second.
Status AwaitRoom(Client& client, const Clock& clock) {
  const Duration deadline = clock.BootNow() + std::chrono::seconds(10);
  Status reserved = Reserve(client, 0);
  while (!reserved.ok() && clock.BootNow() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    reserved = Reserve(client, 0);
  }
  return reserved;
}

void AddQuantiles(const std::string& name, const std::vector<double>& milliseconds,
                  nlohmann::ordered_json* json) {
  (*json)[name + "_p50_ms"] = Quantile(milliseconds, 0.5);
  (*json)[name + "_p99_ms"] = Quantile(milliseconds, 0.99);
  (*json)[name + "_max_ms"] = Quantile(milliseconds, 1);
}

/// Beside the one that every benchmark has.
std::string SlosText() {
  std::string text;
  for (int i = 1; i < kSlos; ++i) {
    text += "  - {name: slo-" + std::to_string(i) +
            ", good: tasks.completed, total: tasks.finished, by: [agent], objective: 99%, "
            "period: 30d}\n";
  }
  return text;
}

/// Reservations and appends in turn, in milliseconds.
struct Phase {
  std::vector<double> reserve, append;
};

Result<Phase> RunPhase(Client& client, AppendFile& file, int count, const Clock& clock) {
  Phase phase;
  const auto timed = [&](const auto& run, std::vector<double>* out, bool kept) -> Status {
    const Duration begin = clock.BootNow();
    BAROGRAPH_TRY(run());
    if (kept)
      out->push_back(std::chrono::duration<double, std::milli>(clock.BootNow() - begin).count());
    return {};
  };
  for (int i = 0; i < count + kWarmUp; ++i) {
    const bool kept = i >= kWarmUp;
    BAROGRAPH_TRY(timed([&] { return Reserve(client, i); }, &phase.reserve, kept));
    BAROGRAPH_TRY(timed([&] { return file.Append(); }, &phase.append, kept));
  }
  return phase;
}

Result<nlohmann::ordered_json> MeasureOnce(const BenchFlags& flags) {
  const SystemClock clock;
  BAROGRAPH_ASSIGN(const auto folder, BenchFolder::Make(flags.folder, flags.keep));
  BenchServer::Options options;
  options.slos = SlosText();
  options.rules = kBudgets;
  BAROGRAPH_ASSIGN(const auto server, BenchServer::Start(*folder, options));
  BAROGRAPH_ASSIGN(const auto client, Client::Connect(server->address()));
  BAROGRAPH_ASSIGN(const auto file, AppendFile::Open(folder->File("ceiling")));
  BAROGRAPH_TRY(AwaitRoom(*client, clock));
  BAROGRAPH_ASSIGN(const Phase idle,
                   RunPhase(*client, *file, static_cast<int>(flags.reservations), clock));
  BAROGRAPH_ASSIGN(
      const BenchSend full,
      SendBatches(server->address(), MakeTwoStreams(kCalibrationEvents), "calibration-"));
  BenchLoad load(server->address(), full.events_per_second() / 2, kLoadSeconds, clock);
  BAROGRAPH_ASSIGN(const Phase loaded, RunPhase(*client, *file, kLoadedReservations, clock));
  BAROGRAPH_TRY(load.Stop());
  nlohmann::ordered_json json;
  AddQuantiles("reserve", idle.reserve, &json);
  AddQuantiles("append_sync", idle.append, &json);
  json["p50_ratio"] = Quantile(idle.reserve, 0.5) / Quantile(idle.append, 0.5);
  json["p99_ratio"] = Quantile(idle.reserve, 0.99) / Quantile(idle.append, 0.99);
  json["reservations_count"] = idle.reserve.size();
  AddQuantiles("loaded_reserve", loaded.reserve, &json);
  AddQuantiles("loaded_append_sync", loaded.append, &json);
  json["loaded_reservations_count"] = loaded.reserve.size();
  json["full_load_events_per_second"] = full.events_per_second();
  json["load_events_per_second"] = load.events_per_second();
  json["slo_instances_count"] = kSlos * kBenchAgents;
  return json;
}

}  // namespace

int BenchReserve(const BenchFlags& flags) {
  const auto measured =
      MeasureMedianRun(flags, "p99_ratio", [&flags] { return MeasureOnce(flags); });
  if (!measured.ok()) return PrintError(measured.error());
  std::puts(measured->dump(2).c_str());
  const auto& json = *measured;
  const bool reached =
      json["p50_ratio"].get<double>() <= kRatioMax && json["p99_ratio"].get<double>() <= kRatioMax;
  return flags.gate && !reached ? kExitFailed : kExitDone;
}

}  // namespace barograph::server
