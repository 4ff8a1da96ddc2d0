#include "ingest/formats/price_table.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "ingest/formats/json_text.h"
#include "storage/base/limits.h"
#include "storage/base/money.h"

namespace barograph::ingest {
namespace {

constexpr int kPriceScale = 15;
constexpr std::int64_t kPriceMax = 1'000'000'000'000'000;  // 1 USD a token
constexpr std::size_t kMistakesToldMax = 100;

using Price = std::optional<std::int64_t> storage::ModelPrice::*;
constexpr std::array<std::pair<std::string_view, Price>, 5> kFields{{
    {"input_cost_per_token", &storage::ModelPrice::input},
    {"output_cost_per_token", &storage::ModelPrice::output},
    {"cache_read_input_token_cost", &storage::ModelPrice::cache_read},
    {"cache_creation_input_token_cost", &storage::ModelPrice::cache_write},
    {"output_cost_per_reasoning_token", &storage::ModelPrice::reasoning},
}};

class Reader {
 public:
  void Entry(const std::string& key, const JsonValue& json) {
    if (key == "sample_spec") {
      ++skipped_;
      return;
    }
    if (json.kind != JsonValue::Kind::kObject)
      return Tell(key, "must be an object, not " + std::string(json.KindName()));
    storage::ModelPrice price;
    const JsonValue* provider = json.Find("litellm_provider");
    if (provider != nullptr) price.provider = provider->text;
    price.model = WithoutProvider(key, price.provider);
    bool any = false;
    for (const auto& [field, member] : kFields) {
      const JsonValue* value = json.Find(field);
      if (value == nullptr || value->kind == JsonValue::Kind::kNull) continue;
      price.*member = ReadPrice(key + "." + std::string(field), *value);
      any = true;
    }
    if (!any) {
      ++skipped_;
      return;
    }
    if (price.model.empty() || price.model.size() > kNameBytesMax ||
        price.provider.size() > kNameBytesMax) {
      return Tell(
          key, "names of model and provider have 1 to " + std::to_string(kNameBytesMax) + " bytes");
    }
    Add(key, std::move(price));
  }

  Result<PriceTable> Finish(std::string_view version) {
    if (count_ == 0 && prices_.empty()) Tell("table", "no model has a price per token");
    if (count_ > kMistakesToldMax)
      mistakes_ += "\n... and " + std::to_string(count_ - kMistakesToldMax) + " more";
    if (count_ > 0) return Error(ErrorCode::kInvalidArgument, mistakes_);
    PriceTable table;
    table.skipped = skipped_;
    table.prices.version = version;
    table.prices.currency_code = "USD";
    for (auto& [name, price] : prices_) table.prices.prices.push_back(std::move(price));
    return table;
  }

 private:
  static std::string WithoutProvider(std::string_view key, std::string_view provider) {
    if (!provider.empty() && key.size() > provider.size() && key.starts_with(provider) &&
        key[provider.size()] == '/') {
      key.remove_prefix(provider.size() + 1);
    }
    return std::string(key);
  }

  void Tell(const std::string& place, const std::string& what) {
    if (++count_ > kMistakesToldMax) return;
    mistakes_ += (mistakes_.empty() ? "" : "\n") + place + ": " + what;
  }

  std::optional<std::int64_t> ReadPrice(const std::string& place, const JsonValue& json) {
    if (json.kind != JsonValue::Kind::kNumber) {
      Tell(place, "must be a number, not " + std::string(json.KindName()));
      return std::nullopt;
    }
    const Result<Int128> price = ParseDecimal(json.text, kPriceScale);
    if (price.ok() && *price >= 0 && *price <= kPriceMax) return static_cast<std::int64_t>(*price);
    Tell(place, json.text + " is outside of [0, 1] USD a token with at most 15 decimals");
    return std::nullopt;
  }

  void Add(const std::string& key, storage::ModelPrice price) {
    const auto [found, is_new] = prices_.emplace(std::pair(price.model, price.provider), price);
    if (!is_new && found->second != price) {
      Tell(key, "gives " + price.model + " of " + price.provider +
                    " another price than an entry before it");
    }
  }

  std::map<std::pair<std::string, std::string>, storage::ModelPrice> prices_;
  std::string mistakes_;
  std::size_t count_ = 0, skipped_ = 0;
};

}  // namespace

Result<PriceTable> ReadPriceTable(std::string_view json, std::string_view version) {
  if (json.size() > kPriceTableBytesMax) {
    return Error(ErrorCode::kInvalidArgument, std::to_string(json.size()) +
                                                  " bytes; a price table has at most " +
                                                  std::to_string(kPriceTableBytesMax));
  }
  BAROGRAPH_ASSIGN(const JsonValue table, ParseJson(json));
  if (table.kind != JsonValue::Kind::kObject) {
    return Error(ErrorCode::kInvalidArgument,
                 "a price table is an object of models, not " + std::string(table.KindName()));
  }
  Reader reader;
  for (std::size_t i = 0; i < table.keys.size(); ++i) reader.Entry(table.keys[i], table.items[i]);
  return reader.Finish(version);
}

}  // namespace barograph::ingest
