#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rules/scenario/run.h"
#include "rules/scenario/scenario.h"

namespace barograph::rules {

/// One thing that is not as the scenario says. Expected and came are in the notation of the file.
struct ScenarioDifference {
  enum class Kind : std::uint8_t {
    kMissing,     ///< expected; nothing like it came
    kOther,       ///< expected; what came instead is the nearest of what nobody expected
    kUnexpected,  ///< came, and nobody expected it
    kRefused,     ///< what somebody was to do, the server refused
  };
  Kind kind = Kind::kMissing;
  std::string place;     ///< "file:line:column" of the expectation, action or scenario
  std::string expected;  ///< empty for kUnexpected and kRefused
  std::string came;      ///< empty for kMissing and kRefused
  /// In what they differ ("at: 41m50s, not 42m"), or why nothing came.
  std::vector<std::string> reasons;
};
[[nodiscard]] std::string_view Name(ScenarioDifference::Kind kind);  ///< "missing", "other", ...

/// What a run brought against what its scenario says; empty when they agree.
///
/// Rules that the scenario expects something of are held to all of it: each of their steps to
/// firing and resolved must be expected, and those to pending and inactive if any such is. Rules
/// that must never fire may not, and rules that it does not name are not looked at, unless it says
/// that no others may fire. Receivers likewise. Which expectation a step serves is found so that as
/// many as possible are served (augmenting paths, Kuhn 1955).
[[nodiscard]] std::vector<ScenarioDifference> CompareScenario(const Scenario& scenario,
                                                              const ScenarioRun& run);

}  // namespace barograph::rules
