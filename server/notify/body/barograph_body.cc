#include <cmath>
#include <nlohmann/json.hpp>

#include "server/notify/body/notice_body.h"
#include "server/notify/body/notice_text.h"

namespace barograph::server {

namespace {

using Json = nlohmann::ordered_json;

Json Member(const rules::NoticeMember& member) {
  const bool resolved = member.state == storage::AlertState::kResolved;
  Json alert;
  alert["episode"] = member.episode_id;
  alert["fingerprint"] = member.fingerprint;
  alert["state"] = resolved ? "resolved" : "firing";
  alert["severity"] = SeverityWord(member.severity);
  alert["labels"] = Json(member.labels);
  alert["annotations"] = Json(member.annotations);
  alert["started_at"] = FormatTime(member.starts_at);
  alert["ended_at"] = resolved ? Json(FormatTime(member.ends_at)) : Json(nullptr);
  alert["condition"] = member.condition;
  alert["value"] = std::isfinite(member.value) ? Json(member.value) : Json(nullptr);
  alert["threshold"] = member.threshold;
  alert["summary"] = member.summary;
  return alert;
}

}  // namespace

std::string BarographBody(const rules::Notice& notice, const std::string& external_url) {
  Json body;
  body["type"] = "barograph.notice.v1";
  body["id"] = notice.id;
  body["receiver"] = notice.receiver;
  body["group"] = notice.group_key;
  body["group_labels"] = Json(notice.group_labels);
  body["reason"] = notice.reason;
  body["at"] = FormatTime(notice.at);
  if (!external_url.empty()) body["server_url"] = external_url;
  Json alerts = Json::array();
  for (const rules::NoticeMember& member : notice.members) alerts.push_back(Member(member));
  body["alerts"] = std::move(alerts);
  if (notice.truncated > 0) body["more"] = notice.truncated;
  return body.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace barograph::server
