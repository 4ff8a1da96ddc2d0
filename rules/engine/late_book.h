#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/alert/alert_book.h"
#include "rules/alert/notice.h"
#include "rules/window/window_store.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

/// An event is late when it is older than this against log time: live rules may have missed what it
/// says.
inline constexpr Duration kLateAge = std::chrono::hours(1);
/// Late events that came within so long of each other belong to one run; an ImportEnded closes it
/// at once.
inline constexpr Duration kLateQuiet = std::chrono::minutes(5);
/// Breaches that a digest names; the rest are counted.
inline constexpr std::size_t kDigestMembersMax = 32;

/// One import, backfill or catching up: the cells that its late events touched, and what was found
/// in them.
struct LateRun {
  struct Range {
    Time from{}, to{};  ///< event times
  };
  struct Digest {
    std::uint64_t count = 0;
    std::vector<NoticeMember> members;  ///< the first kDigestMembersMax
    bool told = false;
  };
  std::uint64_t number = 0;  ///< 0 = no run yet
  Time last_at{};            ///< log time of the last late record
  bool closed = false;
  std::map<std::uint32_t, Range> cells;
  std::map<std::string, Time> found;      ///< alert key -> begin of its breach
  std::map<std::string, Digest> digests;  ///< by rule

  [[nodiscard]] bool Ready(Time now) const {
    return number > 0 && (closed || now - last_at >= kLateQuiet);
  }
};

/// Late events of one tenant, in the present run and the one before, which may still wait for its
/// digest.
///
/// Threads: owned by one thread.
class LateBook {
 public:
  // --- Fold ------------------------------------------------------------------------------------
  void Mark(const std::vector<CellId>& cells, Time from, Time to, Time log_time);
  /// A late event that a notice rule would have told: it goes into the rule's digest.
  void AddEvent(const std::string& rule, NoticeMember member, Time log_time);
  void EndImport();
  /// A transition with `late`: firing and resolved carry the begin and the end of the breach.
  void Apply(const storage::AlertTransition& transition);
  void Apply(const storage::NoticeDecided& notice);

  /// Newest run first.
  [[nodiscard]] const std::array<LateRun, 2>& runs() const { return runs_; }
  [[nodiscard]] static std::string EpisodeId(const std::string& fingerprint, const LateRun& run);

  /// The whole table is one row; it is written when it has changed.
  [[nodiscard]] bool TakeChanged() { return std::exchange(changed_, false); }
  [[nodiscard]] std::string Encode() const;
  [[nodiscard]] Status Load(std::string_view row);

 private:
  /// The run that what comes at `log_time` belongs to, which may begin with it.
  LateRun& Present(Time log_time);

  std::array<LateRun, 2> runs_;
  bool changed_ = false;
};

}  // namespace barograph::rules
