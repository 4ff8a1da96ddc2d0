#pragma once

#include <array>
#include <memory>
#include <vector>

#include "rules/window/cold_pages.h"
#include "rules/window/series.h"
#include "rules/window/total_level.h"

namespace barograph::rules {

/// An additive series: its head's running total and, per level, the totals at the ends of closed
/// buckets. Per level the held part of history is `head.total - lost`: lost is what is older than
/// the level holds.
///
/// Determinism: what is held is a function of the events alone; see kLevels.
class SumSeries final : public Series {
 public:
  /// Adds `value` to 10 s bucket `bucket`, whichever way it lies from the head. False when the
  /// series is dormant and stays so.
  bool Add(SeriesHead* head, Bucket bucket, Int128 value, const ColdSource& cold);

  /// Sum of the level's buckets b with after < b <= last.
  [[nodiscard]] Int128 Between(const SeriesHead& head, int level, Bucket after, Bucket last) const {
    const Bucket open = Coarsen(head.bucket, level);
    return UpTo(head, level, open, last) - UpTo(head, level, open, after);
  }
  /// Whether a level still holds a bucket.
  [[nodiscard]] bool Holds(int level, Bucket bucket) const {
    return bucket >= levels_[At(level)].oldest();
  }
  /// Sum over whole hours [from, to) of all of history.
  [[nodiscard]] Int128 SumHours(const SeriesHead& head, Bucket from, Bucket to,
                                const ColdSource& cold) const;

  /// Its buckets leave memory; hours and days become cold pages.
  void Release(SeriesHead* head, const ColdSource& cold);
  /// Cold pages; null when the series has none.
  [[nodiscard]] ColdPages* cold() { return cold_.get(); }

  void PrefetchRow(const SeriesHead& head) const override;
  void EncodeRow(const SeriesHead& head, ByteWriter* out) const override;
  std::size_t EmitChunks(const SeriesHead& head, SeriesRef self, const EmitRow& emit) override;
  Status LoadRow(ByteReader* in, SeriesHead* head) override;
  Status LoadChunk(ByteReader* in, int level, SeriesHead* head) override;
  void FinishLoad(SeriesHead* head) override;
  void ForEachRowKey(SeriesRef self,
                     const std::function<void(std::string_view)>& visit) const override;
  void Canonical(const SeriesHead& head, ByteWriter* out) const override;
  [[nodiscard]] std::size_t bytes() const override;

 private:
  [[nodiscard]] static std::size_t At(int level) { return static_cast<std::size_t>(level); }
  [[nodiscard]] Int128 UpTo(const SeriesHead& head, int level, Bucket open, Bucket bucket) const {
    if (bucket >= open) return head.total - lost_[At(level)];
    return levels_[At(level)].Before(kLevels[At(level)], bucket);
  }
  void Move(SeriesHead* head, Bucket next, const ColdSource& cold);
  bool Wake(SeriesHead* head, Bucket bucket);
  void AddLate(const SeriesHead& head, Bucket bucket, Int128 value, const ColdSource& cold);
  void AddCold(int level, Bucket bucket, Int128 value, const ColdSource& cold);
  void AddEvicted(int level, const std::vector<BucketValue>& evicted, const ColdSource& cold);
  [[nodiscard]] Int128 HeldBetween(const SeriesHead& head, int level, Bucket from, Bucket to,
                                   const ColdSource& cold) const;
  /// Non-zero held buckets from `from` on, the open one included.
  void HeldValues(const SeriesHead& head, int level, Bucket from,
                  std::vector<BucketValue>* out) const;

  std::array<TotalLevel, kLevelCount> levels_;
  std::array<Int128, kLevelCount> lost_{};
  Bucket slept_at_ = SeriesHead::kNoBucket;  ///< newest bucket before it became dormant
  std::unique_ptr<ColdPages> cold_;
  /// Values of the rows that are being loaded, per level.
  std::unique_ptr<std::array<std::vector<BucketValue>, kLevelCount>> loading_;
};

}  // namespace barograph::rules
