#include "server/cli/bench_fleet.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <optional>
#include <thread>

#include "ingest/formats/fleet.h"
#include "server/cli/bench_process.h"

namespace barograph::server {
namespace {

/// Event time runs as it would for a fleet that really sends so much: what is measured is a busy
/// fleet, not the folding of history.
constexpr double kFleetEventsPerSecond = 500'000;
constexpr std::size_t kInFlight = 64;

Status SendSet(const std::string& server, const BenchBatches& set, const std::string& producer,
               std::atomic<std::uint64_t>& refused) {
  BAROGRAPH_ASSIGN(const auto client, Client::Connect(server));
  PublisherOptions options{.producer = producer, .borrow = true, .in_flight_max = kInFlight};
  options.on_verdict = [&refused](const PublishVerdict&) { ++refused; };
  BAROGRAPH_ASSIGN(const auto publisher, Publisher::Open(*client, std::move(options)));
  std::uint64_t left = set.events;
  for (const std::string& batch : set.batches) {
    const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(left, kBenchBatchEvents));
    BAROGRAPH_TRY(publisher->Send(batch, count));
    left -= count;
  }
  return publisher->Finish();
}

}  // namespace

BenchBatches MakeBatches(std::uint64_t events, std::uint64_t seed, Time now) {
  const std::chrono::duration<double> span(static_cast<double>(events) / kFleetEventsPerSecond);
  return MakeBatchesFrom(events, seed, now - std::chrono::ceil<std::chrono::seconds>(span),
                         kFleetEventsPerSecond);
}

BenchBatches MakeBatchesFrom(std::uint64_t events, std::uint64_t seed, Time start,
                             double events_per_second) {
  ingest::FleetOptions options;
  options.agents = kBenchAgents;
  options.seed = seed;
  options.start = start;
  options.events_per_second = events_per_second;
  options.daily_swing = 0;
  options.ids = ingest::FleetIds::kRandom;
  ingest::Fleet fleet(options);
  BenchBatches made;
  made.batches.reserve(events / kBenchBatchEvents + 1);
  while (made.events < events) {
    std::string batch;
    const auto wanted = std::min<std::uint64_t>(kBenchBatchEvents, events - made.events);
    made.events += fleet.Append(ingest::FleetFraming::kRequest, wanted, &batch);
    made.bytes += batch.size();
    made.batches.push_back(std::move(batch));
  }
  return made;
}

Result<BenchSend> SendBatches(const std::string& server, const std::vector<BenchBatches>& sets,
                              const std::string& producer_prefix) {
  const SystemClock clock;
  std::vector<Status> results(sets.size());
  std::atomic<std::uint64_t> refused{0};
  BenchSend sent;
  const Duration begin = clock.BootNow();
  const double processor = ProcessorSecondsOfSelf();
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    sent.events += sets[i].events;
    sent.bytes += sets[i].bytes;
    threads.emplace_back([&, i] {
      results[i] = SendSet(server, sets[i], producer_prefix + std::to_string(i), refused);
    });
  }
  for (std::thread& thread : threads) thread.join();
  sent.seconds = std::chrono::duration<double>(clock.BootNow() - begin).count();
  sent.client_processor_seconds = ProcessorSecondsOfSelf() - processor;
  sent.refused = refused;
  for (const Status& result : results) BAROGRAPH_TRY(result);
  return sent;
}

double Quantile(std::vector<double> values, double quantile) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const auto rank =
      static_cast<std::size_t>(std::ceil(quantile * static_cast<double>(values.size())));
  return values[std::clamp<std::size_t>(rank, 1, values.size()) - 1];
}

}  // namespace barograph::server
