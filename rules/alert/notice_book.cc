#include "rules/alert/notice_book.h"

#include <algorithm>

#include "rules/alert/row_codec.h"
#include "storage/base/digest.h"

namespace barograph::rules {
namespace {

using storage::AlertState;
using storage::NoticeDecided;

constexpr std::uint8_t kRowFormat = 1;
constexpr std::size_t kIdBytes = 16;

/// As Alertmanager writes a group: the route's matchers, a colon, and the labels.
std::string GroupKey(const storage::Labels& labels) {
  std::string key = "{}:{";
  for (const auto& [name, value] : labels) {
    if (key.back() != '{') key += ", ";
    key.append(name).append("=\"");
    for (const char c : value) {
      if (c == '"' || c == '\\') key.push_back('\\');
      if (c == '\n') {
        key += "\\n";
      } else {
        key.push_back(c);
      }
    }
    key.push_back('"');
  }
  return key + "}";
}

std::string RowKey(const NoticeGroup& group) { return group.receiver + '\0' + group.key; }

std::string EntryKey(const NoticeMember& member) {
  return AlertKey(member.labels) + member.episode_id;
}

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

std::string_view Reason(const NoticeGroup& group, std::size_t changed) {
  if (changed == 0) return "repeat interval elapsed";
  if (group.told_at == Time{}) return "first notification";
  bool any_firing = false;
  for (const auto& [key, entry] : group.entries) {
    if (entry.changed() && entry.member.state == AlertState::kFiring) return "new alerts added";
    any_firing = any_firing || entry.member.state == AlertState::kFiring;
  }
  return any_firing ? "some alerts resolved" : "all alerts resolved";
}

std::string Encode(const NoticeGroup& group) {
  std::string row;
  ByteWriter writer(&row);
  writer.Fixed(kRowFormat);
  writer.String(group.receiver);
  writer.String(group.key);
  WriteLabels(group.labels, &writer);
  WriteTime(group.told_at, &writer);
  writer.Varint(group.notices);
  writer.Varint(group.entries.size());
  for (const auto& [key, entry] : group.entries) {
    WriteMember(entry.member, &writer);
    writer.Fixed(entry.told);
    WriteTime(entry.changed_at, &writer);
  }
  return row;
}

Result<NoticeGroup> Decode(std::string_view row) {
  ByteReader reader(row);
  NoticeGroup group;
  const bool known = reader.Fixed<std::uint8_t>() == kRowFormat;
  group.receiver = reader.String();
  group.key = reader.String();
  group.labels = ReadLabels(&reader);
  group.told_at = ReadTime(&reader);
  group.notices = reader.Varint();
  for (std::uint64_t left = reader.Varint(); left > 0 && reader.ok(); --left) {
    GroupEntry entry;
    entry.member = ReadMember(&reader);
    entry.told = reader.Fixed<AlertState>();
    entry.changed_at = ReadTime(&reader);
    std::string key = EntryKey(entry.member);
    group.entries.emplace(std::move(key), std::move(entry));
  }
  if (!known || !reader.ok() || !reader.done())
    return Error(ErrorCode::kCorruption, "notice group row is broken");
  return group;
}

}  // namespace

Routing RoutingOf(const RuleSet& rules) {
  Routing routing{rules.route, std::nullopt};
  for (const ReceiverSpec& receiver : rules.receivers) {
    if (receiver.name == rules.route.receiver) routing.receiver = receiver;
  }
  return routing;
}

std::string NoticeBook::RowKeyFor(const storage::Labels& labels, NoticeGroup* fresh) const {
  fresh->receiver = routing_.route.receiver;
  for (const std::string& name : routing_.route.group_by) {
    if (const auto found = labels.find(name); found != labels.end())
      fresh->labels.emplace(name, found->second);
  }
  fresh->key = GroupKey(fresh->labels);
  return RowKey(*fresh);
}

void NoticeBook::Stage(const StagedTransition& staged, NoticeGroup* group) const {
  NoticeMember member = MemberOf(staged);
  std::string key = EntryKey(member);
  const auto found = group->entries.find(key);
  if (member.state == AlertState::kResolved && !routing_.receiver->send_resolved) {
    if (found != group->entries.end()) group->entries.erase(found);
    return;
  }
  GroupEntry& entry =
      found != group->entries.end() ? found->second : group->entries[std::move(key)];
  if (member.annotations.empty()) member.annotations = std::move(entry.member.annotations);
  entry.member = std::move(member);
  entry.changed_at = staged.event.at;
}

void NoticeBook::Apply(const StagedTransition& staged) {
  if (!IsTold(staged.event) || !routing_.receiver) return;
  NoticeGroup fresh;
  const std::string row_key = RowKeyFor(staged.alert.labels, &fresh);
  changes_.BeforeChange(row_key, [this](const std::string& row) { return EncodeRow(row); });
  NoticeGroup& group = groups_.try_emplace(row_key, std::move(fresh)).first->second;
  Stage(staged, &group);
  if (group.entries.empty()) groups_.erase(row_key);
  Reschedule(row_key);
}

void NoticeBook::Apply(const NoticeDecided& notice) {
  const std::string row_key = notice.receiver + '\0' + notice.group_key;
  const auto found = groups_.find(row_key);
  if (found == groups_.end()) return;  // A digest, or the route changed in between.
  changes_.BeforeChange(row_key, [this](const std::string& row) { return EncodeRow(row); });
  NoticeGroup& group = found->second;
  group.told_at = notice.at;
  ++group.notices;
  const std::set<std::string_view> told(notice.episode_ids.begin(), notice.episode_ids.end());
  for (auto entry = group.entries.begin(); entry != group.entries.end();) {
    const bool tells = told.contains(entry->second.member.episode_id);
    if (tells) entry->second.told = entry->second.member.state;
    const bool ended = tells && entry->second.member.state == AlertState::kResolved;
    entry = ended ? group.entries.erase(entry) : std::next(entry);
  }
  if (group.entries.empty()) groups_.erase(found);
  Reschedule(row_key);
}

void NoticeBook::SetRouting(const Routing& routing) {
  if (routing == routing_) return;
  const bool regroup = routing.route.receiver != routing_.route.receiver || !routing.receiver ||
                       routing.route.group_by != routing_.route.group_by;
  routing_ = routing;
  if (regroup) {
    std::map<std::string, NoticeGroup> old = std::exchange(groups_, {});
    for (auto& [row_key, group] : old) {
      // The old row is still in `old`: a checkpoint under way gets it from there.
      changes_.BeforeChange(row_key,
                            [&old](const std::string& row) { return Encode(old.at(row)); });
    }
    for (auto& [row_key, group] : old) {
      if (!routing_.receiver) continue;
      const bool same_receiver = group.receiver == routing_.route.receiver;
      for (auto& [entry_key, entry] : group.entries) {
        NoticeGroup fresh;
        const std::string new_key = RowKeyFor(entry.member.labels, &fresh);
        changes_.BeforeChange(new_key, [](const std::string&) { return std::string(); });
        NoticeGroup& target = groups_.try_emplace(new_key, std::move(fresh)).first->second;
        if (!same_receiver) entry.told = AlertState::kUnspecified;
        if (same_receiver) target.told_at = std::max(target.told_at, group.told_at);
        target.entries.emplace(entry_key, std::move(entry));
      }
    }
  }
  due_.clear();
  due_of_.clear();
  for (const auto& [row_key, group] : groups_) Reschedule(row_key);
}

std::optional<Time> NoticeBook::DueAt(const NoticeGroup& group) const {
  std::optional<Time> changed_at;
  bool firing = false;
  for (const auto& [key, entry] : group.entries) {
    if (entry.changed() && (!changed_at || entry.changed_at < *changed_at))
      changed_at = entry.changed_at;
    firing = firing || entry.member.state == AlertState::kFiring;
  }
  const RouteSpec& route = routing_.route;
  if (changed_at && group.told_at == Time{}) return *changed_at + route.group_wait;
  if (changed_at) return std::max(*changed_at, group.told_at + route.group_interval);
  if (firing) return group.told_at + route.repeat_interval;
  return std::nullopt;
}

void NoticeBook::Reschedule(const std::string& row_key) {
  if (const auto old = due_of_.find(row_key); old != due_of_.end()) {
    due_.erase({old->second, row_key});
    due_of_.erase(old);
  }
  const auto group = groups_.find(row_key);
  if (group == groups_.end()) return;
  if (const std::optional<Time> due = DueAt(group->second)) {
    due_.emplace(*due, row_key);
    due_of_.emplace(row_key, *due);
  }
}

std::vector<NoticeDecided> NoticeBook::Decide(std::span<const StagedTransition> transitions,
                                              Time now, bool timers, std::size_t budget,
                                              const NoticeFormat& format, bool* more) const {
  std::vector<NoticeDecided> notices;
  if (!routing_.receiver) return notices;
  std::map<std::string, NoticeGroup> staged;
  for (const StagedTransition& transition : transitions) {
    if (!IsTold(transition.event)) continue;
    NoticeGroup fresh;
    const std::string row_key = RowKeyFor(transition.alert.labels, &fresh);
    const auto known = groups_.find(row_key);
    const auto [group, is_new] = staged.try_emplace(row_key, std::move(fresh));
    if (is_new && known != groups_.end()) group->second = known->second;
    Stage(transition, &group->second);
  }
  for (const auto& [row_key, group] : staged) {
    const std::optional<Time> due = DueAt(group);
    if (due && *due <= now) Compose(group, now, format, &notices);
  }
  for (auto due = due_.begin(); timers && due != due_.end() && due->first <= now; ++due) {
    if (staged.contains(due->second)) continue;
    if (notices.size() * kNoticeMembersMax >= budget) {
      *more = true;
      break;
    }
    Compose(groups_.at(due->second), now, format, &notices);
  }
  return notices;
}

void NoticeBook::Compose(const NoticeGroup& group, Time now, const NoticeFormat& format,
                         std::vector<NoticeDecided>* out) const {
  std::vector<const GroupEntry*> told;
  for (const auto& [key, entry] : group.entries) {
    if (entry.changed()) told.push_back(&entry);
  }
  const std::size_t changed = told.size();
  // Whoever reads a message wants to see what else still fires; it is left out only where it would
  // cost another message.
  for (const auto& [key, entry] : group.entries) {
    const bool room = changed == 0 || told.size() % kNoticeMembersMax != 0;
    if (room && !entry.changed() && entry.member.state == AlertState::kFiring)
      told.push_back(&entry);
  }
  for (std::size_t begin = 0; begin < told.size(); begin += kNoticeMembersMax) {
    const std::size_t end = std::min(begin + kNoticeMembersMax, told.size());
    Notice notice;
    notice.receiver = group.receiver;
    notice.group_key = group.key;
    notice.group_labels = group.labels;
    notice.reason = Reason(group, changed);
    notice.at = now;
    std::string transitions;
    if (changed == 0) transitions = std::to_string(group.notices);
    for (std::size_t i = begin; i < end; ++i) {
      notice.members.push_back(told[i]->member);
      if (changed > 0 && !told[i]->changed()) continue;
      transitions +=
          '\n' + told[i]->member.episode_id + '=' + std::string(Name(told[i]->member.state));
    }
    out->push_back(Seal(std::move(notice), transitions, format));
  }
}

NoticeDecided NoticeBook::Seal(Notice notice, std::string_view told,
                               const NoticeFormat& format) const {
  const std::string separator(1, '\0');
  const Digest digest =
      Sha256({tenant_, separator, notice.receiver, separator, notice.group_key, separator, told});
  notice.id = "ntc_" + Hex(Bytes(digest).substr(0, kIdBytes));
  NoticeDecided decided;
  decided.origin.reason = notice.reason;
  decided.id = notice.id;
  decided.receiver = notice.receiver;
  decided.group_key = notice.group_key;
  decided.at = notice.at;
  decided.state = AlertState::kResolved;
  for (const NoticeMember& member : notice.members) {
    decided.episode_ids.push_back(member.episode_id);
    if (member.state == AlertState::kFiring) decided.state = AlertState::kFiring;
  }
  NoticeBody body = format(notice, *routing_.receiver);
  decided.body = std::move(body.bytes);
  decided.content_type = std::move(body.content_type);
  return decided;
}

std::string NoticeBook::DigestKey(const std::string& rule) {
  return GroupKey({{"late", "true"}, {"rule", rule}});
}

std::optional<NoticeDecided> NoticeBook::DecideDigest(const std::string& rule,
                                                      std::vector<NoticeMember> members,
                                                      std::uint64_t count, Time now,
                                                      const NoticeFormat& format,
                                                      std::string_view found) const {
  if (!routing_.receiver || members.empty()) return std::nullopt;
  Notice notice;
  notice.receiver = routing_.route.receiver;
  notice.group_labels = {{"late", "true"}, {"rule", rule}};
  notice.group_key = DigestKey(rule);
  notice.reason = std::string(found) + " found late: " + std::to_string(members.size()) + " of " +
                  std::to_string(count);
  notice.at = now;
  std::string told;
  for (const NoticeMember& member : members) told += '\n' + member.episode_id;
  notice.members = std::move(members);
  return Seal(std::move(notice), told, format);
}

std::optional<NoticeDecided> NoticeBook::DecideMessage(const NoticeMember& member, Time now,
                                                       const NoticeFormat& format) const {
  if (!routing_.receiver) return std::nullopt;
  Notice notice;
  notice.receiver = routing_.route.receiver;
  for (const std::string& name : routing_.route.group_by) {
    if (const auto found = member.labels.find(name); found != member.labels.end())
      notice.group_labels.emplace(name, found->second);
  }
  notice.group_key = GroupKey({{"message", member.episode_id}});
  notice.reason = "event";
  notice.at = now;
  notice.members = {member};
  return Seal(std::move(notice), member.episode_id, format);
}

std::string NoticeBook::EncodeRow(const std::string& row_key) const {
  const auto found = groups_.find(row_key);
  return found == groups_.end() ? "" : Encode(found->second);
}

bool NoticeBook::ContinueCheckpoint(std::size_t* budget, const ChangedRows::RowSink& sink) {
  return changes_.Continue(
      budget, [this](const std::string& row) { return EncodeRow(row); }, sink);
}

Status NoticeBook::LoadRow(std::string_view key, std::string_view value) {
  BAROGRAPH_ASSIGN(NoticeGroup group, Decode(value));
  groups_[std::string(key)] = std::move(group);
  return {};
}

void NoticeBook::FinishLoad(const Routing& routing) {
  routing_ = routing;
  due_.clear();
  due_of_.clear();
  for (const auto& [row_key, group] : groups_) Reschedule(row_key);
}

void NoticeBook::Canonical(const std::function<void(std::string_view)>& sink) const {
  for (const auto& [row_key, group] : groups_) {
    sink(row_key);
    sink(Encode(group));
  }
}

}  // namespace barograph::rules
