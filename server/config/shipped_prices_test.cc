#include "server/config/shipped_prices.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "ingest/formats/fleet_catalog.h"
#include "ingest/formats/price_table.h"

namespace barograph::server {
namespace {

TEST(ShippedPricesTest, TheTableIsWellFormedAndDated) {
  const auto table = ingest::ReadPriceTable(ShippedPriceTable(), ShippedPriceVersion());
  ASSERT_TRUE(table.ok()) << table.error().message();
  EXPECT_GE(table->prices.prices.size(), 40U);
  EXPECT_EQ(table->skipped, 0U);
  EXPECT_THAT(table->prices.version, testing::MatchesRegex("shipped [0-9]{4}-[0-9]{2}-[0-9]{2}"));
  for (const storage::ModelPrice& price : table->prices.prices) {
    EXPECT_FALSE(price.provider.empty()) << price.model;
    EXPECT_TRUE(price.input.has_value()) << price.model;
  }
}

TEST(ShippedPricesTest, EveryModelOfTheSimulatedFleetHasAPrice) {
  const auto table = ingest::ReadPriceTable(ShippedPriceTable(), "");
  ASSERT_TRUE(table.ok());
  for (const ingest::FleetModel& model : ingest::kModels) {
    EXPECT_TRUE(std::any_of(table->prices.prices.begin(), table->prices.prices.end(),
                            [&](const auto& price) {
                              return price.model == model.name && price.provider == model.provider;
                            }))
        << model.name;
  }
}

}  // namespace
}  // namespace barograph::server
