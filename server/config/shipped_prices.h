#pragma once

#include <string_view>

namespace barograph::server {

/// The price table that ships with this version: prices/public_models_<date>.json, built into the
/// program. About fifty well-known public models with their providers' list prices, in LiteLLM's
/// format. Source and upkeep: docs/prices.md.
[[nodiscard]] std::string_view ShippedPriceTable();

/// What PricesApplied calls it, e.g. "shipped 2026-11-21".
[[nodiscard]] std::string_view ShippedPriceVersion();

}  // namespace barograph::server
