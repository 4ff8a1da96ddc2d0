#include <nlohmann/json.hpp>

#include "server/notify/body/notice_body.h"

namespace barograph::server {

namespace {

using Json = nlohmann::ordered_json;

/// Go's zero time, which Alertmanager writes while an alert fires.
constexpr std::string_view kZeroTime = "0001-01-01T00:00:00Z";

/// What all maps have in common: same name with the same value.
template <typename Select>
storage::Labels Shared(const std::vector<rules::NoticeMember>& members, Select select) {
  if (members.empty()) return {};
  storage::Labels shared = select(members.front());
  for (const rules::NoticeMember& member : members) {
    const storage::Labels& other = select(member);
    std::erase_if(shared, [&other](const auto& entry) {
      const auto found = other.find(entry.first);
      return found == other.end() || found->second != entry.second;
    });
  }
  return shared;
}

Json Object(const storage::Labels& labels) {
  Json object = Json::object();
  for (const auto& [name, value] : labels) object[name] = value;
  return object;
}

std::string SnakeCase(std::string text) {
  for (char& c : text) {
    if (c == ' ') c = '_';
  }
  return text;
}

Json Member(const rules::NoticeMember& member, const std::string& external_url) {
  const bool resolved = member.state == storage::AlertState::kResolved;
  storage::Labels annotations = member.annotations;
  annotations.try_emplace("summary", member.summary);
  Json alert;
  alert["status"] = resolved ? "resolved" : "firing";
  alert["labels"] = Object(member.labels);
  alert["annotations"] = Object(annotations);
  alert["startsAt"] = FormatTime(member.starts_at);
  alert["endsAt"] = resolved ? FormatTime(member.ends_at) : std::string(kZeroTime);
  alert["generatorURL"] = external_url.empty() ? "" : external_url + "/alerts/" + member.episode_id;
  alert["fingerprint"] = member.fingerprint;
  return alert;
}

}  // namespace

std::string AlertmanagerBody(const rules::Notice& notice, const std::string& external_url) {
  bool firing = notice.truncated_fire;
  Json alerts = Json::array();
  for (const rules::NoticeMember& member : notice.members) {
    firing |= member.state != storage::AlertState::kResolved;
    alerts.push_back(Member(member, external_url));
  }
  Json body;
  body["version"] = "4";
  body["groupKey"] = notice.group_key;
  body["truncatedAlerts"] = notice.truncated;
  body["status"] = firing ? "firing" : "resolved";
  body["receiver"] = notice.receiver;
  body["groupLabels"] = Object(notice.group_labels);
  body["commonLabels"] = Object(Shared(
      notice.members, [](const auto& m) -> const auto& { return m.labels; }));
  body["commonAnnotations"] = Object(Shared(
      notice.members, [](const auto& m) -> const auto& { return m.annotations; }));
  body["externalURL"] = external_url;
  body["notification_reason"] = SnakeCase(notice.reason);
  body["alerts"] = std::move(alerts);
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace barograph::server
