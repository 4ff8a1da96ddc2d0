#pragma once

#include <map>
#include <string>

#include "rules/alert/notice.h"

namespace barograph::server {

/// The same notice about a single event.
[[nodiscard]] inline rules::Notice GoldenMessage(const rules::Notice& notice) {
  rules::Notice event = notice;
  event.reason = rules::kReasonEvent;
  event.group_key = R"({}:{message="revenue-17"})";
  event.group_labels = {{"rule", "revenue"}};
  rules::NoticeMember& message = event.members[0];
  message = {};
  message.labels = {
      {"agent", "sales"}, {"alertname", "revenue"}, {"rule", "revenue"}, {"severity", "info"}};
  message.annotations = {{"summary", "Revenue: $12.50 from <acme> & \"co\""}};
  message.summary = message.annotations["summary"];
  message.severity = rules::Severity::kInfo;
  message.starts_at = notice.members[0].starts_at;
  message.fingerprint = "8899aabbccddeeff";
  message.episode_id = "revenue-17";
  message.condition = "event";
  message.is_message = true;
  return event;
}

[[nodiscard]] inline rules::NoticeMember GoldenMember(Time start) {
  rules::NoticeMember member;
  member.labels = {{"agent", "builder <1> & \"co\""},
                   {"alertname", "task-success"},
                   {"rule", "task-success"},
                   {"severity", "critical"},
                   {"team.name", "platform"}};
  member.annotations = {{"description", "Tasks fail.\nLook at the last deploy."},
                        {"runbook_url", "https://example.org/runbook?a=1&b=2"},
                        {"summary", "builder burns 20.5 times too fast — 14.4 allowed"}};
  member.starts_at = start;
  member.fingerprint = "00112233aabbccdd";
  member.episode_id = "17-00112233aabbccdd";
  member.severity = rules::Severity::kCritical;
  member.value = 20.5;
  member.threshold = 14.4;
  member.condition = "1h/5m";
  member.summary = "1h/5m: burns 20.5 times too fast";
  return member;
}

/// The transitions whose bodies lie under tests/golden/notify.
[[nodiscard]] inline std::map<std::string, rules::Notice> GoldenNotices() {
  using std::chrono::minutes;
  const Time start = ParseTime("2026-11-01T10:00:00Z").value();
  const rules::NoticeMember member = GoldenMember(start);
  rules::Notice notice;
  notice.id = "ntc_00112233445566778899aabbccddeeff";
  notice.tenant = "default";
  notice.receiver = "ops";
  notice.group_key = R"({}:{agent="builder <1> & \"co\"", rule="task-success"})";
  notice.group_labels = {{"agent", "builder <1> & \"co\""}, {"rule", "task-success"}};
  notice.at = start + std::chrono::milliseconds(250);
  notice.reason = "first notification";
  notice.members = {member};
  notice.group_fires = true;
  std::map<std::string, rules::Notice> notices{{"firing", notice}};

  rules::NoticeMember resolved = member;
  resolved.state = storage::AlertState::kResolved;
  resolved.ends_at = start + minutes(5) + std::chrono::seconds(30);
  rules::Notice calm = notice;
  calm.reason = "all alerts resolved";
  calm.at = resolved.ends_at;
  calm.members = {resolved};
  calm.group_fires = false;
  notices["resolved"] = calm;

  rules::Notice grouped = notice;
  grouped.group_key = R"({}:{rule="task-success"})";
  grouped.group_labels = {{"rule", "task-success"}};
  grouped.reason = "new alerts added";
  grouped.at = calm.at;
  rules::NoticeMember other = member;
  other.labels["agent"] = "tester";
  other.labels["severity"] = "warning";
  other.severity = rules::Severity::kWarning;
  other.annotations = {};
  other.fingerprint = "ffeeddccbbaa9988";
  other.episode_id = "21-ffeeddccbbaa9988";
  other.starts_at = start + minutes(2);
  grouped.members = {resolved, other};
  notices["grouped"] = grouped;

  rules::Notice late = grouped;
  late.group_labels = {{"late", "true"}, {"rule", "task-success"}};
  late.group_key = R"({}:{late="true", rule="task-success"})";
  late.reason = "breaches found late: 2 of 3";
  late.members[0].annotations = {};
  late.members[1].state = storage::AlertState::kResolved;
  late.members[1].ends_at = start + minutes(4);
  late.group_fires = false;
  notices["late"] = late;

  notices["event"] = GoldenMessage(notice);
  return notices;
}

}  // namespace barograph::server
