#include "server/api/lease_wire.h"

#include "server/api/wire_time.h"

namespace barograph::server {
namespace {

constexpr int kNanoDigits = 9;

void SetRoom(const rules::BudgetRoom& room, const std::string& currency, v1::EnforcedBudget* out) {
  const storage::LeaseBudget& budget = room.budget;
  out->set_budget(budget.budget);
  SetLabels(budget.labels, out->mutable_labels());
  SetMoney(budget.limit, currency, out->mutable_limit());
  SetMoney(budget.spent, currency, out->mutable_spent());
  SetMoney(budget.held, currency, out->mutable_held());
  SetMoney(room.remaining(), currency, out->mutable_remaining());
  SetTime(budget.start, out->mutable_start());
  SetTime(budget.end, out->mutable_resets_at());
  if (room.exhausted_at) SetTime(*room.exhausted_at, out->mutable_exhausted_at());
}

}  // namespace

Result<Money> ToMoney(const v1::Money& wire, const std::string& field) {
  Result<Currency> currency = Currency::Parse(wire.currency_code());
  if (!currency.ok()) return currency.error().WithContext(field);
  const Int128 nanos = Int128{wire.units()} * kNanosPerUnit + wire.nanos();
  const bool one_sign = wire.nanos() >= 0 && wire.nanos() < kNanosPerUnit;
  if (wire.units() < 0 || !one_sign || nanos > kMoneyNanosMax) {
    return Error(ErrorCode::kInvalidArgument,
                 field + ": must be from 0 to 9.2e9 units, with nanos from 0 to 999,999,999");
  }
  return Money{static_cast<std::int64_t>(nanos), *currency};
}

Result<storage::LeaseWish> ToWish(const v1::ReserveRequest& request) {
  storage::LeaseWish wish;
  wish.key = request.key();
  wish.agent = request.agent();
  wish.task_id = request.task_id();
  wish.labels.insert(request.labels().begin(), request.labels().end());
  wish.environment = request.environment();
  if (!v1::Cost::Category_IsValid(request.category()))
    return Error(ErrorCode::kInvalidArgument, "category: there is no such one");
  wish.category = static_cast<storage::CostCategory>(request.category());
  wish.provider = request.provider();
  wish.model = request.model();
  BAROGRAPH_ASSIGN(wish.amount, ToMoney(request.amount(), "amount"));
  wish.ttl = rules::kLeaseTtlDefault;
  if (request.has_ttl()) wish.ttl = std::chrono::seconds(request.ttl().seconds());
  return wish;
}

void SetMoney(Int128 nanos, const std::string& currency, v1::Money* out) {
  out->set_currency_code(currency);
  out->set_units(static_cast<std::int64_t>(nanos / kNanosPerUnit));
  out->set_nanos(static_cast<std::int32_t>(nanos % kNanosPerUnit));
}

void SetLease(const rules::Lease& lease, v1::Lease* out) {
  const storage::LeaseReserved& said = lease.said;
  const std::string currency(said.wish.amount.currency.code());
  out->set_id(said.id);
  out->set_state(static_cast<v1::Lease::State>(lease.state));
  out->set_key(said.wish.key);
  out->set_agent(said.wish.agent);
  out->set_task_id(said.wish.task_id);
  SetLabels(said.wish.labels, out->mutable_labels());
  out->set_environment(said.wish.environment);
  out->set_category(static_cast<v1::Cost::Category>(said.wish.category));
  out->set_provider(said.wish.provider);
  out->set_model(said.wish.model);
  SetMoney(said.wish.amount.nanos, currency, out->mutable_amount());
  SetMoney(lease.spent, currency, out->mutable_spent());
  SetMoney(lease.held(), currency, out->mutable_held());
  SetMoney(lease.overrun(), currency, out->mutable_overrun());
  SetTime(said.at, out->mutable_granted_at());
  SetTime(lease.expires_at, out->mutable_expires_at());
  if (lease.ended_at != Time{}) SetTime(lease.ended_at, out->mutable_ended_at());
  for (const storage::LeaseBudget& budget : said.budgets) {
    v1::LeaseBudget* const copy = out->add_budgets();
    copy->set_budget(budget.budget);
    SetLabels(budget.labels, copy->mutable_labels());
    SetTime(budget.start, copy->mutable_start());
    SetTime(budget.end, copy->mutable_end());
    copy->set_limit(FormatDecimal(budget.limit, kNanoDigits));
    copy->set_spent(FormatDecimal(budget.spent, kNanoDigits));
    copy->set_held(FormatDecimal(budget.held, kNanoDigits));
  }
}

void SetReserved(const rules::LeaseAnswer& answer, v1::ReserveResponse* out) {
  const std::string currency(answer.wished.currency.code());
  for (const rules::BudgetRoom& room : answer.path) SetRoom(room, currency, out->add_budgets());
  out->set_repeated(answer.repeated);
  if (!answer.denied) {
    SetLease(answer.lease, out->mutable_lease());
    return;
  }
  v1::ReserveResponse::Denial* const denial = out->mutable_denial();
  const rules::BudgetRoom& first = answer.lacking.front();
  SetRoom(first, currency, denial->mutable_budget());
  SetMoney(answer.wished.nanos - first.remaining(), currency, denial->mutable_lacks());
  for (std::size_t i = 1; i < answer.lacking.size(); ++i)
    SetRoom(answer.lacking[i], currency, denial->add_others());
}

void SetOverride(const storage::GateOverridden& overridden, v1::GateOverridden* out) {
  out->mutable_origin()->set_actor(overridden.origin.actor);
  out->mutable_origin()->set_reason(overridden.origin.reason);
  out->set_gate(overridden.gate);
  out->set_note(overridden.note);
  out->set_author(overridden.author);
  SetTime(overridden.at, out->mutable_at());
  SetTime(overridden.expires_at, out->mutable_expires_at());
}

}  // namespace barograph::server
