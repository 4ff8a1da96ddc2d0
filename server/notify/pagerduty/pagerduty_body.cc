#include "server/notify/pagerduty/pagerduty_body.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "server/notify/body/notice_text.h"
#include "storage/base/digest.h"

namespace barograph::server {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kLinksMax = 10;
constexpr std::size_t kSourceBytesMax = 255;

std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string_view Action(const rules::Notice& notice) {
  if (IsDigest(notice)) return "trigger";
  if (notice.reason == rules::kReasonAcknowledged) return "acknowledge";
  return notice.group_fires || CountFiring(notice) > 0 ? "trigger" : "resolve";
}

std::string_view Severity(const rules::Notice& notice) {
  if (IsDigest(notice)) return "info";
  const rules::Severity urgent = MostUrgent(notice);
  return urgent == rules::Severity::kError ? "error" : SeverityWord(urgent);
}

Json Detail(const rules::NoticeMember& member, bool with_annotations) {
  Json detail;
  detail["state"] = Fires(member) ? "firing" : "resolved";
  detail["severity"] = SeverityWord(member.severity);
  detail["summary"] = member.summary;
  detail["labels"] = Json(member.labels);
  if (with_annotations && !member.annotations.empty()) {
    detail["annotations"] = Json(member.annotations);
  }
  detail["started_at"] = FormatTime(member.starts_at);
  if (!Fires(member)) detail["ended_at"] = FormatTime(member.ends_at);
  detail["condition"] = member.condition;
  detail["value"] = std::isfinite(member.value) ? Json(member.value) : Json(nullptr);
  detail["threshold"] = member.threshold;
  detail["episode"] = member.episode_id;
  return detail;
}

enum class Depth { kAll, kWithoutAnnotations, kCountsOnly };

Json Details(const rules::Notice& notice, Depth depth) {
  Json details;
  details["reason"] = notice.reason;
  details["notice"] = notice.id;
  details["firing"] = CountFiring(notice);
  details["resolved"] = notice.members.size() - CountFiring(notice);
  if (depth == Depth::kCountsOnly) {
    details["left_out"] = "the alerts, because the event would exceed PagerDuty's 512 KB";
    return details;
  }
  Json alerts = Json::array();
  for (const rules::NoticeMember& member : notice.members) {
    alerts.push_back(Detail(member, depth == Depth::kAll));
  }
  details["alerts"] = std::move(alerts);
  return details;
}

Json Payload(const rules::Notice& notice, Depth depth) {
  std::string summary = NoticeTitle(notice);
  if (notice.members.size() == 1 && !IsMessage(notice))
    summary += ": " + OneLine(SummaryOf(notice.members.front()));
  if (notice.members.size() > 1) summary += ": " + OneLine(notice.reason);
  const std::string service = SharedLabel(notice, "service");
  std::string source = SharedLabel(notice, "agent");
  if (source.empty()) source = service.empty() ? "barograph" : service;
  Json payload;
  payload["summary"] = CutText(summary, kPagerDutySummaryMax);
  payload["source"] = CutText(OneLine(source), kSourceBytesMax);
  payload["severity"] = Severity(notice);
  payload["timestamp"] = FormatTime(notice.at);
  if (!service.empty()) payload["component"] = service;
  const std::string name = SharedLabel(notice, "alertname");
  if (!name.empty()) payload["class"] = name;
  payload["custom_details"] = Details(notice, depth);
  return payload;
}

Json Links(const rules::Notice& notice) {
  std::vector<NoticeLink> links;
  for (const rules::NoticeMember& member : notice.members) {
    for (NoticeLink& link : LinksOf(member)) {
      const bool known = std::find(links.begin(), links.end(), link) != links.end();
      if (!known && links.size() < kLinksMax) links.push_back(std::move(link));
    }
  }
  Json json = Json::array();
  for (const NoticeLink& link : links) json.push_back({{"href", link.url}, {"text", link.name}});
  return json;
}

std::string Compose(const rules::Notice& notice, const std::string& external_url, Depth depth) {
  const std::string separator(1, '\0');
  Json body;
  body["event_action"] = Action(notice);
  body["dedup_key"] = Hex(Sha256({notice.tenant, separator, notice.group_key}));
  if (body["event_action"] == "trigger") {
    body["payload"] = Payload(notice, depth);
    Json links = Links(notice);
    if (!links.empty()) body["links"] = std::move(links);
    body["client"] = "Barograph";
    if (!external_url.empty()) body["client_url"] = external_url;
  }
  return Dump(body);
}

}  // namespace

std::string PagerDutyBody(const rules::Notice& notice, const std::string& external_url) {
  for (const Depth depth : {Depth::kAll, Depth::kWithoutAnnotations}) {
    std::string body = Compose(notice, external_url, depth);
    if (body.size() <= kPagerDutyBodyMax) return body;
  }
  return Compose(notice, external_url, Depth::kCountsOnly);
}

std::string WithRoutingKey(std::string_view body, std::string_view routing_key) {
  std::string event = R"({"routing_key":)" + Dump(Json(routing_key));
  if (body.size() > 2) event += ",";
  return event.append(body.substr(std::min<std::size_t>(1, body.size())));
}

}  // namespace barograph::server
