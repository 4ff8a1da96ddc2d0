#include "rules/engine/tenant.h"

#include <algorithm>

#include "rules/budget/budget.h"
#include "rules/budget/goal.h"
#include "rules/burn_rate/burn_rate.h"
#include "rules/threshold/budget_left.h"
#include "rules/threshold/novelty.h"
#include "rules/threshold/threshold.h"
#include "storage/base/assert.h"

namespace barograph::rules {
namespace {

void CompileThreshold(const ThresholdSpec& spec, const RuleSet& rules, CompiledRules* compiled) {
  RuleCommon common = spec.common;
  std::unique_ptr<Condition> condition;
  if (spec.form == ThresholdSpec::Form::kBudget) {
    const auto slo = std::find_if(rules.slos.begin(), rules.slos.end(), [&](const SloSpec& each) {
      return each.common.name == spec.slo;
    });
    BAROGRAPH_ASSERT(slo != rules.slos.end(), "the SLO of a validated threshold exists");
    common.by = slo->common.by;
    common.where = slo->common.where;
    condition = std::make_unique<BudgetLeft>(spec, *slo);
  } else if (spec.form == ThresholdSpec::Form::kNew) {
    condition = std::make_unique<Novelty>(spec, rules.derived);
  } else {
    condition = std::make_unique<Threshold>(spec, rules.derived);
  }
  compiled->push_back(std::make_unique<CompiledRule>(common, std::move(condition)));
}

}  // namespace

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
  for (const ThresholdSpec& spec : rules.thresholds) CompileThreshold(spec, rules, &compiled);
  return compiled;
}

}  // namespace barograph::rules
