#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "rules/window/bucket_levels.h"

namespace barograph::rules {

/// What one bucket holds.
struct BucketValue {
  Bucket bucket = 0;
  Int128 value = 0;
  friend bool operator==(const BucketValue&, const BucketValue&) = default;
};

/// The closed buckets of one level of one additive series, as running totals: Before(b) is the sum
/// of everything up to the end of bucket b, so that a window is a difference of two of them.
///
/// The newest bucket (`head`, given by the owner) is open and not in here. Totals count from the
/// oldest bucket held; what arrives older is the owner's to keep. While few buckets are filled the
/// level is a sorted list, afterwards a ring of 64-bit totals, widened to 128 bits by the first
/// total that needs it: what it answers does not depend on which.
///
/// Threads: owned by one thread.
class TotalLevel {
 public:
  /// Sum of all held buckets <= `bucket`; requires bucket < head. Below the oldest held one: what
  /// had left.
  [[nodiscard]] Int128 Before(const LevelSpec& spec, Bucket bucket) const {
    if (bucket < oldest_) return base_;
    if (narrow_ != nullptr) return narrow_[Index(spec, bucket)];
    return BeforeSlowly(spec, bucket);
  }

  /// Asks for the memory of the buckets [from, to].
  void Prefetch(const LevelSpec& spec, Bucket from, Bucket to) const {
    constexpr Bucket kLine = 64 / sizeof(std::int64_t);
    if (narrow_ == nullptr) {
      __builtin_prefetch(entries_.data() + entries_.size());
      return;
    }
    __builtin_prefetch(&narrow_[Index(spec, from)]);
    for (Bucket b = from + 1; b <= to; b += kLine) __builtin_prefetch(&narrow_[Index(spec, b)]);
  }

  /// Starts at its first bucket.
  void Start(const LevelSpec& spec, Bucket head) { oldest_ = OldestHeld(spec, head); }
  /// Closes `head`, whose running total is `total`, and makes `next` > head the open bucket. What
  /// leaves memory is appended to `evicted` unless that is null, oldest first.
  void MoveTo(const LevelSpec& spec, Bucket head, Bucket next, Int128 total,
              std::vector<BucketValue>* evicted);
  /// Adds to a closed bucket and the totals after it; requires oldest() <= bucket < head.
  void AddLate(const LevelSpec& spec, Bucket head, Bucket bucket, Int128 value);
  /// Lets go of everything, the open bucket included; the next bucket must be > head.
  void Release(const LevelSpec& spec, Bucket head, Int128 total, std::vector<BucketValue>* evicted);
  /// Sets the closed buckets of an empty level from values sorted by bucket, all in [oldest(),
  /// head); returns their sum.
  Int128 Restore(const LevelSpec& spec, Bucket head, std::span<const BucketValue> values);

  /// Buckets below are not held.
  [[nodiscard]] Bucket oldest() const { return oldest_; }
  void set_oldest(Bucket bucket) { oldest_ = bucket; }

  /// Calls visit(bucket, value) for the non-zero closed buckets in [from, to), oldest first.
  template <typename Visit>
  void ForEachValue(const LevelSpec& spec, Bucket from, Bucket to, const Visit& visit) const;
  /// Appends them.
  void Values(const LevelSpec& spec, Bucket from, Bucket to, std::vector<BucketValue>* out) const {
    ForEachValue(spec, from, to, [out](Bucket bucket, Int128 value) {
      out->push_back({bucket, value});
    });
  }

  /// Full chunks that changed since they were last taken, a bit per chunk modulo `chunks`.
  [[nodiscard]] std::uint32_t TakeDirtyChunks() { return std::exchange(dirty_chunks_, 0); }
  [[nodiscard]] std::size_t bytes(const LevelSpec& spec) const;

 private:
  struct Entry {  // 128 bits in two halves: no padding to 32 bytes
    Bucket bucket;
    std::uint64_t low;
    std::int64_t high;
    [[nodiscard]] Int128 total() const { return (static_cast<Int128>(high) << 64) | low; }
  };
  [[nodiscard]] static Entry MakeEntry(Bucket bucket, Int128 total) {
    return {bucket, static_cast<std::uint64_t>(total), static_cast<std::int64_t>(total >> 64)};
  }
  [[nodiscard]] static std::size_t Capacity(const LevelSpec& spec) {
    return static_cast<std::size_t>(spec.chunks) * kChunkBuckets;
  }
  [[nodiscard]] static std::size_t Index(const LevelSpec& spec, Bucket bucket) {
    return static_cast<std::size_t>(bucket) & (Capacity(spec) - 1);
  }
  [[nodiscard]] static std::uint32_t ChunkBit(const LevelSpec& spec, Bucket bucket) {
    return 1U << (static_cast<std::uint32_t>(ChunkOf(bucket)) &
                  static_cast<std::uint32_t>(spec.chunks - 1));
  }
  [[nodiscard]] bool dense() const { return narrow_ != nullptr || wide_ != nullptr; }
  [[nodiscard]] Int128 BeforeSlowly(const LevelSpec& spec, Bucket bucket) const;
  void Store(const LevelSpec& spec, Bucket from, Bucket to, Int128 total);
  void Evict(const LevelSpec& spec, Bucket head, Bucket oldest, Int128 total,
             std::vector<BucketValue>* evicted);
  void MakeDense(const LevelSpec& spec, Bucket head);
  void Widen(const LevelSpec& spec);

  Bucket oldest_ = 0;
  std::uint32_t dirty_chunks_ = 0;
  std::unique_ptr<std::int64_t[]> narrow_;
  std::unique_ptr<Int128[]> wide_;
  std::vector<Entry> entries_;
  Int128 base_ = 0;  ///< total at the end of bucket oldest_ - 1
};

template <typename Visit>
void TotalLevel::ForEachValue(const LevelSpec& spec, Bucket from, Bucket to,
                              const Visit& visit) const {
  from = std::max(from, oldest_);
  if (from >= to) return;
  const Int128 start = from > oldest_ ? Before(spec, from - 1) : base_;
  const auto walk = [&](const auto& ring, auto before) {
    for (Bucket b = from; b < to; ++b) {
      const auto total = ring[Index(spec, b)];
      if (total != before) visit(b, static_cast<Int128>(total) - before);
      before = total;
    }
  };
  if (narrow_ != nullptr) return walk(narrow_, start);
  if (wide_ != nullptr) return walk(wide_, start);
  auto entry = std::lower_bound(entries_.begin(), entries_.end(), from,
                                [](const Entry& each, Bucket b) { return each.bucket < b; });
  for (Int128 before = start; entry != entries_.end() && entry->bucket < to; ++entry) {
    const Int128 total = entry->total();
    if (total != before) visit(entry->bucket, total - before);
    before = total;
  }
}

}  // namespace barograph::rules
