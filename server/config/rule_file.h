#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "rules/spec/rule_spec.h"
#include "server/config/diagnostic.h"
#include "server/config/figures.h"
#include "server/config/map_reader.h"
#include "server/config/yaml_tree.h"

namespace barograph::server {

/// One source of rules, already read from disk.
struct RuleSource {
  std::string name;  ///< as messages call it
  std::string text;
};

/// The only value of `apiVersion` that this version reads.
inline constexpr std::string_view kApiVersion = "barograph/v1";

/// A rule set in the making: what was read from any number of files, and where each part of it
/// stands.
class RuleDraft {
 public:
  rules::RuleSet rules;

  /// Remembers that the part of `rules` at `path` (as rules::Validate names it) was read from
  /// `node`, with all below it.
  void Place(const std::string& path, const YamlNode& node);
  /// The place of the longest known prefix of `path`.
  [[nodiscard]] Position Find(std::string_view path) const;
  /// Mistakes below `path` were told already: what Validate says of it would only repeat them.
  void MarkBroken(std::string path) { broken_.push_back(std::move(path)); }
  [[nodiscard]] bool IsBroken(std::string_view path) const;

  /// Where `routes` was given, so that a second one can be told.
  Position route_position;
  /// What `${...}` of rule files stands for, and the rules that wait for one.
  Figures figures;
  std::vector<InertRule> inert;

 private:
  std::map<std::string, Position, std::less<>> places_;
  std::vector<std::string> broken_;
};

/// Reads the sections of a rule file that may also stand in barograph.yaml: labels, series, routes,
/// receivers, allow_private, inhibitions, mute_times, escalations, flapping.
void ReadSharedSections(MapReader& map, RuleDraft* draft);

/// Reads all sections of a rule file but apiVersion.
void ReadRuleSections(MapReader& map, RuleDraft* draft);

/// The key apiVersion, which must be there and be kApiVersion.
void ReadApiVersion(MapReader& map);

/// Reads one rule file into the draft, its figures filled in: apiVersion, the shared sections,
/// derived measures and the rules.
void ReadRuleFile(const RuleSource& source, RuleDraft* draft, Diagnostics* diagnostics);

/// Ranges and relations (rules::Validate), each told at its line and column.
void CheckRules(const RuleDraft& draft, Diagnostics* diagnostics);

/// All of the above for rule files that stand for themselves. `timezone` as in rules::RuleSet. No
/// figure is set: `inert`, where it is given, gets the rules that wait for one.
/// Errors: kInvalidArgument with all mistakes of all files, one a line (Diagnostics::ToString).
[[nodiscard]] Result<rules::RuleSet> LoadRuleSet(const std::vector<RuleSource>& sources,
                                                 std::string_view timezone = "UTC",
                                                 std::vector<InertRule>* inert = nullptr);

}  // namespace barograph::server
