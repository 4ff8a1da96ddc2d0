#pragma once

#include <string_view>

namespace barograph::server {

/// The word that stands for the shipped rules in the setting `rules`.
inline constexpr std::string_view kDefaultRules = "default";

/// The rule file that ships with this version, default_rules.yaml, built into the program: what a
/// fresh install uses. docs/default-rules.md describes it.
[[nodiscard]] std::string_view DefaultRules();

}  // namespace barograph::server
