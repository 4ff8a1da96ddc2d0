#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/spec/rule_spec.h"
#include "server/config/map_reader.h"

namespace barograph::server {

// What the sections of all kinds of rules have in common. Mistakes go to the diagnostics, and
// reading goes on.

/// `name`, `where`, `by`, `severity`, `labels`, `annotations`, `owner`, `for`, `keep_firing_for`,
/// `min_events`.
void ReadRuleCommon(MapReader& map, rules::RuleCommon* rule);

/// `where:` of rules and series: dimension or label to a value or a list of values, any of which
/// may be met. Sorted.
[[nodiscard]] std::vector<rules::Projection::Filter> ReadWhere(const YamlNode& node,
                                                               Diagnostics* diagnostics);

/// One of the words for a level.
[[nodiscard]] std::optional<rules::Severity> ReadSeverity(const YamlNode& node,
                                                          Diagnostics* diagnostics);
/// A share in percent ("2%") as the double that its decimal text names.
[[nodiscard]] std::optional<double> ReadShare(const YamlNode& node, std::string_view name,
                                              Diagnostics* diagnostics);
/// A map of texts.
[[nodiscard]] std::map<std::string, std::string> ReadTextMap(const YamlNode& node,
                                                             std::string_view name,
                                                             Diagnostics* diagnostics);

}  // namespace barograph::server
