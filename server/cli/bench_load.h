#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "server/cli/bench_fleet.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::server {

/// Returns when the clock that never stops shows `due`.
void SleepUntil(const Clock& clock, Duration due);

/// Two streams that together send `events_per_second`, open loop, until Stop. Event times are those
/// at which the events are sent: a load of old events would measure the folding of late ones. After
/// `seconds` they begin anew, and are old ones then.
///
/// Threads:  owned by one thread; sends on two of its own.
/// Lifetime: the clock outlives it.
class BenchLoad {
 public:
  /// Makes the events first, and returns when sending begins.
  BenchLoad(std::string server, double events_per_second, double seconds, const Clock& clock);
  ~BenchLoad() { (void)Stop(); }
  BenchLoad(const BenchLoad&) = delete;
  BenchLoad& operator=(const BenchLoad&) = delete;

  /// Waits for the last acknowledgement. Errors: the first one of a stream.
  Status Stop();
  /// What was reached; after Stop.
  [[nodiscard]] double events_per_second() const;

 private:
  Status Send(const BenchBatches& set, const std::string& producer, double rate);

  const std::string server_;
  const Clock& clock_;
  std::vector<BenchBatches> sets_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> sent_{0};
  Duration began_{}, ended_{};
  Status status_[2];
  std::vector<std::thread> threads_;
};

}  // namespace barograph::server
