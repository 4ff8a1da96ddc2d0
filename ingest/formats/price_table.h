#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "storage/base/result.h"
#include "storage/event/server_event.h"

namespace barograph::ingest {

/// Bytes of a price table at most; LiteLLM's whole map has about 1.6 million.
inline constexpr std::size_t kPriceTableBytesMax = 16U << 20U;

/// A price table as read from a file.
struct PriceTable {
  storage::PricesApplied prices;  ///< without origin and effective_from; currency USD
  std::size_t skipped =
      0;  ///< entries without any price per token: images, audio, searches, `sample_spec`
};

/// Reads a price table in the format of LiteLLM's model_prices_and_context_window.json: one object,
/// model name -> {litellm_provider, input_cost_per_token, output_cost_per_token,
/// cache_read_input_token_cost, cache_creation_input_token_cost, output_cost_per_reasoning_token,
/// ...} in USD per single token; all other fields are ignored.
///
/// Prices are read from the number's text into integers of 1e-15 USD, exactly: 2.5e-06 is
/// 2'500'000'000. A leading "provider/" of a key is taken off when it is the entry's
/// litellm_provider, because events name provider and model in two fields. `version` goes into the
/// event, e.g. "shipped 2026-11-21".
///
/// Errors: kInvalidArgument naming every malformed entry by key and field, one a line (at most
/// 100): no object, a price that is negative, above 1 USD a token, finer than 1e-15, or no number;
/// two entries for one model and provider with different prices; or no entry with a price at all.
[[nodiscard]] Result<PriceTable> ReadPriceTable(std::string_view json, std::string_view version);

}  // namespace barograph::ingest
