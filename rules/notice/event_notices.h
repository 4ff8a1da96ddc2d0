#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/measure/measure.h"
#include "rules/notice/notice_rule.h"
#include "rules/window/window_store.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::rules {

/// Messages of one tenant that wait to be decided; what comes beyond is counted as held back.
inline constexpr std::size_t kMessagesWaitingMax = 1'000;

using NoticeRules = std::vector<NoticeRule>;

/// Messages about single events of one tenant, folded from events and decided notices. An event
/// that a rule matches makes a message, which waits until a notice with its id is folded: so each
/// is decided once, also when the server stops in between.
///
/// A rule's window begins, in log time, with the first event that comes after the one before has
/// ended. It brings at most `limit` messages; the rest are counted, and told in one message when
/// the window is over.
///
/// Threads: owned by one thread.
class EventNotices {
 public:
  // --- Fold ------------------------------------------------------------------------------------
  /// Rules in force; what waits under a rule that is gone goes with it. `rules` must outlive this,
  /// or the next call.
  void Configure(const NoticeRules& rules);
  [[nodiscard]] bool any() const { return rules_ != nullptr && !rules_->empty(); }
  /// An agent's event and what it yields. `windows` knows the names of measures.
  struct Arrival {
    const storage::EventView& event;
    Time time{};  ///< event time
    Sequence sequence;
    Time log_time{};
    std::span<const Yield> yields;
  };
  /// Whether messages with these labels are held back; such an event is not told and not counted.
  using Held = std::function<bool(const storage::Labels&)>;
  void Take(const Arrival& arrival, const WindowStore& windows, const Held& held);
  /// The messages of an event that is too old to be told alone; nothing of them is kept here.
  [[nodiscard]] std::vector<EventMessage> Late(const Arrival& arrival, const WindowStore& windows);
  /// The message of that id was decided. False when none is known.
  bool End(std::string_view id);

  // --- Decide ----------------------------------------------------------------------------------
  [[nodiscard]] const std::deque<EventMessage>& waiting() const { return waiting_; }
  /// What is to be told of windows that were over at `now`.
  [[nodiscard]] std::vector<EventMessage> Summaries(Time now) const;

  /// The whole table is one row; it is written when it has changed.
  [[nodiscard]] bool TakeChanged() { return std::exchange(changed_, false); }
  /// Empty while there never was a message.
  [[nodiscard]] std::string Encode() const;
  /// Errors: kCorruption.
  [[nodiscard]] Status Load(std::string_view row);

 private:
  struct Window {
    Time from{};  ///< zero: none yet
    std::uint32_t told = 0;
    std::uint64_t more = 0;
    Time owed_from{};  ///< of the oldest window that is over and not yet summed up
    std::uint64_t owed = 0;
  };
  /// Calls visit(rule) for each that the event matches.
  template <typename Visit>
  void ForEachMatch(const Arrival& arrival, const WindowStore& windows, const Visit& visit);

  const NoticeRules* rules_ = nullptr;
  /// Derived, by measure: 0 not asked yet, 1 of no rule, 2 of some.
  std::vector<std::uint8_t> counts_;
  std::map<std::string, Window, std::less<>> windows_;  ///< by rule
  std::deque<EventMessage> waiting_;                    ///< in order of their events
  bool changed_ = false;
};

}  // namespace barograph::rules
