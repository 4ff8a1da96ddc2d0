#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "barograph/v1/query.pb.h"
#include "server/cli/bench.h"
#include "server/cli/bench_process.h"
#include "server/cli/bench_runs.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/output.h"

namespace barograph::server {
namespace {

constexpr double kTransportMegabytesMin =
    350;  ///< below, the machine was not free and the run is void
constexpr double kRatioMin = 0.30;
constexpr std::uint64_t kGzipSample = 50'000;

struct IngestRun {
  BenchSend sent;
  double server_processor_seconds = 0;
  v1::GetStatusResponse status;
  std::uint64_t disk_bytes = 0;
};

Result<IngestRun> RunServer(const BenchFolder& folder, const std::vector<BenchBatches>& sets) {
  BAROGRAPH_ASSIGN(const auto server, BenchServer::Start(folder, {}));
  const double begin = server->process().ProcessorSeconds();
  IngestRun run;
  BAROGRAPH_ASSIGN(run.sent, SendBatches(server->address(), sets, "bench-"));
  run.server_processor_seconds = server->process().ProcessorSeconds() - begin;
  BAROGRAPH_ASSIGN(const auto client, Client::Connect(server->address()));
  BAROGRAPH_TRY(
      client->Call("barograph.v1.QueryService/GetStatus", v1::GetStatusRequest(), &run.status));
  BAROGRAPH_TRY(server->process().Stop(std::chrono::seconds(60)).ok()
                    ? Status()
                    : Status(Error(ErrorCode::kInternal, "the server did not end cleanly")));
  run.disk_bytes = FolderBytes(BenchServer::DataFolder(folder));
  return run;
}

/// One measurement of everything, in one run.
Result<nlohmann::ordered_json> Measure(const BenchFlags& flags,
                                       const std::vector<BenchBatches>& sets) {
  BAROGRAPH_ASSIGN(const auto folder, BenchFolder::Make(flags.folder, flags.keep));
  BAROGRAPH_ASSIGN(const BenchSend transport, MeasureTransportCeiling(folder->path(), sets));
  BAROGRAPH_ASSIGN(const IngestRun run, RunServer(*folder, sets));
  const double batches_per_group =
      static_cast<double>(run.status.batches()) /
      static_cast<double>(std::max<std::uint64_t>(1, run.status.groups()));
  BAROGRAPH_ASSIGN(const double storage,
                   MeasureStorageCeiling(folder->path(), sets, batches_per_group));
  const auto events = static_cast<double>(run.sent.events);
  const double client_us = run.sent.client_processor_seconds * 1e6 / events;
  const double server_us = run.server_processor_seconds * 1e6 / events;
  nlohmann::ordered_json json = {
      {"events_per_second", run.sent.events_per_second()},
      {"transport_ceiling_events_per_second", transport.events_per_second()},
      {"storage_ceiling_events_per_second", storage},
      {"ratio_to_transport", run.sent.events_per_second() / transport.events_per_second()},
      {"cpu_us_per_event", client_us + server_us},
      {"client_cpu_us_per_event", client_us},
      {"server_cpu_us_per_event", server_us},
      {"disk_bytes_per_event", static_cast<double>(run.disk_bytes) / events},
      {"gzip_json_bytes_per_event", GzipJsonBytesPerEvent(sets[0], kGzipSample)},
      {"wire_bytes_per_event", static_cast<double>(run.sent.bytes) / events},
      {"events_per_sync",
       events / static_cast<double>(std::max<std::uint64_t>(1, run.status.groups()))},
      {"transport_megabytes_per_second", transport.megabytes_per_second()},
      {"elapsed_seconds", run.sent.seconds},
      {"events_count", run.sent.events},
      {"refused_count", run.sent.refused},
      {"series_count", run.status.series()},
      {"slo_instances_count", run.status.slo_instances()},
      {"checkpoints_count", run.status.checkpoints()},
      {"last_checkpoint_bytes", run.status.last_checkpoint_bytes()},
      {"writer_absence_max_ms", Milliseconds(run.status.writer_absence_max())},
      {"writer_absence_p99_ms", Milliseconds(run.status.writer_absence_p99())}};
  json["void"] = transport.megabytes_per_second() < kTransportMegabytesMin;
  return json;
}

}  // namespace

int BenchIngest(const BenchFlags& flags) {
  const std::vector<BenchBatches> sets = MakeTwoStreams(flags.events);
  const auto median =
      MeasureMedianRun(flags, "ratio_to_transport", [&] { return Measure(flags, sets); });
  if (!median.ok()) return PrintError(median.error());
  std::puts(median->dump(2).c_str());
  const bool reached =
      !(*median)["void"].get<bool>() && (*median)["ratio_to_transport"].get<double>() >= kRatioMin;
  return flags.gate && !reached ? kExitFailed : kExitDone;
}

}  // namespace barograph::server
