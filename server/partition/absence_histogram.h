#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "storage/base/clock.h"

namespace barograph::server {

/// Durations in log-linear buckets, as HdrHistogram has them: eight to each power of two
/// nanoseconds, so that a quantile is at most 12.5 % too high.
///
/// Threads: Record by one thread, all else by any.
class AbsenceHistogram {
 public:
  void Record(Duration duration);
  [[nodiscard]] Duration max() const { return Duration(max_.load(std::memory_order_relaxed)); }
  /// Upper bound of the bucket that holds the quantile, at most max(). q in [0, 1].
  [[nodiscard]] Duration Quantile(double q) const;

 private:
  static constexpr std::uint32_t kSubBits = 3;
  static constexpr std::size_t kBuckets = (64 - kSubBits + 1) << kSubBits;
  [[nodiscard]] static std::size_t BucketOf(std::uint64_t nanos);
  [[nodiscard]] static std::uint64_t UpperBound(std::size_t bucket);

  std::array<std::atomic<std::uint64_t>, kBuckets> counts_{};
  std::atomic<std::int64_t> max_{0};
};

}  // namespace barograph::server
