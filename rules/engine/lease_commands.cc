#include <algorithm>

#include "rules/budget/budget.h"
#include "rules/engine/engine_state.h"
#include "rules/window/projection_set.h"
#include "storage/base/failpoint.h"
#include "storage/base/limits.h"

// Which enforced budgets a lease counts in, how much room they have, and what is decided of it.

namespace barograph::rules {
namespace {

using storage::EventKind;
using storage::EventView;
using storage::LeaseWish;

constexpr std::string_view kOverflowValue = "_overflow";

/// The Cost to come, as far as dimensions go. Lifetime: as the wish.
EventView ViewOf(const LeaseWish& wish) {
  EventView view;
  view.kind = EventKind::kCost;
  view.cost = storage::CostView{};
  view.agent = wish.agent;
  view.task_id = wish.task_id;
  view.environment = wish.environment;
  view.cost.category = wish.category;
  view.cost.provider = wish.provider;
  view.cost.model = wish.model;
  for (const auto& [name, value] : wish.labels) {
    if (view.label_count < kLabelsMax) view.labels[view.label_count++] = {name, value};
  }
  return view;
}

std::string ValueOf(const EventView& view, const std::string& name) {
  std::string scratch;
  if (const auto dimension = FindDimension(name))
    return std::string(DimensionValue(view, *dimension, &scratch));
  for (std::size_t i = 0; i < view.label_count; ++i) {
    if (view.labels[i].name == name) return std::string(view.labels[i].value);
  }
  return "";
}

bool Passes(const EventView& view, const Projection& projection) {
  return std::all_of(projection.where.begin(), projection.where.end(), [&](const auto& filter) {
    const std::string value = ValueOf(view, filter.dimension);
    return std::find(filter.any_of.begin(), filter.any_of.end(), value) != filter.any_of.end();
  });
}

/// A built-in projection has no cell for events that lack its dimension.
bool Concerns(const Projection& projection, const storage::Labels& by) {
  const auto& built_in = BuiltInProjections();
  if (by.empty() || std::find(built_in.begin(), built_in.end(), projection) == built_in.end())
    return true;
  return !by.begin()->second.empty();
}

Status CheckText(const char* field, const std::string& text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return {};
  return Error(ErrorCode::kInvalidArgument, std::string(field) + ": " +
                                                std::to_string(text.size()) + " bytes; at most " +
                                                std::to_string(bytes_max));
}

Status CheckTtl(std::chrono::seconds ttl) {
  if (ttl >= kLeaseTtlMin && ttl <= kLeaseTtlMax) return {};
  return Error(ErrorCode::kInvalidArgument, "ttl: " + std::to_string(ttl.count()) +
                                                "s is outside " + FormatDuration(kLeaseTtlMin) +
                                                " to " + FormatDuration(kLeaseTtlMax));
}

Status CheckWish(const LeaseWish& wish) {
  BAROGRAPH_TRY(CheckText("key", wish.key, kNameBytesMax));
  BAROGRAPH_TRY(CheckText("agent", wish.agent, kNameBytesMax));
  BAROGRAPH_TRY(CheckText("task_id", wish.task_id, kNameBytesMax));
  BAROGRAPH_TRY(CheckText("environment", wish.environment, kNameBytesMax));
  BAROGRAPH_TRY(CheckText("provider", wish.provider, kNameBytesMax));
  BAROGRAPH_TRY(CheckText("model", wish.model, kNameBytesMax));
  if (wish.labels.size() > kLabelsMax) {
    return Error(ErrorCode::kInvalidArgument, "labels: " + std::to_string(wish.labels.size()) +
                                                  "; at most " + std::to_string(kLabelsMax));
  }
  for (const auto& [name, value] : wish.labels) {
    if (name.empty()) return Error(ErrorCode::kInvalidArgument, "labels: one has no name");
    BAROGRAPH_TRY(CheckText("labels", name, kLabelBytesMax));
    BAROGRAPH_TRY(CheckText("labels", value, kLabelBytesMax));
  }
  if (wish.amount.currency.empty() || wish.amount.nanos <= 0) {
    return Error(ErrorCode::kInvalidArgument,
                 "amount: must be above 0 and name a currency, e.g. 1.50 USD");
  }
  return CheckTtl(wish.ttl);
}

std::vector<Engine::Decided> AsDecided(std::string_view tenant,
                                       std::vector<storage::ServerEvent> events) {
  if (events.empty()) return {};
  std::vector<Engine::Decided> decided;
  decided.push_back({std::string(tenant), std::move(events)});
  return decided;
}

/// The lease as it is once `events` are folded.
Lease After(Lease lease, const std::vector<storage::ServerEvent>& events) {
  for (const storage::ServerEvent& event : events) {
    if (const auto* cost = std::get_if<storage::LeaseCost>(&event)) {
      lease.spent += cost->wish.amount.nanos;
    } else if (const auto* settled = std::get_if<storage::LeaseSettled>(&event)) {
      lease.state = LeaseState::kSettled;
      lease.actual = settled->actual_nanos;
      lease.ended_at = settled->at;
    } else if (const auto* released = std::get_if<storage::LeaseReleased>(&event)) {
      lease.state = LeaseState::kReleased;
      lease.ended_at = released->at;
    } else if (const auto* extended = std::get_if<storage::LeaseExtended>(&event)) {
      lease.expires_at = extended->expires_at;
    }
  }
  return lease;
}

Error NoBudget(const LeaseWish& wish, bool unopened) {
  if (unopened) {
    return {ErrorCode::kUnavailable, "the period of a budget opens within a second; ask again",
            /*retryable=*/true};
  }
  return {ErrorCode::kFailedPrecondition, "no budget with `enforce: true` counts a cost in " +
                                              std::string(wish.amount.currency.code()) +
                                              " with these dimensions, so nothing would be held"};
}

}  // namespace

// --- Accounts -----------------------------------------------------------------------------------

std::string AccountKey(const std::string& rule, const storage::Labels& by, const Period& period) {
  std::string key = rule;
  for (const auto& [name, value] : by) key.append(1, '\0').append(name).append("=").append(value);
  return key.append(1, '\0').append(std::to_string(period.start.time_since_epoch().count()));
}

std::vector<LeaseAccount> Engine::State::AccountsOf(const WindowStore& windows,
                                                    const LeaseWish& wish, Time at,
                                                    bool* unopened) const {
  std::vector<LeaseAccount> accounts;
  const EventView cost = ViewOf(wish);
  for (const CompiledRule* rule : enforced) {
    if (rule->budget->limit.currency != wish.amount.currency.code()) continue;
    if (!rule->common.InForce(at)) continue;
    if (!Passes(cost, rule->projection)) continue;
    storage::Labels by;
    for (const std::string& name : rule->projection.by) by.emplace(name, ValueOf(cost, name));
    if (!Concerns(rule->projection, by)) continue;
    const Calendar& calendar = *rule->budget->period;
    const std::optional<Period> period = windows.PeriodAt(calendar.Text(), at);
    if (!period) {
      // Dates that are over, or not yet begun, limit nothing; those that nobody opened yet might.
      const bool dates = calendar.unit == Calendar::Unit::kDates;
      *unopened |= !dates || !windows.periods().contains(calendar.Text());
      continue;
    }
    std::string key = AccountKey(rule->common.name, by, *period);
    accounts.push_back({rule, std::move(by), *period, std::move(key)});
  }
  return accounts;
}

BudgetRoom Engine::State::RoomOf(const Tenant* tenant, const LeaseAccount& account,
                                 Time now) const {
  const BudgetSpec& spec = *account.rule->budget;
  BudgetRoom room;
  room.budget = {spec.common.name,
                 account.by,
                 account.period.start,
                 account.period.end,
                 spec.limit.value,
                 0,
                 0};
  if (tenant == nullptr) return room;
  if (!BAROGRAPH_MUTANT("lease_forgets_open"))
    room.budget.held = tenant->leases.HeldOf(account.key);
  const WindowStore& windows = tenant->windows;
  const ProjectionId projection = windows.FindOrBuiltIn(account.rule->projection);
  InstanceSeries series{&windows, {}, {}, account.rule->since};
  for (const MeasureName& name : account.rule->condition->measures()) {
    const std::optional<MeasureId> id = windows.FindMeasureId(name);
    if (!id) return room;
    series.measures.push_back(*id);
  }
  std::vector<std::string_view> values;
  for (const auto& [name, value] : account.by) values.push_back(value);
  std::optional<CellId> cell = windows.FindCell(projection, values);
  if (!cell || !windows.Total(*cell, series.measures.front())) {
    // Series beyond the limit fold into one; what it counts may be this account's.
    std::fill(values.begin(), values.end(), kOverflowValue);
    const std::optional<CellId> overflow =
        values.empty() ? std::nullopt : windows.FindCell(projection, values);
    if (overflow) cell = overflow;
  }
  if (!cell) return room;
  series.cell = *cell;
  room.budget.spent = windows.PeriodSum(*cell, series.measures.front(), account.period);
  room.exhausted_at =
      static_cast<const Budget&>(*account.rule->condition).StandingOf(series, now).exhausted_at;
  return room;
}

void Engine::State::ReindexLeases(Tenant& tenant) const {
  tenant.leases.Reindex([&](const Lease& lease) {
    std::vector<std::string> keys;
    bool unopened = false;
    for (LeaseAccount& account :
         AccountsOf(tenant.windows, lease.said.wish, lease.said.at, &unopened))
      keys.push_back(std::move(account.key));
    return keys;
  });
}

// --- Fold ----------------------------------------------------------------------------------------

void Engine::State::FoldLease(Tenant& tenant, const storage::LeaseReserved& reserved) {
  std::vector<std::string> keys;
  bool unopened = false;
  for (LeaseAccount& account : AccountsOf(tenant.windows, reserved.wish, reserved.at, &unopened))
    keys.push_back(std::move(account.key));
  tenant.leases.Apply(reserved, std::move(keys));
}

// --- Decide --------------------------------------------------------------------------------------

Result<std::vector<Engine::Decided>> Engine::Reserve(std::string_view tenant_name,
                                                     const LeaseWish& wish,
                                                     const storage::Origin& origin, Time now,
                                                     LeaseAnswer* answer) const {
  BAROGRAPH_TRY(CheckWish(wish));
  const auto found = state_->tenants.find(tenant_name);
  const Tenant* const tenant = found == state_->tenants.end() ? nullptr : found->second.get();
  const auto server = state_->tenants.find(kServerTenant);
  const WindowStore* const windows = tenant != nullptr                 ? &tenant->windows
                                     : server != state_->tenants.end() ? &server->second->windows
                                                                       : nullptr;
  const LeaseBook none;
  const LeaseBook& book = tenant == nullptr ? none : tenant->leases;
  answer->wished = wish.amount;
  const Lease* const known = wish.key.empty() ? nullptr : book.FindKey(wish.key);
  BAROGRAPH_TRY(book.CheckRoom(wish, now));
  bool unopened = false;
  std::vector<LeaseAccount> accounts;
  if (windows != nullptr)
    accounts =
        state_->AccountsOf(*windows, wish, known != nullptr ? known->said.at : now, &unopened);
  for (const LeaseAccount& account : accounts)
    answer->path.push_back(state_->RoomOf(tenant, account, now));
  if (known != nullptr) {
    answer->repeated = true;
    answer->lease = *known;
    return std::vector<Decided>{};
  }
  if (accounts.empty() || unopened) return NoBudget(wish, unopened);
  for (const BudgetRoom& room : answer->path) {
    if (room.remaining() < wish.amount.nanos) answer->lacking.push_back(room);
  }
  const auto budgets = [](const std::vector<BudgetRoom>& rooms) {
    std::vector<storage::LeaseBudget> copies;
    copies.reserve(rooms.size());
    for (const BudgetRoom& room : rooms) copies.push_back(room.budget);
    return copies;
  };
  if (!answer->lacking.empty()) {
    std::stable_sort(answer->lacking.begin(), answer->lacking.end(),
                     [](const auto& a, const auto& b) { return a.remaining() < b.remaining(); });
    answer->denied = true;
    return AsDecided(tenant_name,
                     {storage::LeaseDenied{origin, wish, now, budgets(answer->lacking)}});
  }
  storage::LeaseReserved reserved = book.Reserve(origin, wish, state_->head, now);
  reserved.budgets = budgets(answer->path);
  for (BudgetRoom& room : answer->path) room.budget.held += wish.amount.nanos;
  answer->lease.said = reserved;
  answer->lease.expires_at = reserved.expires_at;
  return AsDecided(tenant_name, {std::move(reserved)});
}

Result<std::vector<Engine::Decided>> Engine::EndLease(std::string_view tenant_name,
                                                      const LeaseCommand& command, Time now,
                                                      LeaseAnswer* answer) const {
  const auto found = state_->tenants.find(tenant_name);
  const LeaseBook none;
  const LeaseBook& book = found == state_->tenants.end() ? none : found->second->leases;
  LeaseBook::Decided events;
  switch (command.kind) {
    case LeaseCommand::Kind::kSettle: {
      BAROGRAPH_ASSIGN(events, book.Settle(command.id, command.actual, command.origin, now));
      break;
    }
    case LeaseCommand::Kind::kExtend: {
      BAROGRAPH_TRY(CheckTtl(command.ttl));
      BAROGRAPH_ASSIGN(events, book.Extend(command.id, command.ttl, command.origin, now));
      break;
    }
    case LeaseCommand::Kind::kRelease: {
      BAROGRAPH_ASSIGN(events, book.Release(command.id, command.origin, now));
      break;
    }
  }
  const Lease& lease = *book.Find(command.id);
  answer->written = {0, lease.said.wish.amount.currency};
  for (const storage::ServerEvent& event : events) {
    if (const auto* cost = std::get_if<storage::LeaseCost>(&event))
      answer->written = cost->wish.amount;
  }
  answer->lease = After(lease, events);
  return AsDecided(tenant_name, std::move(events));
}

const LeaseBook* Engine::leases(std::string_view tenant) const {
  const auto found = state_->tenants.find(tenant);
  return found == state_->tenants.end() ? nullptr : &found->second->leases;
}

}  // namespace barograph::rules
