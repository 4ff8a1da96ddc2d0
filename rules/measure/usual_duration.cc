#include "rules/measure/usual_duration.h"

#include <algorithm>
#include <bit>

#include "storage/base/bytes.h"

namespace barograph::rules {
namespace {

constexpr int kSubBits = 4;
constexpr std::uint32_t kSubBuckets = 1U << kSubBits;

// Values below 16 ns have a bucket each; above, an index is (power of two, next four bits).
std::uint32_t BucketOf(std::uint64_t value) {
  if (value < kSubBuckets) return static_cast<std::uint32_t>(value);
  const int shift = 63 - std::countl_zero(value) - kSubBits;
  return (static_cast<std::uint32_t>(shift) + 1) * kSubBuckets +
         static_cast<std::uint32_t>((value >> shift) - kSubBuckets);
}

std::uint64_t MiddleOf(std::uint32_t bucket) {
  if (bucket < kSubBuckets) return bucket;
  const std::uint32_t shift = bucket / kSubBuckets - 1;
  const std::uint64_t low = (kSubBuckets + static_cast<std::uint64_t>(bucket % kSubBuckets))
                            << shift;
  return low + (std::uint64_t{1} << shift) / 2;
}

}  // namespace

void UsualDuration::Add(Duration duration, std::uint64_t count) {
  const std::uint32_t bucket =
      BucketOf(static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0)));
  auto at = std::ranges::lower_bound(buckets_, bucket, {},
                                     &std::pair<std::uint32_t, std::uint64_t>::first);
  if (at == buckets_.end() || at->first != bucket) at = buckets_.insert(at, {bucket, 0});
  at->second += count;
  count_ += count;
}

Duration UsualDuration::Median() const {
  const std::uint64_t rank = (count_ + 1) / 2;  // The lower of two middle ones.
  std::uint64_t seen = 0;
  for (const auto& [bucket, count] : buckets_) {
    seen += count;
    if (seen >= rank) return Duration(static_cast<std::int64_t>(MiddleOf(bucket)));
  }
  return Duration(0);
}

void UsualDuration::Encode(std::string* out) const {
  ByteWriter writer(out);
  writer.Varint(buckets_.size());
  for (const auto& [bucket, count] : buckets_) {
    writer.Varint(bucket);
    writer.Varint(count);
  }
}

Result<UsualDuration> UsualDuration::Decode(std::string_view bytes) {
  ByteReader reader(bytes);
  UsualDuration usual;
  const std::uint64_t buckets = reader.Varint();
  for (std::uint64_t i = 0; i < buckets && reader.ok(); ++i) {
    const std::uint64_t number = reader.Varint();
    if (number > BucketOf(UINT64_MAX)) break;
    const auto bucket = static_cast<std::uint32_t>(number);
    const std::uint64_t count = reader.Varint();
    if (!usual.buckets_.empty() && usual.buckets_.back().first >= bucket) break;
    usual.buckets_.emplace_back(bucket, count);
    usual.count_ += count;
  }
  if (!reader.ok() || !reader.done() || usual.buckets_.size() != buckets) {
    return Error(ErrorCode::kCorruption, "checkpoint: task duration row");
  }
  return usual;
}

}  // namespace barograph::rules
