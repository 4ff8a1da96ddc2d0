#pragma once

#include <cstdint>
#include <string>

#include "rules/spec/rule.h"

namespace barograph::rules {

/// `notices:` a message for each event that yields a measure and passes the filters. It has no
/// alert: nothing fires and nothing resolves.
struct NoticeSpec {
  RuleCommon common;  ///< `for`, `keep_firing_for` and `min_events` have no meaning
  std::string each;   ///< base name of a measure
  std::string text;   ///< template; the message's annotation `summary`
  /// At most so many messages in each window, which begins with its first event; what is beyond is
  /// counted, and told in one message when the window ends.
  std::uint32_t limit = 20;
  Duration per = std::chrono::hours(1);
  friend bool operator==(const NoticeSpec&, const NoticeSpec&) = default;
};

inline constexpr std::uint32_t kNoticeLimitMax = 1'000;
inline constexpr Duration kNoticeWindowMin = std::chrono::seconds(1);
inline constexpr Duration kNoticeWindowMax = std::chrono::hours(7 * 24);

}  // namespace barograph::rules
