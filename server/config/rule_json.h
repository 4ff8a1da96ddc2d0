#pragma once

#include <string>

#include "rules/spec/rule_spec.h"
#include "server/config/configuration.h"

namespace barograph::server {

/// A rule set as JSON, with the names, durations and percentages of the rule files, so that it
/// reads like what was written, with every default filled in. Secrets appear as their reference,
/// {"env": "HOOK_SECRET"}.
[[nodiscard]] std::string RuleSetToJson(const rules::RuleSet& rules, int indent = 2);

/// The effective configuration: {"settings": {path: {"value", "source"}}, "rules": ...}.
[[nodiscard]] std::string ConfigurationToJson(const Configuration& configuration, int indent = 2);

}  // namespace barograph::server
