#include "rules/engine/tenant.h"

#include <algorithm>

#include "rules/absence/absence.h"
#include "rules/budget/budget.h"
#include "rules/budget/goal.h"
#include "rules/burn_rate/burn_rate.h"
#include "rules/expectation/expectation.h"
#include "rules/outlook/outlook.h"
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
  } else if (spec.form == ThresholdSpec::Form::kExhausted) {
    const auto budget =
        std::find_if(rules.budgets.begin(), rules.budgets.end(),
                     [&](const BudgetSpec& each) { return each.common.name == spec.budget; });
    BAROGRAPH_ASSERT(budget != rules.budgets.end(), "the budget of a validated rule exists");
    common.by = budget->common.by;
    common.where = budget->common.where;
    condition = std::make_unique<Outlook>(spec, *budget);
  } else if (spec.form == ThresholdSpec::Form::kForecast) {
    condition = std::make_unique<Outlook>(spec, rules.derived);
  } else if (spec.form == ThresholdSpec::Form::kNew) {
    condition = std::make_unique<Novelty>(spec, rules.derived);
  } else {
    condition = std::make_unique<Threshold>(spec, rules.derived);
  }
  compiled->push_back(std::make_unique<CompiledRule>(common, std::move(condition)));
}

}  // namespace

storage::Labels CompiledRule::Annotations(const storage::AlertTransition& transition,
                                          const WindowStore& windows) const {
  storage::Labels rendered;
  if (templates.empty()) return rendered;
  // A label without a value is no label of the alert, and an empty value of the cell.
  std::vector<std::string_view> values;
  for (const std::string& name : projection.by) {
    const auto label = transition.labels.find(name);
    values.push_back(label == transition.labels.end() ? std::string_view() : label->second);
  }
  const std::optional<CellId> cell = windows.FindCell(windows.FindOrBuiltIn(projection), values);
  const CellSighting* seen = cell ? windows.Sighting(*cell, SightingOf(common)) : nullptr;
  const TemplateValues named{transition.labels, transition.value, transition.threshold,
                             transition.condition, seen != nullptr ? &seen->texts : nullptr};
  for (const auto& [name, text] : templates) rendered.emplace(name, text.Render(named));
  return rendered;
}

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
  for (const AbsenceSpec& spec : rules.absences) {
    compiled.push_back(
        std::make_unique<CompiledRule>(spec.common, std::make_unique<Absence>(spec)));
  }
  for (const ExpectationSpec& spec : rules.expects) {
    compiled.push_back(
        std::make_unique<CompiledRule>(spec.common, std::make_unique<Expectation>(spec)));
  }
  return compiled;
}

}  // namespace barograph::rules
