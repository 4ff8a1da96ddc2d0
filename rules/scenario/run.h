#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rules/alert/notice.h"
#include "rules/engine/simulation.h"
#include "rules/scenario/scenario.h"
#include "rules/spec/rule_spec.h"
#include "storage/base/result.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

/// What a run needs from outside, because rules know neither JSON, zones nor files.
struct ScenarioWorld {
  /// The text of a notice, which expectations look at.
  NoticeFormat format;
  Simulation::PeriodSource periods;
  /// Put in force before the first event, as a server does.
  std::optional<storage::PricesApplied> prices;
};

/// A notice that was decided.
struct ScenarioNotice {
  Time at{};
  std::string receiver, reason, text;
  std::vector<NoticeMember> members;
  std::uint64_t more = 0;  ///< alerts that it counts and does not name
};

/// What came of a scenario.
struct ScenarioRun {
  Time start{};
  std::vector<storage::AlertTransition> transitions;  ///< without marks that change no state
  std::vector<ScenarioNotice> notices;
  /// What somebody wanted to do and the server refused: place and why.
  std::vector<std::pair<std::string, std::string>> refused;
  std::vector<std::string> silent;  ///< rules for which no event counted
  std::uint64_t events = 0, evaluations = 0;
};

/// Runs a scenario through the evaluator that live servers run, on a clock of its own.
///
/// Pure: equal scenarios, rules and worlds give equal runs.
/// Errors: kResourceExhausted when more than kScenarioStepsMax transitions or notices come; those
///         of Simulation.
[[nodiscard]] Result<ScenarioRun> RunScenario(const RuleSet& rules, const Scenario& scenario,
                                              const ScenarioWorld& world);

}  // namespace barograph::rules
