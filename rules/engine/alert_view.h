#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rules/alert/notice_book.h"
#include "rules/alert/silence_book.h"
#include "rules/spec/label_matcher.h"
#include "storage/base/clock.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

/// Alerts that one acknowledgement may name or match.
inline constexpr std::size_t kAcknowledgedMax = 1'000;

/// Which alerts somebody looks after: those that are named, and those that all matchers fit.
struct AckWish {
  storage::Origin origin;
  std::vector<std::string> names;  ///< fingerprints or episode ids
  std::vector<LabelMatcher> matchers;
  std::string author, note;
};

/// A silence as `silence list` shows it.
struct SilenceView {
  storage::Silenced said;
  SilenceState state = SilenceState::kPending;
  Time ended_at{};
  std::string ended_by;
};

/// One alert as `alerts list` shows it.
struct AlertStatus {
  std::string rule;
  storage::Labels labels;
  std::string fingerprint;  ///< Alertmanager's: 16 hex digits of FNV-1a 64
  std::string episode_id;
  storage::AlertState state = storage::AlertState::kInactive;
  Severity severity = Severity::kWarning;
  Time since{};  ///< of the state
  Time fired_at{}, resolved_at{};
  double value = 0, threshold = 0;
  std::string summary, condition;
  std::optional<Acknowledgement> acknowledged;
  bool silenced = false, inhibited = false, flapping = false;
};

/// Where one alert stands, and why.
struct AlertView {
  AlertStatus status;
  Time pending_from{};            ///< base of `for`; zero for an alert that fired at once
  std::optional<Time> calm_from;  ///< the condition is false since
  std::vector<Time> fires;        ///< lately
  Time flapping_since{};
  std::vector<SilenceView> silences;  ///< that cover it
  /// Rows of `inhibitions` that hold it back, each with the fingerprint of an alert that does it.
  std::vector<std::pair<std::size_t, std::string>> inhibited_by;
  std::vector<ReceiverStanding> receivers;
};

}  // namespace barograph::rules
