#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "rules/window/window_store.h"
#include "storage/base/clock.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

/// Severity of an alert, most urgent first.
using storage::Severity;

/// What every rule of every kind has. Plain data; equality is by content, so that an unchanged rule
/// keeps its state on reload.
struct RuleCommon {
  std::string name;  ///< unique over all rules; [a-z0-9][a-z0-9_-]*, at most 63 bytes
  std::vector<Projection::Filter> where;
  std::vector<std::string> by;
  Severity severity = Severity::kWarning;
  std::map<std::string, std::string> labels;  ///< added to the alert's label set
  /// summary, description, runbook_url, dashboard_url, response.
  std::map<std::string, std::string> annotations;
  std::string owner;
  Duration for_duration{0};  ///< condition must hold so long before firing
  Duration keep_firing_for = std::chrono::minutes(1);
  /// Fewer events in what is judged (the long window, the window, the period): no alert.
  std::uint64_t min_events = 0;
  /// `active`: the rule is in force in [active_from, active_to) of log time; outside its alerts end
  /// as if the condition were false.
  Time active_from = Time::min(), active_to = Time::max();
  /// Its alerts live and are recorded, with the label `shadow`, and nobody is told of them.
  bool shadow = false;
  [[nodiscard]] bool InForce(Time at) const { return active_from <= at && at < active_to; }
  friend bool operator==(const RuleCommon&, const RuleCommon&) = default;
};

/// The label that tells an alert of a shadow rule: "true".
inline constexpr const char* kShadowLabel = "shadow";
[[nodiscard]] inline bool IsShadow(const storage::Labels& labels) {
  return labels.contains(kShadowLabel);
}

}  // namespace barograph::rules
