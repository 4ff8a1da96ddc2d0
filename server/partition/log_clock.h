#pragma once

#include <absl/synchronization/mutex.h>

#include "storage/base/clock.h"

namespace barograph::server {

/// Log time: starts at max(wall, last record) and runs on the boot-time clock, so that no step of
/// the wall clock reaches the log; it is slewed to the wall clock by at most 1 % of the time that
/// passed, and never goes back.
///
/// Threads: any.
class LogClock {
 public:
  /// `last` is the log time of the last record; Time::min() for an empty log.
  LogClock(Clock& clock, Time last);

  /// Never less than before.
  [[nodiscard]] Time Now();
  /// Wall clock - log time. Beyond rules::kClockDifferenceMax an alert is raised.
  [[nodiscard]] Duration WallDifference();

 private:
  Time Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Clock& clock_;
  absl::Mutex mutex_;
  Time now_ ABSL_GUARDED_BY(mutex_);
  Duration boot_ ABSL_GUARDED_BY(mutex_);
};

/// One part in so many of the time that passed is the most that log time is slewed by: 1 %.
inline constexpr std::int64_t kLogClockSlewDivisor = 100;

}  // namespace barograph::server
