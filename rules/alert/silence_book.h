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
#include "rules/spec/label_matcher.h"
#include "storage/base/clock.h"
#include "storage/base/ids.h"
#include "storage/base/result.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

/// Silences of one tenant that are in force or to come; beyond, a new one is refused.
inline constexpr std::size_t kSilencesMax = 1'000;
/// Ended silences that are kept to be listed; beyond, those that ended first are forgotten.
inline constexpr std::size_t kSilencesEndedMax = 1'000;
/// A silence may last so long: one that should last for ever is a route.
inline constexpr Duration kSilenceLengthMax = std::chrono::hours(24 * 366);

enum class SilenceState : std::uint8_t { kPending = 1, kActive = 2, kEnded = 3 };
[[nodiscard]] std::string_view Name(SilenceState state);  ///< "pending", "active", "ended"

struct Silence {
  storage::Silenced said;
  SilenceState state = SilenceState::kPending;
  Time ended_at{};       ///< zero until it ended
  std::string ended_by;  ///< reason and, for a command, actor
  MatcherSet matchers;   ///< derived
};

/// Silences of one tenant, folded from Silenced, SilenceBegan and SilenceEnded. What is in force is
/// state: no clock is asked.
///
/// Threads: owned by one thread.
class SilenceBook {
 public:
  // --- Fold; a silence that is not known is passed over ----------------------------------------
  void Apply(const storage::Silenced& silenced);
  void Apply(const storage::SilenceBegan& began);
  void Apply(const storage::SilenceEnded& ended);

  // --- Decide ----------------------------------------------------------------------------------
  /// Checks what was asked for and completes it: id and, where it is missing, the start.
  /// Errors: kInvalidArgument naming the field; kResourceExhausted beyond kSilencesMax.
  [[nodiscard]] Result<storage::Silenced> Decide(storage::Silenced wish, Sequence head,
                                                 Time now) const;
  /// Errors: kNotFound, kFailedPrecondition for one that ended already.
  [[nodiscard]] Result<storage::SilenceEnded> DecideEnd(const std::string& id,
                                                        const storage::Origin& origin,
                                                        Time now) const;
  /// Silences whose start or end has come, at most `limit`.
  [[nodiscard]] std::vector<storage::ServerEvent> Due(Time now, std::size_t limit) const;

  // --- Read ------------------------------------------------------------------------------------
  /// Whether a silence in force covers these labels.
  [[nodiscard]] bool Covers(const storage::Labels& labels) const;
  /// The silences in force that do.
  [[nodiscard]] std::vector<const Silence*> Covering(const storage::Labels& labels) const;
  /// Null when it is not known.
  [[nodiscard]] const Silence* Find(const std::string& id) const;
  [[nodiscard]] const std::map<std::string, Silence>& silences() const { return silences_; }

  // --- Checkpoint rows, copy before write; keys are ids ----------------------------------------
  void BeginCheckpoint() { changes_.Begin(); }
  [[nodiscard]] bool ContinueCheckpoint(std::size_t* budget, const ChangedRows::RowSink& sink);
  [[nodiscard]] Status LoadRow(std::string_view key, std::string_view value);
  void Canonical(const std::function<void(std::string_view)>& sink) const;

 private:
  [[nodiscard]] std::string EncodeRow(const std::string& id) const;
  void Touch(const std::string& id);
  void Index(const std::string& id, const Silence& silence);
  void Unindex(const std::string& id, const Silence& silence);

  std::map<std::string, Silence> silences_;
  std::set<std::string> active_;                  ///< derived
  std::set<std::pair<Time, std::string>> due_;    ///< derived: starts and ends to come
  std::set<std::pair<Time, std::string>> ended_;  ///< derived
  ChangedRows changes_;
};

}  // namespace barograph::rules
