#pragma once

#include <string>
#include <string_view>

#include "rules/alert/route_tree.h"
#include "storage/base/clock.h"
#include "storage/event/event_view.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

/// The built-in rules about the server itself. Names of users' rules have no dot.
inline constexpr std::string_view kClockRule = "server.clock";
inline constexpr std::string_view kKafkaRule = "server.kafka";
[[nodiscard]] constexpr bool IsServerRule(std::string_view rule) {
  return rule == kClockRule || rule == kKafkaRule || rule == kTestRule;
}

/// Log time is slewed to the wall clock; a difference beyond this is worth a person's look.
inline constexpr Duration kClockDifferenceMax = std::chrono::seconds(5);

/// Something about the server itself that a person should know, as it is now.
struct ServerCondition {
  std::string_view rule;   ///< one of the built-in ones
  storage::Labels labels;  ///< beside `alertname`, `rule` and `severity`
  storage::Severity severity = storage::Severity::kWarning;
  bool holds = true;
  double value = 0, threshold = 0;
  std::string summary;
  std::string_view condition;  ///< in a word or two: "wall clock"
};
/// Above kClockDifferenceMax either way, event times that agents send no longer fit.
/// `difference` is wall clock - log time.
[[nodiscard]] ServerCondition ClockCondition(Duration difference);

}  // namespace barograph::rules
