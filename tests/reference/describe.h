#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "rules/spec/rule_spec.h"
#include "storage/base/clock.h"

namespace barograph::reference {

// Rules and times as README.md describes the input of the reference model.

[[nodiscard]] std::int64_t Nanos(Time time);
[[nodiscard]] nlohmann::json DescribeMatchers(const std::vector<rules::LabelMatcher>& matchers);
[[nodiscard]] nlohmann::json DescribeRules(const rules::RuleSet& rules);

}  // namespace barograph::reference
