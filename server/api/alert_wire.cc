#include "server/api/alert_wire.h"

#include "server/api/wire_time.h"

namespace barograph::server {
namespace {

v1::Severity ToWire(rules::Severity severity) { return static_cast<v1::Severity>(severity); }

}  // namespace

void SetAlert(const rules::AlertStatus& alert, v1::ListAlertsResponse::Alert* out) {
  out->set_rule(alert.rule);
  SetLabels(alert.labels, out->mutable_labels());
  out->set_fingerprint(alert.fingerprint);
  out->set_episode_id(alert.episode_id);
  out->set_state(static_cast<v1::AlertTransition::State>(alert.state));
  out->set_severity(ToWire(alert.severity));
  SetTime(alert.since, out->mutable_since());
  if (alert.fired_at != Time{}) SetTime(alert.fired_at, out->mutable_fired_at());
  if (alert.resolved_at != Time{}) SetTime(alert.resolved_at, out->mutable_resolved_at());
  out->set_value(alert.value);
  out->set_threshold(alert.threshold);
  out->set_summary(alert.summary);
  out->set_condition(alert.condition);
  out->set_silenced(alert.silenced);
  out->set_inhibited(alert.inhibited);
  out->set_flapping(alert.flapping);
  if (!alert.acknowledged) return;
  auto* const acknowledged = out->mutable_acknowledged();
  acknowledged->set_author(alert.acknowledged->author);
  acknowledged->set_note(alert.acknowledged->note);
  SetTime(alert.acknowledged->at, acknowledged->mutable_at());
}

void SetNotice(const storage::OutboxRow& row, bool with_body,
               v1::ListNoticesResponse::Notice* out) {
  out->set_sequence(row.sequence.value);
  out->set_id(row.notice.id);
  out->set_receiver(row.notice.receiver);
  out->set_group_key(row.notice.group_key);
  out->set_state(static_cast<v1::AlertTransition::State>(row.notice.state));
  out->set_outcome(static_cast<v1::Delivery::Outcome>(row.outcome));
  out->set_attempts(row.attempts);
  SetTime(row.notice.at, out->mutable_decided_at());
  if (row.ended_at != Time{}) SetTime(row.ended_at, out->mutable_ended_at());
  out->set_detail(row.detail);
  for (const std::string& id : row.notice.episode_ids) out->add_episode_ids(id);
  if (!with_body) return;
  out->set_body(row.notice.body);
  out->set_content_type(row.notice.content_type);
}

}  // namespace barograph::server
