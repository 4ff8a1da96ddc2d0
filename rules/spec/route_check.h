#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "rules/spec/rule_spec.h"

namespace barograph::rules {

/// "; did you mean 'x'?", or nothing, for a name that is not among the known ones.
using NearestName =
    std::function<std::string(std::string_view name, const std::set<std::string>& known)>;

/// The part of Validate that looks at routes, inhibitions, mute times, escalations and flap
/// control: receivers that do not exist, routes that no alert can reach, matchers that RE2 refuses,
/// ladders that do not rise, mute times that never end.
[[nodiscard]] std::vector<SpecError> CheckRouting(const RuleSet& rules, const NearestName& nearest);

}  // namespace barograph::rules
