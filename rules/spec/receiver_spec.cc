#include "rules/spec/receiver_spec.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

#include "rules/spec/rule_spec.h"

namespace barograph::rules {
namespace {

using Type = ReceiverSpec::Type;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::size_t kAddressBytesMax = 254;  // RFC 5321, 4.5.3.1.3, without its brackets
constexpr std::size_t kHeaderBytesMax = 4'096;
/// Headers that the sender writes itself, or that would break the framing of the request.
constexpr std::array<std::string_view, 12> kOwnHeaders = {"connection",
                                                          "content-length",
                                                          "content-type",
                                                          "expect",
                                                          "host",
                                                          "te",
                                                          "transfer-encoding",
                                                          "upgrade",
                                                          "user-agent",
                                                          "webhook-id",
                                                          "webhook-signature",
                                                          "webhook-timestamp"};

std::string Quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

bool IsPrintable(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return c >= 0x20 && c != 0x7F; });
}

/// RFC 9110, 5.6.2.
bool IsToken(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](unsigned char c) {
    return (c < 0x80 && std::isalnum(c) != 0) || kMarks.find(static_cast<char>(c)) != kMarks.npos;
  });
}

/// An address of the form local@domain in visible ASCII without quotes: what every server takes.
bool IsMailAddress(std::string_view text) {
  constexpr std::string_view kForbidden = "()<>[]:;\\,\"";
  const std::size_t at = text.find('@');
  if (at == text.npos || at == 0 || at + 1 == text.size() || text.size() > kAddressBytesMax)
    return false;
  if (text.find('@', at + 1) != text.npos || text.back() == '.' || text[at + 1] == '.')
    return false;
  return std::all_of(text.begin(), text.end(), [&](unsigned char c) {
    return c > 0x20 && c < 0x7F && kForbidden.find(static_cast<char>(c)) == kForbidden.npos;
  });
}

class ReceiverRules {
 public:
  ReceiverRules(const ReceiverSpec& receiver, std::string path, std::vector<SpecError>* errors)
      : receiver_(receiver),
        path_(std::move(path)),
        place_(path_ + "." + std::string(Name(receiver.type)) + "."),
        errors_(errors) {}

  void Run() {
    Target();
    if (receiver_.type == Type::kEmail) Mail();
    Headers();
    Template();
    Spans();
  }

 private:
  void Report(std::string_view key, std::string message) {
    errors_->push_back({place_ + std::string(key), std::move(message)});
  }

  void Target() {
    switch (receiver_.type) {
      case Type::kWebhook:
      case Type::kAlertmanager:
      case Type::kPagerDuty:
        if (receiver_.url_reference.empty()) Url("url", {"http://", "https://"});
        break;
      case Type::kSlack:
        if (receiver_.url_reference.empty()) {
          Report("url", "is missing; the URL is a secret, so write {env: NAME} or {file: PATH}");
        }
        break;
      case Type::kEmail:
        Url("smtp", {"smtp://", "smtps://"});
        break;
      case Type::kFile:
        if (receiver_.target.empty()) Report("path", "is empty; name the file to append to");
        break;
      case Type::kConsole:
        break;
    }
    if (receiver_.type == Type::kPagerDuty && receiver_.secret_reference.empty()) {
      Report("routing_key", "is missing; it is a secret, so write {env: NAME} or {file: PATH}");
    }
  }

  void Url(std::string_view key, std::array<std::string_view, 2> schemes) {
    const std::string& url = receiver_.target;
    if (std::any_of(schemes.begin(), schemes.end(), [&](std::string_view scheme) {
          return url.starts_with(scheme) && url.size() > scheme.size();
        })) {
      return;
    }
    Report(key, Quoted(url) + " is no URL; it begins with " + std::string(schemes[0]) + " or " +
                    std::string(schemes[1]));
  }

  void Mail() {
    const MailSpec& mail = receiver_.mail;
    if (!IsMailAddress(mail.from)) {
      Report("from", Quoted(mail.from) + " is no mail address; write e.g. barograph@example.org");
    }
    if (mail.to.empty() || mail.to.size() > kRecipientsMax) {
      Report("to", "a mail goes to 1 to " + std::to_string(kRecipientsMax) + " addresses");
    }
    for (std::size_t i = 0; i < mail.to.size(); ++i) {
      if (IsMailAddress(mail.to[i])) continue;
      Report("to[" + std::to_string(i) + "]",
             Quoted(mail.to[i]) + " is no mail address; write e.g. ops@example.org");
    }
    if (mail.username.empty() != receiver_.secret_reference.empty()) {
      Report(mail.username.empty() ? "password" : "username",
             "`username` and `password` belong together; give both or neither");
    }
    if (!IsPrintable(mail.username)) Report("username", "holds a control character");
    const bool smtps = receiver_.target.starts_with("smtps://");
    if (smtps && mail.tls != MailSpec::Tls::kTls) {
      Report("tls", "smtps:// is TLS from the first byte; write `tls: tls`, or smtp://");
    }
    if (mail.tls == MailSpec::Tls::kNone && !mail.username.empty()) {
      Report("tls", "a password would cross the network in plain text; write starttls or tls");
    }
  }

  void Headers() {
    if (receiver_.headers.size() + receiver_.secret_headers.size() > kHeadersMax) {
      Report("headers", "at most " + std::to_string(kHeadersMax) + " headers");
    }
    for (const auto& [name, value] : receiver_.headers) {
      HeaderName(name);
      if (!IsPrintable(value) || value.size() > kHeaderBytesMax) {
        Report("headers." + name, "the value must be one line of at most " +
                                      std::to_string(kHeaderBytesMax) + " bytes");
      }
    }
    for (const auto& [name, reference] : receiver_.secret_headers) HeaderName(name);
  }

  void HeaderName(const std::string& name) {
    std::string lower = name;
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (!IsToken(name)) {
      Report("headers." + name, Quoted(name) + " is no name of a header");
    } else if (std::find(kOwnHeaders.begin(), kOwnHeaders.end(), lower) != kOwnHeaders.end()) {
      Report("headers." + name, "Barograph writes this header itself; choose another name");
    }
  }

  void Template() {
    const bool wants = receiver_.format == ReceiverSpec::Format::kTemplate;
    if (receiver_.type != Type::kWebhook) return;
    if (wants && receiver_.body_template.empty()) {
      Report("template", "is empty; write the body as mustache, or leave `format: template` out");
    }
    if (receiver_.body_template.size() > kBodyTemplateBytesMax) {
      Report("template", std::to_string(receiver_.body_template.size()) + " bytes; at most " +
                             std::to_string(kBodyTemplateBytesMax));
    }
    if (!IsPrintable(receiver_.content_type)) {
      Report("content_type", "holds a control character");
    }
  }

  void Spans() {
    const auto within = [&](std::string_view key, Duration span, Duration min, Duration max) {
      if (span >= min && span <= max) return;
      Report(key, FormatDuration(span) + " is outside " + FormatDuration(min) + " to " +
                      FormatDuration(max));
    };
    within("timeout", receiver_.timeout, milliseconds(100), seconds(60));
    if (receiver_.type == Type::kAlertmanager) {
      within("resend", receiver_.resend, seconds(10), hours(1));
      if (receiver_.resend % seconds(1) != Duration{0}) {
        Report("resend", FormatDuration(receiver_.resend) + " is no whole number of seconds");
      }
    }
    if (!receiver_.rate_limit) return;
    within("rate_limit", receiver_.rate_limit->per, seconds(1), hours(24));
    if (receiver_.rate_limit->count == 0 || receiver_.rate_limit->count > kRateCountMax) {
      Report("rate_limit", "the count must be 1 to " + std::to_string(kRateCountMax));
    }
  }

  const ReceiverSpec& receiver_;
  std::string path_, place_;
  std::vector<SpecError>* errors_;
};

}  // namespace

std::string_view Name(ReceiverSpec::Type type) {
  switch (type) {
    case Type::kWebhook:
      return "webhook";
    case Type::kFile:
      return "file";
    case Type::kSlack:
      return "slack";
    case Type::kPagerDuty:
      return "pagerduty";
    case Type::kAlertmanager:
      return "alertmanager";
    case Type::kEmail:
      return "email";
    case Type::kConsole:
      return "console";
  }
  return "";
}

Duration RepeatInterval(const ReceiverSpec& receiver, Duration repeat_interval) {
  if (receiver.type != Type::kAlertmanager) return repeat_interval;
  return std::min(repeat_interval, receiver.resend);
}

bool WantsAllFiring(const ReceiverSpec& receiver) { return receiver.type == Type::kAlertmanager; }

std::vector<SpecError> ValidateReceivers(const std::vector<ReceiverSpec>& receivers) {
  std::vector<SpecError> errors;
  std::set<std::string_view> names;
  if (receivers.size() > kReceiversMax) {
    errors.push_back({"receivers", std::to_string(receivers.size()) + " receivers; at most " +
                                       std::to_string(kReceiversMax)});
  }
  for (std::size_t i = 0; i < receivers.size(); ++i) {
    const ReceiverSpec& receiver = receivers[i];
    const std::string path = "receivers[" + std::to_string(i) + "]";
    if (receiver.name.empty() || receiver.name.size() > kNameBytesMax) {
      errors.push_back({path + ".name",
                        "a receiver's name has 1 to " + std::to_string(kNameBytesMax) + " bytes"});
    } else if (!names.insert(receiver.name).second) {
      errors.push_back(
          {path + ".name", Quoted(receiver.name) + " names two receivers; names are unique"});
    }
    ReceiverRules(receiver, path, &errors).Run();
  }
  return errors;
}

std::string NetworkMistake(std::string_view network) {
  const std::size_t slash = network.find('/');
  const std::string address(network.substr(0, slash));
  std::array<unsigned char, 16> bytes{};
  int bits_max = 0;
  if (inet_pton(AF_INET, address.c_str(), bytes.data()) == 1) bits_max = 32;
  if (inet_pton(AF_INET6, address.c_str(), bytes.data()) == 1) bits_max = 128;
  if (bits_max == 0) return Quoted(network) + " is no network; write e.g. 10.0.0.0/8 or fd00::/8";
  if (slash == network.npos) return "";
  const std::string_view digits = network.substr(slash + 1);
  int bits = -1;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (code != std::errc{} || end != digits.data() + digits.size() || bits < 0 || bits > bits_max) {
    return Quoted(network) + " has no prefix length of 0 to " + std::to_string(bits_max);
  }
  return "";
}

}  // namespace barograph::rules
