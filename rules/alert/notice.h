#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/spec/rule_spec.h"
#include "storage/base/clock.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

/// One alert inside a notice, or what is said of a single event.
struct NoticeMember {
  storage::Labels labels;
  storage::Labels annotations;
  storage::AlertState state = storage::AlertState::kFiring;
  Severity severity = Severity::kWarning;
  Time starts_at{};
  Time ends_at{};           ///< zero while firing
  std::string fingerprint;  ///< 16 hex digits
  std::string episode_id;
  double value = 0, threshold = 0;
  std::string summary;
  std::string condition;
  bool is_message = false;  ///< about a single event: it is no alert, and nothing will resolve it
};

/// What a receiver is told, before it becomes bytes.
struct Notice {
  std::string id;  ///< the webhook-id
  std::string receiver;
  std::string group_key;
  std::string reason;  ///< "first notification", "new alerts added", "all alerts resolved", ...
  storage::Labels group_labels;
  Time at{};
  std::vector<NoticeMember> members;
  /// Alerts of the group that the notice counts and does not name: Alertmanager's truncatedAlerts.
  std::uint64_t truncated = 0;
  bool truncated_fire = false;  ///< some of them fire
  std::string tenant;
  /// Any alert of the group fires, also one that another notice tells of.
  bool group_fires = false;
};
/// Reason of a notice that says that somebody took care of its alerts.
inline constexpr std::string_view kReasonAcknowledged = "acknowledged";
/// Reason of a notice about a single event; its one member is a message.
inline constexpr std::string_view kReasonEvent = "event";

/// The bytes that every try sends, and their content type.
struct NoticeBody {
  std::string bytes;
  std::string content_type;
};
/// Pure: equal notices give equal bytes.
using NoticeFormat = std::function<NoticeBody(const Notice&, const ReceiverSpec&)>;

/// Alertmanager's fingerprint (prometheus/common model/signature.go): 64-bit FNV-1a over names in
/// ascending order, each as name, 0xFF, value, 0xFF; 16 hex digits.
[[nodiscard]] std::string Fingerprint(const storage::Labels& labels);
[[nodiscard]] std::uint64_t FingerprintValue(const storage::Labels& labels);

}  // namespace barograph::rules
