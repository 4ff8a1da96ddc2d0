#pragma once

#include <atomic>
#include <chrono>
#include <string>
#include <string_view>

#include "storage/base/result.h"

namespace barograph {

/// A moment in UTC, nanoseconds since 1970; covers 1678 to 2262.
using Time = std::chrono::sys_time<std::chrono::nanoseconds>;
/// A span of time in nanoseconds.
using Duration = std::chrono::nanoseconds;

/// Where time comes from. Everything that needs time gets a Clock&; nothing else reads one.
/// Threads: every method from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  /// The wall clock; may step in both directions.
  [[nodiscard]] virtual Time WallNow() const = 0;
  /// Time since boot, counted through suspend; never goes back.
  [[nodiscard]] virtual Duration BootNow() const = 0;
};

/// CLOCK_REALTIME and CLOCK_BOOTTIME.
class SystemClock final : public Clock {
 public:
  [[nodiscard]] Time WallNow() const override;
  [[nodiscard]] Duration BootNow() const override;
};

/// A clock that tests move by hand.
class SimulatedClock final : public Clock {
 public:
  explicit SimulatedClock(Time start) : wall_(start.time_since_epoch().count()) {}
  [[nodiscard]] Time WallNow() const override { return Time(Duration(wall_.load())); }
  [[nodiscard]] Duration BootNow() const override { return Duration(boot_.load()); }
  /// Both clocks move on.
  void Advance(Duration by) {
    wall_ += by.count();
    boot_ += by.count();
  }
  /// Only the wall clock moves, as when it is set.
  void StepWall(Duration by) { wall_ += by.count(); }

 private:
  std::atomic<std::int64_t> wall_;
  std::atomic<std::int64_t> boot_{0};
};

/// RFC 3339 in UTC with as many fractional digits as needed: "2026-11-21T09:51:40.25Z".
[[nodiscard]] std::string FormatTime(Time time);
/// Reads RFC 3339; an offset is required.
[[nodiscard]] Result<Time> ParseTime(std::string_view text);

/// Shortest exact text: "90s" -> "1m30s", "30d", "300ms", "0s".
[[nodiscard]] std::string FormatDuration(Duration duration);
/// Reads a sum of numbers with units ns, us, ms, s, m, h, d, w: "1h30m", "30d", "0.5s". Negative
/// values are refused.
[[nodiscard]] Result<Duration> ParseDuration(std::string_view text);

}  // namespace barograph
