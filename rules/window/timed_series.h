#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "rules/window/distinct.h"
#include "rules/window/gauge_bucket.h"
#include "rules/window/series.h"
#include "rules/window/sketch.h"

namespace barograph::rules {

/// Buckets of values that merge but cannot be subtracted, kept in chunks of 8: at least the newest
/// (chunks - 1) x 8 + 1. The newest bucket is open: it is not packed.
template <typename T>
class TimedLevel {
 public:
  static constexpr int kChunkBits = 3;
  static constexpr Bucket kChunk = 1 << kChunkBits;
  static constexpr std::size_t kChunksMax = 128;

  TimedLevel(Duration width, Bucket chunks) : width_(width), chunks_(chunks) {}

  /// The bucket of `bucket` to change; null when it is older than what is held. A newer bucket
  /// becomes the open one.
  T* Find(Bucket bucket);
  /// `*value` of that bucket was changed: closed buckets are packed again.
  void Changed(Bucket bucket, T* value) {
    if (bucket != newest()) value->Pack();
  }
  /// Merges the held buckets in (after, last].
  template <typename Visit>
  void ForEach(Bucket after, Bucket last, const Visit& visit) const {
    auto entry = Lower(entries_, after + 1);
    for (; entry != entries_.end() && entry->bucket <= last; ++entry) visit(entry->value);
  }
  /// Lets go of everything; older events stay away.
  void Clear() {
    std::vector<Entry>().swap(entries_);
    changed_.reset();
    floor_ = newest_ + 1;
  }

  [[nodiscard]] Duration width() const { return width_; }
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] Bucket newest() const { return newest_; }
  [[nodiscard]] std::size_t bytes() const;

  /// The open chunk; with `all`, everything.
  void Encode(ByteWriter* out, bool all) const;
  [[nodiscard]] bool Decode(ByteReader* in);
  std::size_t EmitChunks(SeriesRef self, int level, const EmitRow& emit);
  void ForEachSlot(const std::function<void(std::uint8_t)>& visit) const {
    for (Bucket slot = 0; slot < chunks_; ++slot) visit(static_cast<std::uint8_t>(slot));
  }
  [[nodiscard]] bool DecodeChunk(ByteReader* in);
  void Sort();

 private:
  struct Entry {
    Bucket bucket = 0;
    T value;
  };
  template <typename Entries>
  [[nodiscard]] static auto Lower(Entries& entries, Bucket bucket) {
    return std::lower_bound(entries.begin(), entries.end(), bucket,
                            [](const Entry& entry, Bucket b) { return entry.bucket < b; });
  }
  [[nodiscard]] Bucket Oldest() const {
    return std::max(floor_, ((newest_ >> kChunkBits) - (chunks_ - 1)) * kChunk);
  }
  [[nodiscard]] std::size_t SlotOf(Bucket chunk) const {
    return static_cast<std::size_t>(((chunk % chunks_) + chunks_) % chunks_);
  }
  void EncodeRange(ByteWriter* out, Bucket from, Bucket to) const;
  [[nodiscard]] bool DecodeRange(ByteReader* in, std::vector<Entry>* out) const;

  Duration width_;
  Bucket chunks_;
  Bucket newest_ = SeriesHead::kNoBucket;
  Bucket floor_ = SeriesHead::kNoBucket;  ///< nothing older comes in again
  std::vector<Entry> entries_;            ///< sorted by bucket
  std::bitset<kChunksMax> changed_;
};

/// A series of two such levels, with a fine one for windows up to 6 h and hours for windows up to
/// 35 d. The newest fine bucket is apart, in one place, and enters both levels when the next one
/// opens: so an event that is not late touches nothing else.
template <typename T>
class TimedSeries : public Series {
 public:
  TimedSeries(LevelIndex fine, Bucket fine_chunks)
      : fine_(fine),
        levels_{TimedLevel<T>(kLevels[fine].width(), fine_chunks),
                TimedLevel<T>(kLevels[kHours].width(), kHourChunks)} {}

  /// Everything in the window that ends at `at`, in order of time. A window that is no multiple of
  /// its level's width is rounded up to one.
  [[nodiscard]] T Window(const SeriesHead& head, Time at, Duration window) const;
  /// Everything in the hours that [from, to) touches.
  [[nodiscard]] T Hours(const SeriesHead& head, Time from, Time to) const;
  /// Its buckets leave memory; older events stay away.
  virtual void Clear();

  void EncodeRow(const SeriesHead& head, ByteWriter* out) const override {
    EncodeLevels(head, out, false);
  }
  std::size_t EmitChunks(const SeriesHead& head, SeriesRef self, const EmitRow& emit) override;
  Status LoadRow(ByteReader* in, SeriesHead* head) override;
  Status LoadChunk(ByteReader* in, int level, SeriesHead* head) override;
  void FinishLoad(SeriesHead*) override {
    for (TimedLevel<T>& level : levels_) level.Sort();
  }
  void ForEachRowKey(SeriesRef self,
                     const std::function<void(std::string_view)>& visit) const override;
  void Canonical(const SeriesHead& head, ByteWriter* out) const override {
    EncodeLevels(head, out, true);
  }
  [[nodiscard]] std::size_t bytes() const override {
    return sizeof(*this) + open_.bytes() + levels_[0].bytes() + levels_[1].bytes();
  }

 protected:
  static constexpr Duration kFineReach = std::chrono::hours(6);
  /// 849 hours: 35 d, the window's start, and what is ahead of log time.
  static constexpr Bucket kHourChunks = 107;

  /// What to add to for fine bucket `fine` when it is the newest; null when it is late.
  [[nodiscard]] T* Open(Bucket fine) {
    if (fine == open_bucket_) [[likely]]
      return &open_;
    if (fine < open_bucket_) return nullptr;
    Close();
    open_bucket_ = fine;
    return &open_;
  }
  [[nodiscard]] bool IsOpen(Bucket fine) const { return fine == open_bucket_; }
  /// Calls change(T*) for a bucket that is late, on both levels, as far as they hold it.
  template <typename Change>
  void ChangeLate(Bucket fine, const Change& change) {
    Update(&levels_[0], fine, change);
    Update(&levels_[1], HourOf(fine), change);
  }
  /// Moves what waits beside `open_` into it.
  virtual void Settle() {}
  virtual void AddWaiting(const SeriesHead&, T*) const {}
  [[nodiscard]] virtual bool HasWaiting(const SeriesHead&) const { return false; }

  T open_{};

 private:
  template <typename Change>
  static void Update(TimedLevel<T>* level, Bucket bucket, const Change& change) {
    T* const value = level->Find(bucket);
    if (value == nullptr) return;
    change(value);
    level->Changed(bucket, value);
  }
  [[nodiscard]] Bucket HourOf(Bucket fine) const {
    return static_cast<Bucket>(FloorDivide(fine, kLevels[kHours].ratio / kLevels[fine_].ratio));
  }
  void Close();
  /// What the level holds in (after, last], with what is open or waits.
  [[nodiscard]] T Merged(const SeriesHead& head, bool is_fine, Bucket after, Bucket last) const;
  void EncodeLevels(const SeriesHead& head, ByteWriter* out, bool all) const;

  LevelIndex fine_;
  Bucket open_bucket_ = SeriesHead::kNoBucket;
  std::array<TimedLevel<T>, 2> levels_;
};

/// Last, min, max, mean: 1 min for 6 h, 1 h for 35 d.
class GaugeSeries final : public TimedSeries<GaugeBucket> {
 public:
  GaugeSeries() : TimedSeries(kMinutes, 47) {}
  /// `bucket` is the 10 s bucket of `time`.
  void Add(SeriesHead* head, Time time, Bucket bucket, std::int64_t value, std::uint32_t count);
};

/// Distinct values: 10 min for 6 h, 1 h for 35 d.
class DistinctSeries final : public TimedSeries<DistinctCounter> {
 public:
  DistinctSeries() : TimedSeries(kTenMinutes, 6) {}
  /// Adds one value to 10 s bucket `bucket`.
  void Add(SeriesHead* head, Bucket bucket, std::uint64_t hash);
  /// Whether the head alone tells that its newest 10 s bucket has this value already.
  [[nodiscard]] static bool Has(const SeriesHead& head, std::uint64_t hash) {
    const Note note = NoteOf(head);
    return note.last == hash ||
           (note.registers != nullptr && DistinctCounter::Has(note.registers, hash));
  }

 private:
  /// What a head keeps where sums have their total, for its newest 10 s bucket: the last value,
  /// which is all that the cells of one agent get, and the open counter's registers once it has
  /// them. Before the first value it names value 0, which no hash is but for one in 2^64.
  struct Note {
    std::uint64_t last;
    const std::uint8_t* registers;
  };
  [[nodiscard]] static Note NoteOf(const SeriesHead& head) {
    Note note;
    static_assert(sizeof(note) == sizeof(head.total));
    std::memcpy(&note, &head.total, sizeof(note));
    return note;
  }
};

/// Up to 7 sketch indices of the open 10 s bucket that wait in a distribution's head, where sums
/// have their total, so that an
/// event touches the head alone and the sketch is visited once for seven of them: their number,
/// then the indices, 16 bits each.
class WaitingIndices {
 public:
  static constexpr std::uint16_t kMax = 7;

  /// False when there is no room.
  static bool Add(SeriesHead* head, std::int32_t index) {
    auto* const bytes = reinterpret_cast<char*>(&head->total);
    std::uint16_t size = 0;
    std::memcpy(&size, bytes, sizeof(size));
    if (size == kMax) return false;
    ++size;
    const auto narrow = static_cast<std::int16_t>(index);
    std::memcpy(bytes + size * sizeof(narrow), &narrow, sizeof(narrow));
    std::memcpy(bytes, &size, sizeof(size));
    return true;
  }
  /// Writes kMax indices to `out`, of which the returned number counts.
  static std::uint16_t Copy(const SeriesHead& head, std::int16_t* out) {
    const auto* const bytes = reinterpret_cast<const char*>(&head.total);
    std::uint16_t size = 0;
    std::memcpy(&size, bytes, sizeof(size));
    std::memcpy(out, bytes + sizeof(size), kMax * sizeof(*out));
    return size;
  }
  template <typename Visit>
  static void ForEach(const SeriesHead& head, const Visit& visit) {
    std::array<std::int16_t, 1 + kMax> waiting;
    static_assert(sizeof(waiting) == sizeof(head.total));
    std::memcpy(waiting.data(), &head.total, sizeof(waiting));
    for (std::int16_t i = 1; i <= waiting[0]; ++i) visit(waiting[static_cast<std::size_t>(i)]);
  }
};

/// Quantiles: 1 min for 6 h, 1 h for 35 d.
class SketchSeries final : public TimedSeries<Sketch> {
 public:
  SketchSeries() : TimedSeries(kMinutes, 47) {}
  /// Adds one value, given as its index, to the head's newest 10 s bucket. False when it has no
  /// room: then Add must be called.
  static bool AddToHead(SeriesHead* head, std::int32_t index) {
    return WaitingIndices::Add(head, index);
  }
  void Add(SeriesHead* head, Bucket bucket, std::int32_t index, std::uint32_t count);
  void Flush(SeriesHead* head) override;
  void Clear() override;

 protected:
  void Settle() override;
  /// What waits, in the head and here. In the head it is of the open minute: a newer one would have
  /// taken it over.
  void AddWaiting(const SeriesHead& head, Sketch* sketch) const override;
  [[nodiscard]] bool HasWaiting(const SeriesHead& head) const override {
    return waiting_count_ != 0 || head.total != 0;
  }

 private:
  void AddIndex(Bucket minute, std::int32_t index, std::uint32_t count);
  void TakeFromHead(SeriesHead* head);

  /// Indices of the open minute that are not in `open_` yet: one line to write to instead of a bin
  /// each.
  std::uint16_t waiting_count_ = 0;
  std::array<std::int16_t, 221> waiting_;
};

extern template class TimedSeries<GaugeBucket>;
extern template class TimedSeries<DistinctCounter>;
extern template class TimedSeries<Sketch>;

}  // namespace barograph::rules
