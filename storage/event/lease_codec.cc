#include "storage/event/lease_codec.h"

#include "storage/event/wire_parts.h"

namespace barograph::storage {
namespace {

// Those of the headers, which the ones below would hide.
using storage::Write;

constexpr int kNanoDigits = 9;

void Write(const LeaseWish& wish, v1::LeaseWish* out) {
  out->set_key(Text(wish.key));
  out->set_agent(Text(wish.agent));
  out->set_task_id(Text(wish.task_id));
  for (const auto& [name, text] : wish.labels) (*out->mutable_labels())[Text(name)] = Text(text);
  out->set_environment(Text(wish.environment));
  out->set_category(std::string(Name(wish.category)));
  out->set_provider(Text(wish.provider));
  out->set_model(Text(wish.model));
  out->set_currency_code(std::string(wish.amount.currency.code()));
  out->set_amount_nanos(wish.amount.nanos);
  out->set_ttl_seconds(static_cast<std::uint64_t>(wish.ttl.count()));
}

Status Read(const v1::LeaseWish& in, LeaseWish* out) {
  out->key = in.key();
  out->agent = in.agent();
  out->task_id = in.task_id();
  for (const auto& [name, text] : in.labels()) out->labels.emplace(name, text);
  out->environment = in.environment();
  v1::Cost::Category category = v1::Cost::CATEGORY_UNSPECIFIED;
  if (!in.category().empty() && !v1::Cost::Category_Parse(in.category(), &category)) {
    return Error(ErrorCode::kFailedPrecondition,
                 "lease category '" + in.category() +
                     "' is unknown to this version; a later one wrote this log");
  }
  out->category = static_cast<CostCategory>(category);
  out->provider = in.provider();
  out->model = in.model();
  BAROGRAPH_ASSIGN(out->amount.currency, Currency::Parse(in.currency_code()));
  out->amount.nanos = in.amount_nanos();
  out->ttl = std::chrono::seconds(in.ttl_seconds());
  return {};
}

void Write(const LeaseBudget& budget, v1::LeaseBudget* out) {
  out->set_budget(Text(budget.budget));
  for (const auto& [name, text] : budget.labels) (*out->mutable_labels())[Text(name)] = Text(text);
  Write(budget.start, out->mutable_start());
  Write(budget.end, out->mutable_end());
  out->set_limit(FormatDecimal(budget.limit, kNanoDigits));
  out->set_spent(FormatDecimal(budget.spent, kNanoDigits));
  out->set_held(FormatDecimal(budget.held, kNanoDigits));
}

Status Read(const v1::LeaseBudget& in, LeaseBudget* out) {
  out->budget = in.budget();
  for (const auto& [name, text] : in.labels()) out->labels.emplace(name, text);
  out->start = ReadTime(in.start());
  out->end = ReadTime(in.end());
  BAROGRAPH_ASSIGN(out->limit, ParseDecimal(in.limit(), kNanoDigits));
  BAROGRAPH_ASSIGN(out->spent, ParseDecimal(in.spent(), kNanoDigits));
  BAROGRAPH_ASSIGN(out->held, ParseDecimal(in.held(), kNanoDigits));
  return {};
}

template <typename Message>
Status ReadBudgets(const Message& in, std::vector<LeaseBudget>* out) {
  for (const v1::LeaseBudget& budget : in.budgets())
    BAROGRAPH_TRY(Read(budget, &out->emplace_back()));
  return {};
}

}  // namespace

void Write(const LeaseReserved& value, v1::Event* event) {
  v1::LeaseReserved* out = event->mutable_lease_reserved();
  Write(value.origin, out->mutable_origin());
  out->set_id(Text(value.id));
  Write(value.wish, out->mutable_wish());
  Write(value.at, out->mutable_at());
  Write(value.expires_at, out->mutable_expires_at());
  for (const LeaseBudget& budget : value.budgets) Write(budget, out->add_budgets());
}

Status Read(const v1::LeaseReserved& in, LeaseReserved* out) {
  out->id = in.id();
  out->at = ReadTime(in.at());
  out->expires_at = ReadTime(in.expires_at());
  BAROGRAPH_TRY(Read(in.wish(), &out->wish));
  return ReadBudgets(in, &out->budgets);
}

void Write(const LeaseSettled& value, v1::Event* event) {
  v1::LeaseSettled* out = event->mutable_lease_settled();
  Write(value.origin, out->mutable_origin());
  out->set_id(Text(value.id));
  Write(value.at, out->mutable_at());
  if (value.actual_nanos) out->set_actual_nanos(*value.actual_nanos);
  out->set_written_nanos(value.written_nanos);
  out->set_overrun_nanos(value.overrun_nanos);
}

Status Read(const v1::LeaseSettled& in, LeaseSettled* out) {
  out->id = in.id();
  out->at = ReadTime(in.at());
  if (in.has_actual_nanos()) out->actual_nanos = in.actual_nanos();
  out->written_nanos = in.written_nanos();
  out->overrun_nanos = in.overrun_nanos();
  return {};
}

void Write(const LeaseReleased& value, v1::Event* event) {
  v1::LeaseReleased* out = event->mutable_lease_released();
  Write(value.origin, out->mutable_origin());
  out->set_id(Text(value.id));
  Write(value.at, out->mutable_at());
}

Status Read(const v1::LeaseReleased& in, LeaseReleased* out) {
  out->id = in.id();
  out->at = ReadTime(in.at());
  return {};
}

void Write(const LeaseExpired& value, v1::Event* event) {
  v1::LeaseExpired* out = event->mutable_lease_expired();
  Write(value.origin, out->mutable_origin());
  out->set_id(Text(value.id));
  Write(value.at, out->mutable_at());
}

Status Read(const v1::LeaseExpired& in, LeaseExpired* out) {
  out->id = in.id();
  out->at = ReadTime(in.at());
  return {};
}

void Write(const LeaseExtended& value, v1::Event* event) {
  v1::LeaseExtended* out = event->mutable_lease_extended();
  Write(value.origin, out->mutable_origin());
  out->set_id(Text(value.id));
  Write(value.at, out->mutable_at());
  Write(value.expires_at, out->mutable_expires_at());
}

Status Read(const v1::LeaseExtended& in, LeaseExtended* out) {
  out->id = in.id();
  out->at = ReadTime(in.at());
  out->expires_at = ReadTime(in.expires_at());
  return {};
}

void Write(const LeaseDenied& value, v1::Event* event) {
  v1::LeaseDenied* out = event->mutable_lease_denied();
  Write(value.origin, out->mutable_origin());
  Write(value.wish, out->mutable_wish());
  Write(value.at, out->mutable_at());
  for (const LeaseBudget& budget : value.budgets) Write(budget, out->add_budgets());
}

Status Read(const v1::LeaseDenied& in, LeaseDenied* out) {
  out->at = ReadTime(in.at());
  BAROGRAPH_TRY(Read(in.wish(), &out->wish));
  return ReadBudgets(in, &out->budgets);
}

void Write(const GateOverridden& value, v1::Event* event) {
  v1::GateOverridden* out = event->mutable_gate_overridden();
  Write(value.origin, out->mutable_origin());
  out->set_gate(Text(value.gate));
  out->set_note(Text(value.note));
  out->set_author(Text(value.author));
  Write(value.at, out->mutable_at());
  Write(value.expires_at, out->mutable_expires_at());
}

Status Read(const v1::GateOverridden& in, GateOverridden* out) {
  out->gate = in.gate();
  out->note = in.note();
  out->author = in.author();
  out->at = ReadTime(in.at());
  out->expires_at = ReadTime(in.expires_at());
  return {};
}

void Write(const LeaseCost& value, v1::Event* event) {
  const LeaseWish& wish = value.wish;
  event->set_id(Text(value.lease_id) + ".settled");
  Write(value.time, event->mutable_time());
  event->set_agent(Text(wish.agent));
  event->set_task_id(Text(wish.task_id));
  for (const auto& [name, text] : wish.labels) (*event->mutable_labels())[Text(name)] = Text(text);
  event->set_environment(Text(wish.environment));
  v1::Cost* const cost = event->mutable_cost();
  cost->set_category(static_cast<v1::Cost::Category>(wish.category));
  cost->mutable_amount()->set_currency_code(std::string(wish.amount.currency.code()));
  cost->mutable_amount()->set_units(wish.amount.nanos / kNanosPerUnit);
  cost->mutable_amount()->set_nanos(static_cast<std::int32_t>(wish.amount.nanos % kNanosPerUnit));
  cost->set_provider(Text(wish.provider));
  cost->set_model(Text(wish.model));
  cost->set_lease_id(Text(value.lease_id));
}

}  // namespace barograph::storage
