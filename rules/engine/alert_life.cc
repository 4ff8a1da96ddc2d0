#include <algorithm>
#include <utility>

#include "rules/engine/engine_state.h"

// What happens to an alert beside its transitions: acknowledgements, silences, escalations and flap
// control, folded and decided at whole seconds.

namespace barograph::rules {

using storage::AlertState;

// --- Fold ----------------------------------------------------------------------------------------

void Engine::State::ConfigureInhibitions(Tenant& tenant) const {
  tenant.inhibitions.Configure(routing.inhibitions);
  for (const auto& [key, alert] : tenant.alerts.alerts()) {
    if (alert.state == AlertState::kFiring)
      static_cast<void>(tenant.inhibitions.Track(key, alert.labels, true));
  }
}

void Engine::State::FoldStep(Tenant& tenant, const storage::AlertTransition& transition,
                             storage::Labels annotations, const AlertBook::Applied& applied) {
  const Alert& alert = *applied.alert;
  const std::string key = AlertKey(alert.labels);
  const std::vector<std::string> affected =
      tenant.inhibitions.Track(key, alert.labels, alert.state == AlertState::kFiring);
  tenant.notices.Apply({transition, alert, std::move(annotations)});
  tenant.notices.Refresh(affected);
  tenant.notices.Refresh(applied.unacknowledged);
  if (!applied.forgotten.empty()) tenant.notices.Forget(applied.forgotten);
}

void Engine::State::FoldLife(Tenant& tenant, const storage::Acknowledged& acknowledged) {
  if (!tenant.alerts.Apply(acknowledged)) return;
  tenant.notices.Refresh({AlertKey(acknowledged.labels)});
  if (acknowledged.rule != kTestRule) Yield(tenant, acknowledged, acknowledged.at);
}

void Engine::State::FoldLife(Tenant& tenant, const storage::Silenced& silenced) {
  tenant.silences.Apply(silenced);
  tenant.notices.Refresh(tenant.notices.AlertsThatFit(MatcherSet(silenced.matchers)));
}

void Engine::State::FoldLife(Tenant& tenant, const storage::SilenceBegan& began) {
  tenant.silences.Apply(began);
  if (const Silence* silence = tenant.silences.Find(began.id); silence != nullptr)
    tenant.notices.Refresh(tenant.notices.AlertsThatFit(silence->matchers));
}

void Engine::State::FoldLife(Tenant& tenant, const storage::SilenceEnded& ended) {
  const Silence* silence = tenant.silences.Find(ended.id);
  if (silence == nullptr) return;
  const bool was_in_force = silence->state == SilenceState::kActive;
  const std::vector<std::string> covered = tenant.notices.AlertsThatFit(silence->matchers);
  tenant.silences.Apply(ended);
  if (was_in_force) tenant.notices.TellAgain(covered, Cause::kSilenceEnded, ended.at);
}

void Engine::State::FoldLife(Tenant& tenant, const storage::Escalated& escalated) {
  tenant.notices.Apply(escalated);
}

void Engine::State::FoldLife(Tenant& tenant, const storage::FlapChanged& changed) {
  if (tenant.alerts.Apply(changed) == nullptr) return;
  const Cause cause = changed.flapping ? Cause::kFlapping : Cause::kSettled;
  tenant.notices.TellAgain({AlertKey(changed.labels)}, cause, changed.at);
}

// --- Decide --------------------------------------------------------------------------------------

namespace {

storage::FlapChanged FlapOf(const Alert& alert, bool flapping, std::uint32_t fires, Time now) {
  storage::FlapChanged changed;
  changed.origin.reason = "evaluation";
  changed.rule = alert.rule;
  changed.labels = alert.labels;
  changed.episode_id = alert.episode_id;
  changed.flapping = flapping;
  changed.at = now;
  changed.fires = fires;
  return changed;
}

}  // namespace

/// Alerts that the draft fires once too often begin to flap with it.
void Engine::State::MarkFlapping(Draft* draft, Time now) const {
  std::vector<storage::ServerEvent> begun;
  for (StagedTransition& staged : draft->transitions) {
    const storage::AlertTransition& event = staged.event;
    if (event.from == event.to || event.to != AlertState::kFiring) continue;
    if (event.rule == kTestRule) continue;
    if (!BeginsToFlap(staged.alert, routing.flapping, now)) continue;
    staged.flap_begins = true;
    begun.emplace_back(
        FlapOf(staged.alert, true, FiresWithin(staged.alert, routing.flapping, now), now));
  }
  draft->others.insert(draft->others.begin(), std::make_move_iterator(begun.begin()),
                       std::make_move_iterator(begun.end()));
}

/// Starts and ends of silences, steps of ladders, leases whose time is up, alerts that settled,
/// tests that nobody ended.
bool Engine::State::RunLife(std::size_t* budget, std::vector<Draft>* drafts) {
  const Time second = cursor.second;
  const FlapSpec& flapping = routing.flapping;
  const Duration still = flapping.fires == 0 ? Duration(0) : flapping.settled_after;
  for (const auto& [name, tenant] : tenants) {
    std::vector<storage::ServerEvent> events = tenant->silences.Due(second, *budget);
    for (storage::Escalated& step : tenant->notices.DueEscalations(second, *budget))
      events.emplace_back(std::move(step));
    for (storage::LeaseExpired& lease : tenant->leases.Due(second, *budget))
      events.emplace_back(std::move(lease));
    for (const auto& [last_fired, key] : tenant->alerts.flapping()) {
      if (last_fired + still > second || events.size() >= *budget) break;
      const Alert& alert = *tenant->alerts.Find(key);
      // A stop is no calm.
      if (alert.state == AlertState::kPending || resumed_at + still > second) continue;
      events.emplace_back(FlapOf(alert, false, FiresWithin(alert, flapping, second), second));
    }
    std::vector<StagedTransition> tests = DueTests(*tenant, second);
    const std::size_t steps = events.size() + tests.size();
    if (steps == 0) continue;
    *budget -= std::min(steps, *budget);
    Draft& draft = drafts->emplace_back(Draft{tenant.get(), std::move(tests), {}});
    draft.others = std::move(events);
    // The next call, after these were folded, finds the rest.
    return false;
  }
  return true;
}

}  // namespace barograph::rules
