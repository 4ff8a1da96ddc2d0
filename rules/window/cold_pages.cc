#include "rules/window/cold_pages.h"

#include <algorithm>
#include <vector>

#include "storage/base/assert.h"

namespace barograph::rules {
namespace {

using Unsigned128 = unsigned __int128;

/// Beyond all pages of hours that a Time has.
constexpr std::int64_t kRangeMax = 1 << 17;

/// splitmix64 (Steele, Lea, Flood 2014) of level and bucket, odd so that no value vanishes.
std::uint64_t HashOf(int level, Bucket bucket) {
  std::uint64_t x = (static_cast<std::uint64_t>(level) << 32) | static_cast<std::uint32_t>(bucket);
  x += 0x9E37'79B9'7F4A'7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58'476D'1CE4'E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D0'49BB'1331'11EBULL;
  return (x ^ (x >> 31)) | 1;
}

}  // namespace

std::optional<std::string> ColdSource::Read(int level, Bucket chunk) const {
  if (reader == nullptr || !*reader) return std::nullopt;
  RowKey key;
  return (*reader)(key.ColdPage(self, level, chunk));
}

std::optional<ColdPages::Page> ColdPages::ReadPage(int level, Bucket chunk,
                                                   const ColdSource& source) {
  const std::optional<std::string> row = source.Read(level, chunk);
  if (!row) return std::nullopt;
  ByteReader in(*row);
  std::vector<BucketValue> values;
  const bool ok = GetBuckets(&in, chunk * kChunkBuckets, &values) && in.done();
  BAROGRAPH_ASSERT(ok, "a cold page of the window state is broken");
  Page page;
  for (const BucketValue& each : values) {
    BAROGRAPH_ASSERT(ChunkOf(each.bucket) == chunk, "a cold page holds a bucket of another page");
    page.values[static_cast<std::size_t>(each.bucket & (kChunkBuckets - 1))] = each.value;
  }
  return page;
}

void ColdPages::Add(int level, Bucket bucket, Int128 value, const ColdSource& source) {
  const Bucket chunk = ChunkOf(bucket);
  Range& range = ranges_[RangeOf(level)];
  auto [place, added] = pages_.try_emplace({level, chunk});
  Page& page = place->second;
  if (added && chunk >= range.first && chunk <= range.last) {
    if (auto stored = ReadPage(level, chunk, source)) page = *stored;
  }
  range.first = std::min(range.first, chunk);
  range.last = std::max(range.last, chunk);
  page.values[static_cast<std::size_t>(bucket & (kChunkBuckets - 1))] += value;
  page.changed = true;
  digest_ = static_cast<Int128>(static_cast<Unsigned128>(digest_) +
                                static_cast<Unsigned128>(value) * HashOf(level, bucket));
}

Int128 ColdPages::Sum(int level, Bucket from, Bucket to, const ColdSource& source) const {
  const Range& range = ranges_[RangeOf(level)];
  if (from >= to || range.first > range.last) return 0;
  Int128 sum = 0;
  const Bucket last = std::min(ChunkOf(to - 1), range.last);
  for (Bucket chunk = std::max(ChunkOf(from), range.first); chunk <= last; ++chunk) {
    const auto place = pages_.find({level, chunk});
    std::optional<Page> stored;
    if (place == pages_.end()) {
      stored = ReadPage(level, chunk, source);
      if (!stored) continue;
    }
    const Page& page = stored ? *stored : place->second;
    const Bucket start = chunk * kChunkBuckets;
    const Bucket begin = std::max(from - start, 0);
    const Bucket end = std::min(to - start, kChunkBuckets);
    for (Bucket i = begin; i < end; ++i) sum += page.values[static_cast<std::size_t>(i)];
  }
  return sum;
}

std::size_t ColdPages::Emit(SeriesRef self, const EmitRow& emit) {
  std::size_t rows = 0;
  RowKey key;
  std::string value;
  std::vector<BucketValue> filled;
  for (auto& [place, page] : pages_) {
    if (!std::exchange(page.changed, false)) continue;
    const auto [level, chunk] = place;
    filled.clear();
    for (Bucket i = 0; i < kChunkBuckets; ++i) {
      const Int128 each = page.values[static_cast<std::size_t>(i)];
      if (each != 0) filled.push_back({chunk * kChunkBuckets + i, each});
    }
    value.clear();
    ByteWriter out(&value);
    PutBuckets(&out, chunk * kChunkBuckets, filled);
    emit(key.ColdPage(self, level, chunk), value);
    ++rows;
  }
  return rows;
}

void ColdPages::Settle() {
  std::erase_if(pages_, [](const auto& each) { return !each.second.changed; });
}

void ColdPages::ForEachKey(SeriesRef self,
                           const std::function<void(std::string_view)>& visit) const {
  RowKey key;
  for (const int level : {static_cast<int>(kHours), static_cast<int>(kDays)}) {
    const Range& range = ranges_[RangeOf(level)];
    for (Bucket chunk = range.first; chunk <= range.last; ++chunk)
      visit(key.ColdPage(self, level, chunk));
  }
}

void ColdPages::Encode(ByteWriter* out) const {
  for (const Range& range : ranges_) {
    out->SignedVarint(range.first);
    out->SignedVarint(range.last);
  }
  PutValue(out, digest_);
}

bool ColdPages::Decode(ByteReader* in) {
  for (Range& range : ranges_) {
    const std::int64_t first = in->SignedVarint();
    const std::int64_t last = in->SignedVarint();
    if (first > last) continue;  // empty
    if (first < -kRangeMax || last > kRangeMax) return false;
    range = {static_cast<Bucket>(first), static_cast<Bucket>(last)};
  }
  digest_ = in->SignedVarint128();
  return in->ok();
}

void ColdPages::Canonical(ByteWriter* out) const { Encode(out); }

}  // namespace barograph::rules
