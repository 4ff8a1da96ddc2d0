#include <cstdlib>

#include "rules/engine/engine_state.h"

// The one rule that nobody writes: whether the server's own clock can be trusted.

namespace barograph::rules {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using storage::AlertState;

storage::Labels ClockLabels() {
  const std::string name(kClockRule);
  return {{"alertname", name}, {"rule", name}, {"severity", "warning"}};
}

double InSeconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

}  // namespace

std::vector<Engine::Decided> Engine::JudgeClock(Duration difference, Time second) const {
  const auto tenant = state_->tenants.find(kServerTenant);
  if (tenant == state_->tenants.end() || state_->InGap(second)) return {};
  const storage::Labels labels = ClockLabels();
  const Alert* known = tenant->second->alerts.Find(AlertKey(labels));
  const Duration apart = std::chrono::abs(difference);
  const std::optional<AlertStep> step =
      NextStep(known, apart > kClockDifferenceMax, Moment::kWholeSecond, second, RuleCommon{});
  if (!step) return {};
  StagedTransition staged;
  if (known != nullptr) staged.alert = *known;
  storage::AlertTransition& event = staged.event;
  event.origin.reason = "evaluation";
  event.rule = kClockRule;
  event.labels = labels;
  event.from = step->from;
  event.to = step->to;
  event.at = second;
  event.severity = Severity::kWarning;
  event.episode_id = step->from == AlertState::kInactive
                         ? Fingerprint(labels) + "-" + std::to_string(state_->head.value)
                         : known->episode_id;
  event.value = InSeconds(apart);
  event.threshold = InSeconds(kClockDifferenceMax);
  event.summary = "the wall clock is " + FormatDuration(std::chrono::round<milliseconds>(apart)) +
                  (difference > Duration{0} ? " ahead of" : " behind") + " the log's clock";
  if (step->from != step->to || !step->calm) event.condition = "wall clock";
  ApplyTransition(event, &staged.alert);
  std::vector<Draft> drafts;
  drafts.push_back({tenant->second.get(), {std::move(staged)}, {}});
  return state_->Finish(std::move(drafts), second);
}

}  // namespace barograph::rules
