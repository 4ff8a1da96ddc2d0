#include "server/notify/alertmanager/alerts_body.h"

#include <nlohmann/json.hpp>

#include "server/notify/body/notice_text.h"

namespace barograph::server {
namespace {

using Json = nlohmann::ordered_json;

/// prometheus/common model/labels.go: [a-zA-Z_][a-zA-Z0-9_]*.
std::string LabelName(std::string_view name) {
  std::string safe;
  for (const char c : name) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    const bool digit = c >= '0' && c <= '9';
    if (digit && safe.empty()) safe.push_back('_');
    safe.push_back(letter || digit ? c : '_');
  }
  return safe.empty() ? "_" : safe;
}

/// Names that become the same are told apart by a number, in the order of the names as they were.
Json LabelsJson(const storage::Labels& labels) {
  Json json = Json::object();
  for (const auto& [name, value] : labels) {
    if (value.empty()) continue;
    const std::string safe = LabelName(name);
    std::string key = safe;
    for (int number = 2; json.contains(key); ++number) key = safe + "_" + std::to_string(number);
    json[key] = value;
  }
  return json;
}

Json Alert(const storage::Labels& labels, const storage::Labels& annotations, Time from, Time to) {
  Json alert;
  alert["labels"] = LabelsJson(labels);
  alert["annotations"] = LabelsJson(annotations);
  alert["startsAt"] = FormatTime(from);
  alert["endsAt"] = FormatTime(to);
  return alert;
}

Json Digest(const rules::Notice& notice, Time until) {
  const storage::Labels labels = {{"alertname", SharedLabel(notice, "alertname")},
                                  {"late", "true"},
                                  {"rule", SharedLabel(notice, "rule")},
                                  {"severity", "info"}};
  std::string description;
  for (const rules::NoticeMember& member : notice.members) {
    if (!description.empty()) description += "\n";
    description += OneLine(LabelText(member.labels)) + ": " + OneLine(SummaryOf(member)) + ", " +
                   SpanText(member);
  }
  return Alert(labels, {{"description", description}, {"summary", notice.reason}}, notice.at,
               until);
}

}  // namespace

std::string AlertsBody(const rules::Notice& notice, Duration resend,
                       const std::string& external_url) {
  const Time until = notice.at + kResendsUntilEnd * resend;
  Json alerts = Json::array();
  if (IsDigest(notice)) alerts.push_back(Digest(notice, until));
  for (const rules::NoticeMember& member : notice.members) {
    if (IsDigest(notice)) break;
    storage::Labels annotations = member.annotations;
    annotations.try_emplace("summary", member.summary);
    Json alert =
        Alert(member.labels, annotations, member.starts_at, Fires(member) ? until : member.ends_at);
    if (!external_url.empty()) {
      alert["generatorURL"] = external_url + "/alerts/" + member.episode_id;
    }
    alerts.push_back(std::move(alert));
  }
  return alerts.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace barograph::server
