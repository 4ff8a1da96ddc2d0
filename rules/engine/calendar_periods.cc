#include <algorithm>

#include "rules/budget/budget.h"
#include "rules/budget/goal.h"
#include "rules/engine/engine_state.h"

// Periods of calendars: which are missing, what opens them, and where budgets and goals stand in
// them. When they begin and end is decided outside, where there are time zones.

namespace barograph::rules {

std::vector<Engine::MissingPeriod> Engine::MissingPeriods(Time at) const {
  std::vector<MissingPeriod> missing;
  const auto server = state_->tenants.find(kServerTenant);
  if (server == state_->tenants.end()) return missing;
  const WindowStore& windows = server->second->windows;
  for (const Calendar& calendar : CalendarsOf(state_->rules)) {
    const std::string text = calendar.Text();
    if (calendar.unit == Calendar::Unit::kDates) {
      if (!windows.periods().contains(text)) missing.push_back({calendar, at});
      continue;
    }
    const std::optional<Period> now = windows.PeriodAt(text, at);
    if (!now) {
      missing.push_back({calendar, at});
    } else if (!windows.PeriodAt(text, now->end)) {
      // The next one is open before it begins: events may be ahead of the log's time.
      missing.push_back({calendar, now->end});
    }
  }
  return missing;
}

std::vector<Engine::Decided> Engine::OpenPeriod(const storage::PeriodOpened& period) const {
  const auto server = state_->tenants.find(kServerTenant);
  if (server != state_->tenants.end() &&
      server->second->windows.PeriodAt(period.calendar, period.start)) {
    return {};
  }
  return {{std::string(kServerTenant), {period}}};
}

void Engine::State::Fold(const storage::PeriodOpened& period) {
  for (const auto& [name, tenant] : tenants) {
    tenant->windows.OpenPeriod(period.calendar, {period.start, period.end});
    ReindexLeases(*tenant);
  }
}

std::vector<BudgetStatus> Engine::Budgets(std::string_view tenant, Time at,
                                          std::string_view rule_filter, std::size_t limit) const {
  std::vector<BudgetStatus> statuses;
  const auto found = state_->tenants.find(tenant);
  if (found == state_->tenants.end()) return statuses;
  state_->Refresh();
  for (const Instance& instance : state_->instances.all()) {
    if (statuses.size() >= limit) break;
    const CompiledRule& rule = *instance.rule;
    if (instance.tenant != found->second.get()) continue;
    if (rule.budget == nullptr && rule.goal == nullptr) continue;
    if (!rule_filter.empty() && rule.common.name != rule_filter) continue;
    BudgetStatus& status = statuses.emplace_back();
    status.rule = rule.common.name;
    status.labels = instance.by;
    status.is_goal = rule.goal != nullptr;
    const auto fill = [&](const std::string& measure, const Quantity& quantity) {
      status.measure = measure;
      status.limit = quantity.value;
      status.currency = quantity.currency;
    };
    if (rule.budget != nullptr) {
      fill(rule.budget->measure, rule.budget->limit);
      const BudgetStanding standing =
          static_cast<const Budget&>(*rule.condition).StandingOf(instance.series, at);
      if (rule.budget->period) status.calendar = rule.budget->period->Text();
      status.rolling = rule.budget->rolling;
      status.period = standing.period;
      status.amount = standing.spent;
      status.exhausted_at = standing.exhausted_at;
      const Time begin = standing.period ? standing.period->start : at - status.rolling;
      status.filling = instance.series.since > begin;
    } else {
      fill(rule.goal->measure, rule.goal->target);
      const GoalStanding standing =
          static_cast<const Goal&>(*rule.condition).StandingOf(instance.series, at);
      status.calendar = rule.goal->period.Text();
      status.period = standing.period;
      status.amount = standing.reached;
      status.expected_ppb = standing.expected_ppb;
      status.filling = standing.period && instance.series.since > standing.period->start;
    }
  }
  return statuses;
}

}  // namespace barograph::rules
