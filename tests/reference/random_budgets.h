#pragma once

#include "rules/spec/rule_spec.h"
#include "tests/reference/dice.h"

namespace barograph::reference {

/// Adds budgets and goals that RandomEvents crosses within minutes, over periods of every sort.
void AddBudgets(Dice* dice, rules::RuleSet* rules);
/// Time shortly before some period of one of their calendars ends: a stream that begins then sees
/// the next one begin.
[[nodiscard]] Time ShortlyBeforeAPeriod(Dice* dice, const rules::RuleSet& rules);

}  // namespace barograph::reference
