#include <algorithm>
#include <limits>

#include "rules/engine/engine_state.h"

// Levels that no event of an agent brings: those of the server, and those of open tasks. They are
// read once a minute and only while a rule names them, because each reading is an event of the log.

namespace barograph::rules {
namespace {

using storage::GaugeReading;

constexpr std::int64_t kBillion = 1'000'000'000;
constexpr std::string_view kTasksOpen = "tasks.open", kTasksAtRisk = "tasks.at_risk",
                           kCostOpenTasks = "cost.open_tasks";

std::int64_t Clamp(Int128 nanos) {
  constexpr Int128 kMost = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(std::min(nanos, kMost));
}

bool IsOfTasks(std::string_view measure) {
  return measure == kTasksOpen || measure == kTasksAtRisk || measure == kCostOpenTasks;
}

/// Levels of the tenant's open tasks that are not 0.
std::vector<GaugeReading> OfOpenTasks(const Tenant& tenant, Time now) {
  const MeasureFold::OpenTasks open = tenant.measures.open_tasks(now);
  std::vector<GaugeReading> readings;
  const auto count = [&](std::string_view measure, std::uint64_t tasks) {
    if (tasks > 0) readings.push_back({std::string(measure), "", Clamp(Int128{tasks} * kBillion)});
  };
  count(kTasksOpen, open.open);
  count(kTasksAtRisk, open.at_risk);
  for (const auto& [currency, nanos] : open.cost)
    readings.push_back({std::string(kCostOpenTasks), std::string(currency.code()), Clamp(nanos)});
  return readings;
}

/// And 0 for those that were not by the last reading.
void AddEnded(const Tenant& tenant, std::vector<GaugeReading>* readings) {
  for (const auto& level : tenant.open_levels) {
    const bool goes_on = std::any_of(readings->begin(), readings->end(), [&](const auto& reading) {
      return std::pair(reading.measure, reading.currency_code) == level;
    });
    if (!goes_on) readings->push_back({level.first, level.second, 0});
  }
}

std::set<std::string, std::less<>> MeasuresRead(const CompiledRules& rules) {
  std::set<std::string, std::less<>> read;
  for (const auto& rule : rules) {
    for (const MeasureName& measure : rule->condition->measures()) read.insert(measure.base);
  }
  return read;
}

}  // namespace

std::vector<Engine::Decided> Engine::ReadGauges(const std::vector<GaugeReading>& readings,
                                                Time now) const {
  const std::set<std::string, std::less<>> read = MeasuresRead(state_->compiled);
  std::vector<Decided> decided;
  const auto add = [&](std::string_view tenant, std::vector<GaugeReading> found) {
    std::erase_if(found, [&](const GaugeReading& each) { return !read.contains(each.measure); });
    for (std::size_t first = 0; first < found.size(); first += storage::kGaugeReadingsMax) {
      if (first == 0) decided.push_back({std::string(tenant), {}});
      const std::size_t count = std::min(storage::kGaugeReadingsMax, found.size() - first);
      const auto from = found.begin() + static_cast<std::ptrdiff_t>(first);
      decided.back().events.emplace_back(storage::GaugesRead{
          {"server", "reading"}, {from, from + static_cast<std::ptrdiff_t>(count)}});
    }
  };
  if (!readings.empty()) add(kServerTenant, readings);
  const bool any_of_tasks = std::any_of(read.begin(), read.end(), IsOfTasks);
  for (const auto& [name, tenant] : state_->tenants) {
    if (!any_of_tasks && tenant->open_levels.empty()) continue;
    std::vector<GaugeReading> open = OfOpenTasks(*tenant, now);
    AddEnded(*tenant, &open);
    add(name, std::move(open));
  }
  return decided;
}

void Engine::State::Fold(Tenant& tenant, const storage::GaugesRead& gauges) {
  for (const GaugeReading& reading : gauges.readings) {
    if (!IsOfTasks(reading.measure)) continue;
    const std::pair level(reading.measure, reading.currency_code);
    if (reading.nanos != 0) {
      tenant.open_levels.insert(level);
    } else {
      tenant.open_levels.erase(level);
    }
  }
}

}  // namespace barograph::rules
