#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/cli/client.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::server {

inline constexpr std::uint32_t kBenchBatchEvents = 500;
inline constexpr std::uint32_t kBenchAgents = 1'000;

/// Batches of distinct events of a simulated fleet of 1,000 agents, encoded beforehand as `events`
/// of PublishRequest.
struct BenchBatches {
  std::vector<std::string> batches;
  std::uint64_t events = 0, bytes = 0;
};
/// Event times end at `now` and run at half a million events a second a stream; ids are random.
/// `seed` tells streams apart.
[[nodiscard]] BenchBatches MakeBatches(std::uint64_t events, std::uint64_t seed, Time now);
/// The same for a load to come: event times begin at `start` and run at `events_per_second`.
[[nodiscard]] BenchBatches MakeBatchesFrom(std::uint64_t events, std::uint64_t seed, Time start,
                                           double events_per_second);

/// Sends each set on a stream of its own, as fast as they are acknowledged, and measures from the
/// first byte to the last
/// acknowledgement.
struct BenchSend {
  double seconds = 0;
  double client_processor_seconds = 0;
  std::uint64_t events = 0, bytes = 0, refused = 0;
  [[nodiscard]] double events_per_second() const { return static_cast<double>(events) / seconds; }
  [[nodiscard]] double megabytes_per_second() const {
    return static_cast<double>(bytes) / seconds / 1e6;
  }
};
[[nodiscard]] Result<BenchSend> SendBatches(const std::string& server,
                                            const std::vector<BenchBatches>& sets,
                                            const std::string& producer_prefix);

/// Nearest-rank quantile of an unsorted set; 0 when it is empty.
[[nodiscard]] double Quantile(std::vector<double> values, double quantile);

}  // namespace barograph::server
