#include <utility>

#include "rules/engine/engine_state.h"
#include "rules/engine/server_condition.h"

// Synthetic alerts by which a receiver is tried.

namespace barograph::rules {
namespace {

using storage::AlertState;

storage::Labels LabelsOf(std::string_view receiver) {
  return {{"alertname", std::string(kTestRule)},
          {"receiver", std::string(receiver)},
          {"rule", std::string(kTestRule)},
          {"severity", "info"}};
}

StagedTransition Stage(const storage::Labels& labels, const Alert* known, AlertState to,
                       std::string episode_id, storage::Origin origin, Time now) {
  StagedTransition staged;
  if (known != nullptr) staged.alert = *known;
  storage::AlertTransition& event = staged.event;
  event.origin = std::move(origin);
  event.rule = kTestRule;
  event.labels = labels;
  event.from =
      staged.alert.state == AlertState::kFiring ? AlertState::kFiring : AlertState::kInactive;
  event.to = to;
  event.at = now;
  event.severity = Severity::kInfo;
  event.episode_id = std::move(episode_id);
  event.value = 1;
  event.summary = "a test of receiver " + labels.at("receiver") +
                  ": nothing is wrong, there is nothing to do but acknowledge it";
  event.condition = "test";
  ApplyTransition(event, &staged.alert);
  return staged;
}

StagedTransition StageEnd(const Alert& alert, storage::Origin origin, Time now) {
  return Stage(alert.labels, &alert, AlertState::kResolved, alert.episode_id, std::move(origin),
               now);
}

}  // namespace

Result<std::vector<Engine::Decided>> Engine::FireTest(std::string_view tenant_name,
                                                      std::string_view receiver,
                                                      storage::Origin origin, Time now) const {
  const auto tenant = state_->tenants.find(tenant_name);
  if (tenant == state_->tenants.end()) {
    return Error(ErrorCode::kNotFound,
                 "tenant '" + std::string(tenant_name) + "' has sent no event yet");
  }
  std::string names;
  bool known = false;
  for (const ReceiverSpec& spec : state_->routing.receivers) {
    known = known || spec.name == receiver;
    names += (names.empty() ? "" : ", ") + spec.name;
  }
  if (!known) {
    return Error(ErrorCode::kNotFound,
                 "no receiver '" + std::string(receiver) + "'; " +
                     (names.empty() ? "none is configured" : "there is " + names));
  }
  const storage::Labels labels = LabelsOf(receiver);
  const Alert* before = tenant->second->alerts.Find(AlertKey(labels));
  if (before != nullptr && before->state == AlertState::kFiring) {
    return Error(ErrorCode::kFailedPrecondition,
                 "a test of receiver '" + std::string(receiver) + "' runs since " +
                     FormatTime(before->since) + "; it ends by itself " +
                     FormatDuration(kTestAlertMax) + " after its begin");
  }
  std::vector<Draft> drafts;
  drafts.push_back(Draft{tenant->second.get(), {}, {}});
  drafts[0].transitions.push_back(Stage(
      labels, before, AlertState::kFiring,
      Fingerprint(labels) + "-" + std::to_string(state_->head.value), std::move(origin), now));
  return state_->Finish(std::move(drafts), now);
}

Result<std::vector<Engine::Decided>> Engine::EndTest(std::string_view tenant_name,
                                                     std::string_view receiver,
                                                     storage::Origin origin, Time now) const {
  const auto tenant = state_->tenants.find(tenant_name);
  const Alert* alert = tenant == state_->tenants.end()
                           ? nullptr
                           : tenant->second->alerts.Find(AlertKey(LabelsOf(receiver)));
  if (alert == nullptr || alert->state != AlertState::kFiring) {
    return Error(ErrorCode::kFailedPrecondition,
                 "no test of receiver '" + std::string(receiver) + "' is running");
  }
  std::vector<Draft> drafts;
  drafts.push_back(Draft{tenant->second.get(), {}, {}});
  drafts[0].transitions.push_back(StageEnd(*alert, std::move(origin), now));
  return state_->Finish(std::move(drafts), now);
}

/// Tests whose client never came back to end them.
std::vector<StagedTransition> Engine::State::DueTests(const Tenant& tenant, Time second) {
  std::vector<StagedTransition> ended;
  // `alertname` is the first of their labels, so they lie together.
  const std::string first = AlertKey({{"alertname", std::string(kTestRule)}});
  const auto& alerts = tenant.alerts.alerts();
  for (auto known = alerts.lower_bound(first);
       known != alerts.end() && known->first.starts_with(first); ++known) {
    const Alert& alert = known->second;
    if (alert.state != AlertState::kFiring || alert.fired_at + kTestAlertMax > second) continue;
    ended.push_back(StageEnd(alert, {"server", "expired"}, second));
  }
  return ended;
}

}  // namespace barograph::rules
