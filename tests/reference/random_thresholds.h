#pragma once

#include "rules/spec/rule_spec.h"
#include "tests/reference/dice.h"

namespace barograph::reference {

/// Adds derived measures, and some thresholds of every form and comparison over them and over what
/// RandomEvents sends. The SLOs are there already.
void AddThresholds(Dice* dice, rules::RuleSet* rules);

}  // namespace barograph::reference
