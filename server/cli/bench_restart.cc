#include <atomic>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>

#include "barograph/v1/query.pb.h"
#include "server/cli/bench.h"
#include "server/cli/bench_process.h"
#include "server/cli/bench_runs.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/output.h"

namespace barograph::server {
namespace {

constexpr double kReadySecondsMax = 2;
constexpr std::chrono::milliseconds kLook{2};
/// Killed at this share of the time from one checkpoint to the next.
constexpr double kKillAt = 0.95;
/// Events beyond those asked for, so that the load goes on until the kill.
constexpr std::uint64_t kLoadReserve = 8'000'000;

/// When checkpoints ended, as seen from outside.
class CheckpointWatch {
 public:
  void See(std::uint64_t checkpoints, Duration now) {
    if (checkpoints == seen_) return;
    if (seen_ != 0) interval_ = now - last_;
    seen_ = checkpoints;
    last_ = now;
  }
  /// The next one is about to end.
  [[nodiscard]] bool IsNearTheNext(Duration now) const {
    const std::chrono::duration<double> since = now - last_;
    return interval_ > Duration{0} && since >= kKillAt * interval_ && since <= interval_;
  }
  [[nodiscard]] double interval_seconds() const {
    return std::chrono::duration<double>(interval_).count();
  }

 private:
  std::uint64_t seen_ = 0;
  Duration last_{0}, interval_{0};
};

struct KilledServer {
  v1::GetStatusResponse status;  ///< the last one before
  double checkpoint_interval_seconds = 0;
};

Result<v1::GetStatusResponse> StatusOf(Client& client) {
  v1::GetStatusResponse status;
  BAROGRAPH_TRY(
      client.Call("barograph.v1.QueryService/GetStatus", v1::GetStatusRequest(), &status));
  return status;
}

/// Loads a server until its log has `events`, and ends it under that load just before a checkpoint
/// would be complete.
Result<KilledServer> LoadAndKill(const BenchFolder& folder, const std::vector<BenchBatches>& sets,
                                 std::uint64_t events) {
  const SystemClock clock;
  BAROGRAPH_ASSIGN(const auto server, BenchServer::Start(folder, {}));
  BAROGRAPH_ASSIGN(const auto client, Client::Connect(server->address()));
  std::atomic<bool> sending{true};
  std::thread load([&] {
    // Ends with an error when the server is killed, and only then.
    sending = !SendBatches(server->address(), sets, "bench-").ok();
  });
  CheckpointWatch watch;
  KilledServer killed;
  Status failed;
  while (true) {
    const Result<v1::GetStatusResponse> status = StatusOf(*client);
    const Duration now = clock.BootNow();
    if (!status.ok()) failed = status.error();
    if (!sending) failed = Error(ErrorCode::kInternal, "the load ended before the server did");
    if (!failed.ok()) break;
    killed.status = *status;
    watch.See(status->checkpoints(), now);
    if (status->positions().durable_sequence() >= events && watch.IsNearTheNext(now)) break;
    std::this_thread::sleep_for(kLook);
  }
  server->process().Kill();
  load.join();
  if (!failed.ok()) return failed.error();
  killed.checkpoint_interval_seconds = watch.interval_seconds();
  return killed;
}

Result<nlohmann::ordered_json> Measure(const BenchFlags& flags,
                                       const std::vector<BenchBatches>& sets) {
  BAROGRAPH_ASSIGN(const auto folder, BenchFolder::Make(flags.folder, flags.keep));
  BAROGRAPH_ASSIGN(const KilledServer killed, LoadAndKill(*folder, sets, flags.events));
  BAROGRAPH_ASSIGN(const auto server, BenchServer::Start(*folder, {}));
  BAROGRAPH_ASSIGN(const auto client, Client::Connect(server->address()));
  BAROGRAPH_ASSIGN(const v1::GetStatusResponse status, StatusOf(*client));
  nlohmann::ordered_json json = {
      {"ready_seconds", server->ready_seconds()},
      {"start_ms", Milliseconds(status.start_duration())},
      {"events_count", status.positions().durable_sequence()},
      {"tail_events_count", status.tail_events_replayed()},
      {"series_count", status.series()},
      {"checkpoint_bytes", killed.status.last_checkpoint_bytes()},
      {"checkpoint_ms", Milliseconds(killed.status.last_checkpoint_duration())},
      {"checkpoint_interval_seconds", killed.checkpoint_interval_seconds},
      {"checkpoints_count", killed.status.checkpoints()},
      {"writer_absence_p99_ms", Milliseconds(killed.status.writer_absence_p99())},
      {"writer_absence_max_ms", Milliseconds(killed.status.writer_absence_max())}};
  BAROGRAPH_TRY(server->process().Stop(std::chrono::seconds(60)).ok()
                    ? Status()
                    : Status(Error(ErrorCode::kInternal, "the server did not end cleanly")));
  return json;
}

}  // namespace

int BenchRestart(const BenchFlags& flags) {
  const std::vector<BenchBatches> sets = MakeTwoStreams(flags.events + kLoadReserve);
  const auto median =
      MeasureMedianRun(flags, "ready_seconds", [&] { return Measure(flags, sets); });
  if (!median.ok()) return PrintError(median.error());
  std::puts(median->dump(2).c_str());
  const bool reached = (*median)["ready_seconds"].get<double>() <= kReadySecondsMax;
  return flags.gate && !reached ? kExitFailed : kExitDone;
}

}  // namespace barograph::server
