#pragma once

#include <string>
#include <vector>

#include "rules/spec/rule.h"

namespace barograph::rules {

/// `absences:` fires when a series had no event for so long. One instance for each tuple of values
/// of `by` that had an event within `seen_within`; without `by` a single one, which is expected.
struct AbsenceSpec {
  RuleCommon common;    ///< `for_duration` is 0: the rule's `for` is `silence`
  std::string measure;  ///< an event counts that yields it, whatever its currency
  Duration silence{};   ///< [1 s, 800 d] without an event
  /// Values of the one `by` dimension whose instances exist before their first event, and are never
  /// forgotten.
  std::vector<std::string> expected;
  /// An instance that was not seen for so long is forgotten. Above `silence`, at most 800 d.
  Duration seen_within = std::chrono::hours(24);
  friend bool operator==(const AbsenceSpec&, const AbsenceSpec&) = default;
};

inline constexpr Duration kSilenceMax = std::chrono::hours(800 * 24);
inline constexpr std::size_t kExpectedMax = 1'000;  ///< names of one absence

}  // namespace barograph::rules
