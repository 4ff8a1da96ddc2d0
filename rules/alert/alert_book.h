#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/alert/changed_rows.h"
#include "rules/spec/rule_spec.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

/// Down steps wait until the condition was false for so long.
inline constexpr Duration kCalmMin = std::chrono::seconds(10);
/// Alerts that are kept; beyond, those that ended first are forgotten. Active alerts are never
/// forgotten.
inline constexpr std::size_t kAlertsKept = 100'000;

/// Fires that flap control looks at: those of the last day, the newest kFlapFiresMax.
inline constexpr Duration kFiresKept = std::chrono::hours(24);

/// Who looks after an alert.
struct Acknowledgement {
  std::string author, actor, note;
  Time at{};
};

/// One alert: its identity and where it stands in its life.
struct Alert {
  std::string rule;
  storage::Labels labels;  ///< the full label set, which is the identity
  std::string fingerprint;
  std::string episode_id;  ///< of the current life, or the last one
  storage::AlertState state = storage::AlertState::kInactive;
  Severity severity = Severity::kWarning;
  Time since{};         ///< of the state
  Time pending_from{};  ///< base of `for`; moved on by the gaps that no timer counts
  std::optional<Time>
      calm_from;  ///< the condition is false since; base of `keep_firing_for`; moved on likewise
  Time fired_at{}, resolved_at{};
  double value = 0, threshold = 0;
  std::string summary, condition;
  std::optional<Acknowledgement> acknowledged;  ///< of this life, while it fires
  std::vector<Time> fires;                      ///< when it fired lately, oldest first
  bool flapping = false;
  Time flapping_since{};

  [[nodiscard]] bool active() const {
    return state == storage::AlertState::kPending || state == storage::AlertState::kFiring;
  }
};

/// Moves an alert as the transition says. A transition whose `from` and `to` are equal marks that
/// the condition turned false (empty `condition`) or true again while the state stays.
void ApplyTransition(const storage::AlertTransition& transition, Alert* alert);
/// Names and values in order, each closed by 0xFF, which UTF-8 never contains.
[[nodiscard]] std::string AlertKey(const storage::Labels& labels);

/// All alerts of one tenant, folded from transitions.
///
/// Threads:      owned by one thread.
/// Lifetime:     an alert stays where it is until Apply says that it was forgotten.
class AlertBook {
 public:
  struct Applied {
    const Alert* alert;
    std::string forgotten;  ///< key of an ended alert that made room; empty for none
    /// Keys of milder alerts of the same thing whose acknowledgement this step ended.
    std::vector<std::string> unacknowledged;
  };
  Applied Apply(const storage::AlertTransition& transition);
  /// False when the alert does not fire in that life any more.
  bool Apply(const storage::Acknowledged& acknowledged);
  /// Null when the alert was forgotten.
  const Alert* Apply(const storage::FlapChanged& changed);
  /// No timer counts the gap.
  void SkipGap(Duration gap);

  [[nodiscard]] const Alert* Find(const std::string& key) const;
  /// The one whose fingerprint or episode id it is; null when there is none.
  [[nodiscard]] const Alert* FindNamed(std::string_view name) const;
  /// Alerts that flap, by the time of their last step.
  [[nodiscard]] const std::set<std::pair<Time, std::string>>& flapping() const { return flapping_; }
  /// By key.
  [[nodiscard]] const std::map<std::string, Alert>& alerts() const { return alerts_; }

  // Checkpoint rows, copy before write; keys are alert keys.
  void BeginCheckpoint() { changes_.Begin(); }
  [[nodiscard]] bool ContinueCheckpoint(std::size_t* budget, const ChangedRows::RowSink& sink);
  [[nodiscard]] Status LoadRow(std::string_view key, std::string_view value);
  void Canonical(const std::function<void(std::string_view)>& sink) const;

 private:
  [[nodiscard]] std::string EncodeRow(const std::string& key) const;
  void Touch(const std::string& key);
  std::vector<std::string> EndMilderAcknowledgements(const Alert& fired);

  std::map<std::string, Alert> alerts_;
  std::set<std::pair<Time, std::string>>
      ended_;  ///< derived: alerts that are not active, by time of their last state
  std::set<std::pair<Time, std::string>> flapping_;  ///< derived
  ChangedRows changes_;
};

/// A point at which a decision may be taken.
enum class Moment {
  kAnyPoint,     ///< upward steps only
  kWholeSecond,  ///< downward steps too
};
/// The next step of an alert's life.
struct AlertStep {
  storage::AlertState from, to;  ///< equal: the condition turned false or true again
  bool calm = false;             ///< the condition is false
};
/// Decides from the alert's state (null: never seen) whether anything is to be written now. Pure.
[[nodiscard]] std::optional<AlertStep> NextStep(const Alert* alert, bool holds, Moment moment,
                                                Time now, const RuleCommon& rule);
/// Whether an alert that just fired begins to flap. Pure.
[[nodiscard]] bool BeginsToFlap(const Alert& fired, const FlapSpec& spec, Time now);
/// How often it fired within the time that flap control looks at.
[[nodiscard]] std::uint32_t FiresWithin(const Alert& alert, const FlapSpec& spec, Time now);

/// When the alert must be looked at again whatever happens; nothing while no timer runs.
[[nodiscard]] std::optional<Time> DueAt(const Alert& alert, const RuleCommon& rule);

}  // namespace barograph::rules
