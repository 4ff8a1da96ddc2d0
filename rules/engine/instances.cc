#include "rules/engine/instances.h"

#include <algorithm>

#include "storage/base/assert.h"

namespace barograph::rules {
namespace {

constexpr std::string_view kOverflow = "_overflow";

bool IsOverflow(const storage::Labels& labels) {
  return !labels.empty() && std::all_of(labels.begin(), labels.end(), [](const auto& label) {
    return label.second == kOverflow;
  });
}

/// Whether anything came that the projection of all events counts.
bool HasEvents(const WindowStore& windows) {
  bool any = false;
  windows.ForEachCell(windows.FindOrBuiltIn({}), [&any](CellId) { any = true; });
  return any;
}

/// Identity of an instance: its rule and what `by` says. Its hash spreads the instances over the
/// seconds.
std::uint64_t IdentityHash(const CompiledRule& rule, const storage::Labels& by) {
  storage::Labels identity = by;
  identity["rule"] = rule.common.name;
  return FingerprintValue(identity);
}

}  // namespace

std::string_view SeverityLabel(Severity severity) {
  if (severity == Severity::kCritical) return "critical";
  return severity == Severity::kInfo ? "info" : "warning";
}

storage::Labels AlertLabels(const CompiledRule& rule, const storage::Labels& by,
                            std::size_t level) {
  storage::Labels labels = by;
  // As in Prometheus: a label without a value is no label.
  std::erase_if(labels, [](const auto& label) { return label.second.empty(); });
  for (const auto& [name, value] : rule.common.labels) labels[name] = value;
  labels["alertname"] = rule.common.name;
  labels["rule"] = rule.common.name;
  const Condition::Level& of = rule.condition->levels()[level];
  labels["severity"] = SeverityLabel(of.severity);
  if (!of.policy.empty()) labels["policy"] = of.policy;
  if (!rule.common.owner.empty()) labels.try_emplace("owner", rule.common.owner);
  if (rule.common.shadow) labels[kShadowLabel] = "true";
  return labels;
}

bool Instances::Refresh(const std::vector<Tenant*>& tenants, const CompiledRules& rules,
                        Time judged) {
  judged_ = judged;
  const bool alone = tenants.size() == 1;
  if (std::exchange(alone_, alone) != alone) stale_ = true;
  const bool rebuilt = std::exchange(stale_, false);
  if (rebuilt) {
    instances_.clear();
    tenants_.clear();
    timers_.clear();
    changed_.clear();
    for (std::vector<InstanceId>& phase : phases_) phase.clear();
    any_slices_ =
        std::any_of(rules.begin(), rules.end(), [](const auto& rule) { return rule->slices; });
  }
  for (Tenant* tenant : tenants) {
    PerTenant& index = tenants_[tenant];
    std::vector<CellId>& touched = touched_[tenant];
    scratch_.clear();
    tenant->windows.TakeTouched(&scratch_);
    touched.insert(touched.end(), scratch_.begin(), scratch_.end());
    const auto unknown = [&](CellId cell) { return !index.of_cell.contains(cell.value); };
    if (rebuilt || std::any_of(touched.begin(), touched.end(), unknown)) {
      Discover(tenant, rules, &index);
    }
    if (!index.expects && (alone || HasEvents(tenant->windows))) {
      index.expects = true;
      DiscoverExpected(tenant, rules, &index);
    }
    for (const CellId cell : touched) {
      // A cell of a projection that no rule reads any more stays known and empty, so that it is not
      // looked for again.
      for (const InstanceId id : index.of_cell[cell.value]) {
        Instance& instance = instances_[id];
        // A timer that goes off too soon sets itself again; one that would come too late is moved.
        const auto changes = instance.rule->condition->ChangesAt(instance.series, judged);
        if (changes && (!instance.due || *changes < *instance.due)) Schedule(id, judged);
        if (std::exchange(instance.queued, true)) continue;
        changed_.push_back(id);
      }
    }
    touched.clear();
  }
  // After a start or a reload every instance counts as changed: which ones were is no part of the
  // state, and a changed rule is evaluated anew.
  for (InstanceId id = 0; rebuilt && id < instances_.size(); ++id) {
    if (!std::exchange(instances_[id].queued, true)) changed_.push_back(id);
  }
  return rebuilt;
}

void Instances::Touch(Tenant* tenant, const std::vector<CellId>& cells) {
  std::vector<CellId>& touched = touched_[tenant];
  touched.insert(touched.end(), cells.begin(), cells.end());
}

void Instances::Discover(Tenant* tenant, const CompiledRules& rules, PerTenant* index) {
  index->seen.resize(rules.size());
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const CompiledRule& rule = *rules[i];
    std::size_t position = 0;
    tenant->windows.ForEachCell(tenant->windows.FindOrBuiltIn(rule.projection), [&](CellId cell) {
      if (position++ >= index->seen[i]) Add(tenant, rule, cell, index);
    });
    index->seen[i] = position;
  }
}

void Instances::DiscoverExpected(Tenant* tenant, const CompiledRules& rules, PerTenant* index) {
  for (const auto& rule : rules) {
    for (const std::string& value : rule->condition->expected()) {
      storage::Labels by;
      if (!rule->projection.by.empty()) by.emplace(rule->projection.by.front(), value);
      const std::string_view values[] = {value};
      const std::optional<CellId> cell =
          tenant->windows.FindCell(tenant->windows.FindOrBuiltIn(rule->projection),
                                   std::span(values, rule->projection.by.size()));
      if (cell) continue;
      const InstanceId id = Make(tenant, *rule, kNoCell, std::move(by), index);
      index->expected.emplace(std::pair(rule.get(), value), id);
      instances_[id].queued = true;
      changed_.push_back(id);
    }
  }
}

void Instances::Add(Tenant* tenant, const CompiledRule& rule, CellId cell, PerTenant* index) {
  index->of_cell.try_emplace(cell.value);
  storage::Labels by = tenant->windows.LabelsOf(cell);
  if (IsOverflow(by) || TakeCell(rule, cell, by, index)) return;
  const InstanceId id = Make(tenant, rule, cell, std::move(by), index);
  index->of_cell[cell.value].push_back(id);
}

bool Instances::TakeCell(const CompiledRule& rule, CellId cell, const storage::Labels& by,
                         PerTenant* index) {
  if (index->expected.empty()) return false;
  const auto waiting =
      index->expected.find(std::pair(&rule, by.empty() ? std::string() : by.begin()->second));
  if (waiting == index->expected.end()) return false;
  instances_[waiting->second].series.cell = cell;
  index->of_cell[cell.value].push_back(waiting->second);
  index->expected.erase(waiting);
  return true;
}

InstanceId Instances::Make(Tenant* tenant, const CompiledRule& rule, CellId cell,
                           storage::Labels by, PerTenant* index) {
  const auto id = static_cast<InstanceId>(instances_.size());
  phases_[IdentityHash(rule, by) % kPhases].push_back(id);
  Instance& instance = instances_.emplace_back();
  instance.tenant = tenant;
  instance.rule = &rule;
  instance.series = {&tenant->windows,
                     cell,
                     {},
                     std::max(rule.since, tenant->first_at),
                     tenant->HoldsAllSince(rule.since),
                     rule.slo == nullptr ? nullptr : tenant->exclusions.Of(rule.common.name)};
  for (const MeasureName& name : rule.condition->measures()) {
    const std::optional<MeasureId> known = tenant->windows.FindMeasureId(name);
    BAROGRAPH_ASSERT(known.has_value(),
                     "the measures of rules are interned when the configuration is folded");
    instance.series.measures.push_back(*known);
  }
  if (rule.condition->reads_forecast())
    instance.series.forecast = tenant->outlooks.Of(rule.common.name, by);
  instance.by = std::move(by);
  for (std::uint32_t level = 0; level < rule.condition->levels().size(); ++level) {
    std::string key = AlertKey(AlertLabels(rule, instance.by, level));
    instance.alerts.push_back(tenant->alerts.Find(key));
    index->of_alert.emplace(std::move(key), std::pair(id, level));
  }
  // What came due since the last whole second may not have been judged.
  Schedule(id, judged_);
  return id;
}

void Instances::Relink(Tenant* tenant, const std::string& key, const Alert* alert) {
  if (stale_) return;
  const auto index = tenants_.find(tenant);
  if (index == tenants_.end()) return;
  const auto found = index->second.of_alert.find(key);
  if (found == index->second.of_alert.end()) return;
  instances_[found->second.first].alerts[found->second.second] = alert;
  Schedule(found->second.first, judged_);
}

void Instances::Pass(InstanceId id, Time at) {
  instances_[id].woken = false;
  Schedule(id, at);
}

bool Instances::IsDue(InstanceId id, Time second) {
  Schedule(id, judged_);
  const Instance& instance = instances_[id];
  return instance.due && *instance.due <= second;
}

void Instances::Schedule(InstanceId id, Time after) {
  Instance& instance = instances_[id];
  if (instance.woken) return;
  if (instance.due) timers_.erase({*instance.due, id});
  instance.due = instance.rule->condition->ChangesAt(instance.series, after);
  for (const Alert* alert : instance.alerts) {
    if (alert == nullptr) continue;
    const std::optional<Time> due = DueAt(*alert, instance.rule->common);
    if (due && (!instance.due || *due < *instance.due)) instance.due = due;
  }
  if (instance.due) timers_.emplace(*instance.due, id);
}

void Instances::Wake(InstanceId id, Time at) {
  Instance& instance = instances_[id];
  // Also where a timer is over: that one may not stand any more.
  instance.woken = true;
  if (instance.due && *instance.due <= at) return;
  if (instance.due) timers_.erase({*instance.due, id});
  instance.due = at;
  timers_.emplace(at, id);
}

const std::vector<InstanceId>& Instances::OfCell(Tenant* tenant, CellId cell) {
  return tenants_[tenant].of_cell[cell.value];
}

bool Instances::Knows(Tenant* tenant, const std::string& alert_key) const {
  const auto index = tenants_.find(tenant);
  return index != tenants_.end() && index->second.of_alert.contains(alert_key);
}

std::optional<InstanceId> Instances::PopChanged() {
  if (changed_.empty()) return std::nullopt;
  const InstanceId id = changed_.front();
  changed_.pop_front();
  instances_[id].queued = false;
  return id;
}

}  // namespace barograph::rules
