#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/measure/row_changes.h"
#include "storage/base/clock.h"
#include "storage/base/money.h"
#include "storage/base/result.h"
#include "storage/event/event_view.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

/// Price tables at once; beyond, the one with the earliest `effective_from` goes.
inline constexpr std::size_t kPriceTablesMax = 512;

/// Price of the tokens of one event.
struct TokenPrice {
  Int128 nanos = 0;
  Currency currency;
  bool derived =
      false;  ///< a missing rate took another's value, or several providers' prices differed
  std::string_view version;  ///< of the table; valid until the next Apply or Load
};

/// All price tables that were applied, and the search in them (docs/prices.md).
///
/// Tables overlay: at time T those with `effective_from` <= T are asked, the latest first (of equal
/// ones the last applied), and the first that names the model decides. In one table the names are
/// tried in this order, p being the event's provider, m its model, and q/r the two halves of an m
/// with a slash: (p, m), (p, p/m), (p, r), (q, r), (q, m); then any provider's m, then r. Where any
/// provider will do, an entry without one comes first, then the dearest of those that differ.
///
/// Threads: owned by one thread (a search fills a cache).
class PriceTables {
 public:
  /// Numbers of the tables that the next Apply makes and drops; 0 where it drops none. Numbers
  /// begin at 1.
  struct NextTable {
    std::uint64_t made = 0, dropped = 0;
  };
  [[nodiscard]] NextTable next() const;
  void Apply(const storage::PricesApplied& prices);
  /// Price of one event's tokens, rounded once, half-even, to nano-units; nothing when no table in
  /// force names the model, when a rate that cannot be derived is missing, or when the price is
  /// above kMoneyNanosMax.
  [[nodiscard]] std::optional<TokenPrice> Price(const storage::CostView& cost, Time time) const;

  [[nodiscard]] std::size_t size() const { return tables_.size(); }
  /// Every table, the one that is asked first coming first.
  [[nodiscard]] std::vector<storage::PricesApplied> List() const;
  void ForEach(const std::function<void(std::uint64_t number)>& visit) const;
  /// One table as bytes; empty when there is none of that number.
  [[nodiscard]] MeasureRowChanges::Row Encode(std::uint64_t number) const;
  /// The mark of a table that exists.
  [[nodiscard]] std::uint32_t* mark(std::uint64_t number) { return &tables_.at(number).mark; }
  [[nodiscard]] Status Load(std::uint64_t number, std::string_view bytes);

 private:
  struct Table {
    Time effective_from{};
    std::string version;
    Currency currency;
    std::uint32_t mark = 0;                   ///< see MeasureRowChanges
    std::vector<storage::ModelPrice> prices;  ///< sorted by model, then provider
  };
  /// What one table says of a model.
  struct Entry {
    const Table* table = nullptr;
    const storage::ModelPrice* price = nullptr;
    bool ambiguous = false;
  };
  struct ModelView {
    std::string_view provider, model;
    friend bool operator==(const ModelView&, const ModelView&) = default;
  };
  struct Model {
    std::string provider, model;
    [[nodiscard]] ModelView view() const { return {provider, model}; }
  };
  struct ModelHash {
    using is_transparent = void;
    std::size_t operator()(const ModelView& model) const;
    std::size_t operator()(const Model& model) const { return (*this)(model.view()); }
  };
  struct ModelEqual {
    using is_transparent = void;
    bool operator()(const Model& a, const Model& b) const { return a.view() == b.view(); }
    bool operator()(const Model& a, const ModelView& b) const { return a.view() == b; }
    bool operator()(const ModelView& a, const Model& b) const { return a == b.view(); }
  };

  void Order();
  [[nodiscard]] const std::vector<Entry>& Find(const ModelView& model) const;
  [[nodiscard]] static std::optional<Entry> FindIn(const Table& table, const ModelView& model);
  /// The prices of one model, of any provider.
  struct Prices {
    std::vector<storage::ModelPrice>::const_iterator begin, end;
  };
  [[nodiscard]] static Prices OfModel(const Table& table, std::string_view model);
  [[nodiscard]] static const storage::ModelPrice* Exact(const Table& table,
                                                        std::string_view provider,
                                                        std::string_view model);
  [[nodiscard]] static std::optional<Entry> AnyProvider(const Table& table, std::string_view model);

  std::map<std::uint64_t, Table> tables_;
  std::vector<const Table*> latest_first_;
  /// Answers of FindIn over all tables, latest first; cleared when it is full and when a table
  /// comes.
  mutable absl::flat_hash_map<Model, std::vector<Entry>, ModelHash, ModelEqual> found_;
};

}  // namespace barograph::rules
