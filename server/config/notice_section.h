#pragma once

#include "server/config/rule_file.h"

namespace barograph::server {

/// Reads one item of `notices:` and adds it to the draft. An item with a mistake is told and
/// left out; it does not hide the mistakes of the items after it.
void ReadNotice(const YamlNode& node, RuleDraft* draft, Diagnostics* diagnostics);

}  // namespace barograph::server
