#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/cli/bench_fleet.h"
#include "storage/base/result.h"

namespace barograph::server {

/// What all benchmarks take.
struct BenchFlags {
  std::string folder;  ///< where to make the temporary folder; empty: the system's
  bool keep = false;   ///< leave it
  std::uint64_t events = 10'000'000;
  std::uint32_t runs = 1;
  std::uint32_t episodes = 1'000;
  double episodes_per_second = 50;
  double load_events_per_second = 0;   ///< 0: half of what a full load of a few seconds reached
  std::string data;                    ///< replay: an existing data folder instead of a new log
  std::uint64_t until = 0;             ///< replay: last sequence; 0: the end
  std::uint32_t reservations = 5'000;  ///< reserve
  std::string brokers;                 ///< kafka
  std::uint64_t kafka_events = 2'000'000;
  bool gate = false;  ///< exit 1 when a mark of docs/benchmarks.md is missed or the run is void
};

/// Each prints one JSON object whose names end in their unit. Return an ExitStatus.
int BenchIngest(const BenchFlags& flags);
int BenchReplay(const BenchFlags& flags);
int BenchAlert(const BenchFlags& flags);
int BenchReserve(const BenchFlags& flags);
int BenchRestart(const BenchFlags& flags);
int BenchKafka(const BenchFlags& flags);

// Ceilings, each with the same bytes as the real run.
/// The server side of the transport ceiling: takes messages unread and acknowledges them as
/// IngestService does. Runs until
/// SIGTERM.
int RunTransportSink(const std::string& listen, std::uint32_t batch_events);
[[nodiscard]] Result<BenchSend> MeasureTransportCeiling(const std::string& folder,
                                                        const std::vector<BenchBatches>& sets);
/// Raw RocksDB: synced writes of the payloads as they would be stored, `batches_per_group` a write.
/// Events per second.
[[nodiscard]] Result<double> MeasureStorageCeiling(const std::string& folder,
                                                   const std::vector<BenchBatches>& sets,
                                                   double batches_per_group);
/// Bytes per event of gzip (level 6) over the events as JSON lines, from the first `events`.
[[nodiscard]] double GzipJsonBytesPerEvent(const BenchBatches& set, std::uint64_t events);

}  // namespace barograph::server
