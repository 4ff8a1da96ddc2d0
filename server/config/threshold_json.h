#pragma once

#include <nlohmann/json.hpp>

#include "rules/spec/threshold_spec.h"

namespace barograph::server {

/// A derived measure as the configuration writes it: {"name", "minus": [...]}.
[[nodiscard]] nlohmann::ordered_json DerivedJson(const rules::DerivedSpec& derived);

/// The `when` of a threshold as the configuration writes it, with what was left out.
[[nodiscard]] nlohmann::ordered_json WhenJson(const rules::ThresholdSpec& spec);

}  // namespace barograph::server
