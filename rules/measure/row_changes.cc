#include "rules/measure/row_changes.h"

#define XXH_INLINE_ALL  // Names are short: the call would cost more than the hash.
#include <xxhash.h>

#include "storage/base/assert.h"
#include "storage/base/bytes.h"

namespace barograph::rules {
namespace {

constexpr char kPrefix = 'm';

bool IsTable(char letter) {
  switch (static_cast<MeasureTable>(letter)) {
    case MeasureTable::kCounter:
    case MeasureTable::kCurrency:
    case MeasureTable::kDuration:
    case MeasureTable::kName:
    case MeasureTable::kPrices:
    case MeasureTable::kTask:
    case MeasureTable::kUntracked:
      return true;
  }
  return false;
}

}  // namespace

NameHash HashName(std::string_view name) {
  const XXH128_hash_t hash = XXH3_128bits(name.data(), name.size());
  return {hash.high64, hash.low64};
}

Result<Currency> StoredCurrency(std::string_view code) {
  Result<Currency> currency = Currency::Parse(code);
  if (!currency.ok())
    return Error(ErrorCode::kCorruption, "checkpoint: " + currency.error().message());
  return currency;
}

std::string MeasureRowKey::Encode() const {
  std::string bytes{kPrefix, static_cast<char>(table)};
  ByteWriter writer(&bytes);
  writer.BigEndian64(name.high);
  writer.BigEndian64(name.low);
  return bytes;
}

std::optional<MeasureRowKey> MeasureRowKey::Decode(std::string_view bytes) {
  ByteReader reader(bytes);
  if (reader.Fixed<char>() != kPrefix) return std::nullopt;
  const char letter = reader.Fixed<char>();
  MeasureRowKey key;
  key.table = static_cast<MeasureTable>(letter);
  key.name.high = reader.BigEndian64();
  key.name.low = reader.BigEndian64();
  if (!reader.ok() || !reader.done() || !IsTable(letter)) return std::nullopt;
  return key;
}

void MeasureRowChanges::Touch(const MeasureRowKey& key) {
  if (!leaving_.empty() && leaving_.erase(key) > 0) copies_.emplace_back(key, encode_(key));
  if (changed_.insert(key).second) changed_order_.push_back(key);
}

void MeasureRowChanges::Begin() {
  BAROGRAPH_ASSERT(leaving_order_.empty() && copies_.empty(), "one checkpoint at a time");
  leaving_ = std::exchange(changed_, {});
  leaving_order_ = std::exchange(changed_order_, {});
  ++interval_;
}

bool MeasureRowChanges::Continue(std::size_t rows_max, const Sink& sink) {
  std::size_t rows = 0;
  for (; !copies_.empty() && rows < rows_max; ++rows) {
    sink(copies_.back().first.Encode(), copies_.back().second);
    copies_.pop_back();
  }
  for (; !leaving_order_.empty() && rows < rows_max; ++rows) {
    const MeasureRowKey key = leaving_order_.back();
    leaving_order_.pop_back();
    if (leaving_.erase(key) > 0) sink(key.Encode(), encode_(key));
  }
  return copies_.empty() && leaving_order_.empty();
}

}  // namespace barograph::rules
