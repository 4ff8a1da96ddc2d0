#pragma once

#include "server/config/rule_file.h"

namespace barograph::server {

/// Reads one item of `receivers:` and adds it to the draft.
void ReadReceiver(const YamlNode& node, RuleDraft* draft, Diagnostics* diagnostics);

/// Reads `allow_private:`, the networks that names of receivers may lead to; several files add up.
void ReadAllowPrivate(const YamlNode& node, RuleDraft* draft, Diagnostics* diagnostics);

/// "60/m", "20/h", "10/30s": so many in a span of time.
[[nodiscard]] std::optional<rules::Rate> ReadRate(const YamlNode& node, std::string_view name,
                                                  Diagnostics* diagnostics);

}  // namespace barograph::server
