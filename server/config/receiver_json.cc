#include "server/config/receiver_json.h"

#include <algorithm>
#include <array>

namespace barograph::server {
namespace {

using Json = nlohmann::ordered_json;
using Type = rules::ReceiverSpec::Type;

Json UrlJson(const rules::ReceiverSpec& receiver) {
  if (!receiver.url_reference.empty()) return ReferenceJson(receiver.url_reference);
  return receiver.target;
}

void AddSecret(std::string_view key, const std::string& reference, Json* json) {
  if (!reference.empty()) (*json)[std::string(key)] = ReferenceJson(reference);
}

void AddHeaders(const rules::ReceiverSpec& receiver, Json* json) {
  for (const auto& [name, value] : receiver.headers) (*json)["headers"][name] = value;
  for (const auto& [name, reference] : receiver.secret_headers) {
    (*json)["headers"][name] = ReferenceJson(reference);
  }
}

Json WebhookJson(const rules::ReceiverSpec& receiver) {
  constexpr std::array<std::string_view, 3> kFormats{"alertmanager", "barograph", "template"};
  Json json;
  json["url"] = UrlJson(receiver);
  json["format"] = kFormats[static_cast<std::size_t>(receiver.format)];
  if (receiver.format == rules::ReceiverSpec::Format::kTemplate) {
    json["template"] = receiver.body_template;
    json["content_type"] = receiver.content_type;
  }
  AddSecret("secret", receiver.secret_reference, &json);
  AddHeaders(receiver, &json);
  return json;
}

Json EmailJson(const rules::ReceiverSpec& receiver) {
  constexpr std::array<std::string_view, 3> kModes{"starttls", "tls", "none"};
  Json json;
  json["to"] = receiver.mail.to;
  json["from"] = receiver.mail.from;
  json["smtp"] = receiver.target;
  json["tls"] = kModes[static_cast<std::size_t>(receiver.mail.tls)];
  if (!receiver.mail.username.empty()) json["username"] = receiver.mail.username;
  AddSecret("password", receiver.secret_reference, &json);
  return json;
}

Json OwnJson(const rules::ReceiverSpec& receiver) {
  Json json;
  switch (receiver.type) {
    case Type::kWebhook:
      return WebhookJson(receiver);
    case Type::kFile:
      json["path"] = receiver.target;
      break;
    case Type::kSlack:
      json["url"] = UrlJson(receiver);
      break;
    case Type::kPagerDuty:
      AddSecret("routing_key", receiver.secret_reference, &json);
      json["url"] = receiver.target;
      break;
    case Type::kAlertmanager:
      json["url"] = UrlJson(receiver);
      json["resend"] = FormatDuration(receiver.resend);
      AddHeaders(receiver, &json);
      break;
    case Type::kEmail:
      return EmailJson(receiver);
    case Type::kConsole:
      json["stream"] = receiver.target;
      break;
  }
  return json;
}

}  // namespace

Json ReferenceJson(const std::string& reference) {
  const std::size_t colon = std::min(reference.find(':'), reference.size());
  return {{reference.substr(0, colon), reference.substr(std::min(colon + 1, reference.size()))}};
}

std::string RateText(const rules::Rate& rate) {
  std::string per = FormatDuration(rate.per);
  if (per.size() == 2 && per[0] == '1') per.erase(0, 1);
  return std::to_string(rate.count) + "/" + per;
}

Json ReceiverJson(const rules::ReceiverSpec& receiver) {
  Json own = OwnJson(receiver);
  own["send_resolved"] = receiver.send_resolved;
  if (receiver.rate_limit) own["rate_limit"] = RateText(*receiver.rate_limit);
  if (receiver.type != Type::kFile && receiver.type != Type::kConsole) {
    own["timeout"] = FormatDuration(receiver.timeout);
    if (!receiver.ca_file.empty()) own["ca_file"] = receiver.ca_file;
  }
  return {{"name", receiver.name}, {std::string(Name(receiver.type)), std::move(own)}};
}

}  // namespace barograph::server
