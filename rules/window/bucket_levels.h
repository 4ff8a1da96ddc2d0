#pragma once

#include <array>
#include <cstdint>

#include "storage/base/clock.h"
#include "storage/base/money.h"
#include "storage/base/result.h"

namespace barograph::rules {

/// Number of a bucket: floor(time / width). Buckets of 10 s fit 32 bits until the year 8774.
using Bucket = std::int32_t;

/// One resolution of additive series: buckets of `ratio` x 10 s, held in `chunks` chunks of 64.
/// What is held is whole chunks: the chunk of the newest bucket and the `chunks` - 1 before it. So
/// (chunks - 1) x 64 + 1 buckets are always there: the level's reach, one bucket more for the
/// window's start, and kFutureMax for events that are ahead of log time.
struct LevelSpec {
  std::int32_t ratio;
  std::int32_t chunks;
  std::int32_t reach;  ///< longest window in buckets; 0 = no windows
  [[nodiscard]] constexpr Duration width() const { return std::chrono::seconds(10) * ratio; }
};

inline constexpr int kChunkBits = 6;
inline constexpr Bucket kChunkBuckets = 1 << kChunkBits;
inline constexpr Duration kFineWidth = std::chrono::seconds(10);

enum LevelIndex : std::uint8_t { kTenSeconds, kMinutes, kTenMinutes, kHours, kDays, kLevelCount };
inline constexpr std::array<LevelSpec, kLevelCount> kLevels = {{
    {1, 8, 360},     // 10 s for 1 h
    {6, 8, 360},     // 1 min for 6 h
    {60, 8, 432},    // 10 min for 3 d
    {360, 16, 840},  // 1 h for 35 d
    {8640, 1, 0},    // 1 d: the current chunk; older days are cold
}};
/// The levels whose buckets never vanish: what leaves memory goes to cold pages.
[[nodiscard]] constexpr bool IsKeptForEver(int level) { return level == kHours || level == kDays; }

/// floor(a / b) for b > 0.
[[nodiscard]] constexpr std::int64_t FloorDivide(std::int64_t a, std::int64_t b) {
  const std::int64_t quotient = a / b;
  return quotient - static_cast<std::int64_t>(a % b < 0);
}
[[nodiscard]] constexpr Bucket BucketOf(Time time, Duration width) {
  return static_cast<Bucket>(FloorDivide(time.time_since_epoch().count(), width.count()));
}
/// A 10 s bucket's bucket on a level.
[[nodiscard]] constexpr Bucket Coarsen(Bucket fine, int level) {
  return static_cast<Bucket>(FloorDivide(fine, kLevels[static_cast<std::size_t>(level)].ratio));
}
[[nodiscard]] constexpr Bucket ChunkOf(Bucket bucket) { return bucket >> kChunkBits; }
/// Oldest bucket that a level still holds when its newest one is `head`.
[[nodiscard]] constexpr Bucket OldestHeld(const LevelSpec& spec, Bucket head) {
  return (ChunkOf(head) - (spec.chunks - 1)) * kChunkBuckets;
}

/// The finest level that reaches back `window`; kLevelCount when none does.
[[nodiscard]] int FindLevel(Duration window);
/// Errors: kInvalidArgument naming the allowed multiples.
[[nodiscard]] Status CheckWindow(Duration window);

}  // namespace barograph::rules
