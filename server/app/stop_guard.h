#pragma once

#include <absl/synchronization/notification.h>

#include <thread>

#include "storage/base/clock.h"

namespace barograph::server {

/// While it lives the process has so long to end; then it is ended with kExitFailed, whatever still
/// waits for a disk, a receiver or a call that nobody finishes. Nothing is lost by that: what was
/// acknowledged is synced, and a start after it is one after a crash.
///
/// Threads: waits on a thread of its own.
class StopGuard {
 public:
  explicit StopGuard(Duration limit);
  ~StopGuard();
  StopGuard(const StopGuard&) = delete;
  StopGuard& operator=(const StopGuard&) = delete;

 private:
  absl::Notification done_;
  std::thread thread_;
};

}  // namespace barograph::server
