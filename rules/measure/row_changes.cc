#include "rules/measure/row_changes.h"

#define XXH_INLINE_ALL  // Names are short: the call would cost more than the hash.
#include <xxhash.h>

#include <algorithm>

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

void MeasureRowChanges::Add(const MeasureRowKey& key, std::uint32_t* mark) {
  *mark = interval_;
  Note(key, true);
}

void MeasureRowChanges::TouchFirst(const MeasureRowKey& key, std::uint32_t* mark) {
  if (is_leaving_ && *mark + 1 == interval_) copies_.emplace_back(key, encode_(key).value);
  *mark = interval_;
  Note(key, false);
}

void MeasureRowChanges::Note(const MeasureRowKey& key, bool appeared) {
  if (changed_.size() >= forget_at_) ForgetVanished();
  changed_.push_back({key, appeared});
}

void MeasureRowChanges::ForgetVanished() {
  std::erase_if(changed_, [this](const Change& change) {
    return change.appeared && encode_(change.key).value.empty();
  });
  forget_at_ = std::max(kForgetMin, 2 * changed_.size());
}

void MeasureRowChanges::Begin() {
  BAROGRAPH_ASSERT(!is_leaving_, "one checkpoint at a time");
  is_leaving_ = true;
  leaving_.swap(changed_);
  forget_at_ = kForgetMin;
  ++interval_;
}

bool MeasureRowChanges::Continue(std::size_t rows_max, const Sink& sink) {
  std::size_t rows = 0;
  for (; !leaving_.empty() && rows < rows_max; ++rows) {
    const Change change = leaving_.back();
    leaving_.pop_back();
    Row row = encode_(change.key);
    // As it was when the checkpoint began: a copy, which comes last, or nothing.
    if (row.mark == interval_) row.value.clear();
    if (!row.value.empty() || !change.appeared) sink(change.key.Encode(), row.value);
  }
  for (; leaving_.empty() && !copies_.empty() && rows < rows_max; ++rows) {
    sink(copies_.back().first.Encode(), copies_.back().second);
    copies_.pop_back();
  }
  if (leaving_.empty() && copies_.empty()) is_leaving_ = false;
  return !is_leaving_;
}

}  // namespace barograph::rules
