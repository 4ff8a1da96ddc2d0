#pragma once

#include <string>
#include <vector>

#include "rules/scenario/scenario.h"
#include "rules/spec/rule_spec.h"
#include "storage/base/result.h"

namespace barograph::server {

/// A scenario file, read and checked: rules and what is to come of them. docs/rule-tests.md is the
/// language.
struct ScenarioFile {
  std::string name;  ///< as the user named it
  rules::RuleSet rules;
  std::vector<rules::Scenario> scenarios;  ///< at least one
  std::vector<std::string> rule_files;     ///< that it names, beside itself
  std::string prices;                      ///< table of its configuration; empty: the shipped one
};

/// Reads a scenario file and the rule files or the configuration that it names, relative to its own
/// folder, and checks everything: structure, rules as a server does, events as a door does, names
/// of rules and receivers that are expected.
///
/// Threads: any.
/// Errors: kInvalidArgument with all mistakes of all files, one a line: file:line:column, what is
///         wrong, what would be right. kNotFound.
[[nodiscard]] Result<ScenarioFile> LoadScenarioFile(const std::string& path);

/// Whether a YAML text has the key that makes it a scenario file; a text that cannot be read has
/// it, so that its mistakes are told.
[[nodiscard]] bool IsScenarioText(const std::string& text);

}  // namespace barograph::server
