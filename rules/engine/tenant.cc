#include "rules/engine/tenant.h"

#include "rules/absence/absence.h"
#include "rules/budget/budget.h"
#include "rules/budget/goal.h"
#include "rules/burn_rate/burn_rate.h"
#include "rules/expectation/expectation.h"

namespace barograph::rules {

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
