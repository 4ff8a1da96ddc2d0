#include "rules/window/total_level.h"

#include <algorithm>

namespace barograph::rules {
namespace {

/// From this share of a level's buckets on a list takes more memory than the ring.
constexpr std::size_t kListShare = 4;
/// Totals of a narrow ring stay within this, so that one addition cannot overflow 64 bits.
constexpr Int128 kNarrowMax = Int128{1} << 62;
constexpr Int128 kNarrowStep = Int128{1} << 61;

bool IsNarrow(Int128 total) { return total <= kNarrowMax && total >= -kNarrowMax; }

}  // namespace

Int128 TotalLevel::BeforeSlowly(const LevelSpec& spec, Bucket bucket) const {
  if (wide_ != nullptr) return wide_[Index(spec, bucket)];
  const auto after =
      std::upper_bound(entries_.begin(), entries_.end(), bucket,
                       [](Bucket b, const Entry& entry) { return b < entry.bucket; });
  return after == entries_.begin() ? base_ : std::prev(after)->total();
}

void TotalLevel::MoveTo(const LevelSpec& spec, Bucket head, Bucket next, Int128 total,
                        std::vector<BucketValue>* evicted) {
  if (ChunkOf(next) != ChunkOf(head)) {
    dirty_chunks_ |= ChunkBit(spec, head);
    const Bucket oldest = OldestHeld(spec, next);
    if (oldest > oldest_) Evict(spec, head, oldest, total, evicted);
  }
  if (dense()) {
    Store(spec, std::max(head, oldest_), next, total);
    return;
  }
  if (head < oldest_) return;
  if (total != (entries_.empty() ? base_ : entries_.back().total())) {
    entries_.push_back(MakeEntry(head, total));
    if (entries_.size() > Capacity(spec) / kListShare) MakeDense(spec, next);
  }
}

void TotalLevel::Evict(const LevelSpec& spec, Bucket head, Bucket oldest, Int128 total,
                       std::vector<BucketValue>* evicted) {
  if (evicted != nullptr) {
    Values(spec, oldest_, std::min(oldest, head), evicted);
    const Int128 open = total - (head > oldest_ ? Before(spec, head - 1) : base_);
    if (head < oldest && open != 0) evicted->push_back({head, open});
  }
  base_ = oldest > head ? total : Before(spec, oldest - 1);
  if (!dense()) {
    const auto kept =
        std::lower_bound(entries_.begin(), entries_.end(), oldest,
                         [](const Entry& entry, Bucket b) { return entry.bucket < b; });
    entries_.erase(entries_.begin(), kept);
  }
  oldest_ = oldest;
}

void TotalLevel::Release(const LevelSpec& spec, Bucket head, Int128 total,
                         std::vector<BucketValue>* evicted) {
  Evict(spec, head, head + 1, total, evicted);
  std::vector<Entry>().swap(entries_);
  narrow_.reset();
  wide_.reset();
  base_ = 0;
  dirty_chunks_ = 0;
}

void TotalLevel::Store(const LevelSpec& spec, Bucket from, Bucket to, Int128 total) {
  if (wide_ == nullptr && !IsNarrow(total)) Widen(spec);
  if (wide_ != nullptr) {
    for (Bucket b = from; b < to; ++b) wide_[Index(spec, b)] = total;
    return;
  }
  const auto narrow = static_cast<std::int64_t>(total);
  for (Bucket b = from; b < to; ++b) narrow_[Index(spec, b)] = narrow;
}

void TotalLevel::AddLate(const LevelSpec& spec, Bucket head, Bucket bucket, Int128 value) {
  if (ChunkOf(bucket) != ChunkOf(head)) dirty_chunks_ |= ChunkBit(spec, bucket);
  if (narrow_ != nullptr && (value > kNarrowStep || value < -kNarrowStep)) Widen(spec);
  if (wide_ != nullptr) {
    for (Bucket b = bucket; b < head; ++b) wide_[Index(spec, b)] += value;
    return;
  }
  if (narrow_ != nullptr) {
    const auto step = static_cast<std::int64_t>(value);
    std::uint64_t outside = 0;  // its top bit: some total left [-2^62, 2^62)
    for (Bucket b = bucket; b < head; ++b) {
      std::int64_t& total = narrow_[Index(spec, b)];
      total += step;
      outside |= static_cast<std::uint64_t>(total) + (std::uint64_t{1} << 62);
    }
    if ((outside >> 63) != 0) Widen(spec);
    return;
  }
  auto place = std::lower_bound(entries_.begin(), entries_.end(), bucket,
                                [](const Entry& entry, Bucket b) { return entry.bucket < b; });
  if (place == entries_.end() || place->bucket != bucket) {
    const Int128 before = place == entries_.begin() ? base_ : std::prev(place)->total();
    place = entries_.insert(place, MakeEntry(bucket, before));
  }
  for (; place != entries_.end(); ++place)
    *place = MakeEntry(place->bucket, place->total() + value);
  if (entries_.size() > Capacity(spec) / kListShare) MakeDense(spec, head);
}

Int128 TotalLevel::Restore(const LevelSpec& spec, Bucket head,
                           std::span<const BucketValue> values) {
  Int128 total = 0;
  entries_.reserve(values.size());
  for (const BucketValue& each : values) {
    total += each.value;
    entries_.push_back(MakeEntry(each.bucket, total));
  }
  if (entries_.size() > Capacity(spec) / kListShare) MakeDense(spec, head);
  return total;
}

void TotalLevel::MakeDense(const LevelSpec& spec, Bucket head) {
  narrow_ = std::make_unique<std::int64_t[]>(Capacity(spec));
  Bucket from = oldest_;
  Int128 total = base_;
  const std::vector<Entry> entries = std::exchange(entries_, std::vector<Entry>());
  for (const Entry& entry : entries) {
    Store(spec, from, entry.bucket, total);
    from = entry.bucket;
    total = entry.total();
  }
  Store(spec, from, head, total);
}

void TotalLevel::Widen(const LevelSpec& spec) {
  wide_ = std::make_unique<Int128[]>(Capacity(spec));
  std::copy_n(narrow_.get(), Capacity(spec), wide_.get());
  narrow_.reset();
}

std::size_t TotalLevel::bytes(const LevelSpec& spec) const {
  return entries_.capacity() * sizeof(Entry) +
         (narrow_ != nullptr ? Capacity(spec) * sizeof(std::int64_t) : 0) +
         (wide_ != nullptr ? Capacity(spec) * sizeof(Int128) : 0);
}

}  // namespace barograph::rules
