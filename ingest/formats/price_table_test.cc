#include "ingest/formats/price_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace barograph::ingest {
namespace {

using testing::HasSubstr;

TEST(PriceTableTest, PricesAreExactIntegersOfTheNumbersText) {
  const auto table = ReadPriceTable(R"({
    "sample_spec": {"input_cost_per_token": "0"},
    "b-model": {"litellm_provider": "openai", "input_cost_per_token": 2.5e-06,
                "output_cost_per_token": 0.00001,
                "cache_read_input_token_cost": 1.25e-6, "max_tokens": 1000},
    "gemini/a-model": {"litellm_provider": "gemini", "input_cost_per_token": 0,
                       "output_cost_per_token": 1e-15,
                       "cache_creation_input_token_cost": 3.75e-06,
                       "output_cost_per_reasoning_token": 6e-05},
    "image-model": {"litellm_provider": "openai", "output_cost_per_image": 0.04}
  })",
                                    "test 1");
  ASSERT_TRUE(table.ok()) << table.error().message();
  EXPECT_EQ(table->skipped, 2U);
  EXPECT_EQ(table->prices.version, "test 1");
  EXPECT_EQ(table->prices.currency_code, "USD");
  ASSERT_EQ(table->prices.prices.size(), 2U);
  const storage::ModelPrice& a = table->prices.prices[0];
  EXPECT_EQ(a.model, "a-model");
  EXPECT_EQ(a.provider, "gemini");
  EXPECT_EQ(a.input, 0);
  EXPECT_EQ(a.output, 1);
  EXPECT_EQ(a.cache_write, 3'750'000'000);
  EXPECT_EQ(a.reasoning, 60'000'000'000);
  EXPECT_FALSE(a.cache_read.has_value());
  const storage::ModelPrice& b = table->prices.prices[1];
  EXPECT_EQ(b.input, 2'500'000'000);
  EXPECT_EQ(b.output, 10'000'000'000);
  EXPECT_EQ(b.cache_read, 1'250'000'000);
}

TEST(PriceTableTest, OnlyTheProvidersOwnPrefixIsTakenOff) {
  const auto table = ReadPriceTable(
      R"({"openrouter/openai/gpt-4o":
                {"litellm_provider": "openrouter", "input_cost_per_token": 1e-6},
            "openai/x": {"litellm_provider": "other", "input_cost_per_token": 1e-6}})",
      "");
  ASSERT_TRUE(table.ok());
  EXPECT_EQ(table->prices.prices[0].model, "openai/gpt-4o");
  EXPECT_EQ(table->prices.prices[1].model, "openai/x");
}

TEST(PriceTableTest, EveryMalformedEntryIsNamed) {
  const auto table = ReadPriceTable(R"({
    "a": {"input_cost_per_token": "2e-6"}, "b": {"input_cost_per_token": -1},
    "c": {"input_cost_per_token": 2},
    "d": {"input_cost_per_token": 1e-16}, "e": 5,
    "f": {"litellm_provider": "p", "input_cost_per_token": 1e-6}, 
    "p/f": {"litellm_provider": "p", "input_cost_per_token": 2e-6}
  })",
                                    "");
  ASSERT_FALSE(table.ok());
  const auto tells = [&](std::string_view text) {
    EXPECT_THAT(table.error().message(), HasSubstr(std::string(text)));
  };
  tells("a.input_cost_per_token: must be a number, not text");
  tells("b.input_cost_per_token: -1 is outside of [0, 1] USD");
  tells("c.input_cost_per_token: 2 is outside of [0, 1] USD");
  tells("d.input_cost_per_token: 1e-16 is outside");
  tells("e: must be an object, not a number");
  tells("p/f: gives f of p another price");
}

TEST(PriceTableTest, ATableWithoutPricesIsRefused) {
  EXPECT_FALSE(ReadPriceTable("{}", "").ok());
  EXPECT_FALSE(ReadPriceTable("[]", "").ok());
  EXPECT_FALSE(ReadPriceTable("{", "").ok());
}

}  // namespace
}  // namespace barograph::ingest
