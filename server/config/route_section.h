#pragma once

#include "server/config/rule_file.h"

namespace barograph::server {

/// Reads `routes:` into the draft.
void ReadRoute(const YamlNode& node, RuleDraft* draft, Diagnostics* diagnostics);

}  // namespace barograph::server
