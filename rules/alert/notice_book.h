#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/alert/alert_book.h"
#include "rules/alert/changed_rows.h"
#include "rules/alert/inhibition_book.h"
#include "rules/alert/notice.h"
#include "rules/alert/notice_group.h"
#include "rules/alert/route_tree.h"
#include "rules/alert/silence_book.h"
#include "rules/spec/rule_spec.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

/// Alerts that one notice names, so that its event stays below kEventBytesMax; the others of a
/// larger group are counted.
inline constexpr std::size_t kNoticeMembersMax = 32;
/// A larger group is told at whole seconds only: deciding at once would copy it each time.
inline constexpr std::size_t kStagedEntriesMax = 1'000;
/// Episodes that one Escalated event names; a larger group takes several.
inline constexpr std::size_t kEscalatedMax = 500;

/// A transition that a batch has decided, with the alert as it will stand after it, and its rule's
/// annotations as they read at that step.
struct StagedTransition {
  storage::AlertTransition event;
  Alert alert;
  storage::Labels annotations;
  bool flap_begins = false;  ///< the same batch says that the alert flaps from here on
};

/// Where one alert stands with one receiver.
struct ReceiverStanding {
  std::string receiver, group_key;
  bool escalated = false;
  storage::AlertState told = storage::AlertState::kUnspecified;
  Time told_at{};                ///< of the group's last notice; zero for none
  std::uint64_t notices = 0;     ///< of the group
  std::uint32_t steps = 0;       ///< of the ladder that were taken
  std::optional<Time> next_at;   ///< when the group speaks next, if nothing changes
  std::optional<Time> climb_at;  ///< when the next step of the ladder is due
  std::optional<Time> muted_until;
};

/// Groups of one tenant, folded from transitions and notices, and the decision what to say when. As
/// Alertmanager does: a new group speaks after group_wait, one that changed at most every
/// group_interval, one that stands still every repeat_interval. An episode that began and ended
/// between two notices is told once, as resolved, with both times; one that was held back for as
/// long is not told.
///
/// Held back is what a silence covers or another alert inhibits: it fires, and nobody is told. The
/// end of what a receiver was told is always told, but for a muted route, which waits.
///
/// Threads:  owned by one thread.
/// Lifetime: the books outlive it.
class NoticeBook {
 public:
  NoticeBook(std::string tenant, const AlertBook& alerts, const SilenceBook& silences,
             const InhibitionBook& inhibitions);

  // --- Fold ------------------------------------------------------------------------------------
  /// Other routes: what was already told to the same receiver stays told.
  void SetRouting(const Routing& routing);
  /// The alert is in the book already.
  void Apply(const StagedTransition& transition);
  void Apply(const storage::NoticeDecided& notice);
  void Apply(const storage::Escalated& escalated);
  /// What holds these alerts back, or who looks after them, has changed.
  void Refresh(const std::vector<std::string>& alert_keys);
  /// Tells these alerts again, for this reason, where they are not held back.
  void TellAgain(const std::vector<std::string>& alert_keys, Cause cause, Time at);
  /// The alert was forgotten.
  void Forget(const std::string& alert_key);

  // --- Decide ----------------------------------------------------------------------------------
  /// Notices that the transitions of a batch bring at once, and, when `timers` is set, those whose
  /// time has come, about `budget` members in all; `*more` says that some are left for the next
  /// call.
  [[nodiscard]] std::vector<storage::NoticeDecided> Decide(
      std::span<const StagedTransition> transitions, Time now, bool timers, std::size_t budget,
      const NoticeFormat& format, bool* more) const;
  /// Steps of escalation ladders whose time has come, at most `limit` events.
  [[nodiscard]] std::vector<storage::Escalated> DueEscalations(Time now, std::size_t limit) const;
  /// Group key of a rule's digests.
  [[nodiscard]] static std::string DigestKey(const std::string& rule);
  /// One message about what lay wholly in the past: `found` says what, say "breaches".
  [[nodiscard]] std::optional<storage::NoticeDecided> DecideDigest(
      const std::string& rule, std::vector<NoticeMember> members, std::uint64_t count, Time now,
      const NoticeFormat& format, std::string_view found) const;
  /// A message about no alert, to the receiver of each route that takes its labels and is not
  /// muted, alone in a group of its own, so that no other one supersedes it. Its ids follow from
  /// the member's `episode_id`. Empty while all of the routes are muted.
  [[nodiscard]] std::vector<storage::NoticeDecided> DecideMessage(const NoticeMember& member,
                                                                  Time now,
                                                                  const NoticeFormat& format) const;
  /// Whether DecideMessage would tell anybody now.
  [[nodiscard]] bool IsAudible(const storage::Labels& labels, Time now) const;

  // --- Read, checkpoint: copy before write -----------------------------------------------------
  [[nodiscard]] std::size_t group_count() const { return groups_.size(); }
  /// Keys of alerts in groups that fit.
  [[nodiscard]] std::vector<std::string> AlertsThatFit(const MatcherSet& matchers) const;
  [[nodiscard]] std::vector<ReceiverStanding> StandingOf(const std::string& alert_key,
                                                         const std::string& episode_id,
                                                         Time now) const;
  [[nodiscard]] const FlapSpec& flapping() const { return routing_.flapping; }
  void BeginCheckpoint() { changes_.Begin(); }
  [[nodiscard]] bool ContinueCheckpoint(std::size_t* budget, const ChangedRows::RowSink& sink);
  [[nodiscard]] Status LoadRow(std::string_view key, std::string_view value);
  /// After the last LoadRow, of the other books too: takes the routing in force without regrouping,
  /// and sets the timers.
  void FinishLoad(const Routing& routing);
  void Canonical(const std::function<void(std::string_view)>& sink) const;

 private:
  [[nodiscard]] NoticeGroup FreshGroup(const RouteNode& node, const storage::Labels& labels) const;
  [[nodiscard]] std::vector<std::string> RowsOf(const StagedTransition& staged,
                                                std::vector<NoticeGroup>* fresh) const;
  void Stage(const StagedTransition& transition, const InhibitionBook::Staged* also,
             NoticeGroup* group) const;
  void StageFlapping(const StagedTransition& transition, NoticeMember member,
                     NoticeGroup* group) const;
  void Judge(const std::string& key, GroupEntry* entry, const InhibitionBook::Staged* also,
             NoticeGroup* group) const;
  [[nodiscard]] std::optional<Time> DueAt(const NoticeGroup& group) const;
  [[nodiscard]] bool IsMuted(const NoticeGroup& group, Time now) const;
  [[nodiscard]] bool MaySpeakNow(const NoticeGroup& group, Time now, bool urgent) const;
  [[nodiscard]] std::vector<storage::NoticeDecided> DecideAtOnce(
      std::span<const StagedTransition> transitions, Time now, const NoticeFormat& format) const;
  [[nodiscard]] storage::NoticeDecided Compose(const NoticeGroup& group, Time now,
                                               const NoticeFormat& format) const;
  [[nodiscard]] std::vector<const RouteNode*> AudibleRoutes(const storage::Labels& labels,
                                                            Time now) const;
  [[nodiscard]] storage::NoticeDecided Seal(Notice notice, std::string_view told,
                                            const NoticeFormat& format) const;
  void Touch(const std::string& row_key);
  void Regroup();
  void IndexAll();
  void Settle(const std::string& row_key);
  void Link(const std::string& row_key, const NoticeGroup& group);
  void Unlink(const std::string& row_key, const std::string& alert_key);
  [[nodiscard]] std::string EncodeRow(const std::string& row_key) const;

  std::string tenant_;
  const AlertBook& alerts_;
  const SilenceBook& silences_;
  const InhibitionBook& inhibitions_;
  Routing routing_;
  std::unique_ptr<const RouteTree> tree_;
  std::map<std::string, NoticeGroup> groups_;               ///< by receiver and group key
  std::map<std::string, std::set<std::string>> groups_of_;  ///< derived: by alert key
  std::set<std::pair<Time, std::string>> due_, climbs_;     ///< derived: groups
  std::map<std::string, std::pair<std::optional<Time>, std::optional<Time>>>
      times_of_;  ///< derived: what stands in due_ and climbs_ for a group
  ChangedRows changes_;
};

}  // namespace barograph::rules
