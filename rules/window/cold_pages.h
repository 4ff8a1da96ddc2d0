#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "rules/window/bucket_levels.h"
#include "rules/window/checkpoint_rows.h"

namespace barograph::rules {

/// Where cold pages lie that are not in memory: rows of earlier checkpoints.
struct ColdSource {
  using Reader = std::function<std::optional<std::string>(std::string_view key)>;
  const Reader* reader = nullptr;
  SeriesRef self;
  /// The page's row; nothing when there is none.
  [[nodiscard]] std::optional<std::string> Read(int level, Bucket chunk) const;
};

/// Hours and days of one series that left memory, for ever, in pages of 64 buckets. A page is the
/// sum of all that was ever put there; what is still in memory is not in it. A page is read when it
/// changes, written with the next checkpoint, and kept until the checkpoint after that begins, when
/// its row can be read back.
///
/// `digest` sums value x hash(level, bucket) modulo 2^128 over everything put there, so that two
/// stores can be compared whatever part of their pages is in memory.
class ColdPages {
 public:
  void Add(int level, Bucket bucket, Int128 value, const ColdSource& source);
  /// Sum of the cold values in [from, to).
  [[nodiscard]] Int128 Sum(int level, Bucket from, Bucket to, const ColdSource& source) const;

  /// Emits changed pages; returns their number.
  std::size_t Emit(SeriesRef self, const EmitRow& emit);
  /// True when pages wait for Settle.
  [[nodiscard]] bool unsettled() const { return !pages_.empty(); }
  /// Forgets pages that were emitted: their rows can be read.
  void Settle();
  /// Keys of all rows that may exist.
  void ForEachKey(SeriesRef self, const std::function<void(std::string_view)>& visit) const;

  void Encode(ByteWriter* out) const;
  [[nodiscard]] bool Decode(ByteReader* in);
  void Canonical(ByteWriter* out) const;
  [[nodiscard]] std::size_t bytes() const { return pages_.size() * (sizeof(Page) + 64); }

 private:
  struct Page {
    std::array<Int128, kChunkBuckets> values{};
    bool changed = false;
  };
  struct Range {  ///< chunks that may have a page: [first, last]; empty when first > last
    Bucket first = INT32_MAX, last = INT32_MIN;
  };
  [[nodiscard]] static std::optional<Page> ReadPage(int level, Bucket chunk,
                                                    const ColdSource& source);
  [[nodiscard]] static std::size_t RangeOf(int level) { return level == kDays ? 1 : 0; }

  std::map<std::pair<int, Bucket>, Page> pages_;
  std::array<Range, 2> ranges_;
  Int128 digest_ = 0;
};

}  // namespace barograph::rules
