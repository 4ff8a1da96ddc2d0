#pragma once

#include <string_view>
#include <vector>

#include "rules/spec/label_matcher.h"
#include "server/config/rule_file.h"

namespace barograph::server {

/// Matchers as a map of labels and their values, `{severity: critical, team: [web, data]}`, or as a
/// list in Alertmanager's words, `['severity="critical"', 'team=~"web|data"']`.
[[nodiscard]] std::vector<rules::LabelMatcher> ReadMatchers(const YamlNode& node,
                                                            std::string_view name,
                                                            Diagnostics* diagnostics);

// Each reads one item of the section, or the section, and adds it to the draft.
void ReadInhibition(const YamlNode& node, RuleDraft* draft, Diagnostics* diagnostics);
void ReadMuteTime(const YamlNode& node, RuleDraft* draft, Diagnostics* diagnostics);
/// Mute times that name no zone are in that of the configuration, which must be known by now.
void FinishMuteTimes(RuleDraft* draft);
void ReadEscalation(const YamlNode& node, RuleDraft* draft, Diagnostics* diagnostics);
void ReadFlapping(const YamlNode& node, RuleDraft* draft, Diagnostics* diagnostics);

}  // namespace barograph::server
