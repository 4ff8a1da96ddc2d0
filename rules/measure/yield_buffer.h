#pragma once

#include <absl/container/flat_hash_map.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/measure/fixed_measure.h"
#include "rules/measure/measure.h"
#include "rules/measure/measure_fold.h"
#include "rules/measure/row_changes.h"
#include "storage/base/money.h"

namespace barograph::rules {

/// The yields of one event in the making, and the ids of all measures: fixed ones in arrays, of
/// money one array a currency, open names in a table. A name is given to the interner when it first
/// yields.
///
/// Which currencies and open names have a measure of their own is state (the limits count them), so
/// they have checkpoint rows.
/// Threads: owned by one thread.
class YieldBuffer {
 public:
  YieldBuffer(MeasureFold::Interner interner, MeasureRowChanges* changes);

  void SetAtMost(std::span<const std::pair<std::string, std::int64_t>> bounds);

  /// Starts the yields of an event that stands for `count` equal ones.
  void Begin(std::uint64_t count);
  [[nodiscard]] std::span<const Yield> yields() const { return {yields_.data(), size_}; }

  void Count(FixedMeasure measure) { Sum(measure, 1); }
  /// A sum of `each` per event.
  void Sum(FixedMeasure measure, Int128 each) {
    Push(Id(measure), MeasureType::kSum, each * static_cast<std::int64_t>(count_));
  }
  /// One value of a distribution in nanos, and the exact counters that it falls into.
  void Value(FixedMeasure measure, std::int64_t nanos);
  void Distinct(FixedMeasure measure, std::string_view value);
  /// Money; false when the currency has no measures because there are too many.
  bool Money(FixedMeasure measure, Currency currency, Int128 each);
  /// A level of a fixed measure; any other measure, or a currency too many, yields nothing.
  void Gauge(const storage::GaugeReading& reading);
  /// A sum of money that is not multiplied: `nanos` is already the whole.
  bool MoneySum(FixedMeasure measure, Currency currency, Int128 nanos);
  void ActivityCount(std::string_view name);
  void SampleGauge(std::string_view name, std::int64_t nanos);
  /// A sum that is not multiplied: `nanos` is already the whole.
  void SampleSum(std::string_view name, Int128 nanos);

  // Checkpoint rows: kCurrency (the letters are the key) and kName.
  void ForEachRow(const std::function<void(const MeasureRowKey&)>& visit) const;
  [[nodiscard]] std::string Encode(const MeasureRowKey& key) const;
  [[nodiscard]] Status Load(const MeasureRowKey& key, std::string_view bytes);

 private:
  /// Ids of the fixed measures under one qualifier.
  using FixedIds = std::array<std::int32_t, kFixedMeasures>;
  struct OpenName {
    std::string base;  ///< "activity:signup"
    std::int32_t sum = kUnknown, gauge = kUnknown;
  };
  struct Bound {
    std::int64_t nanos = 0;
    std::int32_t id = kUnknown;
  };
  static constexpr std::int32_t kUnknown = -1;

  [[nodiscard]] MeasureId Id(FixedMeasure measure) {
    const std::int32_t id = plain_[static_cast<std::size_t>(measure)];
    return id != kUnknown ? MeasureId{static_cast<std::uint16_t>(id)} : Intern(measure);
  }
  [[nodiscard]] MeasureId Intern(FixedMeasure measure);
  [[nodiscard]] FixedIds* IdsOf(Currency currency);
  /// kUnknown when the currency has no measures.
  [[nodiscard]] std::int32_t MoneyId(FixedMeasure measure, Currency currency);
  [[nodiscard]] OpenName& Open(std::string_view prefix, std::string_view name);
  void Push(MeasureId id, MeasureType type, Int128 value) {
    yields_[size_++] = {id, type, count_, value};
  }

  MeasureFold::Interner interner_;
  MeasureRowChanges* changes_;
  std::uint32_t count_ = 1;
  std::vector<Yield> yields_;  ///< sized for the most that one event can yield
  std::size_t size_ = 0;
  FixedIds plain_;
  Currency last_currency_;
  FixedIds* last_ids_ = nullptr;
  absl::flat_hash_map<std::uint32_t, std::unique_ptr<FixedIds>> currencies_;  ///< by letters
  absl::flat_hash_map<NameHash, OpenName> names_;
  std::array<std::vector<Bound>, kFixedMeasures> bounds_;
  std::string scratch_;
};

}  // namespace barograph::rules
