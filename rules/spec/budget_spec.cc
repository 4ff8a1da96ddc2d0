#include "rules/spec/budget_spec.h"

#include <algorithm>

#include "rules/spec/rule_spec.h"

namespace barograph::rules {

std::string QuantityText(std::string_view measure, const std::string& currency, Int128 value) {
  constexpr int kNanoDigits = 9;
  const std::optional<MeasureTraits> traits = FindMeasure(measure);
  const bool nano = traits && traits->unit != MeasureUnit::kCount;
  std::string text = FormatDecimal(value, nano ? kNanoDigits : 0);
  if (currency.empty()) return text;
  // Money is written with two decimals at least.
  const std::size_t point = text.find('.');
  if (point == std::string::npos) {
    text += ".00";
  } else if (text.size() - point == 2) {
    text += "0";
  }
  return text + " " + currency;
}

MeasureName MeasureOf(const BudgetSpec& budget) { return {budget.measure, budget.limit.currency}; }
MeasureName MeasureOf(const GoalSpec& goal) { return {goal.measure, goal.target.currency}; }

std::vector<Calendar> CalendarsOf(const RuleSet& rules) {
  std::vector<Calendar> calendars;
  const auto add = [&](const Calendar& calendar) {
    if (std::find(calendars.begin(), calendars.end(), calendar) == calendars.end()) {
      calendars.push_back(calendar);
    }
  };
  for (const BudgetSpec& budget : rules.budgets) {
    if (budget.period) add(*budget.period);
  }
  for (const GoalSpec& goal : rules.goals) add(goal.period);
  return calendars;
}

}  // namespace barograph::rules
