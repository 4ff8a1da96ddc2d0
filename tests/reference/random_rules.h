#pragma once

#include <vector>

#include "rules/spec/rule_spec.h"
#include "tests/reference/dice.h"

namespace barograph::reference {

/// A rule set of three to five SLOs of all sorts that RandomEvents can breach within minutes.
[[nodiscard]] rules::RuleSet RandomRules(Dice* dice);
/// The same set after somebody edited it: a rule gone, one changed, one added.
[[nodiscard]] rules::RuleSet EditRules(Dice* dice, rules::RuleSet rules);

/// Lets some rules of every kind have an owner, be in force for a while, or live in the shadow.
void AddOverlays(Dice* dice, Time now, rules::RuleSet* rules);
/// Gives the set routes, receivers, inhibitions, mute times, a ladder and flap control for the
/// alerts that its rules have.
void AddRandomRouting(Dice* dice, Time now, rules::RuleSet* rules);
/// Matchers that fit some of those alerts.
[[nodiscard]] std::vector<rules::LabelMatcher> RandomMatchers(Dice* dice);

}  // namespace barograph::reference
