#include "rules/window/checkpoint_rows.h"

#include <algorithm>
#include <cstdlib>

namespace barograph::rules {
namespace {

/// More buckets than any chunk has: a broken count must not make a huge loop.
constexpr std::uint64_t kRowBucketsMax = 4096;
/// Beyond all buckets of 10 s that a Time has, and 32 bits are not near.
constexpr std::int64_t kRowBucketMax = std::int64_t{1} << 30;
/// The year 2255 in nanoseconds: windows and slices can be added to it.
constexpr std::int64_t kRowTimeMax = 9'000'000'000'000'000'000;
/// Beyond all sums, and those of some thousands of buckets cannot overflow.
constexpr Int128 kRowValueMax = Int128{1} << 110;
/// Signed chunk numbers keep their order as big-endian bytes when the sign bit is turned.
constexpr std::uint32_t kSignBit = 0x8000'0000U;

void Append16(std::string* out, std::uint16_t value) {
  out->push_back(static_cast<char>(value >> 8));
  out->push_back(static_cast<char>(value & 0xFF));
}

}  // namespace

std::string_view RowKey::Start(RowTable table) {
  buffer_.assign({kRowPrefix, static_cast<char>(table)});
  return buffer_;
}

std::string_view RowKey::Numbered(RowTable table, std::uint16_t number) {
  Start(table);
  Append16(&buffer_, number);
  return buffer_;
}

void RowKey::Append(RowTable table, SeriesRef series) {
  Start(table);
  ByteWriter(&buffer_).BigEndian32(series.cell);
  Append16(&buffer_, series.key);
}

std::string_view RowKey::Cell(std::uint32_t cell) {
  Start(RowTable::kCell);
  ByteWriter(&buffer_).BigEndian32(cell);
  return buffer_;
}

std::string_view RowKey::Sightings(std::uint32_t cell) {
  Start(RowTable::kSightings);
  ByteWriter(&buffer_).BigEndian32(cell);
  return buffer_;
}

std::string_view RowKey::Series(SeriesRef series) {
  Append(RowTable::kSeries, series);
  return buffer_;
}

std::string_view RowKey::Chunk(SeriesRef series, int level, std::uint8_t slot) {
  Append(RowTable::kSeries, series);
  buffer_.push_back(static_cast<char>(level));
  buffer_.push_back(static_cast<char>(slot));
  return buffer_;
}

std::string_view RowKey::ColdPage(SeriesRef series, int level, Bucket chunk) {
  Append(RowTable::kColdPage, series);
  buffer_.push_back(static_cast<char>(level));
  ByteWriter(&buffer_).BigEndian32(static_cast<std::uint32_t>(chunk) ^ kSignBit);
  return buffer_;
}

Result<ParsedKey> ParseRowKey(std::string_view key) {
  ByteReader in(key);
  const auto read16 = [&in] {
    return static_cast<std::uint16_t>(__builtin_bswap16(in.Fixed<std::uint16_t>()));
  };
  ParsedKey parsed;
  if (in.Fixed<char>() != kRowPrefix) return BrokenRow("key");
  parsed.table = static_cast<RowTable>(in.Fixed<char>());
  switch (parsed.table) {
    case RowTable::kStore:
      break;
    case RowTable::kName:
    case RowTable::kKey:
      parsed.number = read16();
      break;
    case RowTable::kCell:
    case RowTable::kSightings:
      parsed.series.cell = in.BigEndian32();
      break;
    case RowTable::kSeries:
      parsed.series.cell = in.BigEndian32();
      parsed.series.key = read16();
      parsed.is_chunk = !in.done();
      if (parsed.is_chunk) {
        parsed.level = in.Fixed<std::uint8_t>();
        parsed.slot = in.Fixed<std::uint8_t>();
      }
      break;
    case RowTable::kColdPage:
      return parsed;
    default:
      return BrokenRow("key");
  }
  if (!in.ok() || !in.done()) return BrokenRow("key");
  return parsed;
}

void PutValue(ByteWriter* out, Int128 value) {
  const auto narrow = static_cast<std::int64_t>(value);
  if (narrow == value) {
    out->SignedVarint(narrow);
  } else {
    out->SignedVarint128(value);
  }
}

void PutBuckets(ByteWriter* out, Bucket first, std::span<const BucketValue> values) {
  out->Varint(values.size());
  for (const BucketValue& each : values) {
    out->Varint(static_cast<std::uint64_t>(each.bucket - first));
    PutValue(out, each.value);
    first = each.bucket;
  }
}

void BucketWriter::Add(Bucket bucket, Int128 value) {
  Put(static_cast<std::uint64_t>(bucket - last_));
  last_ = bucket;
  ++count_;
  const auto narrow = static_cast<std::int64_t>(value);
  if (narrow == value) {
    Put((static_cast<std::uint64_t>(narrow) << 1) ^ static_cast<std::uint64_t>(narrow >> 63));
    return;
  }
  std::string wide;
  ByteWriter(&wide).SignedVarint128(value);
  std::copy(wide.begin(), wide.end(), buffer_.begin() + static_cast<std::ptrdiff_t>(size_));
  size_ += wide.size();
}

bool GetBucket(ByteReader* in, Bucket* bucket) {
  const std::int64_t number = in->SignedVarint();
  // A series that is new or asleep has a mark in the place of its newest bucket.
  const bool mark = number == INT32_MIN || number == INT32_MIN + 1;
  *bucket = static_cast<Bucket>(number);
  return in->ok() && (mark || std::abs(number) <= kRowBucketMax);
}

bool GetTime(ByteReader* in, Time* time) {
  const std::int64_t nanos = in->SignedVarint();
  *time = Time(Duration(nanos));
  return in->ok() && nanos >= -kRowTimeMax && nanos <= kRowTimeMax;
}

bool GetValue(ByteReader* in, Int128* value) {
  const std::string_view rest = in->rest();
  const auto byte = [&rest](std::size_t i) { return static_cast<std::uint8_t>(rest[i]); };
  std::int32_t zigzag = 0;
  // What fits into one byte or two has a short way.
  if (!rest.empty() && byte(0) < 0x80) {
    zigzag = byte(0);
    (void)in->Raw(1);
  } else if (rest.size() > 1 && byte(1) < 0x80) {
    zigzag = (byte(0) & 0x7F) | (byte(1) << 7);
    (void)in->Raw(2);
  } else {
    *value = in->SignedVarint128();
    return in->ok() && *value <= kRowValueMax && *value >= -kRowValueMax;
  }
  *value = (zigzag >> 1) ^ -(zigzag & 1);
  return true;
}

bool GetBuckets(ByteReader* in, Bucket first, std::vector<BucketValue>* out) {
  const std::uint64_t count = in->Varint();
  if (count > kRowBucketsMax) return false;
  out->reserve(out->size() + count);
  for (std::uint64_t i = 0; i < count && in->ok(); ++i) {
    const std::uint64_t gap = in->Varint();
    Int128 value = 0;
    if (gap > kRowBucketsMax || !GetValue(in, &value)) return false;
    first += static_cast<Bucket>(gap);
    out->push_back({first, value});
  }
  return in->ok();
}

Error BrokenRow(std::string_view what) {
  return Error(ErrorCode::kCorruption, "window checkpoint: broken row of a " + std::string(what));
}

}  // namespace barograph::rules
