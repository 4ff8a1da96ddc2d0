#include "rules/engine/tenant.h"

#include "rules/budget/budget.h"
#include "rules/budget/goal.h"
#include "rules/burn_rate/burn_rate.h"

namespace barograph::rules {

CompiledRules CompileRules(const RuleSet& rules) {
  CompiledRules compiled;
  for (const SloSpec& spec : rules.slos) {
    CompiledRule& rule = *compiled.emplace_back(
        std::make_unique<CompiledRule>(spec.common, std::make_unique<BurnRate>(spec)));
    rule.slo = &spec;
    rule.slices = spec.slice.has_value();
  }
  for (const BudgetSpec& spec : rules.budgets) {
    compiled.push_back(std::make_unique<CompiledRule>(spec.common, std::make_unique<Budget>(spec)));
    compiled.back()->budget = &spec;
  }
  for (const GoalSpec& spec : rules.goals) {
    compiled.push_back(std::make_unique<CompiledRule>(spec.common, std::make_unique<Goal>(spec)));
    compiled.back()->goal = &spec;
  }
  return compiled;
}

}  // namespace barograph::rules
