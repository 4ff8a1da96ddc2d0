#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/window/total_level.h"
#include "storage/base/bytes.h"
#include "storage/base/money.h"
#include "storage/base/result.h"

namespace barograph::rules {

/// Rows of a window checkpoint. Keys start with 'w' and a table's letter, then big-endian numbers,
/// so that bytewise order is the order of loading: store, names, series keys, cells, series with
/// their chunks, and last the cold pages, which are not loaded. Values hold buckets' own values,
/// never running totals.
///
///   wa                                    plan, projections, slices, log time
///   wb <measure u16>                      name of a measure
///   wc <key u16>                          measure and type of a series key
///   wd <cell u32>                         projection and values of a cell
///   we <cell u32> <key u16>               a series: head and the open chunk of each level
///   we <cell u32> <key u16> <level> <slot>  a full chunk of one level; the next one in the slot
///   overwrites it
///   wf <cell u32>                         sightings of a cell
///   wz <cell u32> <key u16> <level> <chunk u32>  cold page: 64 hours or days that
///   left memory, kept for ever
enum class RowTable : char {
  kStore = 'a',
  kName = 'b',
  kKey = 'c',
  kCell = 'd',
  kSeries = 'e',
  kSightings = 'f',
  kColdPage = 'z'
};

/// One series: a measure (as series key) in a cell.
struct SeriesRef {
  std::uint32_t cell = 0;
  std::uint16_t key = 0;
  friend auto operator<=>(const SeriesRef&, const SeriesRef&) = default;
};

inline constexpr char kRowPrefix = 'w';

/// Builds keys in one buffer; a returned view is valid until the next call.
class RowKey {
 public:
  std::string_view Store() { return Start(RowTable::kStore); }
  std::string_view Name(std::uint16_t measure) { return Numbered(RowTable::kName, measure); }
  std::string_view Key(std::uint16_t key) { return Numbered(RowTable::kKey, key); }
  std::string_view Cell(std::uint32_t cell);
  std::string_view Sightings(std::uint32_t cell);
  std::string_view Series(SeriesRef series);
  std::string_view Chunk(SeriesRef series, int level, std::uint8_t slot);
  std::string_view ColdPage(SeriesRef series, int level, Bucket chunk);

 private:
  std::string_view Start(RowTable table);
  std::string_view Numbered(RowTable table, std::uint16_t number);
  void Append(RowTable table, SeriesRef series);
  std::string buffer_;
};

/// What a key names.
struct ParsedKey {
  RowTable table = RowTable::kStore;
  std::uint16_t number = 0;  ///< of a name or key
  SeriesRef series;
  bool is_chunk = false;
  std::uint8_t level = 0, slot = 0;
};
/// Errors: kCorruption.
[[nodiscard]] Result<ParsedKey> ParseRowKey(std::string_view key);

using EmitRow = std::function<void(std::string_view key, std::string_view value)>;

/// Zigzag varint of 128 bits with a short way for what fits into 64.
void PutValue(ByteWriter* out, Int128 value);
/// Non-zero buckets as gaps from `first` and values.
void PutBuckets(ByteWriter* out, Bucket first, std::span<const BucketValue> values);
/// Collects what PutBuckets writes, of one chunk, without a container between.
class BucketWriter {
 public:
  explicit BucketWriter(Bucket first) : last_(first) {}
  void Add(Bucket bucket, Int128 value);
  void Finish(ByteWriter* out) const {
    out->Varint(count_);
    out->Raw({buffer_.data(), size_});
  }

 private:
  static constexpr std::size_t kEntryBytesMax = 5 + 19;  ///< varints of a gap and of 128 bits
  void Put(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) buffer_[size_++] = static_cast<char>(value | 0x80);
    buffer_[size_++] = static_cast<char>(value);
  }
  std::array<char, kEntryBytesMax*(kChunkBuckets + 1)> buffer_;
  std::size_t size_ = 0;
  std::uint64_t count_ = 0;
  Bucket last_;
};
/// Reads one number; false when it is broken, or none that the fold can have made.
[[nodiscard]] bool GetBucket(ByteReader* in, Bucket* bucket);
[[nodiscard]] bool GetTime(ByteReader* in, Time* time);
[[nodiscard]] bool GetValue(ByteReader* in, Int128* value);
/// Appends what PutBuckets wrote; false when broken.
[[nodiscard]] bool GetBuckets(ByteReader* in, Bucket first, std::vector<BucketValue>* out);

[[nodiscard]] Error BrokenRow(std::string_view what);

}  // namespace barograph::rules
