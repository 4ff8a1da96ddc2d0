#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "rules/window/bucket_levels.h"
#include "rules/window/checkpoint_rows.h"
#include "storage/base/bytes.h"
#include "storage/base/money.h"

namespace barograph::rules {

struct SeriesHead;

/// What a series keeps besides its head: closed buckets, sketches. One class per measure type.
/// Threads: owned by one thread.
class Series {
 public:
  virtual ~Series() = default;
  Series() = default;
  Series(const Series&) = delete;
  Series& operator=(const Series&) = delete;

  /// Takes over what waits in the head. Called before any of the methods below that do not get a
  /// const head.
  virtual void Flush(SeriesHead*) {}
  /// Asks for the memory that EncodeRow will read.
  virtual void PrefetchRow(const SeriesHead&) const {}
  /// Writes the series row's value: head and the open chunk of each level.
  virtual void EncodeRow(const SeriesHead& head, ByteWriter* out) const = 0;
  /// Emits full chunks and cold pages that changed since the last call; returns the number of rows.
  virtual std::size_t EmitChunks(const SeriesHead& head, SeriesRef self, const EmitRow& emit) = 0;
  /// Errors of both: kCorruption. Chunks come after the row.
  [[nodiscard]] virtual Status LoadRow(ByteReader* in, SeriesHead* head) = 0;
  [[nodiscard]] virtual Status LoadChunk(ByteReader* in, int level, SeriesHead* head) = 0;
  /// All rows are loaded: buckets become what the series works with.
  virtual void FinishLoad(SeriesHead* head) = 0;
  /// Keys of all rows that the series may have.
  virtual void ForEachRowKey(SeriesRef self,
                             const std::function<void(std::string_view)>& visit) const = 0;
  /// What the series holds, independent of how and where it is stored.
  virtual void Canonical(const SeriesHead& head, ByteWriter* out) const = 0;
  [[nodiscard]] virtual std::size_t bytes() const = 0;
};

/// The part of a series that every event touches: half a cache line.
struct alignas(32) SeriesHead {
  static constexpr Bucket kNoBucket = INT32_MIN;  ///< no event so far
  static constexpr Bucket kDormant =
      INT32_MIN + 1;  ///< without events for long; its buckets left memory

  Int128 total = 0;  ///< additive: everything ever added; distributions: see WaitingIndices
  Bucket bucket = kNoBucket;       ///< newest 10 s bucket
  std::uint32_t mark = 0;          ///< checkpoint round in which it last became dirty; 0 = clean
  std::unique_ptr<Series> series;  ///< created with the head

  [[nodiscard]] bool live() const { return bucket != kDormant; }
};
static_assert(sizeof(SeriesHead) == 32);

}  // namespace barograph::rules
