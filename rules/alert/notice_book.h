#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/alert/alert_book.h"
#include "rules/alert/changed_rows.h"
#include "rules/alert/notice.h"
#include "rules/spec/rule_spec.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

/// Alerts that one notice may tell of, so that its event stays below kEventBytesMax; a larger group
/// takes several notices.
inline constexpr std::size_t kNoticeMembersMax = 32;

/// Who is told, and how: the part of the rule set that groups need.
struct Routing {
  RouteSpec route;
  std::optional<ReceiverSpec> receiver;  ///< of the route; nobody is told without one
  friend bool operator==(const Routing&, const Routing&) = default;
};
[[nodiscard]] Routing RoutingOf(const RuleSet& rules);

/// A transition that a batch has decided, with the alert as it will stand after it, and its rule's
/// annotations as they read at that step.
struct StagedTransition {
  storage::AlertTransition event;
  Alert alert;
  storage::Labels annotations;
};

/// One episode inside a group.
struct GroupEntry {
  NoticeMember member;
  storage::AlertState told =
      storage::AlertState::kUnspecified;  ///< what the receiver was last told of it
  Time changed_at{};
  [[nodiscard]] bool changed() const { return told != member.state; }
};

/// Alerts that go to one receiver in one message.
struct NoticeGroup {
  std::string receiver, key;
  storage::Labels labels;
  Time told_at{};  ///< of the last notice; zero for none
  std::uint64_t notices = 0;
  std::map<std::string, GroupEntry> entries;  ///< by alert key and episode
};

/// Groups of one tenant, folded from transitions and notices, and the decision what to say when. As
/// Alertmanager does: a new group speaks after group_wait, one that changed at most every
/// group_interval, one that stands still every repeat_interval. An episode that began and ended
/// between two notices is told once, as resolved, with both times.
///
/// Threads: owned by one thread.
class NoticeBook {
 public:
  explicit NoticeBook(std::string tenant) : tenant_(std::move(tenant)) {}

  // --- Fold ------------------------------------------------------------------------------------
  /// Another route: what was already told to the same receiver stays told.
  void SetRouting(const Routing& routing);
  void Apply(const StagedTransition& transition);
  void Apply(const storage::NoticeDecided& notice);

  // --- Decide ----------------------------------------------------------------------------------
  /// Notices that the transitions of a batch bring at once, and, when `timers` is set, those whose
  /// time has come, about `budget` members in all; `*more` says that some are left for the next
  /// call.
  [[nodiscard]] std::vector<storage::NoticeDecided> Decide(
      std::span<const StagedTransition> transitions, Time now, bool timers, std::size_t budget,
      const NoticeFormat& format, bool* more) const;
  /// Group key of a rule's digests.
  [[nodiscard]] static std::string DigestKey(const std::string& rule);
  /// One message about breaches that lay wholly in the past.
  [[nodiscard]] std::optional<storage::NoticeDecided> DecideDigest(
      const std::string& rule, std::vector<NoticeMember> members, std::uint64_t count, Time now,
      const NoticeFormat& format, std::string_view found = "breaches") const;
  /// A message about no alert, in a group of its own, so that no other one supersedes it. Its id
  /// follows from the member's `episode_id`.
  [[nodiscard]] std::optional<storage::NoticeDecided> DecideMessage(
      const NoticeMember& member, Time now, const NoticeFormat& format) const;

  // --- Read, checkpoint: copy before write -----------------------------------------------------
  [[nodiscard]] std::size_t group_count() const { return groups_.size(); }
  void BeginCheckpoint() { changes_.Begin(); }
  [[nodiscard]] bool ContinueCheckpoint(std::size_t* budget, const ChangedRows::RowSink& sink);
  [[nodiscard]] Status LoadRow(std::string_view key, std::string_view value);
  /// After the last LoadRow: takes the routing in force without regrouping, and sets the timers.
  void FinishLoad(const Routing& routing);
  void Canonical(const std::function<void(std::string_view)>& sink) const;

 private:
  [[nodiscard]] std::string RowKeyFor(const storage::Labels& labels, NoticeGroup* fresh) const;
  void Stage(const StagedTransition& transition, NoticeGroup* group) const;
  [[nodiscard]] std::optional<Time> DueAt(const NoticeGroup& group) const;
  void Compose(const NoticeGroup& group, Time now, const NoticeFormat& format,
               std::vector<storage::NoticeDecided>* out) const;
  [[nodiscard]] storage::NoticeDecided Seal(Notice notice, std::string_view told,
                                            const NoticeFormat& format) const;
  void Reschedule(const std::string& row_key);
  [[nodiscard]] std::string EncodeRow(const std::string& row_key) const;

  std::string tenant_;
  Routing routing_;
  std::map<std::string, NoticeGroup> groups_;   ///< by receiver and group key
  std::set<std::pair<Time, std::string>> due_;  ///< derived
  std::map<std::string, Time> due_of_;          ///< derived
  ChangedRows changes_;
};

}  // namespace barograph::rules
