#pragma once

#include "server/config/rule_file.h"

namespace barograph::server {

/// Read one item of `budgets:` or `goals:` and add it to the draft. An item with a mistake is told
/// and left out.
void ReadBudget(const YamlNode& node, RuleDraft* draft, Diagnostics* diagnostics);
void ReadGoal(const YamlNode& node, RuleDraft* draft, Diagnostics* diagnostics);

}  // namespace barograph::server
