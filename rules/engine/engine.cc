#include "rules/engine/engine.h"

#include <algorithm>
#include <type_traits>
#include <variant>

#include "rules/burn_rate/burn_rate.h"
#include "rules/engine/engine_state.h"
#include "storage/base/digest.h"

namespace barograph::rules {
namespace {

using storage::AlertState;
using storage::AlertTransition;
using storage::ConfigApplied;
using storage::ServerEvent;

/// Event times of the late events of one record.
struct LateSpan {
  bool any = false;
  Time from{}, to{};
  void Add(Time time) {
    from = any ? std::min(from, time) : time;
    to = any ? std::max(to, time) : time;
    any = true;
  }
};

/// What a price table says, whoever applied it.
std::string DigestOf(storage::PricesApplied prices) {
  prices.origin = {};
  return std::string(Bytes(Sha256(EncodeServerEvent(prices, Time{}))));
}

const storage::Labels* LabelsOf(const ServerEvent& event) {
  if (const auto* transition = std::get_if<AlertTransition>(&event)) return &transition->labels;
  if (const auto* ack = std::get_if<storage::Acknowledged>(&event)) return &ack->labels;
  return nullptr;
}

}  // namespace

std::string EncodeProjection(const Projection& projection) {
  std::string key;
  for (const std::string& dimension : projection.by) key.append(dimension).push_back('\xFF');
  for (const Projection::Filter& filter : projection.where) {
    key.append("\xFF").append(filter.dimension);
    for (const std::string& value : filter.any_of) key.append("\xFF").append(value);
  }
  return key;
}

Engine::Engine(NoticeFormat format) : state_(std::make_unique<State>()) {
  state_->format = std::move(format);
}
Engine::~Engine() = default;

// --- Fold --------------------------------------------------------------------------------------

Tenant& Engine::State::Create(std::string_view name) {
  Tenant& tenant = *tenants.emplace(std::string(name), std::make_unique<Tenant>(std::string(name)))
                        .first->second;
  AttachColdReader(tenant);
  return tenant;
}

Tenant& Engine::State::TenantOf(std::string_view name) {
  if (last_tenant != nullptr && last_tenant->name == name) [[likely]] {
    return *last_tenant;
  }
  if (const auto found = tenants.find(name); found != tenants.end()) {
    last_tenant = found->second.get();
  } else {
    last_tenant = &Create(name);
    if (!config_hash.empty()) Configure(*last_tenant);
  }
  return *last_tenant;
}

void Engine::State::Configure(Tenant& tenant) const {
  const WindowPlan plan = PlanWindows(rules);
  tenant.windows.Configure(plan, config_at);
  tenant.measures.SetAtMost(plan.at_most);
  for (const auto& rule : compiled) {
    for (const MeasureName& name : rule->condition->measures()) tenant.windows.Intern(name);
    tenant.windows.Watch(tenant.windows.FindOrBuiltIn(rule->projection));
  }
  // Periods lie with the server's tenant; one that comes later takes them over.
  if (const auto server = tenants.find(kServerTenant); server != tenants.end()) {
    for (const auto& [calendar, known] : server->second->windows.periods()) {
      for (const Period& period : known) tenant.windows.OpenPeriod(calendar, period);
    }
  }
  ConfigureInhibitions(tenant);
  tenant.notices.SetRouting(routing);
  tenant.messages.Configure(notice_rules);
  ReindexLeases(tenant);
}

void Engine::State::Compile() {
  routing = RoutingOf(rules);
  compiled = CompileRules(rules);
  notice_rules.clear();
  // Where nobody is told nothing waits, and nothing is kept for a receiver that comes later.
  for (const NoticeSpec& spec : rules.notices) {
    if (!routing.route.receiver.empty() && !spec.common.shadow) notice_rules.emplace_back(spec);
  }
  rule_by_name.clear();
  enforced.clear();
  for (const auto& rule : compiled) {
    rule->since = since[EncodeProjection(rule->projection)];
    rule_by_name.emplace(rule->common.name, rule.get());
    // A rule in the shadow is watched before it may refuse anything.
    if (rule->budget != nullptr && rule->budget->enforce && !rule->common.shadow)
      enforced.push_back(rule.get());
  }
  instances.Invalidate();
}

Status Engine::State::Fold(const ConfigApplied& config, Time at, Sequence sequence) {
  BAROGRAPH_ASSIGN(rules, DecodeRuleSet(config.rules_json));
  rules_text = config.rules_json;
  config_hash = config.hash;
  config_at = sequence;
  config_changed = true;
  std::map<std::string, Time> known = std::exchange(since, {});
  for (const Projection& projection : PlanWindows(rules).projections) {
    const std::string key = EncodeProjection(projection);
    const auto old = known.find(key);
    since[key] = old == known.end() ? at : old->second;
  }
  Compile();
  for (const auto& [name, tenant] : tenants) {
    Configure(*tenant);
    ForgetForecasts(*tenant);
  }
  return {};
}

void Engine::State::Fold(Tenant& tenant, const AlertTransition& transition) {
  if (transition.late) {
    tenant.late.Apply(transition);
    return;
  }
  const AlertBook::Applied applied = tenant.alerts.Apply(transition);
  instances.Relink(&tenant, AlertKey(transition.labels), applied.alert);
  if (!applied.forgotten.empty()) instances.Relink(&tenant, applied.forgotten, nullptr);
  if (transition.from == transition.to) return;
  storage::Labels annotations;
  if (const auto rule = rule_by_name.find(transition.rule); rule != rule_by_name.end()) {
    annotations = rule->second->Annotations(transition, tenant.windows);
  }
  FoldStep(tenant, transition, std::move(annotations), applied);
  if (transition.rule != kTestRule) Yield(tenant, transition, transition.at);
}

NoticeMember MemberOf(EventMessage message, bool past) {
  NoticeMember member;
  member.fingerprint = Fingerprint(message.labels);
  member.labels = std::move(message.labels);
  member.annotations = std::move(message.annotations);
  member.summary = member.annotations["summary"];
  member.state = past ? AlertState::kResolved : AlertState::kFiring;
  member.severity = message.severity;
  member.starts_at = message.at;
  if (past) member.ends_at = message.at;
  member.episode_id = std::move(message.id);
  member.condition = "event";
  member.is_message = true;
  return member;
}

void Engine::State::Fold(const storage::Resumed& resumed) {
  const Duration gap = resumed.resumed_at - resumed.stopped_at;
  if (gap <= Duration{0}) return;
  stopped_at = resumed.stopped_at;
  resumed_at = resumed.resumed_at;
  for (const auto& [name, tenant] : tenants) {
    tenant->alerts.SkipGap(gap);
    tenant->windows.Exclude(resumed.stopped_at, resumed.resumed_at);
  }
  instances.Invalidate();
}

void Engine::State::Yield(Tenant& tenant, const ServerEvent& event, Time time) {
  const std::span<const rules::Yield> yields = tenant.measures.Fold(event);
  if (yields.empty()) return;
  // The labels of an alert count as those of an agent's event do.
  if (const storage::Labels* labels = LabelsOf(event)) {
    view.label_count = 0;
    for (const auto& [name, value] : *labels) {
      if (view.label_count == view.labels.size()) break;
      view.labels[view.label_count++] = {name, value};
    }
  }
  tenant.windows.Fold(view, time, yields);
  view.label_count = 0;
}

Status Engine::State::FoldServerMade(Tenant& tenant, const RecordContext& record,
                                     Sequence sequence) {
  BAROGRAPH_ASSIGN(const ServerEvent event, storage::DecodeServerEvent(view));
  return std::visit(
      [&](const auto& made) -> Status {
        using Made = std::decay_t<decltype(made)>;
        if constexpr (std::is_same_v<Made, ConfigApplied>) {
          return Fold(made, record.log_time, sequence);
        } else if constexpr (std::is_same_v<Made, AlertTransition> ||
                             std::is_same_v<Made, storage::ForecastIssued>) {
          Fold(tenant, made);
        } else if constexpr (std::is_same_v<Made, storage::NoticeDecided>) {
          tenant.notices.Apply(made);
          tenant.late.Apply(made);
          for (const std::string& id : made.episode_ids) tenant.messages.End(id);
        } else if constexpr (std::is_same_v<Made, storage::Resumed> ||
                             std::is_same_v<Made, storage::PeriodOpened>) {
          Fold(made);
        } else if constexpr (std::is_same_v<Made, storage::ImportEnded>) {
          tenant.late.EndImport();
        } else if constexpr (std::is_same_v<Made, storage::PricesApplied>) {
          tenant.prices_digest = DigestOf(made);
          Yield(tenant, event, record.log_time);
        } else if constexpr (std::is_same_v<Made, storage::TaskOverdue>) {
          Yield(tenant, event, record.log_time);
        } else if constexpr (std::is_same_v<Made, storage::GaugesRead>) {
          Fold(tenant, made);
          Yield(tenant, event, record.log_time);
        } else if constexpr (requires { FoldLife(tenant, made); }) {
          FoldLife(tenant, made);
        } else if constexpr (std::is_same_v<Made, storage::LeaseReserved>) {
          FoldLease(tenant, made);
        } else if constexpr (requires { tenant.leases.Apply(made); }) {
          tenant.leases.Apply(made);
        } else if constexpr (std::is_same_v<Made, storage::GateOverridden>) {
          tenant.gates.Apply(made);
        } else if constexpr (std::is_same_v<Made, storage::Exclusion>) {
          tenant.exclusions.Apply(made);
        } else {
          // Deliveries live in the outbox, producers and Kafka's positions in their tables, as what
          // was set aside does; the rest only tells the reader of the log.
          static_assert(std::is_same_v<Made, storage::Delivery> ||
                        std::is_same_v<Made, storage::NoticeResent> ||
                        std::is_same_v<Made, storage::TailDropped> ||
                        std::is_same_v<Made, storage::ProducerExpired> ||
                        std::is_same_v<Made, storage::Quarantined> ||
                        std::is_same_v<Made, storage::QuarantineEnded> ||
                        std::is_same_v<Made, storage::GapSkipped> ||
                        std::is_same_v<Made, storage::LeaseCost>);
        }
        return {};
      },
      event);
}

void Engine::State::TakeMessages(Tenant& tenant, const EventNotices::Arrival& arrival, bool late) {
  if (!late) {
    return tenant.messages.Take(arrival, tenant.windows, [&tenant](const storage::Labels& labels) {
      return tenant.silences.Covers(labels) || tenant.inhibitions.Holds(labels);
    });
  }
  for (EventMessage& message : tenant.messages.Late(arrival, tenant.windows))
    late_messages.push_back(std::move(message));
}

Status Engine::Fold(const RecordContext& record, std::string_view payload) {
  State& state = *state_;
  state.DropDrafts();
  Tenant& tenant = state.TenantOf(record.tenant);
  if (tenant.first_at == Time{}) tenant.first_at = record.log_time;
  tenant.windows.BeginRecord(record.log_time);
  const Time late_before = record.log_time - kLateAge;
  LateSpan late;
  storage::PayloadReader reader(payload);
  Sequence sequence = record.first_sequence;
  for (std::string_view wire; reader.Next(&wire); ++sequence) {
    BAROGRAPH_TRY(storage::ReadEvent(wire, storage::EventSource::kLog, &state.view));
    if (storage::IsServerMade(state.view.kind)) {
      BAROGRAPH_TRY(state.FoldServerMade(tenant, record, sequence));
    } else {
      if (tenant.first_event_at == Time{}) tenant.first_event_at = record.log_time;
      const Time time = state.view.has_time ? state.view.time : record.log_time;
      if (time < late_before) [[unlikely]] {
        if (!late.any) {
          // What other events touched is set aside, so that the late ones of this record stand
          // alone.
          state.cells.clear();
          tenant.windows.TakeTouched(&state.cells);
          state.instances.Touch(&tenant, state.cells);
        }
        late.Add(time);
      }
      const std::span<const Yield> yields = tenant.measures.Fold(state.view, time);
      if (!state.notice_rules.empty()) [[unlikely]] {
        state.TakeMessages(tenant, {state.view, time, sequence, record.log_time, yields},
                           time < late_before);
      }
      tenant.windows.Fold(state.view, time, yields);
    }
    state.head = sequence;
  }
  if (!reader.ok())
    return Error(ErrorCode::kCorruption, "record: the framing of its payload is broken");
  tenant.windows.Advance(record.log_time);
  if (late.any) {
    state.cells.clear();
    tenant.windows.TakeTouched(&state.cells);
    tenant.late.Mark(state.cells, late.from, late.to, record.log_time);
    state.instances.Touch(&tenant, state.cells);
    for (EventMessage& message : state.late_messages) {
      const std::string rule = message.rule;
      tenant.late.AddEvent(rule, MemberOf(std::move(message), true), record.log_time);
    }
    state.late_messages.clear();
  }
  tenant.last_at = record.log_time;
  state.last_log_time = record.log_time;
  return {};
}

// --- Decide: commands --------------------------------------------------------------------------

std::vector<Engine::Decided> Engine::ApplyRules(const RuleSet& rules,
                                                const storage::Origin& origin) const {
  ConfigApplied config;
  config.origin = origin;
  config.rules_json = EncodeRuleSet(rules);
  config.hash = std::string(Bytes(Sha256(config.rules_json)));
  if (config.hash == state_->config_hash) return {};
  // Alerts whose rule is gone or no longer gives them this identity are resolved at the next whole
  // second.
  return {{std::string(kServerTenant), {std::move(config)}}};
}

std::vector<Engine::Decided> Engine::ApplyPrices(std::string_view tenant,
                                                 const storage::PricesApplied& prices) const {
  const auto known = state_->tenants.find(tenant);
  if (known != state_->tenants.end() && known->second->prices_digest == DigestOf(prices)) return {};
  return {{std::string(tenant), {prices}}};
}

std::vector<Engine::Decided> Engine::ConfigurePrices(std::string_view tenant,
                                                     const storage::PricesApplied& prices) const {
  const std::string digest = DigestOf(prices);
  for (const storage::PricesApplied& known : PriceTables(tenant)) {
    if (DigestOf(known) == digest) return {};
  }
  return ApplyPrices(tenant, prices);
}

std::vector<Engine::Decided> Engine::Resume(Time stopped_at, Time resumed_at) const {
  storage::Resumed resumed;
  resumed.origin.reason = "start";
  resumed.stopped_at = stopped_at;
  resumed.resumed_at = resumed_at;
  return {{std::string(kServerTenant), {resumed}}};
}

std::vector<Engine::Decided> Engine::EndDelivery(std::string_view tenant,
                                                 const storage::Delivery& delivery) const {
  return {{std::string(tenant), {delivery}}};
}

std::vector<Engine::Decided> Engine::Resend(std::string_view tenant,
                                            const storage::NoticeResent& resent) const {
  return {{std::string(tenant), {resent}}};
}

// --- Read --------------------------------------------------------------------------------------

Time Engine::last_log_time() const { return state_->last_log_time; }
const RuleSet& Engine::rules() const { return state_->rules; }

std::vector<std::string> Engine::tenants() const {
  std::vector<std::string> names;
  for (const auto& [name, tenant] : state_->tenants) names.push_back(name);
  return names;
}

const WindowStore* Engine::windows(std::string_view tenant) const {
  const auto found = state_->tenants.find(tenant);
  return found == state_->tenants.end() ? nullptr : &found->second->windows;
}

WindowStore* Engine::mutable_windows(std::string_view tenant) {
  return &state_->TenantOf(tenant).windows;
}

std::vector<SloStatus> Engine::Slos(std::string_view tenant, Time at, std::string_view rule_filter,
                                    std::size_t limit) const {
  std::vector<SloStatus> statuses;
  const auto found = state_->tenants.find(tenant);
  if (found == state_->tenants.end()) return statuses;
  state_->Refresh();
  for (const Instance& instance : state_->instances.all()) {
    if (statuses.size() >= limit) break;
    const CompiledRule& rule = *instance.rule;
    if (instance.tenant != found->second.get() || rule.slo == nullptr) continue;
    if (!rule_filter.empty() && rule.common.name != rule_filter) continue;
    const auto& burn = static_cast<const BurnRate&>(*rule.condition);
    SloStatus& status = statuses.emplace_back();
    status.rule = rule.common.name;
    status.labels = instance.by;
    status.objective_ppb = rule.slo->objective_ppb;
    const ErrorBudget budget = burn.Budget(instance.series, at);
    status.good = budget.good;
    status.total = budget.total;
    status.budget_remaining = budget.remaining;
    status.filling = at - instance.series.since < rule.slo->period;
    status.excluded = burn.Excluded(instance.series, at);
    InstanceSeries all_hours = instance.series;
    all_hours.excluded = nullptr;
    status.remaining_with_excluded = burn.Budget(all_hours, at).remaining;
    for (std::size_t level = 0; level < instance.alerts.size(); ++level) {
      const Alert* alert = instance.alerts[level];
      if (burn.levels()[level].policy.empty() || alert == nullptr) continue;
      status.frozen = alert->state == AlertState::kFiring;
    }
    for (BurnRate::RowRates& row : burn.Rates(instance.series, at)) {
      status.rows.push_back({std::move(row.condition), row.factor, row.long_burn, row.short_burn});
    }
  }
  return statuses;
}

std::vector<AlertStatus> Engine::Alerts(std::string_view tenant) const {
  std::vector<AlertStatus> statuses;
  const auto found = state_->tenants.find(tenant);
  if (found == state_->tenants.end()) return statuses;
  for (const auto& [key, alert] : found->second->alerts.alerts())
    statuses.push_back(state_->StatusOf(*found->second, alert));
  return statuses;
}

std::size_t Engine::instance_count() const {
  state_->Refresh();
  return state_->instances.size();
}

std::vector<storage::PricesApplied> Engine::PriceTables(std::string_view tenant) const {
  const auto found = state_->tenants.find(tenant);
  if (found == state_->tenants.end()) return {};
  return found->second->measures.price_tables();
}

Engine::TableSizes Engine::sizes(std::string_view tenant) const {
  TableSizes sizes;
  const auto found = state_->tenants.find(tenant);
  if (found == state_->tenants.end()) return sizes;
  const MeasureFold::Sizes measures = found->second->measures.sizes();
  sizes.open_tasks = measures.open_tasks;
  sizes.counters = measures.counters;
  sizes.alerts = found->second->alerts.alerts().size();
  state_->Refresh();
  for (const Instance& instance : state_->instances.all()) {
    if (instance.tenant == found->second.get()) ++sizes.instances;
  }
  return sizes;
}

}  // namespace barograph::rules
