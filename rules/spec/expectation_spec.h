#pragma once

#include "rules/spec/event_pattern.h"
#include "rules/spec/rule.h"

namespace barograph::rules {

/// `expects:` fires when an event was not followed by another one in time. One instance for each
/// tuple of values of `same` that had an event to be followed.
///
/// What is to be followed is `common.where` and `measure`; `common.by` is `same`.
struct ExpectationSpec {
  RuleCommon common;
  std::string measure;  ///< of `after`
  EventPattern expect;
  Duration within{};  ///< [1 s, 35 d]
  friend bool operator==(const ExpectationSpec&, const ExpectationSpec&) = default;
};

inline constexpr Duration kWithinMax = std::chrono::hours(35 * 24);

}  // namespace barograph::rules
