#include "server/config/receiver_section.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "ingest/formats/nearest_name.h"
#include "server/notify/webhook/body_template.h"

namespace barograph::server {
namespace {

using Type = rules::ReceiverSpec::Type;
using Format = rules::ReceiverSpec::Format;
using Tls = rules::MailSpec::Tls;

void Text(MapReader& map, std::string_view key, std::string* into) {
  if (const YamlNode* node = map.Find(key)) {
    *into = ReadText(*node, key, &map.diagnostics()).value_or(*into);
  }
}

void RequireText(MapReader& map, std::string_view key, std::string_view example,
                 std::string* into) {
  if (const YamlNode* node = map.Require(key, example)) {
    *into = ReadText(*node, key, &map.diagnostics()).value_or("");
  }
}

void RequireSecret(MapReader& map, std::string_view key, std::string_view example,
                   std::string* into) {
  if (const YamlNode* node = map.Require(key, example)) {
    *into = ReadSecretReference(*node, key, &map.diagnostics());
  }
}

/// A URL as text, or the reference to one that is a secret.
void RequireUrl(MapReader& map, std::string_view example, rules::ReceiverSpec* receiver) {
  const YamlNode* node = map.Require("url", example);
  if (node == nullptr) return;
  if (node->kind == YamlNode::Kind::kMap) {
    receiver->url_reference = ReadSecretReference(*node, "url", &map.diagnostics());
  } else {
    receiver->target = ReadText(*node, "url", &map.diagnostics()).value_or("");
  }
}

/// What every receiver takes.
void ReadShared(MapReader& map, rules::ReceiverSpec* receiver) {
  Diagnostics* const diagnostics = &map.diagnostics();
  if (const YamlNode* resolved = map.Find("send_resolved")) {
    receiver->send_resolved = ReadBool(*resolved, "send_resolved", diagnostics).value_or(true);
  }
  if (const YamlNode* rate = map.Find("rate_limit")) {
    receiver->rate_limit = ReadRate(*rate, "rate_limit", diagnostics);
  }
}

/// What every receiver on the network takes.
void ReadRemote(MapReader& map, rules::ReceiverSpec* receiver) {
  ReadShared(map, receiver);
  if (const YamlNode* timeout = map.Find("timeout")) {
    receiver->timeout =
        ReadDuration(*timeout, "timeout", &map.diagnostics()).value_or(receiver->timeout);
  }
  Text(map, "ca_file", &receiver->ca_file);
}

void ReadHeaders(MapReader& map, rules::ReceiverSpec* receiver) {
  const YamlNode* node = map.Find("headers");
  if (node == nullptr) return;
  if (node->kind != YamlNode::Kind::kMap) {
    map.diagnostics().Add(node->position, "headers: is " + std::string(node->KindName()) +
                                              "; write a map of `Name: value`");
    return;
  }
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    const std::string& name = node->keys[i].text;
    const YamlNode& value = node->items[i];
    if (value.kind == YamlNode::Kind::kMap) {
      receiver->secret_headers[name] = ReadSecretReference(value, name, &map.diagnostics());
    } else {
      receiver->headers[name] = ReadText(value, name, &map.diagnostics()).value_or("");
    }
  }
}

/// `template` alone means its format.
void ReadBody(MapReader& map, rules::ReceiverSpec* receiver) {
  Diagnostics* const diagnostics = &map.diagnostics();
  const YamlNode* const text = map.Find("template");
  const YamlNode* const format = map.Find("format");
  if (format != nullptr) {
    constexpr std::array<std::string_view, 3> kFormats{"alertmanager", "barograph", "template"};
    const auto chosen = ReadWord(*format, "format", kFormats, diagnostics);
    receiver->format = static_cast<Format>(chosen.value_or(0));
  } else if (text != nullptr) {
    receiver->format = Format::kTemplate;
  }
  if (receiver->format == Format::kTemplate) receiver->content_type = "application/json";
  if (const YamlNode* type = map.Find("content_type")) {
    receiver->content_type = ReadText(*type, "content_type", diagnostics).value_or("");
    if (receiver->format != Format::kTemplate) {
      diagnostics->Add(type->position, "content_type: belongs to `template`");
    }
  }
  if (text == nullptr) return;
  receiver->body_template = ReadText(*text, "template", diagnostics).value_or("");
  if (receiver->format != Format::kTemplate) {
    diagnostics->Add(text->position, "template: stands beside another `format`; leave that out");
  }
  for (const BodyTemplateMistake& mistake : CheckBodyTemplate(receiver->body_template)) {
    const std::string nearest =
        mistake.unknown.empty()
            ? ""
            : ingest::DidYouMean(mistake.unknown, BodyTemplateNames(mistake.in_alerts));
    diagnostics->Add(text->position, "template: " + mistake.message + nearest);
  }
}

void ReadWebhook(MapReader& map, rules::ReceiverSpec* receiver) {
  RequireUrl(map, "https://example.org/hook", receiver);
  ReadBody(map, receiver);
  if (const YamlNode* secret = map.Find("secret")) {
    receiver->secret_reference = ReadSecretReference(*secret, "secret", &map.diagnostics());
  }
  ReadHeaders(map, receiver);
  ReadRemote(map, receiver);
}

void ReadFile(MapReader& map, rules::ReceiverSpec* receiver) {
  receiver->format = Format::kBarograph;
  RequireText(map, "path", "alerts.jsonl", &receiver->target);
  ReadShared(map, receiver);
}

void ReadSlack(MapReader& map, rules::ReceiverSpec* receiver) {
  receiver->rate_limit = rules::kSlackRate;
  RequireSecret(map, "url", "{env: SLACK_URL}", &receiver->url_reference);
  ReadRemote(map, receiver);
}

void ReadPagerDuty(MapReader& map, rules::ReceiverSpec* receiver) {
  receiver->target = rules::kPagerDutyUrl;
  RequireSecret(map, "routing_key", "{env: PAGERDUTY_KEY}", &receiver->secret_reference);
  Text(map, "url", &receiver->target);
  ReadRemote(map, receiver);
}

void ReadAlertmanager(MapReader& map, rules::ReceiverSpec* receiver) {
  RequireUrl(map, "http://127.0.0.1:9093", receiver);
  if (const YamlNode* resend = map.Find("resend")) {
    receiver->resend =
        ReadDuration(*resend, "resend", &map.diagnostics()).value_or(receiver->resend);
  }
  ReadHeaders(map, receiver);
  ReadRemote(map, receiver);
}

void ReadEmail(MapReader& map, rules::ReceiverSpec* receiver) {
  Diagnostics* const diagnostics = &map.diagnostics();
  rules::MailSpec& mail = receiver->mail;
  if (const YamlNode* to = map.Require("to", "[ops@example.org]")) {
    mail.to = ReadTextList(*to, "to", diagnostics).value_or(std::vector<std::string>());
  }
  RequireText(map, "from", "barograph@example.org", &mail.from);
  RequireText(map, "smtp", "smtp://mail.example.org:587", &receiver->target);
  Text(map, "username", &mail.username);
  if (const YamlNode* password = map.Find("password")) {
    receiver->secret_reference = ReadSecretReference(*password, "password", diagnostics);
  }
  if (receiver->target.starts_with("smtps://")) mail.tls = Tls::kTls;
  if (const YamlNode* tls = map.Find("tls")) {
    constexpr std::array<std::string_view, 3> kModes{"starttls", "tls", "none"};
    mail.tls = static_cast<Tls>(ReadWord(*tls, "tls", kModes, diagnostics).value_or(0));
  }
  ReadRemote(map, receiver);
}

void ReadConsole(MapReader& map, rules::ReceiverSpec* receiver) {
  receiver->target = "stdout";
  if (const YamlNode* stream = map.Find("stream")) {
    constexpr std::array<std::string_view, 2> kStreams{"stdout", "stderr"};
    receiver->target =
        kStreams[ReadWord(*stream, "stream", kStreams, &map.diagnostics()).value_or(0)];
  }
  ReadShared(map, receiver);
}

struct TypeReader {
  Type type;
  void (*read)(MapReader& map, rules::ReceiverSpec* receiver);
};
constexpr std::array<TypeReader, 7> kTypes{{{Type::kWebhook, &ReadWebhook},
                                            {Type::kSlack, &ReadSlack},
                                            {Type::kPagerDuty, &ReadPagerDuty},
                                            {Type::kAlertmanager, &ReadAlertmanager},
                                            {Type::kEmail, &ReadEmail},
                                            {Type::kConsole, &ReadConsole},
                                            {Type::kFile, &ReadFile}}};

}  // namespace

std::optional<rules::Rate> ReadRate(const YamlNode& node, std::string_view name,
                                    Diagnostics* diagnostics) {
  const std::optional<std::string> text = ReadText(node, name, diagnostics);
  if (!text) return std::nullopt;
  const std::size_t slash = text->find('/');
  rules::Rate rate;
  const char* const digits_end = text->data() + std::min(slash, text->size());
  const auto [end, code] = std::from_chars(text->data(), digits_end, rate.count);
  if (slash != std::string::npos && code == std::errc{} && end == digits_end) {
    std::string span = text->substr(slash + 1);
    if (span == "s" || span == "m" || span == "h" || span == "d") span.insert(0, 1, '1');
    if (const Result<Duration> per = ParseDuration(span); per.ok() && *per > Duration{0}) {
      rate.per = *per;
      return rate;
    }
  }
  diagnostics->Add(node.position, std::string(name) + ": '" + text->substr(0, 40) +
                                      "' is no rate; write a count and a span, e.g. 60/m or 20/h");
  return std::nullopt;
}

void ReadAllowPrivate(const YamlNode& node, RuleDraft* draft, Diagnostics* diagnostics) {
  const auto networks = ReadTextList(node, "allow_private", diagnostics);
  if (!networks) return;
  std::vector<std::string>& all = draft->rules.allow_private;
  for (std::size_t i = 0; i < networks->size(); ++i) {
    if (std::find(all.begin(), all.end(), (*networks)[i]) != all.end()) continue;
    draft->Place("allow_private[" + std::to_string(all.size()) + "]", node.items[i]);
    all.push_back((*networks)[i]);
  }
}

void ReadReceiver(const YamlNode& node, RuleDraft* draft, Diagnostics* diagnostics) {
  const std::size_t before = diagnostics->count();
  rules::ReceiverSpec receiver;
  MapReader map(node, "a receiver", diagnostics);
  RequireText(map, "name", "ops", &receiver.name);
  int given = 0;
  for (const TypeReader& type : kTypes) {
    const std::string_view key = Name(type.type);
    const YamlNode* const found = map.Find(key);
    if (found == nullptr) continue;
    ++given;
    receiver.type = type.type;
    MapReader inner(*found, "`" + std::string(key) + "`", diagnostics);
    type.read(inner, &receiver);
    inner.Finish();
  }
  map.Finish();
  if (diagnostics->count() == before && given != 1) {
    diagnostics->Add(node.position,
                     "a receiver takes exactly one of `webhook`, `slack`, `pagerduty`, "
                     "`alertmanager`, `email`, `console` and `file`");
  }
  // A broken receiver stays, so that the route that names it is not told as a mistake too.
  const std::string path = "receivers[" + std::to_string(draft->rules.receivers.size()) + "]";
  draft->Place(path, node);
  if (diagnostics->count() != before) draft->MarkBroken(path);
  draft->rules.receivers.push_back(std::move(receiver));
}

}  // namespace barograph::server
