#pragma once

#include <nlohmann/json.hpp>

#include "rules/spec/receiver_spec.h"

namespace barograph::server {

/// A receiver as the configuration writes it, with what was left out. Secrets are shown as the
/// references that they were given as.
[[nodiscard]] nlohmann::ordered_json ReceiverJson(const rules::ReceiverSpec& receiver);

/// A reference to a secret, "env:NAME", as it is written: {"env": "NAME"}.
[[nodiscard]] nlohmann::ordered_json ReferenceJson(const std::string& reference);

/// "60/m", as it is read.
[[nodiscard]] std::string RateText(const rules::Rate& rate);

}  // namespace barograph::server
