#include <utility>

#include "rules/engine/engine_state.h"
#include "rules/outlook/history.h"
#include "storage/base/bytes.h"

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

/// Names what a rule's forecasts are of: equal as long as they are of the same numbers.
std::string SourceText(const CompiledRule& rule, const ForecastSource& source) {
  std::string text;
  ByteWriter writer(&text);
  writer.String(EncodeProjection(rule.projection));
  writer.Varint(source.is_level ? 1 : 0);
  for (const ForecastSource::Term& term : source.terms) {
    writer.Varint(term.measure.value);
    writer.Varint(term.minus ? 1 : 0);
  }
  return text;
}

std::optional<CellId> CellOf(const CompiledRule& rule, const WindowStore& windows,
                             const storage::Labels& labels) {
  std::vector<std::string_view> values;
  for (const std::string& dimension : rule.projection.by) {
    const auto value = labels.find(dimension);
    if (value == labels.end()) return std::nullopt;
    values.push_back(value->second);
  }
  return windows.FindCell(windows.FindOrBuiltIn(rule.projection), values);
}

}  // namespace

void Engine::State::Fold(Tenant& tenant, const storage::ForecastIssued& forecast) {
  tenant.outlooks.Apply(forecast);
  const auto rule = rule_by_name.find(forecast.rule);
  if (rule == rule_by_name.end()) return;
  const WindowStore& windows = tenant.windows;
  const std::optional<CellId> cell = CellOf(*rule->second, windows, forecast.labels);
  if (!cell) return;
  const std::optional<InstanceSeries> series = SeriesOf(*rule->second, windows, *cell);
  if (!series) return;
  const std::optional<ForecastSource> source = rule->second->condition->Forecasts(*series);
  if (!source) return;
  tenant.accuracy.Apply(forecast, SourceText(*rule->second, *source), [&](Time from, Time to) {
    return NanosOf(*source, ValueOf(*source, windows, *cell, from, to));
  });
}

void Engine::State::ForgetForecasts(Tenant& tenant) const {
  const auto asks = [this](std::string_view name) -> const CompiledRule* {
    const auto found = rule_by_name.find(name);
    if (found == rule_by_name.end() || !found->second->condition->reads_forecast()) return nullptr;
    return found->second;
  };
  tenant.outlooks.KeepOnly([&](std::string_view name) { return asks(name) != nullptr; });
  tenant.accuracy.KeepOnly([&](std::string_view name, std::string_view known) {
    const CompiledRule* rule = asks(name);
    if (rule == nullptr) return false;
    const std::optional<InstanceSeries> series = SeriesOf(*rule, tenant.windows, kNoCell);
    if (!series) return false;
    const std::optional<ForecastSource> source = rule->condition->Forecasts(*series);
    return source && SourceText(*rule, *source) == known;
  });
}

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

AccuracyReport Engine::Accuracy(std::string_view tenant_name) const {
  const auto tenant = state_->tenants.find(tenant_name);
  if (tenant == state_->tenants.end()) return {};
  return {tenant->second->accuracy.All(), tenant->second->accuracy.dropped()};
}

}  // namespace barograph::rules
