#include <algorithm>
#include <map>
#include <set>

#include "rules/engine/engine_state.h"
#include "storage/base/limits.h"

// What people decide about alerts, and what they see of them.

namespace barograph::rules {
namespace {

using storage::AlertState;

Error NoAlert(std::string_view name) {
  return {ErrorCode::kNotFound,
          "no alert '" + std::string(name) + "'; `alerts list` shows fingerprints"};
}

SilenceView ViewOf(const Silence& silence) {
  return {silence.said, silence.state, silence.ended_at, silence.ended_by};
}

/// The alerts that a wish means. Errors: as Engine::Acknowledge.
Result<std::vector<const Alert*>> Meant(const Tenant& tenant, const AckWish& wish) {
  std::vector<const Alert*> meant;
  std::map<std::string_view, const Alert*> named;
  for (const std::string& name : wish.names) named.emplace(name, nullptr);
  for (const auto& [key, alert] : tenant.alerts.alerts()) {
    if (named.empty()) break;
    for (const std::string* name : {&alert.fingerprint, &alert.episode_id}) {
      if (const auto found = named.find(*name); found != named.end()) found->second = &alert;
    }
  }
  for (const auto& [name, alert] : named) {
    if (alert == nullptr) return NoAlert(name);
    if (alert->state != AlertState::kFiring) {
      return Error(ErrorCode::kFailedPrecondition, "alert '" + std::string(name) + "' is " +
                                                       std::string(storage::Name(alert->state)) +
                                                       "; only what fires is acknowledged");
    }
    meant.push_back(alert);
  }
  if (wish.matchers.empty()) return meant;
  const MatcherSet matchers(wish.matchers);
  const std::size_t before = meant.size();
  for (const auto& [key, alert] : tenant.alerts.alerts()) {
    if (alert.state == AlertState::kFiring && matchers.Fits(alert.labels)) meant.push_back(&alert);
  }
  if (meant.size() == before) {
    return Error(ErrorCode::kNotFound, "no firing alert fits " + MatchersText(wish.matchers));
  }
  return meant;
}

Status CheckWish(const AckWish& wish) {
  const auto invalid = [](std::string message) {
    return Error(ErrorCode::kInvalidArgument, std::move(message));
  };
  if (wish.names.empty() && wish.matchers.empty())
    return invalid("alerts: none; name fingerprints, or matchers");
  if (wish.names.size() > kAcknowledgedMax) {
    return invalid("alerts: " + std::to_string(wish.names.size()) + "; at most " +
                   std::to_string(kAcknowledgedMax));
  }
  if (wish.matchers.size() > kMatchersMax) {
    return invalid("matchers: " + std::to_string(wish.matchers.size()) + "; at most " +
                   std::to_string(kMatchersMax));
  }
  for (const LabelMatcher& matcher : wish.matchers) BAROGRAPH_TRY(CheckMatcher(matcher));
  if (wish.note.size() > kTextBytesMax) {
    return invalid("note: " + std::to_string(wish.note.size()) + " bytes; at most " +
                   std::to_string(kTextBytesMax));
  }
  if (wish.author.size() > kNameBytesMax) {
    return invalid("author: " + std::to_string(wish.author.size()) + " bytes; at most " +
                   std::to_string(kNameBytesMax));
  }
  return {};
}

}  // namespace

Result<std::vector<Engine::Decided>> Engine::Acknowledge(std::string_view tenant_name,
                                                         const AckWish& wish, Time now) const {
  BAROGRAPH_TRY(CheckWish(wish));
  const auto tenant = state_->tenants.find(tenant_name);
  if (tenant == state_->tenants.end())
    return NoAlert(wish.names.empty() ? MatchersText(wish.matchers) : wish.names.front());
  BAROGRAPH_ASSIGN(const std::vector<const Alert*> meant, Meant(*tenant->second, wish));
  Decided decided{std::string(tenant_name), {}};
  std::set<std::string_view> seen;
  for (const Alert* alert : meant) {
    if (alert->acknowledged || !seen.insert(alert->episode_id).second) continue;
    if (decided.events.size() == kAcknowledgedMax) break;
    storage::Acknowledged event;
    event.origin = wish.origin;
    event.rule = alert->rule;
    event.labels = alert->labels;
    event.episode_id = alert->episode_id;
    event.note = wish.note;
    event.author = wish.author;
    event.at = now;
    event.fired_at = alert->fired_at;
    decided.events.emplace_back(std::move(event));
  }
  if (decided.events.empty()) return std::vector<Decided>{};
  std::vector<Decided> all;
  all.push_back(std::move(decided));
  return all;
}

Result<std::vector<Engine::Decided>> Engine::AddSilence(std::string_view tenant_name,
                                                        storage::Silenced wish, Time now) const {
  const auto tenant = state_->tenants.find(tenant_name);
  const SilenceBook none;
  const SilenceBook& book = tenant == state_->tenants.end() ? none : tenant->second->silences;
  BAROGRAPH_ASSIGN(storage::Silenced silenced, book.Decide(std::move(wish), state_->head, now));
  return std::vector<Decided>{{std::string(tenant_name), {std::move(silenced)}}};
}

Result<std::vector<Engine::Decided>> Engine::EndSilence(std::string_view tenant_name,
                                                        const std::string& id,
                                                        const storage::Origin& origin,
                                                        Time now) const {
  const auto tenant = state_->tenants.find(tenant_name);
  const SilenceBook none;
  const SilenceBook& book = tenant == state_->tenants.end() ? none : tenant->second->silences;
  BAROGRAPH_ASSIGN(storage::SilenceEnded ended, book.DecideEnd(id, origin, now));
  return std::vector<Decided>{{std::string(tenant_name), {std::move(ended)}}};
}

AlertStatus Engine::State::StatusOf(const Tenant& tenant, const Alert& alert) const {
  AlertStatus status{alert.rule,
                     alert.labels,
                     alert.fingerprint,
                     alert.episode_id,
                     alert.state,
                     alert.severity,
                     alert.since,
                     alert.fired_at,
                     alert.resolved_at,
                     alert.value,
                     alert.threshold,
                     alert.summary,
                     alert.condition,
                     {},
                     false,
                     false,
                     alert.flapping};
  status.acknowledged = alert.acknowledged;
  if (alert.state != AlertState::kFiring) return status;
  status.silenced = tenant.silences.Covers(alert.labels);
  status.inhibited = tenant.inhibitions.Holds(alert.labels);
  return status;
}

std::optional<AlertView> Engine::ViewAlert(std::string_view tenant_name, std::string_view name,
                                           Time now) const {
  const auto found = state_->tenants.find(tenant_name);
  if (found == state_->tenants.end()) return std::nullopt;
  const Tenant& tenant = *found->second;
  const Alert* alert = tenant.alerts.FindNamed(name);
  if (alert == nullptr) return std::nullopt;
  AlertView view;
  view.status = state_->StatusOf(tenant, *alert);
  view.pending_from = alert->pending_from;
  view.calm_from = alert->calm_from;
  view.fires = alert->fires;
  view.flapping_since = alert->flapping_since;
  for (const Silence* silence : tenant.silences.Covering(alert->labels))
    view.silences.push_back(ViewOf(*silence));
  if (alert->state == AlertState::kFiring) {
    for (const auto& [row, source] : tenant.inhibitions.HeldBy(alert->labels)) {
      const Alert* by = tenant.alerts.Find(source);
      view.inhibited_by.emplace_back(row, by == nullptr ? "" : by->fingerprint);
    }
  }
  view.receivers = tenant.notices.StandingOf(AlertKey(alert->labels), alert->episode_id, now);
  return view;
}

std::vector<SilenceView> Engine::Silences(std::string_view tenant_name) const {
  std::vector<SilenceView> views;
  const auto found = state_->tenants.find(tenant_name);
  if (found == state_->tenants.end()) return views;
  for (const auto& [id, silence] : found->second->silences.silences())
    views.push_back(ViewOf(silence));
  return views;
}

}  // namespace barograph::rules
