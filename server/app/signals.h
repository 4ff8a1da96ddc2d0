#pragma once

#include <optional>

#include "storage/base/clock.h"

namespace barograph::server {

/// What an operator asked for.
enum class Signal { kReload, kStop };

/// Turns SIGHUP into kReload and SIGTERM and SIGINT into kStop. A second SIGINT or SIGTERM while
/// the first is being obeyed ends the process at once. Made before any other thread, so that all of
/// them inherit the blocked mask.
/// Threads: one waits.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  /// The next signal; nothing when none came within `timeout`.
  [[nodiscard]] std::optional<Signal> Wait(Duration timeout);

 private:
  int descriptor_;
  bool stop_seen_ = false;
};

}  // namespace barograph::server
