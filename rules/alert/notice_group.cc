#include "rules/alert/notice_group.h"

#include "rules/alert/alert_book.h"
#include "rules/alert/row_codec.h"

namespace barograph::rules {
namespace {

using storage::AlertState;

constexpr std::uint8_t kRowFormat = 2;
/// Rows of the version that had one route and no causes.
constexpr std::uint8_t kPlainRowFormat = 1;
constexpr std::string_view kRootPath = "{}";

}  // namespace

std::string_view Name(Cause cause) {
  switch (cause) {
    case Cause::kNone:
      return "";
    case Cause::kSilenceEnded:
      return "silence ended";
    case Cause::kEscalated:
      return "escalated";
    case Cause::kFlapping:
      return "flapping";
    case Cause::kSettled:
      return "settled";
  }
  return "";
}

std::string GroupRowKey(std::string_view receiver, std::string_view group_key) {
  std::string key(receiver);
  key.push_back('\0');
  return key.append(group_key);
}

std::string EntryKey(const NoticeMember& member) {
  return AlertKey(member.labels) + member.episode_id;
}

std::string GroupKeyText(std::string_view path, const storage::Labels& labels) {
  std::string key(path);
  key += ":{";
  bool first = true;
  for (const auto& [name, value] : labels) {
    if (!std::exchange(first, false)) key += ", ";
    key += MatcherText({name, LabelMatcher::Op::kEqual, value});
  }
  return key + "}";
}

void Unindex(const std::string& key, GroupEntry* entry, NoticeGroup* group) {
  if (std::exchange(entry->wants, false)) {
    group->wanting.erase({entry->changed_at, key});
    if (entry->cause != Cause::kNone) --group->urgent;
  }
  if (std::exchange(entry->stands, false)) --group->standing;
  if (std::exchange(entry->loud, false)) --group->loud;
  if (entry->climb) group->climbs.erase({*entry->climb, key});
  entry->climb.reset();
}

void Index(const std::string& key, const GroupEntry& entry, NoticeGroup* group) {
  if (entry.wants) {
    group->wanting.emplace(entry.changed_at, key);
    if (entry.cause != Cause::kNone) ++group->urgent;
  }
  if (entry.stands) ++group->standing;
  if (entry.loud) ++group->loud;
  if (entry.climb) group->climbs.emplace(*entry.climb, key);
}

std::string EncodeGroup(const NoticeGroup& group) {
  std::string row;
  ByteWriter writer(&row);
  writer.Fixed(kRowFormat);
  writer.String(group.receiver);
  writer.String(group.key);
  writer.String(group.path);
  writer.Fixed(static_cast<std::uint8_t>(group.escalated ? 1 : 0));
  WriteLabels(group.labels, &writer);
  WriteTime(group.told_at, &writer);
  writer.Varint(group.notices);
  writer.Varint(group.entries.size());
  for (const auto& [key, entry] : group.entries) {
    WriteMember(entry.member, &writer);
    writer.Fixed(entry.told);
    WriteTime(entry.changed_at, &writer);
    writer.Fixed(entry.cause);
    WriteTime(entry.first_told_at, &writer);
    writer.Varint(entry.steps);
    writer.Fixed(static_cast<std::uint8_t>(entry.hushed ? 1 : 0));
  }
  return row;
}

Result<NoticeGroup> DecodeGroup(std::string_view row) {
  ByteReader reader(row);
  NoticeGroup group;
  const auto format = reader.Fixed<std::uint8_t>();
  bool sound = format == kRowFormat || format == kPlainRowFormat;
  group.receiver = reader.String();
  group.key = reader.String();
  group.path = format == kRowFormat ? reader.String() : kRootPath;
  if (format == kRowFormat) group.escalated = reader.Fixed<std::uint8_t>() != 0;
  group.labels = ReadLabels(&reader);
  group.told_at = ReadTime(&reader);
  group.notices = reader.Varint();
  for (std::uint64_t left = reader.Varint(); left > 0 && reader.ok(); --left) {
    GroupEntry entry;
    entry.member = ReadMember(&reader);
    entry.told = reader.Fixed<AlertState>();
    entry.changed_at = ReadTime(&reader);
    if (format == kRowFormat) {
      entry.cause = reader.Fixed<Cause>();
      entry.first_told_at = ReadTime(&reader);
      entry.steps = static_cast<std::uint32_t>(reader.Varint());
      entry.hushed = reader.Fixed<std::uint8_t>() != 0;
    }
    sound = sound && entry.cause <= Cause::kSettled;
    std::string key = EntryKey(entry.member);
    group.entries.emplace(std::move(key), std::move(entry));
  }
  if (!sound || !reader.ok() || !reader.done())
    return Error(ErrorCode::kCorruption, "notice group row is broken");
  return group;
}

}  // namespace barograph::rules
