#include <google/protobuf/arena.h>

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "barograph/v1/ingest.pb.h"
#include "barograph/v1/query.pb.h"
#include "rules/engine/engine.h"
#include "server/cli/bench.h"
#include "server/cli/bench_process.h"
#include "server/cli/bench_runs.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "storage/base/digest.h"
#include "storage/log/store.h"

namespace barograph::server {
namespace {

struct LiveState {
  std::uint64_t sequence = 0;
  std::string digest;
};

/// Fills a log through a server and asks it for the digest of its state.
Result<LiveState> FillLog(const BenchFolder& folder, const std::vector<BenchBatches>& sets) {
  BAROGRAPH_ASSIGN(const auto server, BenchServer::Start(folder, {}));
  BAROGRAPH_TRY([&]() -> Status {
    BAROGRAPH_ASSIGN(const BenchSend sent, SendBatches(server->address(), sets, "bench-"));
    (void)sent;
    return {};
  }());
  BAROGRAPH_ASSIGN(const auto client, Client::Connect(server->address()));
  v1::GetDigestResponse response;
  BAROGRAPH_TRY(
      client->Call("barograph.v1.QueryService/GetDigest", v1::GetDigestRequest(), &response));
  BAROGRAPH_TRY([&]() -> Status {
    BAROGRAPH_ASSIGN(const double seconds, server->process().Stop(std::chrono::seconds(60)));
    (void)seconds;
    return {};
  }());
  return LiveState{response.sequence(), Hex(response.digest())};
}

struct ReplayResult {
  double seconds = 0;
  std::uint64_t events = 0;
  std::string digest;
};

/// Reads, decompresses, checks and folds everything up to `last`, on this thread.
Result<ReplayResult> Replay(const storage::EventLog& log, std::uint64_t last) {
  const SystemClock clock;
  rules::Engine engine(
      [](const rules::Notice&, const rules::ReceiverSpec&) { return rules::NoticeBody{}; });
  ReplayResult result;
  std::string buffer;
  const Duration begin = clock.BootNow();
  auto cursor = log.Read({.from = log.begin(), .verify_chain = true});
  for (storage::RecordView record; cursor.Next(&record);) {
    if (record.header.last_sequence().value > last) break;
    BAROGRAPH_ASSIGN(const std::string_view payload, storage::OpenPayload(record, &buffer));
    BAROGRAPH_TRY(engine.Fold({.first_sequence = record.header.first_sequence,
                               .log_time = record.header.log_time,
                               .tenant = record.header.tenant},
                              payload));
    result.events += record.header.count;
  }
  result.seconds = std::chrono::duration<double>(clock.BootNow() - begin).count();
  BAROGRAPH_TRY(cursor.status());
  result.digest = Hex(engine.StateDigest());
  return result;
}

/// Events per second of parsing the batches into one arena that is reused, and nothing else.
double MeasureParse(const std::vector<BenchBatches>& sets) {
  const SystemClock clock;
  std::vector<char> block(4U << 20U);
  google::protobuf::ArenaOptions options;
  options.initial_block = block.data();
  options.initial_block_size = block.size();
  google::protobuf::Arena arena(options);
  std::uint64_t events = 0;
  const Duration begin = clock.BootNow();
  for (const BenchBatches& set : sets) {
    for (const std::string& batch : set.batches) {
      auto* const request = google::protobuf::Arena::CreateMessage<v1::PublishRequest>(&arena);
      if (request->ParseFromString(batch))
        events += static_cast<std::uint64_t>(request->events_size());
      arena.Reset();
    }
  }
  return static_cast<double>(events) /
         std::chrono::duration<double>(clock.BootNow() - begin).count();
}

/// Folds a log that is already there.
Result<nlohmann::ordered_json> MeasureExisting(const BenchFlags& flags) {
  BAROGRAPH_ASSIGN(const storage::Store open, storage::OpenStoreReadOnly(flags.data));
  BAROGRAPH_ASSIGN(const ReplayResult replay,
                   Replay(*open.log, flags.until == 0 ? UINT64_MAX : flags.until));
  return nlohmann::ordered_json{
      {"events_per_second", static_cast<double>(replay.events) / replay.seconds},
      {"events_count", replay.events},
      {"digest", replay.digest}};
}

Result<nlohmann::ordered_json> Measure(const BenchFlags& flags) {
  if (!flags.data.empty()) return MeasureExisting(flags);
  const std::vector<BenchBatches> sets = MakeTwoStreams(flags.events);
  BAROGRAPH_ASSIGN(const auto folder, BenchFolder::Make(flags.folder, flags.keep));
  BAROGRAPH_ASSIGN(const LiveState live, FillLog(*folder, sets));
  BAROGRAPH_ASSIGN(const storage::Store open,
                   storage::OpenStoreReadOnly(BenchServer::DataFolder(*folder)));
  std::vector<double> speeds, ratios, parses;
  bool equal = true;
  std::uint64_t events = 0;
  for (std::uint32_t i = 0; i < flags.runs; ++i) {
    parses.push_back(MeasureParse(sets));
    BAROGRAPH_ASSIGN(const ReplayResult replay, Replay(*open.log, live.sequence));
    speeds.push_back(static_cast<double>(replay.events) / replay.seconds);
    ratios.push_back(speeds.back() / parses.back());
    equal = equal && replay.digest == live.digest;
    events = replay.events;
  }
  return nlohmann::ordered_json{{"events_per_second", Quantile(speeds, 0.5)},
                                {"parse_ceiling_events_per_second", Quantile(parses, 0.5)},
                                {"ratio_to_parse", Quantile(ratios, 0.5)},
                                {"events_count", events},
                                {"runs_count", flags.runs},
                                {"digest_equal", equal},
                                {"digest", live.digest}};
}

}  // namespace

int BenchReplay(const BenchFlags& flags) {
  const auto measured = Measure(flags);
  if (!measured.ok()) return PrintError(measured.error());
  std::puts(measured->dump(2).c_str());
  if (!flags.data.empty()) return kExitDone;
  if (!(*measured)["digest_equal"].get<bool>()) {
    std::fputs("barograph: replay and live state differ\n", stderr);
    return kExitNo;
  }
  return flags.gate && (*measured)["ratio_to_parse"].get<double>() < 1.0 ? kExitFailed : kExitDone;
}

}  // namespace barograph::server
