#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "barograph/v1/ingest.pb.h"
#include "barograph/v1/query.pb.h"
#include "server/cli/bench.h"
#include "server/cli/bench_append.h"
#include "server/cli/bench_load.h"
#include "server/cli/bench_process.h"
#include "server/cli/bench_runs.h"
#include "server/cli/bench_sink.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/output.h"

namespace barograph::server {
namespace {

constexpr const char* kSecret = "an-obvious-fake-secret-of-the-benchmark";
constexpr std::uint64_t kCalibrationEvents = 4'000'000;
constexpr int kFailures = 20;  ///< min_events of the benchmark's SLO: the last one crosses
/// How much longer than its episodes a load lasts before it begins anew with what are old events
/// then.
constexpr double kLoadSpareSeconds = 5;
constexpr auto kStragglersMax = std::chrono::seconds(10);

/// The ceiling of an idle episode: so many syncs of the disk alone, so far apart.
constexpr int kAppends = 1'000;
constexpr auto kAppendInterval = std::chrono::milliseconds(5);

struct Phase {
  std::vector<double> latencies_ms;
  std::uint64_t missed = 0;
  std::uint64_t checkpoints = 0;
};

std::string AgentName(const std::string& phase, std::uint32_t episode) {
  return "fresh-" + phase + "-" + std::to_string(episode);
}

/// One retry storm: the batch whose last event makes the agent's SLO cross its first row.
std::string EpisodeBatch(const std::string& agent) {
  v1::PublishRequest request;
  for (int i = 0; i < kFailures; ++i) {
    v1::Event& event = *request.add_events();
    event.set_agent(agent);
    event.set_task_id("t-" + std::to_string(i));
    event.mutable_task()->set_status(v1::Task::FAILED);
  }
  return request.SerializeAsString();
}

Result<std::uint64_t> Checkpoints(Client& client) {
  v1::GetStatusResponse status;
  BAROGRAPH_TRY(
      client.Call("barograph.v1.QueryService/GetStatus", v1::GetStatusRequest(), &status));
  return status.checkpoints();
}

/// Sends the episodes at their times and waits for their webhooks.
Result<Phase> RunPhase(const std::string& server, const BenchFlags& flags, const std::string& name,
                       const BenchSink& sink, const Clock& clock) {
  std::vector<std::string> batches;
  for (std::uint32_t i = 0; i < flags.episodes; ++i)
    batches.push_back(EpisodeBatch(AgentName(name, i)));
  BAROGRAPH_ASSIGN(const auto client, Client::Connect(server));
  BAROGRAPH_ASSIGN(const auto publisher, Publisher::Open(*client, {.producer = "episodes-" + name,
                                                                   .borrow = true,
                                                                   .in_flight_max = 1'000}));
  BAROGRAPH_ASSIGN(const std::uint64_t checkpoints_before, Checkpoints(*client));
  const std::chrono::duration<double> interval(1 / flags.episodes_per_second);
  const Duration begin = clock.BootNow() + std::chrono::milliseconds(100);
  const auto intended = [&](std::uint32_t i) {
    return begin + std::chrono::duration_cast<Duration>(interval * i);
  };
  for (std::uint32_t i = 0; i < flags.episodes; ++i) {
    SleepUntil(clock, intended(i));
    BAROGRAPH_TRY(publisher->Send(batches[i], kFailures));
    BAROGRAPH_TRY(publisher->Poll(Duration::zero()));
  }
  BAROGRAPH_TRY(publisher->Finish());
  Phase phase;
  const Duration deadline = clock.BootNow() + kStragglersMax;
  for (bool complete = false; !complete && clock.BootNow() < deadline;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const auto arrivals = sink.arrivals();
    complete = true;
    for (std::uint32_t i = 0; i < flags.episodes; ++i)
      complete &= arrivals.contains(AgentName(name, i));
  }
  const auto arrivals = sink.arrivals();
  for (std::uint32_t i = 0; i < flags.episodes; ++i) {
    const auto arrived = arrivals.find(AgentName(name, i));
    if (arrived == arrivals.end()) {
      ++phase.missed;
    } else {
      phase.latencies_ms.push_back(
          std::chrono::duration<double, std::milli>(arrived->second - intended(i)).count());
    }
  }
  BAROGRAPH_ASSIGN(const std::uint64_t checkpoints_after, Checkpoints(*client));
  phase.checkpoints = checkpoints_after - checkpoints_before;
  return phase;
}

void AddPhase(const std::string& name, const Phase& phase, nlohmann::ordered_json* json) {
  const auto quantile = [&phase](double q) { return Quantile(phase.latencies_ms, q); };
  (*json)[name + "_p50_ms"] = quantile(0.5);
  (*json)[name + "_p99_ms"] = quantile(0.99);
  (*json)[name + "_max_ms"] = quantile(1);
  (*json)[name + "_episodes_count"] = phase.latencies_ms.size();
  (*json)[name + "_missed_count"] = phase.missed;
  (*json)[name + "_checkpoints_count"] = phase.checkpoints;
}

Result<std::vector<double>> MeasureAppends(const std::string& path, const Clock& clock) {
  BAROGRAPH_ASSIGN(const auto file, AppendFile::Open(path));
  std::vector<double> milliseconds;
  const Duration begin = clock.BootNow();
  for (int i = 0; i < kAppends; ++i) {
    SleepUntil(clock, begin + i * kAppendInterval);
    const Duration start = clock.BootNow();
    BAROGRAPH_TRY(file->Append());
    milliseconds.push_back(
        std::chrono::duration<double, std::milli>(clock.BootNow() - start).count());
  }
  return milliseconds;
}

Result<nlohmann::ordered_json> Measure(const BenchFlags& flags) {
  const SystemClock clock;
  BAROGRAPH_ASSIGN(const auto folder, BenchFolder::Make(flags.folder, flags.keep));
  BAROGRAPH_ASSIGN(const auto sink, BenchSink::Start(clock, kSecret));
  BAROGRAPH_ASSIGN(const auto server, BenchServer::Start(*folder, {.webhook_url = sink->url(),
                                                                   .webhook_secret = kSecret,
                                                                   .extra_flag = {}}));
  const std::vector<BenchBatches> sets = MakeTwoStreams(kCalibrationEvents);
  BAROGRAPH_ASSIGN(const BenchSend full, SendBatches(server->address(), sets, "calibration-"));
  std::this_thread::sleep_for(std::chrono::seconds(2));
  BAROGRAPH_ASSIGN(const Phase idle, RunPhase(server->address(), flags, "idle", *sink, clock));
  BAROGRAPH_ASSIGN(const std::vector<double> appends,
                   MeasureAppends(folder->File("ceiling"), clock));
  const double load_rate = flags.load_events_per_second > 0 ? flags.load_events_per_second
                                                            : full.events_per_second() / 2;
  BenchLoad load(server->address(), load_rate,
                 flags.episodes / flags.episodes_per_second + kLoadSpareSeconds, clock);
  std::this_thread::sleep_for(std::chrono::seconds(1));
  BAROGRAPH_ASSIGN(const Phase loaded, RunPhase(server->address(), flags, "loaded", *sink, clock));
  BAROGRAPH_TRY(load.Stop());
  nlohmann::ordered_json json;
  AddPhase("idle", idle, &json);
  json["append_p50_ms"] = Quantile(appends, 0.5);
  json["append_p99_ms"] = Quantile(appends, 0.99);
  AddPhase("loaded", loaded, &json);
  json["full_load_events_per_second"] = full.events_per_second();
  json["load_asked_events_per_second"] = load_rate;
  json["load_events_per_second"] = load.events_per_second();
  json["unverified_count"] = sink->unverified();
  return json;
}

}  // namespace

int BenchAlert(const BenchFlags& flags) {
  const auto measured = Measure(flags);
  if (!measured.ok()) return PrintError(measured.error());
  std::puts(measured->dump(2).c_str());
  const auto& json = *measured;
  const bool whole = json["idle_missed_count"] == 0 && json["loaded_missed_count"] == 0 &&
                     json["unverified_count"] == 0;
  const bool reached = json["idle_p99_ms"].get<double>() <= 5 &&
                       json["loaded_p99_ms"].get<double>() <= 50 &&
                       json["loaded_checkpoints_count"].get<std::uint64_t>() >= 3;
  return !whole || (flags.gate && !reached) ? kExitFailed : kExitDone;
}

}  // namespace barograph::server
