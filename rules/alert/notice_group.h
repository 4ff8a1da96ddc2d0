#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "rules/alert/notice.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::rules {

/// Why an alert is told although its state is what the receiver was told last.
enum class Cause : std::uint8_t { kNone, kSilenceEnded, kEscalated, kFlapping, kSettled };
[[nodiscard]] std::string_view Name(Cause cause);  ///< "silence ended"; "" for none

/// One episode inside a group.
struct GroupEntry {
  NoticeMember member;
  storage::AlertState told =
      storage::AlertState::kUnspecified;  ///< what the receiver was last told of it
  Time changed_at{};
  Cause cause = Cause::kNone;
  Time first_told_at{};     ///< base of the escalation ladder; zero before
  std::uint32_t steps = 0;  ///< of the ladder that were taken
  bool hushed = false;      ///< it fired, was held back, and was never told

  // Derived: where it stands in its group. At most one of `wants` and `stands`.
  bool wants = false;         ///< is to be told
  bool stands = false;        ///< fires, was told, is held back by nothing
  bool loud = false;          ///< of those, the ones that nobody acknowledged
  std::optional<Time> climb;  ///< when its next step of the ladder is due

  [[nodiscard]] bool changed() const { return told != member.state || cause != Cause::kNone; }
};

/// Alerts that go to one receiver in one message.
struct NoticeGroup {
  std::string receiver, key;
  std::string path;        ///< of the routing node that it belongs to
  bool escalated = false;  ///< it was told because nobody acknowledged in time
  storage::Labels labels;
  Time told_at{};  ///< of the last notice; zero for none
  std::uint64_t notices = 0;
  std::map<std::string, GroupEntry> entries;  ///< by alert key and episode

  // Derived
  std::set<std::pair<Time, std::string>> wanting;  ///< entries that want to be told, since when
  std::size_t urgent = 0;                          ///< of those, the ones with a cause
  std::size_t standing = 0, loud = 0;
  std::set<std::pair<Time, std::string>> climbs;
};

/// Receiver and group key.
[[nodiscard]] std::string GroupRowKey(std::string_view receiver, std::string_view group_key);
/// Alert key and episode.
[[nodiscard]] std::string EntryKey(const NoticeMember& member);
/// As Alertmanager writes it: the route, a colon, and the labels.
[[nodiscard]] std::string GroupKeyText(std::string_view path, const storage::Labels& labels);

/// Takes the entry out of, or puts it into, the group's derived order. An entry is taken out before
/// anything of it changes.
void Unindex(const std::string& key, GroupEntry* entry, NoticeGroup* group);
void Index(const std::string& key, const GroupEntry& entry, NoticeGroup* group);

/// Checkpoint row. Errors: kCorruption.
[[nodiscard]] std::string EncodeGroup(const NoticeGroup& group);
[[nodiscard]] Result<NoticeGroup> DecodeGroup(std::string_view row);

}  // namespace barograph::rules
