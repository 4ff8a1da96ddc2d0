#include "rules/alert/notice_book.h"

#include <algorithm>
#include <iterator>

namespace barograph::rules {
namespace {

using storage::AlertState;
using storage::NoticeDecided;

constexpr std::string_view kEscalationSuffix = ":escalation";

NoticeMember MemberOf(const StagedTransition& staged) {
  const Alert& alert = staged.alert;
  NoticeMember member;
  member.labels = alert.labels;
  member.annotations = staged.annotations;
  member.state = alert.state;
  member.severity = alert.severity;
  member.starts_at = alert.fired_at;
  member.ends_at = alert.state == AlertState::kResolved ? alert.resolved_at : Time{};
  member.fingerprint = alert.fingerprint;
  member.episode_id = alert.episode_id;
  member.value = alert.value;
  member.threshold = alert.threshold;
  member.summary = alert.summary;
  member.condition = alert.condition;
  return member;
}

/// Only steps into firing and out of it are told.
bool IsTold(const storage::AlertTransition& event) {
  return event.from != event.to &&
         (event.to == AlertState::kFiring || event.to == AlertState::kResolved);
}

/// Calls `each` with every entry of the alert in the group; `each` must not take entries out.
template <typename Group, typename Each>
void ForEachEntryOf(Group& group, const std::string& alert_key, const Each& each) {
  for (auto entry = group.entries.lower_bound(alert_key);
       entry != group.entries.end() && entry->first.starts_with(alert_key); ++entry) {
    // The key of an alert with more labels may begin likewise.
    if (entry->first.size() == alert_key.size() + entry->second.member.episode_id.size())
      each(entry->first, entry->second);
  }
}

}  // namespace

NoticeBook::NoticeBook(std::string tenant, const AlertBook& alerts, const SilenceBook& silences,
                       const InhibitionBook& inhibitions)
    : tenant_(std::move(tenant)),
      alerts_(alerts),
      silences_(silences),
      inhibitions_(inhibitions),
      tree_(std::make_unique<const RouteTree>(routing_)) {}

// --- Where an alert belongs, and what it wants ---------------------------------------------------

NoticeGroup NoticeBook::FreshGroup(const RouteNode& node, const storage::Labels& labels) const {
  NoticeGroup group;
  group.receiver = node.spec.receiver;
  group.path = node.path;
  const ReceiverSpec* receiver = tree_->Receiver(group.receiver);
  if (receiver != nullptr && WantsAllFiring(*receiver)) {
    // It groups itself, and an alert that it does not hear of again it takes for ended.
    group.labels = labels;
  } else {
    for (const std::string& name : node.spec.group_by) {
      if (const auto found = labels.find(name); found != labels.end())
        group.labels.emplace(name, found->second);
    }
  }
  group.key = GroupKeyText(node.path, group.labels);
  return group;
}

/// The groups that a step is told to: those of its routes, and those that it was escalated to.
std::vector<std::string> NoticeBook::RowsOf(const StagedTransition& staged,
                                            std::vector<NoticeGroup>* fresh) const {
  std::vector<std::string> rows;
  const storage::Labels& labels = staged.alert.labels;
  for (const RouteNode* node : tree_->Find(labels)) {
    if (tree_->Receiver(node->spec.receiver) == nullptr) continue;
    fresh->push_back(FreshGroup(*node, labels));
    rows.push_back(GroupRowKey(fresh->back().receiver, fresh->back().key));
  }
  const std::string alert_key = AlertKey(labels);
  const auto known = groups_of_.find(alert_key);
  if (known == groups_of_.end()) return rows;
  for (const std::string& row : known->second) {
    const NoticeGroup& group = groups_.at(row);
    const bool holds = group.entries.contains(alert_key + staged.alert.episode_id);
    if (!group.escalated || !(holds || staged.alert.flapping)) continue;
    NoticeGroup shell;
    shell.receiver = group.receiver;
    fresh->push_back(std::move(shell));
    rows.push_back(row);
  }
  return rows;
}

void NoticeBook::Judge(const std::string& key, GroupEntry* entry,
                       const InhibitionBook::Staged* also, NoticeGroup* group) const {
  const NoticeMember& member = entry->member;
  const bool firing = member.state == AlertState::kFiring;
  const bool held = firing && (silences_.Covers(member.labels) ||
                               (also != nullptr ? inhibitions_.Holds(member.labels, *also)
                                                : inhibitions_.Holds(member.labels)));
  if (held && entry->told == AlertState::kUnspecified) entry->hushed = true;
  entry->wants = entry->changed() && !held;
  entry->stands = firing && !entry->changed() && !held;
  const Alert* alert = entry->stands ? alerts_.Find(AlertKey(member.labels)) : nullptr;
  const bool looked_after =
      alert != nullptr && alert->acknowledged.has_value() && alert->episode_id == member.episode_id;
  entry->loud = entry->stands && !looked_after;
  const RouteNode* node = group->escalated ? nullptr : tree_->ByPath(group->path);
  if (entry->loud && node != nullptr && entry->steps < node->ladder.size() &&
      entry->first_told_at != Time{}) {
    entry->climb = entry->first_told_at + node->ladder[entry->steps].after;
  }
  Index(key, *entry, group);
}

void NoticeBook::Stage(const StagedTransition& staged, const InhibitionBook::Staged* also,
                       NoticeGroup* group) const {
  NoticeMember member = MemberOf(staged);
  if (staged.alert.flapping) return StageFlapping(staged, std::move(member), group);
  std::string key = EntryKey(member);
  const auto found = group->entries.find(key);
  const bool known = found != group->entries.end();
  if (known) Unindex(key, &found->second, group);
  if (member.state == AlertState::kResolved) {
    const ReceiverSpec* receiver = tree_->Receiver(group->receiver);
    const bool unheard = known && found->second.told == AlertState::kUnspecified &&
                         (found->second.hushed || IsMuted(*group, staged.event.at));
    if (unheard || receiver == nullptr || !receiver->send_resolved) {
      if (known) group->entries.erase(found);
      return;
    }
  }
  GroupEntry& entry = known ? found->second : group->entries[key];
  if (member.annotations.empty()) member.annotations = std::move(entry.member.annotations);
  entry.member = std::move(member);
  entry.changed_at = staged.event.at;
  entry.cause = staged.flap_begins ? Cause::kFlapping : Cause::kNone;
  Judge(key, &entry, also, group);
}

/// A flapping alert has one entry, which moves on without a word.
void NoticeBook::StageFlapping(const StagedTransition& staged, NoticeMember member,
                               NoticeGroup* group) const {
  const std::string alert_key = AlertKey(member.labels);
  GroupEntry moved;
  std::vector<std::string> before;
  ForEachEntryOf(*group, alert_key, [&](const std::string& key, GroupEntry& entry) {
    Unindex(key, &entry, group);
    // The newest life says what is still to be told. Keys do not: the 9th comes after the 10th.
    if (before.empty() || entry.member.starts_at > moved.member.starts_at) moved = entry;
    before.push_back(key);
  });
  for (const std::string& key : before) group->entries.erase(key);
  const ReceiverSpec* receiver = tree_->Receiver(group->receiver);
  const bool resolved = member.state == AlertState::kResolved;
  if (resolved && (receiver == nullptr || !receiver->send_resolved)) return;
  if (member.annotations.empty()) member.annotations = std::move(moved.member.annotations);
  if (moved.cause == Cause::kNone) moved.told = member.state;
  moved.member = std::move(member);
  moved.changed_at = staged.event.at;
  const std::string key = EntryKey(moved.member);
  GroupEntry& entry = group->entries[key] = std::move(moved);
  Judge(key, &entry, nullptr, group);
}

bool NoticeBook::IsMuted(const NoticeGroup& group, Time now) const {
  const RouteNode* node = tree_->ByPath(group.path);
  return node != nullptr && node->IsMuted(now);
}

std::optional<Time> NoticeBook::DueAt(const NoticeGroup& group) const {
  const RouteNode* node = tree_->ByPath(group.path);
  if (node == nullptr || (group.wanting.empty() && group.loud == 0)) return std::nullopt;
  // A flapping alert moves on in silence, into a new group too, which has nothing to repeat then.
  if (group.wanting.empty() && group.told_at == Time{}) return std::nullopt;
  const RouteSpec& route = node->spec;
  const ReceiverSpec* receiver = tree_->Receiver(group.receiver);
  if (receiver == nullptr) return std::nullopt;
  Time due = group.told_at + RepeatInterval(*receiver, route.repeat_interval);
  if (!group.wanting.empty()) {
    const Time since = group.wanting.begin()->first;
    due = since;
    if (group.urgent == 0 && group.told_at == Time{}) due = since + route.group_wait;
    if (group.urgent == 0 && group.told_at != Time{})
      due = std::max(since, group.told_at + route.group_interval);
  }
  return node->Audible(due);
}

// --- Fold ----------------------------------------------------------------------------------------

void NoticeBook::Touch(const std::string& row_key) {
  changes_.BeforeChange(row_key, [this](const std::string& row) { return EncodeRow(row); });
}

void NoticeBook::Link(const std::string& row_key, const NoticeGroup& group) {
  for (const auto& [key, entry] : group.entries)
    groups_of_[AlertKey(entry.member.labels)].insert(row_key);
}

/// The group may hold the alert no longer.
void NoticeBook::Unlink(const std::string& row_key, const std::string& alert_key) {
  bool holds = false;
  if (const auto group = groups_.find(row_key); group != groups_.end())
    ForEachEntryOf(group->second, alert_key, [&](const auto&, const auto&) { holds = true; });
  const auto rows = groups_of_.find(alert_key);
  if (holds || rows == groups_of_.end()) return;
  rows->second.erase(row_key);
  if (rows->second.empty()) groups_of_.erase(rows);
}

/// Takes an empty group away, and sets the timers of any other.
void NoticeBook::Settle(const std::string& row_key) {
  if (const auto old = times_of_.find(row_key); old != times_of_.end()) {
    if (old->second.first) due_.erase({*old->second.first, row_key});
    if (old->second.second) climbs_.erase({*old->second.second, row_key});
    times_of_.erase(old);
  }
  const auto found = groups_.find(row_key);
  if (found == groups_.end()) return;
  const NoticeGroup& group = found->second;
  if (group.entries.empty()) {
    groups_.erase(found);
    return;
  }
  std::pair<std::optional<Time>, std::optional<Time>> times;
  times.first = DueAt(group);
  if (!group.climbs.empty()) times.second = group.climbs.begin()->first;
  if (times.first) due_.emplace(*times.first, row_key);
  if (times.second) climbs_.emplace(*times.second, row_key);
  if (times.first || times.second) times_of_.emplace(row_key, times);
}

void NoticeBook::Apply(const StagedTransition& staged) {
  if (!IsTold(staged.event)) return;
  std::vector<NoticeGroup> fresh;
  const std::vector<std::string> rows = RowsOf(staged, &fresh);
  const std::string alert_key = AlertKey(staged.alert.labels);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    Touch(rows[i]);
    NoticeGroup& group = groups_.try_emplace(rows[i], std::move(fresh[i])).first->second;
    Stage(staged, nullptr, &group);
    groups_of_[alert_key].insert(rows[i]);
    Settle(rows[i]);
  }
  Refresh({alert_key});
}

void NoticeBook::Apply(const NoticeDecided& notice) {
  const std::string row_key = GroupRowKey(notice.receiver, notice.group_key);
  const auto found = groups_.find(row_key);
  if (found == groups_.end()) return;  // A digest, or the route changed in between.
  Touch(row_key);
  NoticeGroup& group = found->second;
  group.told_at = notice.at;
  ++group.notices;
  const std::set<std::string_view> named(notice.episode_ids.begin(), notice.episode_ids.end());
  std::vector<std::string> ended_alerts;
  for (auto next = group.entries.begin(); next != group.entries.end();) {
    const auto place = next++;
    GroupEntry& entry = place->second;
    // What is told by number alone is all that wanted to be told.
    if (!named.contains(entry.member.episode_id) && (notice.more == 0 || !entry.wants)) continue;
    const bool told_before = !entry.changed();
    Unindex(place->first, &entry, &group);
    entry.told = entry.member.state;
    entry.cause = Cause::kNone;
    entry.hushed = false;
    if (entry.first_told_at == Time{}) entry.first_told_at = notice.at;
    const bool ended = entry.member.state == AlertState::kResolved && !told_before;
    if (ended) {
      ended_alerts.push_back(AlertKey(entry.member.labels));
      group.entries.erase(place);
    } else {
      Judge(place->first, &entry, nullptr, &group);
    }
  }
  for (const std::string& alert_key : ended_alerts) Unlink(row_key, alert_key);
  Settle(row_key);
}

void NoticeBook::Apply(const storage::Escalated& escalated) {
  const auto source = groups_.find(GroupRowKey(escalated.group_receiver, escalated.group_key));
  if (source == groups_.end()) return;
  Touch(source->first);
  NoticeGroup target;
  target.receiver = escalated.receiver;
  target.path = source->second.path;
  target.labels = source->second.labels;
  target.key = source->second.key + std::string(kEscalationSuffix);
  target.escalated = true;
  const std::string target_key = GroupRowKey(target.receiver, target.key);
  Touch(target_key);
  NoticeGroup& group = groups_.try_emplace(target_key, std::move(target)).first->second;
  const std::set<std::string_view> episodes(escalated.episode_ids.begin(),
                                            escalated.episode_ids.end());
  for (auto& [key, entry] : source->second.entries) {
    if (!episodes.contains(entry.member.episode_id)) continue;
    Unindex(key, &entry, &source->second);
    entry.steps = escalated.step;
    Judge(key, &entry, nullptr, &source->second);
    GroupEntry& copy = group.entries[key];
    Unindex(key, &copy, &group);
    copy.member = entry.member;
    copy.changed_at = escalated.at;
    copy.cause = Cause::kEscalated;
    Judge(key, &copy, nullptr, &group);
  }
  Link(target_key, group);
  Settle(source->first);
  Settle(target_key);
}

void NoticeBook::Refresh(const std::vector<std::string>& alert_keys) {
  for (const std::string& alert_key : alert_keys) {
    const auto rows = groups_of_.find(alert_key);
    if (rows == groups_of_.end()) continue;
    for (auto row = rows->second.begin(); row != rows->second.end();) {
      const auto group = groups_.find(*row);
      bool any = false;
      if (group != groups_.end()) {
        Touch(*row);
        ForEachEntryOf(group->second, alert_key, [&](const std::string& key, GroupEntry& entry) {
          any = true;
          Unindex(key, &entry, &group->second);
          Judge(key, &entry, nullptr, &group->second);
        });
        Settle(*row);
      }
      row = any ? std::next(row) : rows->second.erase(row);
    }
    if (rows->second.empty()) groups_of_.erase(rows);
  }
}

void NoticeBook::TellAgain(const std::vector<std::string>& alert_keys, Cause cause, Time at) {
  for (const std::string& alert_key : alert_keys) {
    const auto rows = groups_of_.find(alert_key);
    if (rows == groups_of_.end()) continue;
    const Alert* alert = alerts_.Find(alert_key);
    const bool silence = cause == Cause::kSilenceEnded;
    for (const std::string& row : rows->second) {
      NoticeGroup& group = groups_.at(row);
      Touch(row);
      ForEachEntryOf(group, alert_key, [&](const std::string& key, GroupEntry& entry) {
        Unindex(key, &entry, &group);
        const bool firing = entry.member.state == AlertState::kFiring;
        const bool looked_after = alert != nullptr && alert->acknowledged.has_value();
        if (silence ? firing && !looked_after && !silences_.Covers(entry.member.labels)
                    : firing || cause == Cause::kSettled) {
          entry.cause = cause;
          entry.changed_at = at;
        }
        Judge(key, &entry, nullptr, &group);
      });
      Settle(row);
    }
  }
}

void NoticeBook::Forget(const std::string& alert_key) {
  const auto found = groups_of_.find(alert_key);
  if (found == groups_of_.end()) return;
  const std::set<std::string> rows = found->second;  // Unlink takes them out one by one.
  for (const std::string& row : rows) {
    const auto group = groups_.find(row);
    if (group == groups_.end()) continue;
    Touch(row);
    std::vector<std::string> keys;
    ForEachEntryOf(group->second, alert_key, [&](const std::string& key, GroupEntry& entry) {
      // What ended and is still to be told stays until it was.
      if (entry.changed()) return;
      Unindex(key, &entry, &group->second);
      keys.push_back(key);
    });
    for (const std::string& key : keys) group->second.entries.erase(key);
    Settle(row);
    Unlink(row, alert_key);
  }
}

void NoticeBook::SetRouting(const Routing& routing) {
  if (routing == routing_) return;
  routing_ = routing;
  tree_ = std::make_unique<const RouteTree>(routing_);
  Regroup();
  IndexAll();
}

void NoticeBook::Regroup() {
  struct Known {
    GroupEntry entry;
    Time told_at{};
    std::uint64_t notices = 0;
  };
  std::map<std::string, NoticeGroup> old = std::exchange(groups_, {});
  for (const auto& [row_key, group] : old) {
    // The old row is still in `old`: a checkpoint under way gets it from there.
    changes_.BeforeChange(row_key,
                          [&old](const std::string& row) { return EncodeGroup(old.at(row)); });
  }
  std::map<std::string, std::map<std::string, Known>> known;  // entry key, receiver
  for (auto& [row_key, group] : old) {
    if (group.escalated) {
      const bool stays =
          tree_->Receiver(group.receiver) != nullptr && tree_->ByPath(group.path) != nullptr;
      if (stays) groups_.emplace(row_key, group);
      continue;
    }
    for (const auto& [key, entry] : group.entries)
      known[key].try_emplace(group.receiver, Known{entry, group.told_at, group.notices});
  }
  for (const auto& [key, by_receiver] : known) {
    const GroupEntry& any = by_receiver.begin()->second.entry;
    for (const RouteNode* node : tree_->Find(any.member.labels)) {
      const std::string& receiver = node->spec.receiver;
      if (tree_->Receiver(receiver) == nullptr) continue;
      const auto before = by_receiver.find(receiver);
      GroupEntry entry = before != by_receiver.end() ? before->second.entry : GroupEntry{};
      if (before == by_receiver.end()) {
        // Who is asked now first hears of what fires, not of what is over.
        if (any.member.state != AlertState::kFiring) continue;
        entry.member = any.member;
        entry.changed_at = any.changed_at;
      }
      NoticeGroup fresh = FreshGroup(*node, entry.member.labels);
      const std::string row_key = GroupRowKey(fresh.receiver, fresh.key);
      changes_.BeforeChange(row_key, [](const std::string&) { return std::string(); });
      NoticeGroup& group = groups_.try_emplace(row_key, std::move(fresh)).first->second;
      if (before != by_receiver.end()) {
        group.told_at = std::max(group.told_at, before->second.told_at);
        group.notices = std::max(group.notices, before->second.notices);
      }
      group.entries.emplace(key, std::move(entry));
    }
  }
}

/// Makes all that is derived again.
void NoticeBook::IndexAll() {
  groups_of_.clear();
  due_.clear();
  climbs_.clear();
  times_of_.clear();
  for (auto next = groups_.begin(); next != groups_.end();) {
    const auto place = next++;  // An empty group leaves.
    const std::string row_key = place->first;
    NoticeGroup& group = place->second;
    group.wanting.clear();
    group.climbs.clear();
    group.urgent = group.standing = group.loud = 0;
    for (auto& [key, entry] : group.entries) {
      entry.wants = entry.stands = entry.loud = false;
      entry.climb.reset();
      Judge(key, &entry, nullptr, &group);
    }
    Link(row_key, group);
    Settle(row_key);
  }
}

// --- Read and checkpoint -------------------------------------------------------------------------

std::vector<std::string> NoticeBook::AlertsThatFit(const MatcherSet& matchers) const {
  std::set<std::string> keys;
  for (const auto& [row_key, group] : groups_) {
    for (const auto& [key, entry] : group.entries) {
      if (matchers.Fits(entry.member.labels)) keys.insert(AlertKey(entry.member.labels));
    }
  }
  return {keys.begin(), keys.end()};
}

std::vector<ReceiverStanding> NoticeBook::StandingOf(const std::string& alert_key,
                                                     const std::string& episode_id,
                                                     Time now) const {
  std::vector<ReceiverStanding> standings;
  const auto rows = groups_of_.find(alert_key);
  if (rows == groups_of_.end()) return standings;
  for (const std::string& row : rows->second) {
    const NoticeGroup& group = groups_.at(row);
    const auto entry = group.entries.find(alert_key + episode_id);
    if (entry == group.entries.end()) continue;
    ReceiverStanding& standing = standings.emplace_back();
    standing.receiver = group.receiver;
    standing.group_key = group.key;
    standing.escalated = group.escalated;
    standing.told = entry->second.told;
    standing.told_at = group.told_at;
    standing.notices = group.notices;
    standing.steps = entry->second.steps;
    standing.climb_at = entry->second.climb;
    if (entry->second.wants || entry->second.loud) standing.next_at = DueAt(group);
    const RouteNode* node = tree_->ByPath(group.path);
    if (node != nullptr && node->IsMuted(now)) standing.muted_until = node->Audible(now);
  }
  return standings;
}

std::string NoticeBook::EncodeRow(const std::string& row_key) const {
  const auto found = groups_.find(row_key);
  return found == groups_.end() ? "" : EncodeGroup(found->second);
}

bool NoticeBook::ContinueCheckpoint(std::size_t* budget, const ChangedRows::RowSink& sink) {
  return changes_.Continue(
      budget, [this](const std::string& row) { return EncodeRow(row); }, sink);
}

Status NoticeBook::LoadRow(std::string_view key, std::string_view value) {
  BAROGRAPH_ASSIGN(NoticeGroup group, DecodeGroup(value));
  if (GroupRowKey(group.receiver, group.key) != key)
    return Error(ErrorCode::kCorruption, "notice group row has another's key");
  groups_[std::string(key)] = std::move(group);
  return {};
}

void NoticeBook::FinishLoad(const Routing& routing) {
  routing_ = routing;
  tree_ = std::make_unique<const RouteTree>(routing_);
  IndexAll();
}

void NoticeBook::Canonical(const std::function<void(std::string_view)>& sink) const {
  for (const auto& [row_key, group] : groups_) {
    sink(row_key);
    sink(EncodeGroup(group));
  }
}

}  // namespace barograph::rules
