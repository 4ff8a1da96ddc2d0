#include "rules/measure/yield_buffer.h"

#define XXH_INLINE_ALL  // Names are short: the call would cost more than the hash.
#include <xxhash.h>

#include <algorithm>

#include "storage/base/assert.h"

namespace barograph::rules {
namespace {

constexpr std::string_view kActivityPrefix = "activity:";
constexpr std::string_view kSamplePrefix = "sample:";
constexpr std::string_view kOverflow = "_overflow";
/// More than any event yields besides exact counters.
constexpr std::size_t kYieldsMax = 32;

std::uint32_t Letters(Currency currency) {
  std::uint32_t letters = 0;
  for (const char letter : currency.code())
    letters = letters << 8 | static_cast<unsigned char>(letter);
  return letters;
}

MeasureRowKey CurrencyKey(std::uint32_t letters) { return {MeasureTable::kCurrency, {0, letters}}; }

std::string LettersText(std::uint32_t letters) {
  return {static_cast<char>(letters >> 16), static_cast<char>(letters >> 8),
          static_cast<char>(letters)};
}

std::size_t Index(FixedMeasure measure) { return static_cast<std::size_t>(measure); }

std::int32_t ToInt(MeasureId id) { return static_cast<std::int32_t>(id.value); }
MeasureId ToId(std::int32_t id) { return {static_cast<std::uint16_t>(id)}; }

}  // namespace

YieldBuffer::YieldBuffer(MeasureFold::Interner interner, MeasureRowChanges* changes)
    : interner_(std::move(interner)), changes_(changes) {
  plain_.fill(kUnknown);
  yields_.resize(kYieldsMax);
}

void YieldBuffer::SetAtMost(std::span<const std::pair<std::string, std::int64_t>> bounds) {
  for (std::vector<Bound>& of_one : bounds_) of_one.clear();
  for (const auto& [base, nanos] : bounds) {
    const auto found = std::ranges::find(kFixedMeasureTraits, base, &FixedMeasureTraits::name);
    if (found == kFixedMeasureTraits.end() || found->traits.type != MeasureType::kDistribution ||
        found->traits.unit == MeasureUnit::kMoney) {
      continue;
    }
    std::vector<Bound>& of_one =
        bounds_[static_cast<std::size_t>(found - kFixedMeasureTraits.begin())];
    if (std::ranges::find(of_one, nanos, &Bound::nanos) == of_one.end())
      of_one.push_back({nanos, kUnknown});
  }
  std::size_t most = 0;
  for (std::vector<Bound>& of_one : bounds_) {
    std::ranges::sort(of_one, {}, &Bound::nanos);
    most += of_one.size();
  }
  yields_.resize(kYieldsMax + most);
}

void YieldBuffer::Begin(std::uint64_t count) {
  size_ = 0;
  count_ = static_cast<std::uint32_t>(count == 0 ? 1 : count);
}

MeasureId YieldBuffer::Intern(FixedMeasure measure) {
  const MeasureId id = interner_({std::string(kFixedMeasureTraits[Index(measure)].name), ""});
  plain_[Index(measure)] = ToInt(id);
  return id;
}

void YieldBuffer::Value(FixedMeasure measure, std::int64_t nanos) {
  Push(Id(measure), MeasureType::kDistribution, nanos);
  for (Bound& bound : bounds_[Index(measure)]) {
    if (nanos > bound.nanos) continue;
    if (bound.id == kUnknown) {
      bound.id =
          ToInt(interner_(AtMostMeasure(kFixedMeasureTraits[Index(measure)].name, bound.nanos)));
    }
    Push(ToId(bound.id), MeasureType::kSum, count_);
  }
}

void YieldBuffer::Distinct(FixedMeasure measure, std::string_view value) {
  if (value.empty()) return;
  const std::uint64_t hash = XXH3_64bits(value.data(), value.size());
  Push(Id(measure), MeasureType::kDistinct, static_cast<Int128>(hash));
}

YieldBuffer::FixedIds* YieldBuffer::IdsOf(Currency currency) {
  if (last_ids_ != nullptr && currency == last_currency_) return last_ids_;
  const std::uint32_t letters = Letters(currency);
  const auto found = currencies_.find(letters);
  if (found != currencies_.end()) {
    last_ids_ = found->second.get();
  } else {
    if (currencies_.size() >= kCurrenciesMax) return nullptr;
    changes_->Add(CurrencyKey(letters));
    last_ids_ = currencies_.emplace(letters, std::make_unique<FixedIds>()).first->second.get();
    last_ids_->fill(kUnknown);
  }
  last_currency_ = currency;
  return last_ids_;
}

std::int32_t YieldBuffer::MoneyId(FixedMeasure measure, Currency currency) {
  FixedIds* ids = IdsOf(currency);
  if (ids == nullptr) return kUnknown;
  std::int32_t& id = (*ids)[Index(measure)];
  if (id == kUnknown) [[unlikely]] {
    id = ToInt(interner_(
        {std::string(kFixedMeasureTraits[Index(measure)].name), std::string(currency.code())}));
  }
  return id;
}

bool YieldBuffer::Money(FixedMeasure measure, Currency currency, Int128 each) {
  const std::int32_t id = MoneyId(measure, currency);
  if (id == kUnknown) return false;
  const MeasureType type = kFixedMeasureTraits[Index(measure)].traits.type;
  const bool sum = type == MeasureType::kSum;
  Push(ToId(id), type, sum ? each * static_cast<std::int64_t>(count_) : each);
  return true;
}

bool YieldBuffer::MoneySum(FixedMeasure measure, Currency currency, Int128 nanos) {
  const std::int32_t id = MoneyId(measure, currency);
  if (id == kUnknown) return false;
  Push(ToId(id), MeasureType::kSum, nanos);
  return true;
}

void YieldBuffer::Gauge(const storage::GaugeReading& reading) {
  const auto found =
      std::ranges::lower_bound(kFixedMeasureTraits, reading.measure, {}, &FixedMeasureTraits::name);
  if (found == kFixedMeasureTraits.end() || found->name != reading.measure) return;
  if (found->traits.type != MeasureType::kGauge || size_ >= kYieldsMax) return;
  const auto measure = static_cast<FixedMeasure>(found - kFixedMeasureTraits.begin());
  if (found->traits.unit != MeasureUnit::kMoney)
    return Push(Id(measure), MeasureType::kGauge, reading.nanos);
  if (const Result<Currency> currency = Currency::Parse(reading.currency_code); currency.ok())
    (void)Money(measure, *currency, reading.nanos);
}

YieldBuffer::OpenName& YieldBuffer::Open(std::string_view prefix, std::string_view name) {
  scratch_.assign(prefix).append(name);
  const NameHash hash = HashName(scratch_);
  if (const auto found = names_.find(hash); found != names_.end()) return found->second;
  if (names_.size() >= kActivitySampleNamesMax && name != kOverflow) return Open(prefix, kOverflow);
  changes_->Add({MeasureTable::kName, hash});
  return names_.emplace(hash, OpenName{scratch_, kUnknown, kUnknown}).first->second;
}

void YieldBuffer::ActivityCount(std::string_view name) {
  OpenName& open = Open(kActivityPrefix, name);
  if (open.sum == kUnknown) open.sum = ToInt(interner_({open.base, ""}));
  Push(ToId(open.sum), MeasureType::kSum, count_);
}

void YieldBuffer::SampleGauge(std::string_view name, std::int64_t nanos) {
  OpenName& open = Open(kSamplePrefix, name);
  if (open.gauge == kUnknown)
    open.gauge = ToInt(interner_({open.base, std::string(kGaugeQualifier)}));
  Push(ToId(open.gauge), MeasureType::kGauge, nanos);
}

void YieldBuffer::SampleSum(std::string_view name, Int128 nanos) {
  OpenName& open = Open(kSamplePrefix, name);
  if (open.sum == kUnknown) open.sum = ToInt(interner_({open.base, ""}));
  Push(ToId(open.sum), MeasureType::kSum, nanos);
}

void YieldBuffer::ForEachRow(const std::function<void(const MeasureRowKey&)>& visit) const {
  for (const auto& [letters, ids] : currencies_) visit(CurrencyKey(letters));
  for (const auto& [hash, name] : names_) visit({MeasureTable::kName, hash});
}

std::string YieldBuffer::Encode(const MeasureRowKey& key) const {
  if (key.table == MeasureTable::kCurrency) {
    const auto letters = static_cast<std::uint32_t>(key.name.low);
    return currencies_.contains(letters) ? LettersText(letters) : std::string();
  }
  const auto found = names_.find(key.name);
  return found == names_.end() ? std::string() : found->second.base;
}

Status YieldBuffer::Load(const MeasureRowKey& key, std::string_view bytes) {
  if (key.table == MeasureTable::kCurrency) {
    BAROGRAPH_ASSIGN(const Currency currency, StoredCurrency(bytes));
    auto ids = std::make_unique<FixedIds>();
    ids->fill(kUnknown);
    currencies_[Letters(currency)] = std::move(ids);
    return {};
  }
  if (bytes.empty()) return Error(ErrorCode::kCorruption, "checkpoint: measure name row");
  names_[key.name] = OpenName{std::string(bytes), kUnknown, kUnknown};
  return {};
}

}  // namespace barograph::rules
