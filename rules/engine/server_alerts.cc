#include <cstdlib>
#include <set>

#include "rules/engine/engine_state.h"
#include "rules/engine/server_condition.h"

// The rules that nobody writes: whether the server's own clock can be trusted, and whether it still
// reads what it is to read.

namespace barograph::rules {
namespace {

using std::chrono::milliseconds;
using storage::AlertState;

double InSeconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

storage::Labels LabelsOf(const ServerCondition& condition) {
  storage::Labels labels = condition.labels;
  labels["alertname"] = condition.rule;
  labels["rule"] = condition.rule;
  labels["severity"] = condition.severity == Severity::kCritical ? "critical" : "warning";
  return labels;
}

/// What is no longer said of an alert has ended.
ServerCondition EndOf(const Alert& alert) {
  return {.rule = kKafkaRule,
          .labels = alert.labels,
          .severity = alert.severity,
          .holds = false,
          .value = 0,
          .threshold = alert.threshold,
          .summary = alert.summary,
          .condition = alert.condition};
}

/// Where the alert goes from here, if anywhere.
std::optional<StagedTransition> StageStep(const ServerCondition& condition,
                                          const storage::Labels& labels, const Alert* known,
                                          Time second, Sequence head) {
  const std::optional<AlertStep> step =
      NextStep(known, condition.holds, Moment::kWholeSecond, second, RuleCommon{});
  if (!step) return std::nullopt;
  StagedTransition staged;
  if (known != nullptr) staged.alert = *known;
  storage::AlertTransition& event = staged.event;
  event.origin.reason = "evaluation";
  event.rule = condition.rule;
  event.labels = labels;
  event.from = step->from;
  event.to = step->to;
  event.at = second;
  event.severity = condition.severity;
  event.episode_id = known != nullptr && step->from != AlertState::kInactive
                         ? known->episode_id
                         : Fingerprint(labels) + "-" + std::to_string(head.value);
  event.value = condition.value;
  event.threshold = condition.threshold;
  event.summary = condition.summary;
  if (step->from != step->to || !step->calm) event.condition = condition.condition;
  ApplyTransition(event, &staged.alert);
  return staged;
}

}  // namespace

ServerCondition ClockCondition(Duration difference) {
  const Duration apart = std::chrono::abs(difference);
  return {.rule = kClockRule,
          .labels = {},
          .severity = Severity::kWarning,
          .holds = apart > kClockDifferenceMax,
          .value = InSeconds(apart),
          .threshold = InSeconds(kClockDifferenceMax),
          .summary = "the wall clock is " +
                     FormatDuration(std::chrono::round<milliseconds>(apart)) +
                     (difference > Duration{0} ? " ahead of" : " behind") + " the log's clock",
          .condition = "wall clock"};
}

std::vector<Engine::Decided> Engine::JudgeServer(const std::vector<ServerCondition>& conditions,
                                                 Time second) const {
  const auto tenant = state_->tenants.find(kServerTenant);
  if (tenant == state_->tenants.end() || state_->InGap(second)) return {};
  const AlertBook& book = tenant->second->alerts;
  Draft draft{tenant->second.get(), {}, {}};
  const auto judge = [&](const ServerCondition& condition, const storage::Labels& labels) {
    auto staged = StageStep(condition, labels, book.Find(AlertKey(labels)), second, state_->head);
    if (staged) draft.transitions.push_back(std::move(*staged));
  };
  std::set<std::string> told;
  for (const ServerCondition& condition : conditions) {
    const storage::Labels labels = LabelsOf(condition);
    if (condition.rule == kKafkaRule) told.insert(AlertKey(labels));
    judge(condition, labels);
  }
  // `alertname` is the first of their labels, so the alerts of one rule lie together.
  const std::string rule = AlertKey({{"alertname", std::string(kKafkaRule)}});
  for (auto known = book.alerts().lower_bound(rule);
       known != book.alerts().end() && known->first.starts_with(rule); ++known) {
    const auto& [key, alert] = *known;
    if (alert.active() && !told.contains(key)) judge(EndOf(alert), alert.labels);
  }
  if (draft.transitions.empty()) return {};
  std::vector<Draft> drafts;
  drafts.push_back(std::move(draft));
  return state_->Finish(std::move(drafts), second);
}

}  // namespace barograph::rules
