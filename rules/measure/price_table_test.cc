// Method: one table, one event, one price; rates are in 1e-15 per token, so that 1'000'000 is one
// nano-unit per token.
#include "rules/measure/price_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace barograph::rules {
namespace {

using storage::CostView;
using storage::ModelPrice;
using storage::PricesApplied;

constexpr Time kFrom = Time(std::chrono::seconds(1'700'000'000));

PricesApplied TableOf(std::vector<ModelPrice> prices, Time from = kFrom,
                      std::string version = "v") {
  PricesApplied table;
  table.effective_from = from;
  table.version = std::move(version);
  table.currency_code = "USD";
  table.prices = std::move(prices);
  return table;
}

struct Tokens {
  std::uint64_t input = 0, output = 0, cache_read = 0, cache_write = 0, reasoning = 0;
};

CostView CostOf(std::string_view provider, std::string_view model, Tokens tokens) {
  CostView cost{};
  cost.has_tokens = true;
  cost.provider = provider;
  cost.model = model;
  cost.input = tokens.input;
  cost.output = tokens.output;
  cost.cache_read = tokens.cache_read;
  cost.cache_write = tokens.cache_write;
  cost.reasoning = tokens.reasoning;
  return cost;
}

std::int64_t NanosOf(const ModelPrice& price, Tokens tokens) {
  PriceTables tables;
  tables.Apply(TableOf({price}));
  const auto answer = tables.Price(CostOf(price.provider, price.model, tokens), kFrom);
  return answer.has_value() ? static_cast<std::int64_t>(answer->nanos) : -1;
}

TEST(PriceTablesTest, SumsAreRoundedOnceHalfToEven) {
  const auto check = [](std::int64_t input, std::int64_t output, Tokens tokens,
                        std::int64_t nanos) {
    EXPECT_EQ(NanosOf({"m", "p", input, output, {}, {}, {}}, tokens), nanos)
        << input << " " << output;
  };
  check(500'000, 0, {.input = 1}, 0);  // 0.5 goes to the even 0,
  check(500'000, 0, {.input = 3}, 2);  // 1.5 to 2,
  check(500'000, 0, {.input = 5}, 2);  // 2.5 to 2.
  check(500'001, 0, {.input = 1}, 1);
  check(499'999, 0, {.input = 1}, 0);
  check(250'000, 250'000, {.input = 1, .output = 1}, 0);  // Rounded as a sum, not part by part.
  check(250'000, 500'000, {.input = 2, .output = 2}, 2);
  check(2'500'000'000, 10'000'000'000, {.input = 1'000'000, .output = 1'000'000}, 12'500'000'000);
  check(1'000'000'000'000'001, 0, {.input = 19'000'000'500'000},
        -1);  // Above what one event may cost.
  check(1'000'000'000'500'000, 0, {.input = 1'000'001}, 1'000'001'000'500'000);
}

TEST(PriceTablesTest, BigSumsRoundTheSameWay) {
  // 20,001 USD: beyond 64 bits of 1e-15.
  EXPECT_EQ(NanosOf({"m", "p", 1'000'000'000'000'500'000, {}, {}, {}, {}}, {.input = 21}),
            21'000'000'000'010);
  EXPECT_EQ(NanosOf({"m", "p", 1'000'000'000'000'500'000, {}, {}, {}, {}}, {.input = 23}),
            23'000'000'000'012);
}

TEST(PriceTablesTest, MissingRatesAreDerivedAndSaySo) {
  const auto check = [](ModelPrice price, Tokens tokens, std::int64_t nanos, bool derived) {
    PriceTables tables;
    tables.Apply(TableOf({price}));
    const auto answer = tables.Price(CostOf("p", "m", tokens), kFrom);
    ASSERT_TRUE(answer.has_value());
    EXPECT_EQ(static_cast<std::int64_t>(answer->nanos), nanos);
    EXPECT_EQ(answer->derived, derived);
  };
  const std::int64_t n = 1'000'000;
  const ModelPrice full = {"m", "p", 10 * n, 20 * n, 1 * n, 12 * n, 30 * n};
  const ModelPrice bare = {"m", "p", 10 * n, 20 * n, {}, {}, {}};
  check(full, {100, 50, 40, 10, 20}, 50 * 10 + 40 * 1 + 10 * 12 + 30 * 20 + 20 * 30, false);
  check(bare, {100, 50, 40, 10, 20}, 100 * 10 + 50 * 20, true);
  check(bare, {100, 50, 40, 0, 0}, 100 * 10 + 50 * 20, true);
  check(bare, {100, 50, 0, 0, 20}, 100 * 10 + 50 * 20, true);
  check(bare, {100, 50, 0, 0, 0}, 100 * 10 + 50 * 20, false);
  check(full, {10, 5, 40, 0, 20}, 40 * 1 + 20 * 30,
        false);  // Parts above the whole leave no remainder.
}

TEST(PriceTablesTest, WithoutARateThereIsNoPrice) {
  EXPECT_EQ(NanosOf({"m", "p", {}, 5'000'000, {}, {}, {}}, {.input = 1}), -1);
  EXPECT_EQ(NanosOf({"m", "p", {}, 5'000'000, {}, {}, {}}, {.output = 2}), 10);
  EXPECT_EQ(NanosOf({"m", "p", {}, {}, 3'000'000, {}, {}}, {.input = 2, .cache_read = 2}), 6);
  EXPECT_EQ(NanosOf({"m", "p", 5'000'000, {}, {}, {}, {}}, {.input = 1, .output = 1}), -1);
}

TEST(PriceTablesTest, NamesAreTriedFromExactToAnyProvider) {
  const auto rate = [](std::int64_t nanos) { return nanos * 1'000'000; };
  PriceTables tables;
  tables.Apply(TableOf({{"gpt", "azure", rate(1), {}, {}, {}, {}},
                        {"gpt", "openai", rate(2), {}, {}, {}, {}},
                        {"anthropic/claude", "router", rate(3), {}, {}, {}, {}},
                        {"claude", "anthropic", rate(4), {}, {}, {}, {}},
                        {"local", "", rate(5), {}, {}, {}, {}},
                        {"local", "someone", rate(6), {}, {}, {}, {}},
                        {"bedrock/titan", "bedrock", rate(7), {}, {}, {}, {}},
                        {"same", "a", rate(8), {}, {}, {}, {}},
                        {"same", "b", rate(8), {}, {}, {}, {}}}));
  const auto check = [&](std::string_view provider, std::string_view model, std::int64_t nanos,
                         bool derived = false) {
    const auto answer = tables.Price(CostOf(provider, model, {.input = 1}), kFrom);
    EXPECT_EQ(answer.has_value() ? static_cast<std::int64_t>(answer->nanos) : -1, nanos)
        << provider << " " << model;
    EXPECT_EQ(answer.has_value() && answer->derived, derived) << provider << " " << model;
  };
  check("azure", "gpt", 1);
  check("openai", "gpt", 2);
  check("", "azure/gpt", 1);
  check("azure", "azure/gpt", 1);
  check("elsewhere", "azure/gpt", 1);
  check("router", "anthropic/claude", 3);
  check("anthropic", "anthropic/claude", 4);
  check("", "router/anthropic/claude", 3);
  check("", "claude", 4);
  check("bedrock", "titan", 7);
  check("", "bedrock/titan", 7);
  check("", "local", 5);
  check("someone", "local", 6);
  check("else", "same", 8);
  check("", "gpt", 2, true);  // Providers differ: the dearest, marked.
  check("", "unknown/gpt", 2, true);
  check("", "unknown", -1);
  check("azure", "", -1);
}

TEST(PriceTablesTest, LaterTablesLieOverEarlierOnes) {
  PriceTables tables;
  const auto hour = std::chrono::hours(1);
  tables.Apply(TableOf({{"a", "", 1'000'000, {}, {}, {}, {}}, {"b", "", 1'000'000, {}, {}, {}, {}}},
                       kFrom, "1"));
  tables.Apply(TableOf({{"a", "", 2'000'000, {}, {}, {}, {}}}, kFrom + hour, "2"));
  tables.Apply(TableOf({{"a", "", 3'000'000, {}, {}, {}, {}}}, kFrom, "3"));
  const auto check = [&](std::string_view model, Time time, std::string_view version) {
    const auto answer = tables.Price(CostOf("", model, {.input = 1}), time);
    EXPECT_EQ(answer.has_value() ? answer->version : "none", version);
  };
  check("a", kFrom - Duration(1), "none");
  check("a", kFrom, "3");  // Applied later than 1, in force from the same moment.
  check("a", kFrom + hour - Duration(1), "3");
  check("a", kFrom + hour, "2");
  check("b", kFrom + hour, "1");
}

TEST(PriceTablesTest, TheEarliestTableGoesWhenThereAreTooMany) {
  PriceTables tables;
  for (std::size_t i = 0; i < kPriceTablesMax; ++i) {
    tables.Apply(TableOf({{"a", "", 1'000'000, {}, {}, {}, {}}}, kFrom + std::chrono::seconds(i)));
  }
  EXPECT_EQ(tables.next().dropped, 1U);
  tables.Apply(TableOf({{"a", "", 1'000'000, {}, {}, {}, {}}}, kFrom + std::chrono::hours(1)));
  EXPECT_EQ(tables.size(), kPriceTablesMax);
  EXPECT_FALSE(tables.Price(CostOf("", "a", {.input = 1}), kFrom).has_value());
  EXPECT_TRUE(
      tables.Price(CostOf("", "a", {.input = 1}), kFrom + std::chrono::seconds(1)).has_value());
}

TEST(PriceTablesTest, ATableThatIsReadBackAnswersTheSame) {
  PriceTables tables;
  tables.Apply(TableOf({{"m", "p", 10, 20, 0, {}, 40}}));
  PriceTables loaded;
  ASSERT_TRUE(loaded.Load(1, tables.Encode(1).value).ok());
  EXPECT_EQ(loaded.Encode(1).value, tables.Encode(1).value);
  const CostView cost = CostOf("p", "m", {1'000'000, 1'000'000, 500'000, 0, 0});
  EXPECT_EQ(static_cast<std::int64_t>(loaded.Price(cost, kFrom)->nanos), 25);
  EXPECT_FALSE(loaded.Load(2, "nonsense").ok());
}

}  // namespace
}  // namespace barograph::rules
