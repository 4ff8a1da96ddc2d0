#pragma once

#include <atomic>
#include <optional>
#include <thread>

#include "server/app/signals.h"
#include "server/app/stop_guard.h"
#include "storage/base/clock.h"

namespace barograph::server {

/// Waits for the signal to stop on a thread of its own, for a command whose own thread is busy with
/// something long. From the signal on the process has `limit` to end, as with StopGuard, until this
/// is destroyed: so it should be older than everything that may hang.
///
/// Threads:  `stopped` from any; nobody else may wait for `signals` meanwhile.
/// Lifetime: keeps a reference to `signals`.
class StopWatch {
 public:
  StopWatch(Signals& signals, Duration limit);
  ~StopWatch();
  StopWatch(const StopWatch&) = delete;
  StopWatch& operator=(const StopWatch&) = delete;

  [[nodiscard]] const std::atomic<bool>& stopped() const { return stopped_; }

 private:
  std::atomic<bool> stopped_{false}, done_{false};
  std::optional<StopGuard> guard_;  ///< made by the thread; ended after it
  std::thread thread_;
};

}  // namespace barograph::server
