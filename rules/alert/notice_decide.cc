#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "rules/alert/notice_book.h"
#include "storage/base/digest.h"

// What a NoticeBook decides: nothing here changes it.

namespace barograph::rules {
namespace {

using storage::AlertState;
using storage::NoticeDecided;

constexpr std::size_t kIdBytes = 16;

/// As Alertmanager words it, or why alerts are told again when that is so of all of them.
std::string_view Reason(const NoticeGroup& group) {
  if (group.wanting.empty()) return "repeat interval elapsed";
  if (group.urgent == group.wanting.size()) {
    Cause cause = Cause::kNone;
    for (const auto& [since, key] : group.wanting)
      cause = std::max(cause, group.entries.at(key).cause);
    return Name(cause);
  }
  if (group.told_at == Time{}) return "first notification";
  for (const auto& [since, key] : group.wanting) {
    if (group.entries.at(key).member.state == AlertState::kFiring) return "new alerts added";
  }
  return group.standing > 0 ? "some alerts resolved" : "all alerts resolved";
}

/// What is told of an episode: two notices that tell other things have other ids.
std::string Told(const GroupEntry& entry) {
  std::string told = '\n' + entry.member.episode_id + '=' + std::string(Name(entry.member.state));
  if (entry.cause != Cause::kNone) {
    told += '!' + std::string(Name(entry.cause)) + '@' +
            std::to_string(entry.changed_at.time_since_epoch().count());
  }
  return told;
}

using Entries = std::vector<std::pair<const std::string*, const GroupEntry*>>;

/// Those that a notice with so much room names come first: the most severe ones when not all have
/// room; else the order is that of the labels.
void OrderForRoom(std::size_t room, Entries* entries) {
  const bool crowded = entries->size() > room;
  std::sort(entries->begin(), entries->end(), [crowded](const auto& a, const auto& b) {
    if (crowded && a.second->member.severity != b.second->member.severity)
      return a.second->member.severity < b.second->member.severity;
    return *a.first < *b.first;
  });
}

/// Entries that want to be told.
Entries Wanting(const NoticeGroup& group) {
  Entries wanting;
  for (const auto& [since, key] : group.wanting) wanting.emplace_back(&key, &group.entries.at(key));
  OrderForRoom(kNoticeMembersMax, &wanting);
  return wanting;
}

/// What else of the group still fires, as far as there is room for it.
Entries Standing(const NoticeGroup& group, std::size_t room) {
  Entries standing;
  if (room == 0) return standing;
  for (const auto& [key, entry] : group.entries) {
    if (entry.stands) standing.emplace_back(&key, &entry);
  }
  OrderForRoom(room, &standing);
  standing.resize(std::min(room, standing.size()));
  return standing;
}

}  // namespace

std::vector<NoticeDecided> NoticeBook::Decide(std::span<const StagedTransition> transitions,
                                              Time now, bool timers, std::size_t budget,
                                              const NoticeFormat& format, bool* more) const {
  std::vector<NoticeDecided> notices = DecideAtOnce(transitions, now, format);
  for (auto due = due_.begin(); timers && due != due_.end() && due->first <= now; ++due) {
    const NoticeGroup& group = groups_.at(due->second);
    // A group that was due before its mute time began, and could not be told then, waits.
    if (IsMuted(group, now)) continue;
    if (notices.size() * kNoticeMembersMax >= budget) {
      *more = true;
      break;
    }
    notices.push_back(Compose(group, now, format));
  }
  return notices;
}

/// Whether it is worth a copy of the group to see what one step more brings.
bool NoticeBook::MaySpeakNow(const NoticeGroup& group, Time now, bool urgent) const {
  const RouteNode* node = tree_->ByPath(group.path);
  if (node == nullptr || group.entries.size() > kStagedEntriesMax) return false;
  if (urgent || group.urgent > 0) return true;
  if (group.told_at != Time{}) return group.told_at + node->spec.group_interval <= now;
  return group.wanting.empty() || group.wanting.begin()->first + node->spec.group_wait <= now;
}

/// On copies of the groups, as they will be once the transitions are folded.
std::vector<NoticeDecided> NoticeBook::DecideAtOnce(std::span<const StagedTransition> transitions,
                                                    Time now, const NoticeFormat& format) const {
  InhibitionBook::Staged also;
  for (const StagedTransition& transition : transitions) {
    if (transition.alert.state == AlertState::kFiring)
      inhibitions_.Stage(transition.alert.labels, &also);
  }
  struct Place {
    const StagedTransition* transition;
    std::string row;
    NoticeGroup fresh;
  };
  std::vector<Place> places;
  // A group that speaks because an alert begins to flap tells what else the batch brings.
  std::set<std::string> urgent;
  for (const StagedTransition& transition : transitions) {
    const storage::AlertTransition& event = transition.event;
    if (event.from == event.to) continue;
    if (event.to != AlertState::kFiring && event.to != AlertState::kResolved) continue;
    std::vector<NoticeGroup> fresh;
    std::vector<std::string> rows = RowsOf(transition, &fresh);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (transition.flap_begins) urgent.insert(rows[i]);
      places.push_back({&transition, std::move(rows[i]), std::move(fresh[i])});
    }
  }
  std::map<std::string, NoticeGroup> staged;
  for (Place& place : places) {
    const auto known = groups_.find(place.row);
    if (known != groups_.end() && !MaySpeakNow(known->second, now, urgent.contains(place.row)))
      continue;
    const auto [group, is_new] = staged.try_emplace(place.row, std::move(place.fresh));
    if (is_new && known != groups_.end()) group->second = known->second;
    Stage(*place.transition, &also, &group->second);
  }
  std::vector<NoticeDecided> notices;
  for (auto& [row_key, group] : staged) {
    // What fires now may hold back what stood in the group before.
    for (auto& [key, entry] : group.entries) {
      if (also.any.empty()) break;
      Unindex(key, &entry, &group);
      Judge(key, &entry, &also, &group);
    }
    const std::optional<Time> due = DueAt(group);
    const bool tells_all_by_name =
        !group.wanting.empty() && group.wanting.size() <= kNoticeMembersMax;
    if (due && *due <= now && tells_all_by_name && !IsMuted(group, now))
      notices.push_back(Compose(group, now, format));
  }
  return notices;
}

NoticeDecided NoticeBook::Compose(const NoticeGroup& group, Time now,
                                  const NoticeFormat& format) const {
  Notice notice;
  notice.receiver = group.receiver;
  notice.group_key = group.key;
  notice.group_labels = group.labels;
  notice.reason = Reason(group);
  notice.at = now;
  std::string told;
  if (group.wanting.empty()) told = std::to_string(group.notices);
  std::uint64_t unnamed = 0;
  notice.group_fires = group.standing > 0;
  for (const auto& [key, entry] : Wanting(group)) {
    told += Told(*entry);
    notice.group_fires |= entry->member.state == AlertState::kFiring;
    if (notice.members.size() < kNoticeMembersMax) {
      notice.members.push_back(entry->member);
    } else {
      ++unnamed;
      notice.truncated_fire |= entry->member.state == AlertState::kFiring;
    }
  }
  // Whoever reads a message wants to see what else still fires.
  const Entries standing = Standing(group, kNoticeMembersMax - notice.members.size());
  for (const auto& [key, entry] : standing) {
    notice.members.push_back(entry->member);
    if (group.wanting.empty()) told += Told(*entry);
  }
  notice.truncated = unnamed + group.standing - standing.size();
  notice.truncated_fire |= group.standing > standing.size();
  NoticeDecided decided = Seal(std::move(notice), told, format);
  decided.more = unnamed;
  return decided;
}

NoticeDecided NoticeBook::Seal(Notice notice, std::string_view told,
                               const NoticeFormat& format) const {
  const std::string separator(1, '\0');
  const Digest digest =
      Sha256({tenant_, separator, notice.receiver, separator, notice.group_key, separator, told});
  notice.tenant = tenant_;
  notice.id = "ntc_" + Hex(Bytes(digest).substr(0, kIdBytes));
  NoticeDecided decided;
  decided.origin.reason = notice.reason;
  decided.id = notice.id;
  decided.receiver = notice.receiver;
  decided.group_key = notice.group_key;
  decided.at = notice.at;
  decided.state = notice.truncated_fire ? AlertState::kFiring : AlertState::kResolved;
  for (const NoticeMember& member : notice.members) {
    decided.episode_ids.push_back(member.episode_id);
    if (member.state == AlertState::kFiring) decided.state = AlertState::kFiring;
  }
  NoticeBody body = format(notice, *tree_->Receiver(notice.receiver));
  decided.body = std::move(body.bytes);
  decided.content_type = std::move(body.content_type);
  return decided;
}

std::vector<storage::Escalated> NoticeBook::DueEscalations(Time now, std::size_t limit) const {
  std::vector<storage::Escalated> events;
  for (auto due = climbs_.begin(); due != climbs_.end() && due->first <= now; ++due) {
    const NoticeGroup& group = groups_.at(due->second);
    const RouteNode* node = tree_->ByPath(group.path);
    if (node == nullptr || node->IsMuted(now)) continue;
    if (events.size() >= limit) break;
    const std::uint32_t step = group.entries.at(group.climbs.begin()->second).steps;
    storage::Escalated event;
    event.origin.reason = "not acknowledged";
    event.escalation = node->spec.escalation;
    event.step = step + 1;
    event.receiver = node->ladder[step].receiver;
    event.group_receiver = group.receiver;
    event.group_key = group.key;
    event.at = now;
    for (const auto& [at, key] : group.climbs) {
      const GroupEntry& entry = group.entries.at(key);
      if (at > now || event.episode_ids.size() == kEscalatedMax) break;
      if (entry.steps == step) event.episode_ids.push_back(entry.member.episode_id);
    }
    if (tree_->Receiver(event.receiver) != nullptr) events.push_back(std::move(event));
  }
  return events;
}

std::string NoticeBook::DigestKey(const std::string& rule) {
  return GroupKeyText("{}", {{"late", "true"}, {"rule", rule}});
}

std::optional<NoticeDecided> NoticeBook::DecideDigest(const std::string& rule,
                                                      std::vector<NoticeMember> members,
                                                      std::uint64_t count, Time now,
                                                      const NoticeFormat& format,
                                                      std::string_view found) const {
  const RouteNode* root = tree_->root();
  if (root == nullptr || tree_->Receiver(root->spec.receiver) == nullptr || members.empty())
    return std::nullopt;
  Notice notice;
  notice.receiver = root->spec.receiver;
  notice.group_labels = {{"late", "true"}, {"rule", rule}};
  notice.group_key = DigestKey(rule);
  notice.reason = std::string(found) + " found late: " + std::to_string(members.size()) + " of " +
                  std::to_string(count);
  notice.at = now;
  notice.truncated = count - members.size();
  std::string told;
  for (const NoticeMember& member : members) told += '\n' + member.episode_id;
  notice.members = std::move(members);
  return Seal(std::move(notice), told, format);
}

std::vector<const RouteNode*> NoticeBook::AudibleRoutes(const storage::Labels& labels,
                                                        Time now) const {
  std::vector<const RouteNode*> routes = tree_->Find(labels);
  std::erase_if(routes, [&](const RouteNode* node) {
    return tree_->Receiver(node->spec.receiver) == nullptr || node->IsMuted(now);
  });
  return routes;
}

bool NoticeBook::IsAudible(const storage::Labels& labels, Time now) const {
  return !AudibleRoutes(labels, now).empty();
}

std::vector<NoticeDecided> NoticeBook::DecideMessage(const NoticeMember& member, Time now,
                                                     const NoticeFormat& format) const {
  std::vector<NoticeDecided> notices;
  for (const RouteNode* node : AudibleRoutes(member.labels, now)) {
    Notice notice;
    notice.receiver = node->spec.receiver;
    for (const std::string& name : node->spec.group_by) {
      if (const auto label = member.labels.find(name); label != member.labels.end())
        notice.group_labels.insert(*label);
    }
    notice.group_key = GroupKeyText(node->path, {{"message", member.episode_id}});
    notice.reason = kReasonEvent;
    notice.at = now;
    notice.group_fires = true;
    notice.members = {member};
    notices.push_back(Seal(std::move(notice), member.episode_id, format));
  }
  return notices;
}

}  // namespace barograph::rules
