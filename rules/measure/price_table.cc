#include "rules/measure/price_table.h"

#define XXH_INLINE_ALL  // Names are short: the call would cost more than the hash.
#include <xxhash.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "rules/measure/row_changes.h"
#include "storage/base/bytes.h"

namespace barograph::rules {
namespace {

using storage::ModelPrice;

constexpr std::size_t kFoundMax = 4096;
constexpr std::uint64_t kRateUnitsPerNano = 1'000'000;  // Rates are 1e-15, amounts 1e-9.
constexpr Int128 kSmallSumMax = UINT64_MAX;

bool Before(const ModelPrice& a, const ModelPrice& b) {
  return std::tie(a.model, a.provider) < std::tie(b.model, b.provider);
}

bool SameRates(const ModelPrice& a, const ModelPrice& b) {
  return a.input == b.input && a.output == b.output && a.cache_read == b.cache_read &&
         a.cache_write == b.cache_write && a.reasoning == b.reasoning;
}

Int128 InputAndOutput(const ModelPrice& price) {
  return static_cast<Int128>(price.input.value_or(0)) + price.output.value_or(0);
}

/// tokens x rate summed in units of 1e-15, until a rate is missing.
class Bill {
 public:
  void Add(std::uint64_t tokens, const std::optional<std::int64_t>& rate) {
    Add(tokens, rate, std::nullopt);
  }
  void Add(std::uint64_t tokens, const std::optional<std::int64_t>& rate,
           const std::optional<std::int64_t>& fallback) {
    if (tokens == 0) return;
    derived_ |= !rate.has_value();
    const std::optional<std::int64_t>& used = rate.has_value() ? rate : fallback;
    complete_ &= used.has_value();
    sum_ += static_cast<Int128>(tokens) * used.value_or(0);
  }
  [[nodiscard]] bool complete() const { return complete_; }
  [[nodiscard]] bool derived() const { return derived_; }
  [[nodiscard]] Int128 nanos() const {
    if (sum_ < 0 || sum_ > kSmallSumMax) return DivideHalfEven(sum_, kRateUnitsPerNano);
    // The usual case, without the slow division of 128 bits.
    const auto sum = static_cast<std::uint64_t>(sum_);
    const std::uint64_t quotient = sum / kRateUnitsPerNano, rest = sum % kRateUnitsPerNano;
    const std::uint64_t half = kRateUnitsPerNano / 2;
    const bool up = rest > half || (rest == half && (quotient & 1) != 0);
    return Int128{quotient} + (up ? 1 : 0);
  }

 private:
  Int128 sum_ = 0;
  bool complete_ = true, derived_ = false;
};

std::uint64_t Remainder(std::uint64_t whole, std::uint64_t parts) {
  return whole > parts ? whole - parts : 0;
}

void WriteRate(ByteWriter& writer, const std::optional<std::int64_t>& rate) {
  writer.Varint(rate.has_value() ? 1 : 0);
  if (rate.has_value()) writer.SignedVarint(*rate);
}

std::optional<std::int64_t> ReadRate(ByteReader& reader) {
  if (reader.Varint() == 0) return std::nullopt;
  return reader.SignedVarint();
}

}  // namespace

std::size_t PriceTables::ModelHash::operator()(const ModelView& model) const {
  const std::uint64_t provider = XXH3_64bits(model.provider.data(), model.provider.size());
  return XXH3_64bits_withSeed(model.model.data(), model.model.size(), provider);
}

PriceTables::NextTable PriceTables::next() const {
  NextTable next{tables_.empty() ? 1 : tables_.rbegin()->first + 1, 0};
  if (tables_.size() >= kPriceTablesMax) {
    const auto earliest = std::ranges::min_element(
        tables_, {}, [](const auto& entry) { return entry.second.effective_from; });
    next.dropped = earliest->first;
  }
  return next;
}

void PriceTables::Apply(const storage::PricesApplied& prices) {
  const NextTable numbers = next();
  if (numbers.dropped != 0) tables_.erase(numbers.dropped);
  Table& table = tables_[numbers.made];
  table.effective_from = prices.effective_from;
  table.version = prices.version;
  // A table without a valid currency is refused when it is decided; here it prices nothing.
  if (const Result<Currency> currency = Currency::Parse(prices.currency_code); currency.ok()) {
    table.currency = currency.value();
    table.prices = prices.prices;
  }
  std::ranges::sort(table.prices, Before);
  Order();
}

void PriceTables::Order() {
  found_.clear();
  latest_first_.clear();
  for (auto entry = tables_.rbegin(); entry != tables_.rend(); ++entry)
    latest_first_.push_back(&entry->second);
  std::ranges::stable_sort(latest_first_, std::ranges::greater(), &Table::effective_from);
}

std::vector<storage::PricesApplied> PriceTables::List() const {
  std::vector<storage::PricesApplied> list;
  for (const Table* table : latest_first_) {
    list.push_back({.origin = {},
                    .effective_from = table->effective_from,
                    .version = table->version,
                    .currency_code = std::string(table->currency.code()),
                    .prices = table->prices});
  }
  return list;
}

std::optional<TokenPrice> PriceTables::Price(const storage::CostView& cost, Time time) const {
  if (tables_.empty()) return std::nullopt;
  const std::vector<Entry>& entries = Find({cost.provider, cost.model});
  const auto entry = std::ranges::find_if(
      entries, [time](const Entry& e) { return e.table->effective_from <= time; });
  if (entry == entries.end()) return std::nullopt;
  const ModelPrice& price = *entry->price;
  Bill bill;
  bill.Add(Remainder(cost.input, cost.cache_read + cost.cache_write), price.input);
  bill.Add(cost.cache_read, price.cache_read, price.input);
  bill.Add(cost.cache_write, price.cache_write, price.input);
  bill.Add(Remainder(cost.output, cost.reasoning), price.output);
  bill.Add(cost.reasoning, price.reasoning, price.output);
  if (!bill.complete()) return std::nullopt;
  const Int128 nanos = bill.nanos();
  if (nanos > kMoneyNanosMax) return std::nullopt;
  return TokenPrice{nanos, entry->table->currency, bill.derived() || entry->ambiguous,
                    entry->table->version};
}

const std::vector<PriceTables::Entry>& PriceTables::Find(const ModelView& model) const {
  if (const auto known = found_.find(model); known != found_.end()) return known->second;
  if (found_.size() >= kFoundMax) found_.clear();
  std::vector<Entry>& entries =
      found_[Model{std::string(model.provider), std::string(model.model)}];
  for (const Table* table : latest_first_) {
    if (const std::optional<Entry> entry = FindIn(*table, model)) entries.push_back(*entry);
  }
  return entries;
}

std::optional<PriceTables::Entry> PriceTables::FindIn(const Table& table, const ModelView& model) {
  const auto& [p, m] = model;
  const std::size_t slash = m.find('/');
  const bool halves = slash != std::string_view::npos;
  const std::string_view q = halves ? m.substr(0, slash) : std::string_view();
  const std::string_view r = halves ? m.substr(slash + 1) : std::string_view();
  const ModelPrice* price = nullptr;
  if (!p.empty()) {
    price = Exact(table, p, m);
    if (price == nullptr) price = Exact(table, p, std::string(p).append("/").append(m));
    if (price == nullptr && halves) price = Exact(table, p, r);
  }
  if (price == nullptr && halves) price = Exact(table, q, r);
  if (price == nullptr && halves) price = Exact(table, q, m);
  if (price != nullptr) return Entry{&table, price, false};
  if (const std::optional<Entry> any = AnyProvider(table, m)) return any;
  return halves ? AnyProvider(table, r) : std::nullopt;
}

PriceTables::Prices PriceTables::OfModel(const Table& table, std::string_view model) {
  const auto name = &ModelPrice::model;
  return {std::ranges::lower_bound(table.prices, model, {}, name),
          std::ranges::upper_bound(table.prices, model, {}, name)};
}

const ModelPrice* PriceTables::Exact(const Table& table, std::string_view provider,
                                     std::string_view model) {
  const Prices prices = OfModel(table, model);
  const auto found = std::find_if(prices.begin, prices.end, [provider](const ModelPrice& price) {
    return price.provider == provider;
  });
  return found == prices.end ? nullptr : &*found;
}

std::optional<PriceTables::Entry> PriceTables::AnyProvider(const Table& table,
                                                           std::string_view model) {
  const Prices prices = OfModel(table, model);
  if (prices.begin == prices.end) return std::nullopt;
  const ModelPrice& first = *prices.begin;
  if (first.provider.empty()) return Entry{&table, &first, false};
  const auto dearest =
      std::max_element(prices.begin, prices.end, [](const ModelPrice& a, const ModelPrice& b) {
        return InputAndOutput(a) < InputAndOutput(b);
      });
  const bool differ = std::any_of(prices.begin, prices.end, [&first](const ModelPrice& price) {
    return !SameRates(price, first);
  });
  return Entry{&table, &*dearest, differ};
}

void PriceTables::ForEach(const std::function<void(std::uint64_t)>& visit) const {
  for (const auto& [number, table] : tables_) visit(number);
}

MeasureRowChanges::Row PriceTables::Encode(std::uint64_t number) const {
  MeasureRowChanges::Row row;
  const auto found = tables_.find(number);
  if (found == tables_.end()) return row;
  const Table& table = found->second;
  row.mark = table.mark;
  ByteWriter writer(&row.value);
  writer.SignedVarint(table.effective_from.time_since_epoch().count());
  writer.String(table.version);
  writer.String(table.currency.code());
  writer.Varint(table.prices.size());
  for (const ModelPrice& price : table.prices) {
    writer.String(price.model);
    writer.String(price.provider);
    for (const auto* rate :
         {&price.input, &price.output, &price.cache_read, &price.cache_write, &price.reasoning}) {
      WriteRate(writer, *rate);
    }
  }
  return row;
}

Status PriceTables::Load(std::uint64_t number, std::string_view bytes) {
  ByteReader reader(bytes);
  Table table;
  table.effective_from = Time(Duration(reader.SignedVarint()));
  table.version = reader.String();
  if (const std::string_view code = reader.String(); !code.empty()) {
    BAROGRAPH_ASSIGN(table.currency, StoredCurrency(code));
  }
  const std::uint64_t prices = reader.Varint();
  for (std::uint64_t i = 0; i < prices && reader.ok(); ++i) {
    ModelPrice& price = table.prices.emplace_back();
    price.model = reader.String();
    price.provider = reader.String();
    for (auto* rate :
         {&price.input, &price.output, &price.cache_read, &price.cache_write, &price.reasoning}) {
      *rate = ReadRate(reader);
    }
  }
  if (!reader.ok() || !reader.done())
    return Error(ErrorCode::kCorruption, "checkpoint: price table row");
  tables_[number] = std::move(table);
  Order();
  return {};
}

}  // namespace barograph::rules
