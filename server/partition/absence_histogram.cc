#include "server/partition/absence_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace barograph::server {

std::size_t AbsenceHistogram::BucketOf(std::uint64_t nanos) {
  if (nanos < (1U << kSubBits)) return nanos;
  const auto shift = static_cast<std::uint32_t>(std::bit_width(nanos)) - kSubBits - 1;
  return (static_cast<std::size_t>(shift) << kSubBits) + (nanos >> shift);
}

std::uint64_t AbsenceHistogram::UpperBound(std::size_t bucket) {
  if (bucket < (2U << kSubBits)) return bucket;
  const std::size_t shift = (bucket >> kSubBits) - 1;
  const std::uint64_t mantissa = (bucket & ((1U << kSubBits) - 1)) + (1U << kSubBits);
  return ((mantissa + 1) << shift) - 1;
}

void AbsenceHistogram::Record(Duration duration) {
  const std::int64_t nanos = std::max<std::int64_t>(0, duration.count());
  counts_[BucketOf(static_cast<std::uint64_t>(nanos))].fetch_add(1, std::memory_order_relaxed);
  if (nanos > max_.load(std::memory_order_relaxed)) max_.store(nanos, std::memory_order_relaxed);
}

Duration AbsenceHistogram::Quantile(double q) const {
  std::uint64_t total = 0;
  for (const auto& count : counts_) total += count.load(std::memory_order_relaxed);
  const auto rank = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(total)));
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < kBuckets; ++bucket) {
    seen += counts_[bucket].load(std::memory_order_relaxed);
    if (seen >= rank && seen > 0) {
      return std::min(max(), Duration(static_cast<std::int64_t>(UpperBound(bucket))));
    }
  }
  return max();
}

}  // namespace barograph::server
