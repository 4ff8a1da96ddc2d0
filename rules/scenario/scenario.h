#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "rules/spec/label_matcher.h"
#include "storage/base/clock.h"
#include "storage/event/server_event.h"

// What a scenario file says, typed: what happens when, and what must come of it. Times are offsets
// from the scenario's start. docs/rule-tests.md is the language.

namespace barograph::rules {

// What one scenario may hold; beyond, it is refused.
inline constexpr std::size_t kScenarioEventsMax = 1'000'000;
inline constexpr Duration kScenarioLengthMax = std::chrono::days(400);
/// Transitions and notices that it expects.
inline constexpr std::size_t kScenarioExpectedMax = 1'000;
/// What a run keeps of what came; more is an error of the run.
inline constexpr std::size_t kScenarioStepsMax = 100'000;

/// From one offset to another, both included.
struct ScenarioSpan {
  Duration from{}, to{};
  friend bool operator==(const ScenarioSpan&, const ScenarioSpan&) = default;
};

/// A number from one to another, both included.
struct ScenarioRange {
  double from = 0, to = 0;
  std::string written;  ///< as in the file
};

/// Events that arrive at one moment. An event without a time of its own happens then.
struct ScenarioArrival {
  Duration at{};
  std::uint32_t event = 0;  ///< index into Scenario::events
};

/// Somebody acknowledges what fires and fits, or silences what fits for so long.
struct ScenarioAction {
  struct Acknowledge {
    std::vector<LabelMatcher> matchers;
  };
  struct Silence {
    std::vector<LabelMatcher> matchers;
    Duration length{};
  };
  /// Not somebody but the machine: the levels that the server reads of itself from then on.
  struct Levels {
    std::vector<storage::GaugeReading> readings;
  };
  Duration at{};
  std::variant<Acknowledge, Silence, Levels> what;
  std::string place;  ///< "file:line:column"
};

/// A transition that must come.
struct ExpectedTransition {
  std::string place;  ///< "file:line:column"
  ScenarioSpan at;
  std::string rule;
  storage::Labels labels;  ///< those that the alert must bear; it may bear more
  std::optional<storage::AlertState> from;
  storage::AlertState to = storage::AlertState::kFiring;
  std::optional<ScenarioRange> value;
  bool late = false;  ///< a breach that lay wholly in the past; `at` is event time then
};

/// A notice that must come.
struct ExpectedNotice {
  std::string place;
  ScenarioSpan at;
  std::string receiver;
  std::optional<std::string> reason;              ///< "first notification", "silence ended" ...
  std::optional<std::uint64_t> firing, resolved;  ///< alerts that it names, by state
  storage::Labels labels;                         ///< one of the alerts that it names bears them
  std::vector<std::string> text;                  ///< each stands in it
};

struct Scenario {
  std::string name;
  std::string place;
  Time start{};      ///< a whole second
  Duration until{};  ///< a whole second at or after everything below

  std::vector<std::string> events;        ///< wire encodings
  std::vector<ScenarioArrival> arrivals;  ///< ascending
  std::vector<ScenarioSpan> stops;        ///< the server is away; ascending, apart
  std::vector<ScenarioAction> actions;    ///< ascending

  std::vector<ExpectedTransition> transitions;
  std::vector<ExpectedNotice> notices;
  std::vector<std::string> never;  ///< rules that must not move beyond pending
  bool others_never = false;       ///< nor may any that `transitions` does not name
  std::vector<std::string> quiet;  ///< receivers that must hear nothing
};

}  // namespace barograph::rules
