#include "server/partition/log_clock.h"

#include <algorithm>

namespace barograph::server {

LogClock::LogClock(Clock& clock, Time last)
    : clock_(clock), now_(std::max(clock.WallNow(), last)), boot_(clock.BootNow()) {}

Time LogClock::Advance() {
  const Duration boot = clock_.BootNow();
  const Duration passed = std::max(Duration(0), boot - boot_);
  boot_ = std::max(boot, boot_);
  const Duration slew_max = passed / kLogClockSlewDivisor;
  const Duration behind = clock_.WallNow() - (now_ + passed);
  now_ += passed + std::clamp(behind, -slew_max, slew_max);
  return now_;
}

Time LogClock::Now() {
  const absl::MutexLock lock(&mutex_);
  return Advance();
}

Duration LogClock::WallDifference() {
  const absl::MutexLock lock(&mutex_);
  return clock_.WallNow() - Advance();
}

}  // namespace barograph::server
