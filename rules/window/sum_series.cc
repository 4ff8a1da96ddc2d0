#include "rules/window/sum_series.h"

#include <algorithm>
#include <cstdlib>

namespace barograph::rules {
namespace {

constexpr Bucket kHoursPerDay = 24;
/// A bucket of every chunk fits 32 bits.
constexpr std::int64_t kChunksMax = std::int64_t{1} << (30 - kChunkBits);

/// The chunk of a slot when the head is in chunk `head_chunk`.
Bucket ChunkInSlot(const LevelSpec& spec, Bucket head_chunk, int slot) {
  return head_chunk - ((head_chunk - slot) & (spec.chunks - 1));
}

}  // namespace

bool SumSeries::Add(SeriesHead* head, Bucket bucket, Int128 value, const ColdSource& cold) {
  if (bucket <= head->bucket) {
    head->total += value;
    if (bucket != head->bucket) AddLate(*head, bucket, value, cold);
    return true;
  }
  if (!head->live() && !Wake(head, bucket)) {
    AddCold(kHours, Coarsen(bucket, kHours), value, cold);
    AddCold(kDays, Coarsen(bucket, kDays), value, cold);
    head->total += value;
    for (Int128& lost : lost_) lost += value;
    return false;
  }
  if (head->bucket == SeriesHead::kNoBucket) {
    for (int level = 0; level < kLevelCount; ++level) {
      levels_[At(level)].Start(kLevels[At(level)], Coarsen(bucket, level));
    }
    head->bucket = bucket;
  } else if (bucket > head->bucket) {
    Move(head, bucket, cold);
  }
  head->total += value;
  return true;
}

bool SumSeries::Wake(SeriesHead* head, Bucket bucket) {
  // A day that left memory must not be opened again: it would be in memory and in a cold page.
  if (Coarsen(bucket, kDays) <= Coarsen(slept_at_, kDays)) return false;
  for (int level = 0; level < kLevelCount; ++level) {
    TotalLevel& each = levels_[At(level)];
    each.set_oldest(
        std::max(each.oldest(), OldestHeld(kLevels[At(level)], Coarsen(bucket, level))));
  }
  head->bucket = bucket;
  return true;
}

void SumSeries::Move(SeriesHead* head, Bucket next, const ColdSource& cold) {
  for (int level = 0; level < kLevelCount; ++level) {
    const Bucket from = Coarsen(head->bucket, level);
    const Bucket to = Coarsen(next, level);
    if (from == to) break;  // coarser buckets cannot have changed either
    const Int128 total = head->total - lost_[At(level)];
    if (!IsKeptForEver(level)) {
      levels_[At(level)].MoveTo(kLevels[At(level)], from, to, total, nullptr);
      continue;
    }
    std::vector<BucketValue> evicted;
    levels_[At(level)].MoveTo(kLevels[At(level)], from, to, total, &evicted);
    AddEvicted(level, evicted, cold);
  }
  head->bucket = next;
}

void SumSeries::AddLate(const SeriesHead& head, Bucket bucket, Int128 value,
                        const ColdSource& cold) {
  for (int level = 0; level < kLevelCount; ++level) {
    const Bucket open = Coarsen(head.bucket, level);
    const Bucket late = Coarsen(bucket, level);
    if (late == open) break;  // the running total has it, on this level and on coarser ones
    TotalLevel& each = levels_[At(level)];
    if (late >= each.oldest()) {
      each.AddLate(kLevels[At(level)], open, late, value);
      continue;
    }
    lost_[At(level)] += value;
    if (IsKeptForEver(level)) AddCold(level, late, value, cold);
  }
}

void SumSeries::AddCold(int level, Bucket bucket, Int128 value, const ColdSource& cold) {
  if (cold_ == nullptr) cold_ = std::make_unique<ColdPages>();
  cold_->Add(level, bucket, value, cold);
}

void SumSeries::AddEvicted(int level, const std::vector<BucketValue>& evicted,
                           const ColdSource& cold) {
  for (const BucketValue& each : evicted) AddCold(level, each.bucket, each.value, cold);
}

void SumSeries::Release(SeriesHead* head, const ColdSource& cold) {
  for (int level = 0; level < kLevelCount; ++level) {
    std::vector<BucketValue> evicted;
    levels_[At(level)].Release(kLevels[At(level)], Coarsen(head->bucket, level),
                               head->total - lost_[At(level)], &evicted);
    if (IsKeptForEver(level)) AddEvicted(level, evicted, cold);
    lost_[At(level)] = head->total;
  }
  slept_at_ = head->bucket;
  head->bucket = SeriesHead::kDormant;
}

Int128 SumSeries::HeldBetween(const SeriesHead& head, int level, Bucket from, Bucket to,
                              const ColdSource& cold) const {
  if (from >= to) return 0;
  const Int128 away = cold_ == nullptr ? 0 : cold_->Sum(level, from, to, cold);
  const Bucket held = std::max(from, levels_[At(level)].oldest());
  return held >= to ? away : away + Between(head, level, held - 1, to - 1);
}

Int128 SumSeries::SumHours(const SeriesHead& head, Bucket from, Bucket to,
                           const ColdSource& cold) const {
  const auto first_day = static_cast<Bucket>(FloorDivide(from + kHoursPerDay - 1, kHoursPerDay));
  const auto end_day = static_cast<Bucket>(FloorDivide(to, kHoursPerDay));
  if (first_day >= end_day) return HeldBetween(head, kHours, from, to, cold);
  return HeldBetween(head, kHours, from, first_day * kHoursPerDay, cold) +
         HeldBetween(head, kDays, first_day, end_day, cold) +
         HeldBetween(head, kHours, end_day * kHoursPerDay, to, cold);
}

void SumSeries::HeldValues(const SeriesHead& head, int level, Bucket from,
                           std::vector<BucketValue>* out) const {
  if (!head.live()) return;
  const Bucket open = Coarsen(head.bucket, level);
  levels_[At(level)].Values(kLevels[At(level)], from, open, out);
  const Int128 value = Between(head, level, open - 1, open);
  if (value != 0) out->push_back({open, value});
}

void SumSeries::PrefetchRow(const SeriesHead& head) const {
  if (!head.live()) return;
  for (int level = 0; level < kLevelCount; ++level) {
    const Bucket open = Coarsen(head.bucket, level);
    levels_[At(level)].Prefetch(kLevels[At(level)], ChunkOf(open) * kChunkBuckets - 1, open);
  }
}

void SumSeries::EncodeRow(const SeriesHead& head, ByteWriter* out) const {
  PutValue(out, head.total);
  out->SignedVarint(head.bucket);
  out->SignedVarint(slept_at_);
  for (int level = 0; level < kLevelCount; ++level) {
    const TotalLevel& each = levels_[At(level)];
    if (!head.live()) {
      out->SignedVarint(each.oldest());
      continue;
    }
    const Bucket open = Coarsen(head.bucket, level);
    const Bucket first = ChunkOf(open) * kChunkBuckets;
    out->SignedVarint(each.oldest() - OldestHeld(kLevels[At(level)], open));
    BucketWriter buckets(first);
    each.ForEachValue(kLevels[At(level)], first, open,
                      [&buckets](Bucket bucket, Int128 value) { buckets.Add(bucket, value); });
    const Int128 value = Between(head, level, open - 1, open);
    if (value != 0) buckets.Add(open, value);
    buckets.Finish(out);
  }
  out->Varint(cold_ != nullptr ? 1 : 0);
  if (cold_ != nullptr) cold_->Encode(out);
}

std::size_t SumSeries::EmitChunks(const SeriesHead& head, SeriesRef self, const EmitRow& emit) {
  std::size_t rows = cold_ != nullptr ? cold_->Emit(self, emit) : 0;
  for (int level = 0; level < kLevelCount; ++level) {
    std::uint32_t dirty = levels_[At(level)].TakeDirtyChunks();
    if (dirty == 0 || !head.live()) continue;
    const LevelSpec& spec = kLevels[At(level)];
    const Bucket head_chunk = ChunkOf(Coarsen(head.bucket, level));
    std::vector<BucketValue> values;
    for (; dirty != 0; dirty &= dirty - 1) {
      const int slot = __builtin_ctz(dirty);
      const Bucket chunk = ChunkInSlot(spec, head_chunk, slot);
      if (chunk == head_chunk) continue;  // it went round: the series row has it
      const Bucket first = chunk * kChunkBuckets;
      values.clear();
      levels_[At(level)].Values(spec, first, first + kChunkBuckets, &values);
      std::string row;
      ByteWriter out(&row);
      out.SignedVarint(chunk);
      PutBuckets(&out, first, values);
      emit(RowKey().Chunk(self, level, static_cast<std::uint8_t>(slot)), row);
      ++rows;
    }
  }
  return rows;
}

Status SumSeries::LoadRow(ByteReader* in, SeriesHead* head) {
  if (!GetValue(in, &head->total) || !GetBucket(in, &head->bucket) || !GetBucket(in, &slept_at_)) {
    return BrokenRow("series");
  }
  if (head->bucket == SeriesHead::kNoBucket) return BrokenRow("series");
  loading_ = std::make_unique<std::array<std::vector<BucketValue>, kLevelCount>>();
  for (int level = 0; level < kLevelCount; ++level) {
    Bucket oldest = 0;
    if (!GetBucket(in, &oldest)) return BrokenRow("series");
    if (!head->live()) {
      levels_[At(level)].set_oldest(oldest);
      continue;
    }
    const Bucket open = Coarsen(head->bucket, level);
    const Bucket held = OldestHeld(kLevels[At(level)], open);
    if (oldest < 0 || oldest > open - held) return BrokenRow("series");
    levels_[At(level)].set_oldest(held + oldest);
    std::vector<BucketValue>& values = (*loading_)[At(level)];
    if (!GetBuckets(in, ChunkOf(open) * kChunkBuckets, &values)) return BrokenRow("series");
    const bool within =
        values.empty() || (values.front().bucket >= held + oldest && values.back().bucket <= open);
    if (!within) return BrokenRow("series");
  }
  if (in->Varint() != 0) {
    cold_ = std::make_unique<ColdPages>();
    if (!cold_->Decode(in)) return BrokenRow("series");
  }
  if (!in->ok() || !in->done()) return BrokenRow("series");
  return {};
}

Status SumSeries::LoadChunk(ByteReader* in, int level, SeriesHead* head) {
  if (level >= kLevelCount || loading_ == nullptr) return BrokenRow("chunk");
  Bucket chunk = 0;
  std::vector<BucketValue> values;
  if (!GetBucket(in, &chunk) || std::abs(std::int64_t{chunk}) > kChunksMax ||
      !GetBuckets(in, chunk * kChunkBuckets, &values) || !in->done()) {
    return BrokenRow("chunk");
  }
  if (!head->live()) return {};
  const Bucket oldest = levels_[At(level)].oldest();
  const Bucket open_chunk = ChunkOf(Coarsen(head->bucket, level));
  for (const BucketValue& each : values) {
    if (ChunkOf(each.bucket) != chunk) return BrokenRow("chunk");
    // A slot may still have the chunk of an earlier round: what is older than the level holds stays
    // away.
    if (each.bucket >= oldest && chunk < open_chunk) (*loading_)[At(level)].push_back(each);
  }
  return {};
}

void SumSeries::FinishLoad(SeriesHead* head) {
  if (loading_ == nullptr) return;
  for (int level = 0; level < kLevelCount; ++level) {
    lost_[At(level)] = head->total;
    if (!head->live()) continue;
    std::vector<BucketValue>& values = (*loading_)[At(level)];
    std::sort(values.begin(), values.end(),
              [](const BucketValue& a, const BucketValue& b) { return a.bucket < b.bucket; });
    const Bucket open = Coarsen(head->bucket, level);
    Int128 held = 0;
    if (!values.empty() && values.back().bucket == open) {
      held = values.back().value;
      values.pop_back();
    }
    held += levels_[At(level)].Restore(kLevels[At(level)], open, values);
    lost_[At(level)] -= held;
  }
  loading_.reset();
}

void SumSeries::ForEachRowKey(SeriesRef self,
                              const std::function<void(std::string_view)>& visit) const {
  RowKey key;
  visit(key.Series(self));
  for (int level = 0; level < kDays; ++level) {
    for (int slot = 0; slot < kLevels[At(level)].chunks; ++slot) {
      visit(key.Chunk(self, level, static_cast<std::uint8_t>(slot)));
    }
  }
  if (cold_ != nullptr) cold_->ForEachKey(self, visit);
}

void SumSeries::Canonical(const SeriesHead& head, ByteWriter* out) const {
  PutValue(out, head.total);
  out->SignedVarint(head.bucket);
  out->SignedVarint(slept_at_);
  std::vector<BucketValue> values;
  for (int level = 0; level < kLevelCount; ++level) {
    const Bucket oldest = levels_[At(level)].oldest();
    values.clear();
    HeldValues(head, level, oldest, &values);
    out->SignedVarint(oldest);
    PutBuckets(out, oldest, values);
  }
  out->Varint(cold_ != nullptr ? 1 : 0);
  if (cold_ != nullptr) cold_->Canonical(out);
}

std::size_t SumSeries::bytes() const {
  std::size_t bytes = sizeof(*this) + (cold_ != nullptr ? cold_->bytes() : 0);
  for (int level = 0; level < kLevelCount; ++level)
    bytes += levels_[At(level)].bytes(kLevels[At(level)]);
  return bytes;
}

}  // namespace barograph::rules
