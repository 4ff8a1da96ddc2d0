#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"
#include "storage/event/server_event.h"

namespace re2 {
class RE2;
}

namespace barograph::rules {

using storage::LabelMatcher;

inline constexpr std::size_t kMatchersMax = 32;  ///< of one route, silence or inhibition
inline constexpr std::size_t kMatcherValueBytesMax = 1'024;

/// Reads a matcher as Alertmanager writes it: `severity=critical`, `agent!="CMO"`, `rule=~"a|b"`,
/// `team!~"x.*"`. The value may stand in double quotes, in which `\"`, `\\` and `\n` are escapes.
/// Errors: kInvalidArgument with what would be right, also for an expression that RE2 refuses.
[[nodiscard]] Result<LabelMatcher> ParseMatcher(std::string_view text);
/// `severity="critical"`: what ParseMatcher reads back.
[[nodiscard]] std::string MatcherText(const LabelMatcher& matcher);
/// `{agent="CMO",rule=~"a|b"}`.
[[nodiscard]] std::string MatchersText(const std::vector<LabelMatcher>& matchers);
/// A name, a known operator, a value of at most kMatcherValueBytesMax, an expression that compiles.
[[nodiscard]] Status CheckMatcher(const LabelMatcher& matcher);
/// Whether an alert without any label fits: such matchers choose nothing.
[[nodiscard]] bool MatchesNothingNamed(const std::vector<LabelMatcher>& matchers);

/// Matchers made ready: an alert fits when every one of them does. As in Alertmanager a label that
/// an alert lacks counts as empty, and an expression must match the whole value.
///
/// Threads: any; immutable.
class MatcherSet {
 public:
  MatcherSet() = default;
  /// Matchers that CheckMatcher refuses fit nothing.
  explicit MatcherSet(const std::vector<LabelMatcher>& matchers);

  [[nodiscard]] bool Fits(const storage::Labels& labels) const;

 private:
  struct One {
    LabelMatcher matcher;
    std::shared_ptr<const re2::RE2> expression;  ///< of =~ and !~
  };
  std::vector<One> all_;
};

}  // namespace barograph::rules
