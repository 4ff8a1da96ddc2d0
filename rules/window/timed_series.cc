#include "rules/window/timed_series.h"

namespace barograph::rules {
namespace {

/// More buckets than a level has: a broken count must not make a huge loop.
constexpr std::uint64_t kRowEntriesMax = 4096;

}  // namespace

template <typename T>
T* TimedLevel<T>::Find(Bucket bucket) {
  if (bucket > newest_) {
    if (!entries_.empty()) {
      entries_.back().value.Pack();
      if ((newest_ >> kChunkBits) != (bucket >> kChunkBits))
        changed_.set(SlotOf(newest_ >> kChunkBits));
    }
    const bool same_chunk = (newest_ >> kChunkBits) == (bucket >> kChunkBits);
    newest_ = bucket;
    if (!same_chunk) entries_.erase(entries_.begin(), Lower(entries_, Oldest()));
    entries_.push_back({bucket, T{}});
    return &entries_.back().value;
  }
  if (!entries_.empty() && entries_.back().bucket == bucket) return &entries_.back().value;
  if (bucket < Oldest()) return nullptr;
  if ((newest_ >> kChunkBits) != (bucket >> kChunkBits)) changed_.set(SlotOf(bucket >> kChunkBits));
  auto place = Lower(entries_, bucket);
  if (place == entries_.end() || place->bucket != bucket)
    place = entries_.insert(place, {bucket, T{}});
  return &place->value;
}

template <typename T>
std::size_t TimedLevel<T>::bytes() const {
  std::size_t bytes = entries_.capacity() * sizeof(Entry);
  for (const Entry& entry : entries_) bytes += entry.value.bytes();
  return bytes;
}

template <typename T>
void TimedLevel<T>::EncodeRange(ByteWriter* out, Bucket from, Bucket to) const {
  const auto begin = Lower(entries_, from);
  const auto end = Lower(entries_, to);
  out->Varint(static_cast<std::uint64_t>(end - begin));
  for (auto entry = begin; entry != end; ++entry) {
    out->SignedVarint(entry->bucket);
    entry->value.Encode(out);
  }
}

template <typename T>
bool TimedLevel<T>::DecodeRange(ByteReader* in, std::vector<Entry>* out) const {
  const std::uint64_t count = in->Varint();
  if (count > kRowEntriesMax) return false;
  for (std::uint64_t i = 0; i < count && in->ok(); ++i) {
    Entry entry;
    if (!GetBucket(in, &entry.bucket) || !entry.value.Decode(in)) return false;
    out->push_back(std::move(entry));
  }
  return in->ok();
}

template <typename T>
void TimedLevel<T>::Encode(ByteWriter* out, bool all) const {
  out->SignedVarint(newest_);
  out->SignedVarint(floor_);
  if (newest_ == SeriesHead::kNoBucket) return;
  EncodeRange(out, all ? Oldest() : (newest_ >> kChunkBits) * kChunk, newest_ + 1);
}

template <typename T>
bool TimedLevel<T>::Decode(ByteReader* in) {
  if (!GetBucket(in, &newest_) || !GetBucket(in, &floor_)) return false;
  if (newest_ == SeriesHead::kNoBucket) return in->ok();
  if (!DecodeRange(in, &entries_)) return false;
  for (const Entry& entry : entries_) {
    if (entry.bucket > newest_) return false;
  }
  return in->ok();
}

template <typename T>
std::size_t TimedLevel<T>::EmitChunks(SeriesRef self, int level, const EmitRow& emit) {
  if (changed_.none()) return 0;
  std::size_t rows = 0;
  const Bucket head_chunk = newest_ >> kChunkBits;
  for (Bucket chunk = head_chunk - chunks_ + 1; chunk < head_chunk; ++chunk) {
    if (!changed_.test(SlotOf(chunk))) continue;
    std::string row;
    ByteWriter out(&row);
    out.SignedVarint(chunk);
    EncodeRange(&out, chunk * kChunk, (chunk + 1) * kChunk);
    emit(RowKey().Chunk(self, level, static_cast<std::uint8_t>(SlotOf(chunk))), row);
    ++rows;
  }
  changed_.reset();
  return rows;
}

template <typename T>
bool TimedLevel<T>::DecodeChunk(ByteReader* in) {
  Bucket chunk = 0;
  std::vector<Entry> entries;
  if (!GetBucket(in, &chunk) || !DecodeRange(in, &entries) || !in->done()) return false;
  // The slot may still have the chunk of an earlier round.
  if (newest_ == SeriesHead::kNoBucket || chunk >= (newest_ >> kChunkBits)) return true;
  for (Entry& entry : entries) {
    if (entry.bucket >= Oldest()) entries_.push_back(std::move(entry));
  }
  return true;
}

template <typename T>
void TimedLevel<T>::Sort() {
  std::sort(entries_.begin(), entries_.end(),
            [](const Entry& a, const Entry& b) { return a.bucket < b.bucket; });
}

template <typename T>
std::size_t TimedSeries<T>::EmitChunks(const SeriesHead&, SeriesRef self, const EmitRow& emit) {
  return levels_[0].EmitChunks(self, 0, emit) + levels_[1].EmitChunks(self, 1, emit);
}

template <typename T>
void TimedSeries<T>::EncodeLevels(const SeriesHead& head, ByteWriter* out, bool all) const {
  out->SignedVarint(head.bucket);
  for (const TimedLevel<T>& level : levels_) level.Encode(out, all);
  out->SignedVarint(open_bucket_);
  if (!HasWaiting(head)) return open_.Encode(out);
  T open = open_;
  AddWaiting(head, &open);
  open.Encode(out);
}

template <typename T>
Status TimedSeries<T>::LoadRow(ByteReader* in, SeriesHead* head) {
  if (!GetBucket(in, &head->bucket)) return BrokenRow("series");
  for (TimedLevel<T>& level : levels_) {
    if (!level.Decode(in)) return BrokenRow("series");
  }
  if (!GetBucket(in, &open_bucket_) || !open_.Decode(in) || !in->done()) return BrokenRow("series");
  return {};
}

template <typename T>
Status TimedSeries<T>::LoadChunk(ByteReader* in, int level, SeriesHead*) {
  if (level < 0 || level >= 2 || !levels_[static_cast<std::size_t>(level)].DecodeChunk(in))
    return BrokenRow("chunk");
  return {};
}

template <typename T>
void TimedSeries<T>::ForEachRowKey(SeriesRef self,
                                   const std::function<void(std::string_view)>& visit) const {
  RowKey key;
  visit(key.Series(self));
  for (int level = 0; level < 2; ++level) {
    levels_[static_cast<std::size_t>(level)].ForEachSlot(
        [&](std::uint8_t slot) { visit(key.Chunk(self, level, slot)); });
  }
}

template <typename T>
T TimedSeries<T>::Window(const SeriesHead& head, Time at, Duration window) const {
  const bool is_fine = window <= kFineReach;
  const Duration width = levels_[is_fine ? 0 : 1].width();
  const Bucket last = BucketOf(at, width);
  return Merged(head, is_fine, last - static_cast<Bucket>((window + width - Duration(1)) / width),
                last);
}

template <typename T>
T TimedSeries<T>::Hours(const SeriesHead& head, Time from, Time to) const {
  const Duration width = levels_[1].width();
  return Merged(head, false, BucketOf(from, width) - 1, BucketOf(to - Duration(1), width));
}

template <typename T>
T TimedSeries<T>::Merged(const SeriesHead& head, bool is_fine, Bucket after, Bucket last) const {
  T merged{};
  levels_[is_fine ? 0 : 1].ForEach(after, last, [&merged](const T& each) { merged.Merge(each); });
  if (open_bucket_ == SeriesHead::kNoBucket) return merged;
  const Bucket open = is_fine ? open_bucket_ : HourOf(open_bucket_);
  if (open > after && open <= last) {
    merged.Merge(open_);
    AddWaiting(head, &merged);
  }
  return merged;
}

template <typename T>
void TimedSeries<T>::Close() {
  if (open_bucket_ == SeriesHead::kNoBucket) return;
  Settle();
  ChangeLate(open_bucket_, [this](T* bucket) { bucket->Merge(open_); });
  open_.Clear();
}

template <typename T>
void TimedSeries<T>::Clear() {
  for (TimedLevel<T>& level : levels_) level.Clear();
  open_bucket_ = SeriesHead::kNoBucket;
  open_ = T{};
}

template class TimedLevel<GaugeBucket>;
template class TimedLevel<DistinctCounter>;
template class TimedLevel<Sketch>;
template class TimedSeries<GaugeBucket>;
template class TimedSeries<DistinctCounter>;
template class TimedSeries<Sketch>;

void GaugeSeries::Add(SeriesHead* head, Time time, Bucket bucket, std::int64_t value,
                      std::uint32_t count) {
  const Bucket minute = Coarsen(bucket, kMinutes);
  if (GaugeBucket* const open = Open(minute)) {
    open->Add(time, value, count);
  } else {
    ChangeLate(minute, [&](GaugeBucket* late) { late->Add(time, value, count); });
  }
  head->bucket = std::max(head->bucket, bucket);
}

void DistinctSeries::Add(SeriesHead* head, Bucket bucket, std::uint64_t hash) {
  const Bucket fine = Coarsen(bucket, kTenMinutes);
  DistinctCounter* const open = Open(fine);
  if (open != nullptr) {
    open->Add(hash);
  } else {
    ChangeLate(fine, [hash](DistinctCounter* late) { late->Add(hash); });
  }
  if (bucket < head->bucket) return;
  head->bucket = bucket;
  const Note note{hash, open != nullptr ? open->registers() : nullptr};
  std::memcpy(&head->total, &note, sizeof(note));
}

void SketchSeries::Add(SeriesHead* head, Bucket bucket, std::int32_t index, std::uint32_t count) {
  TakeFromHead(head);
  AddIndex(Coarsen(bucket, kMinutes), index, count);
  head->bucket = std::max(head->bucket, bucket);
}

void SketchSeries::Flush(SeriesHead* head) {
  TakeFromHead(head);
  Settle();
}

void SketchSeries::TakeFromHead(SeriesHead* head) {
  const Bucket minute = Coarsen(head->bucket, kMinutes);
  if (IsOpen(minute) && waiting_.size() - waiting_count_ >= WaitingIndices::kMax) {
    waiting_count_ += WaitingIndices::Copy(*head, &waiting_[waiting_count_]);
  } else {
    WaitingIndices::ForEach(*head, [&](std::int32_t index) { AddIndex(minute, index, 1); });
  }
  head->total = 0;
}

void SketchSeries::AddIndex(Bucket minute, std::int32_t index, std::uint32_t count) {
  Sketch* const open = Open(minute);
  if (open == nullptr) {
    ChangeLate(minute, [&](Sketch* late) { late->Add(index, count); });
  } else if (count != 1) {
    open->Add(index, count);
  } else {
    if (waiting_count_ == waiting_.size()) Settle();
    waiting_[waiting_count_++] = static_cast<std::int16_t>(index);
  }
}

void SketchSeries::Settle() {
  for (std::uint16_t i = 0; i < waiting_count_; ++i) open_.Add(waiting_[i], 1);
  waiting_count_ = 0;
}

void SketchSeries::AddWaiting(const SeriesHead& head, Sketch* sketch) const {
  for (std::uint16_t i = 0; i < waiting_count_; ++i) sketch->Add(waiting_[i], 1);
  WaitingIndices::ForEach(head, [sketch](std::int32_t index) { sketch->Add(index, 1); });
}

void SketchSeries::Clear() {
  TimedSeries::Clear();
  waiting_count_ = 0;
}

}  // namespace barograph::rules
