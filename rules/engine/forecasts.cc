#include <utility>

#include "rules/engine/engine_state.h"

// What rules want to know of the future. The models run elsewhere; what they say comes back as an
// event.

namespace barograph::rules {
namespace {

/// A series as an instance of the rule reads it, as far as a question needs it.
std::optional<InstanceSeries> SeriesOf(const CompiledRule& rule, const WindowStore& windows,
                                       CellId cell) {
  InstanceSeries series;
  series.windows = &windows;
  series.cell = cell;
  for (const MeasureName& name : rule.condition->measures()) {
    const std::optional<MeasureId> known = windows.FindMeasureId(name);
    if (!known) return std::nullopt;
    series.measures.push_back(*known);
  }
  return series;
}

}  // namespace

std::vector<ForecastSubject> Engine::ForecastSubjects() const {
  std::vector<ForecastSubject> subjects;
  for (const auto& [name, tenant] : state_->tenants) {
    std::size_t left = kForecastsKept;
    const std::string& of = name;
    for (const auto& rule : state_->compiled) {
      if (!rule->condition->reads_forecast()) continue;
      tenant->windows.ForEachCell(
          tenant->windows.FindOrBuiltIn(rule->projection), [&](CellId cell) {
            if (left == 0) return;
            --left;
            subjects.push_back({of, rule->common.name, cell, state_->config_at});
          });
    }
  }
  return subjects;
}

bool Engine::IsForecastDue(const ForecastSubject& subject, Time history_end) const {
  const auto tenant = state_->tenants.find(subject.tenant);
  if (subject.config_at != state_->config_at || tenant == state_->tenants.end()) return false;
  const storage::ForecastIssued* last =
      tenant->second->outlooks.Find(subject.rule, tenant->second->windows.LabelsOf(subject.cell));
  return last == nullptr || last->history_end < history_end;
}

std::optional<ForecastWish> Engine::AskForecast(const ForecastSubject& subject, Time now) const {
  const auto tenant = state_->tenants.find(subject.tenant);
  const auto rule = state_->rule_by_name.find(subject.rule);
  if (subject.config_at != state_->config_at || tenant == state_->tenants.end() ||
      rule == state_->rule_by_name.end())
    return std::nullopt;
  const WindowStore& windows = tenant->second->windows;
  const std::optional<InstanceSeries> series = SeriesOf(*rule->second, windows, subject.cell);
  if (!series) return std::nullopt;
  std::optional<ForecastQuestion> question = rule->second->condition->Asks(*series, now);
  if (!question) return std::nullopt;
  return ForecastWish{windows.LabelsOf(subject.cell), *std::move(question)};
}

Result<std::vector<Engine::Decided>> Engine::IssueForecast(std::string_view tenant_name,
                                                           storage::ForecastIssued forecast,
                                                           Time now) const {
  const auto tenant = state_->tenants.find(tenant_name);
  const auto rule = state_->rule_by_name.find(forecast.rule);
  if (tenant == state_->tenants.end() || rule == state_->rule_by_name.end() ||
      !rule->second->condition->reads_forecast())
    return Error(ErrorCode::kNotFound, "no rule '" + forecast.rule + "' asks for a forecast");
  BAROGRAPH_TRY(tenant->second->outlooks.CheckRoom(forecast));
  forecast.at = now;
  return std::vector<Decided>{{std::string(tenant_name), {std::move(forecast)}}};
}

std::vector<storage::ForecastIssued> Engine::Forecasts(std::string_view tenant_name) const {
  const auto tenant = state_->tenants.find(tenant_name);
  if (tenant == state_->tenants.end()) return {};
  return tenant->second->outlooks.All();
}

}  // namespace barograph::rules
