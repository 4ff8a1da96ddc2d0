#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "barograph/v1/kafka.pb.h"
#include "ingest/kafka/record_producer.h"
#include "ingest/kafka/topic_bench.h"
#include "server/cli/bench.h"
#include "server/cli/bench_process.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "storage/base/bytes.h"

namespace barograph::server {
namespace {

constexpr std::uint32_t kPartitions = 6;
constexpr double kRatioToCountMin = 0.5;
constexpr double kRatioToGrpcMin = 0.6;
constexpr auto kPoll = std::chrono::milliseconds(5);
/// Without a new event for so long, reading has failed.
constexpr auto kStuck = std::chrono::seconds(60);
constexpr auto kFlushMax = std::chrono::minutes(5);
constexpr auto kCountMax = std::chrono::minutes(10);

using ingest::RecordProducer;

/// A topic of one run, gone with it.
class BenchTopic {
 public:
  [[nodiscard]] static Result<std::unique_ptr<BenchTopic>> Make(const std::string& brokers,
                                                                const std::string& name) {
    BAROGRAPH_TRY(ingest::MakeTopic(brokers, name, kPartitions));
    return std::unique_ptr<BenchTopic>(new BenchTopic(brokers, name));
  }
  ~BenchTopic() { (void)ingest::RemoveTopic(brokers_, name_); }
  BenchTopic(const BenchTopic&) = delete;
  BenchTopic& operator=(const BenchTopic&) = delete;
  [[nodiscard]] const std::string& name() const { return name_; }

 private:
  BenchTopic(std::string brokers, std::string name)
      : brokers_(std::move(brokers)), name_(std::move(name)) {}
  const std::string brokers_, name_;
};

/// Calls `each` with every event's encoding of a batch framed for PublishRequest.
Status ForEachEvent(std::string_view batch, const std::function<Status(std::string_view)>& each) {
  ByteReader reader(batch);
  while (!reader.done()) {
    (void)reader.Varint();  // field 4 and its wire type
    const std::string_view event = reader.String();
    if (!reader.ok()) return Error(ErrorCode::kInternal, "the fleet's batch cannot be read");
    BAROGRAPH_TRY(each(event));
  }
  return {};
}

/// Every event as a record, or every batch of 500, over all partitions in turn.
Status Produce(const std::string& brokers, const std::string& topic, bool batches,
               const std::vector<BenchBatches>& sets) {
  BAROGRAPH_ASSIGN(const auto producer,
                   RecordProducer::Open({.brokers = brokers, .properties = {}}));
  std::int32_t next = 0;
  const auto send = [&](std::string_view value) {
    next = (next + 1) % static_cast<std::int32_t>(kPartitions);
    return producer->Send(
        {.topic = topic, .partition = next, .key = {}, .value = value, .headers = {}});
  };
  for (const BenchBatches& set : sets) {
    for (const std::string& batch : set.batches) {
      BAROGRAPH_TRY(batches ? send(batch) : ForEachEvent(batch, send));
    }
  }
  return producer->Flush(kFlushMax);
}

Result<std::uint64_t> DecidedEvents(Client& client) {
  v1::GetKafkaStatusResponse status;
  BAROGRAPH_TRY(client.Call("barograph.v1.KafkaService/GetKafkaStatus", v1::GetKafkaStatusRequest(),
                            &status));
  std::uint64_t events = 0;
  for (const auto& partition : status.partitions()) {
    events += partition.events();
    const std::string place = partition.topic() + "/" + std::to_string(partition.partition());
    if (!partition.problem().empty()) {
      return Error(ErrorCode::kInternal, place + " stopped: " + partition.problem());
    }
    if (partition.set_aside() + partition.duplicates() > 0) {
      return Error(ErrorCode::kInternal, place + ": events were set aside or taken for duplicates");
    }
  }
  return events;
}

/// Durable events a second, from the last look that saw none until all are durable.
Result<double> AwaitAll(Client& client, std::uint64_t events) {
  const SystemClock clock;
  Duration begin = clock.BootNow();
  Duration moved = begin;
  std::uint64_t seen = 0;
  while (seen < events) {
    const Duration asked = clock.BootNow();
    BAROGRAPH_ASSIGN(const std::uint64_t now, DecidedEvents(client));
    if (now == 0) begin = asked;
    if (now > seen) moved = asked;
    seen = now;
    if (asked - moved > kStuck) {
      return Error(ErrorCode::kDeadlineExceeded, "only " + std::to_string(seen) + " of " +
                                                     std::to_string(events) + " events came");
    }
    if (seen < events) std::this_thread::sleep_for(kPoll);
  }
  const double seconds = std::chrono::duration<double>(clock.BootNow() - begin).count();
  return static_cast<double>(events) / seconds;
}

Result<double> ReadTopic(const BenchFlags& flags, const std::string& topic,
                         const std::string& format, std::uint64_t events) {
  BAROGRAPH_ASSIGN(const auto folder, BenchFolder::Make(flags.folder, flags.keep));
  BenchServer::Options options;
  options.config = "kafka:\n  brokers: \"" + flags.brokers + "\"\n  group: " + topic +
                   "\n  topics: [{topic: " + topic + ", format: " + format + "}]\n";
  BAROGRAPH_ASSIGN(const auto server, BenchServer::Start(*folder, options));
  BAROGRAPH_ASSIGN(const auto client, Client::Connect(server->address()));
  BAROGRAPH_ASSIGN(const double rate, AwaitAll(*client, events));
  const auto stopped = server->process().Stop(std::chrono::seconds(60));
  if (!stopped.ok()) return stopped.error();
  return rate;
}

Result<double> SendOverGrpc(const BenchFlags& flags, const std::vector<BenchBatches>& sets) {
  BAROGRAPH_ASSIGN(const auto folder, BenchFolder::Make(flags.folder, flags.keep));
  BAROGRAPH_ASSIGN(const auto server, BenchServer::Start(*folder, {}));
  BAROGRAPH_ASSIGN(const BenchSend sent, SendBatches(server->address(), sets, "bench-"));
  const auto stopped = server->process().Stop(std::chrono::seconds(60));
  if (!stopped.ok()) return stopped.error();
  return sent.events_per_second();
}

Result<nlohmann::ordered_json> Measure(const BenchFlags& flags, const std::string& name,
                                       const std::vector<BenchBatches>& sets) {
  std::uint64_t events = 0;
  for (const BenchBatches& set : sets) events += set.events;
  BAROGRAPH_ASSIGN(const auto single, BenchTopic::Make(flags.brokers, name + "-events"));
  BAROGRAPH_TRY(Produce(flags.brokers, single->name(), /*batches=*/false, sets));
  const SystemClock clock;
  BAROGRAPH_ASSIGN(const auto counted, ingest::CountTopic(flags.brokers, single->name(),
                                                          kPartitions, events, clock, kCountMax));
  BAROGRAPH_ASSIGN(const double rate, ReadTopic(flags, single->name(), "event", events));
  BAROGRAPH_ASSIGN(const auto batched, BenchTopic::Make(flags.brokers, name + "-batches"));
  BAROGRAPH_TRY(Produce(flags.brokers, batched->name(), /*batches=*/true, sets));
  BAROGRAPH_ASSIGN(const double batch_rate, ReadTopic(flags, batched->name(), "batch", events));
  BAROGRAPH_ASSIGN(const double grpc_rate, SendOverGrpc(flags, sets));
  const double ceiling = static_cast<double>(counted.records) / counted.seconds;
  return nlohmann::ordered_json{
      {"events_per_second", rate},
      {"count_ceiling_records_per_second", ceiling},
      {"ratio_to_count", rate / ceiling},
      {"batch_events_per_second", batch_rate},
      {"grpc_events_per_second", grpc_rate},
      {"ratio_to_grpc", batch_rate / grpc_rate},
      {"record_bytes", static_cast<double>(counted.bytes) / static_cast<double>(counted.records)},
      {"partitions_count", kPartitions},
      {"events_count", events}};
}

/// The median of each figure by itself: the two ratios need not have theirs in the same run.
nlohmann::ordered_json MedianOf(const std::vector<nlohmann::ordered_json>& runs) {
  nlohmann::ordered_json median = runs.front();
  for (const char* figure :
       {"events_per_second", "count_ceiling_records_per_second", "ratio_to_count",
        "batch_events_per_second", "grpc_events_per_second", "ratio_to_grpc"}) {
    std::vector<double> values;
    values.reserve(runs.size());
    for (const auto& run : runs) values.push_back(run[figure].get<double>());
    median[figure] = Quantile(values, 0.5);
  }
  median["runs_count"] = runs.size();
  return median;
}

}  // namespace

int BenchKafka(const BenchFlags& flags) {
  const SystemClock clock;
  const std::string name =
      "barograph-bench-" + std::to_string(clock.WallNow().time_since_epoch().count() / 1'000'000);
  const std::vector<BenchBatches> sets = {MakeBatches(flags.kafka_events / 2, 1, clock.WallNow()),
                                          MakeBatches(flags.kafka_events / 2, 2, clock.WallNow())};
  std::vector<nlohmann::ordered_json> runs;
  for (std::uint32_t i = 0; i < flags.runs; ++i) {
    auto run = Measure(flags, name + "-" + std::to_string(i + 1), sets);
    if (!run.ok()) return PrintError(run.error());
    runs.push_back(std::move(run).value());
    if (flags.runs > 1) std::fprintf(stderr, "run %u: %s\n", i + 1, runs.back().dump().c_str());
  }
  const nlohmann::ordered_json median = MedianOf(runs);
  std::puts(median.dump(2).c_str());
  const bool reached = median["ratio_to_count"].get<double>() >= kRatioToCountMin &&
                       median["ratio_to_grpc"].get<double>() >= kRatioToGrpcMin;
  return flags.gate && !reached ? kExitFailed : kExitDone;
}

}  // namespace barograph::server
