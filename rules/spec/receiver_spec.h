#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/clock.h"

namespace barograph::rules {

struct SpecError;

/// So many in a span of time, as "60/m" says.
struct Rate {
  std::uint32_t count = 0;  ///< [1, kRateCountMax]
  Duration per{};           ///< [1 s, 1 d]
  friend bool operator==(const Rate&, const Rate&) = default;
};
inline constexpr std::uint32_t kRateCountMax = 1'000'000;
/// What may go at once after a pause: a tenth of the count, at least one.
[[nodiscard]] constexpr std::uint32_t BurstOf(const Rate& rate) {
  return rate.count < 10 ? 1 : rate.count / 10;
}

/// What only mail needs.
struct MailSpec {
  enum class Tls : std::uint8_t {
    kStartTls,  ///< begins in plain text and must turn to TLS before anything is said
    kTls,       ///< TLS from the first byte (SMTPS)
    kNone,
  };
  std::vector<std::string> to;
  std::string from;
  std::string username;  ///< empty: no authentication
  Tls tls = Tls::kStartTls;
  friend bool operator==(const MailSpec&, const MailSpec&) = default;
};

/// One place that notices go to. Secrets are named, never held: "env:HOOK_SECRET" or "file:/path".
struct ReceiverSpec {
  std::string name;
  enum class Type : std::uint8_t {
    kWebhook,
    kFile,
    kSlack,
    kPagerDuty,
    kAlertmanager,
    kEmail,
    kConsole
  } type = Type::kWebhook;
  /// Of a webhook's body.
  enum class Format : std::uint8_t {
    kAlertmanager,
    kBarograph,
    kTemplate
  } format = Format::kAlertmanager;
  /// URL (for Alertmanager without /api/v2/alerts, for mail smtp://host:port), path, or the
  /// console's stream ("stdout" or "stderr"). Empty when `url_reference` names the URL.
  std::string target;
  /// Reference to the webhook's signing secret, PagerDuty's routing key, the mail account's
  /// password.
  std::string secret_reference;
  bool send_resolved = true;
  /// Reference to a URL that is itself a secret, as Slack's is.
  std::string url_reference;
  std::string body_template;  ///< mustache, for Format::kTemplate
  std::string content_type;   ///< of such a body
  /// Further HTTP headers, with their text and with references to it.
  std::map<std::string, std::string> headers, secret_headers;
  std::string ca_file;  ///< PEM file of the authorities to trust; empty: the system's
  MailSpec mail;
  std::optional<Rate> rate_limit;
  Duration timeout = std::chrono::seconds(15);  ///< of one try; [100 ms, 60 s]
  /// Alertmanager only: firing alerts are sent again so often, because it takes for resolved what
  /// it does not hear of. [10 s, 1 h]
  Duration resend = std::chrono::minutes(1);
  friend bool operator==(const ReceiverSpec&, const ReceiverSpec&) = default;
};

/// Each may have kTriesOfReceiverMax tries under way, so their number bounds the connections.
inline constexpr std::size_t kReceiversMax = 100;
inline constexpr std::size_t kRecipientsMax = 50;  ///< of one mail
inline constexpr std::size_t kHeadersMax = 20;     ///< further headers of one receiver
inline constexpr std::size_t kBodyTemplateBytesMax = 16'384;
/// Where PagerDuty takes events; its European region has another host.
inline constexpr std::string_view kPagerDutyUrl = "https://events.pagerduty.com/v2/enqueue";
/// Slack takes one message a second and short bursts.
inline constexpr Rate kSlackRate{60, std::chrono::minutes(1)};

/// The key of the YAML map that configures this type: "webhook", "slack", ...
[[nodiscard]] std::string_view Name(ReceiverSpec::Type type);

/// How long a group that stands still is silent towards a receiver, where the route says
/// `repeat_interval`.
[[nodiscard]] Duration RepeatInterval(const ReceiverSpec& receiver, Duration repeat_interval);
/// Whether every notice tells of all alerts of its group that fire, also those that did not change:
/// a receiver that takes silence for the end needs that.
[[nodiscard]] bool WantsAllFiring(const ReceiverSpec& receiver);

/// What Validate says of `receivers`; see SpecError.
[[nodiscard]] std::vector<SpecError> ValidateReceivers(const std::vector<ReceiverSpec>& receivers);
/// "10.0.0.0/8", "fd00::/8", or a bare address. Empty: well-formed; otherwise what is wrong.
[[nodiscard]] std::string NetworkMistake(std::string_view network);

}  // namespace barograph::rules
