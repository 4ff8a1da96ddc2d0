#include "rules/lease/lease_book.h"

#include <algorithm>

#include "rules/alert/row_codec.h"
#include "storage/base/digest.h"
#include "storage/base/failpoint.h"

namespace barograph::rules {
namespace {

using storage::LeaseCost;
using storage::LeaseExtended;
using storage::LeaseReleased;
using storage::LeaseReserved;
using storage::LeaseSettled;
using storage::LeaseWish;
using storage::ServerEvent;

constexpr std::uint8_t kRowFormat = 1;
constexpr std::size_t kIdBytes = 8;
/// More than all Costs that a log can hold.
constexpr Int128 kAmountMax = Int128{1} << 120;
constexpr Duration kSpareTime = std::chrono::hours(24 * 365);

std::int64_t SecondOf(Time at) {
  return std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
}

std::string Encode(const Lease& lease) {
  std::string row;
  ByteWriter writer(&row);
  writer.Fixed(kRowFormat);
  writer.String(storage::EncodeServerEvent(lease.said, lease.said.at));
  writer.Fixed(lease.state);
  WriteTime(lease.expires_at, &writer);
  writer.SignedVarint128(lease.spent);
  writer.SignedVarint128(lease.credit);
  writer.Fixed(static_cast<std::uint8_t>(lease.actual ? 1 : 0));
  writer.SignedVarint(lease.actual.value_or(0));
  WriteTime(lease.ended_at, &writer);
  return row;
}

Result<LeaseReserved> DecodeSaid(std::string_view wire) {
  storage::EventView view;
  BAROGRAPH_TRY(storage::ReadEvent(wire, storage::EventSource::kLog, &view));
  BAROGRAPH_ASSIGN(ServerEvent event, storage::DecodeServerEvent(view));
  if (auto* said = std::get_if<LeaseReserved>(&event)) return std::move(*said);
  return Error(ErrorCode::kCorruption, "lease row is broken");
}

/// Whether figures and times are such as the book itself makes, so that adding to them is safe.
bool IsSound(const Lease& lease) {
  const auto amount = [](Int128 nanos) { return nanos >= 0 && nanos <= kAmountMax; };
  const auto time = [](Time at) { return at >= Time{} && at <= Time::max() - kSpareTime; };
  return lease.state >= LeaseState::kOpen && lease.state <= LeaseState::kReleased &&
         amount(lease.said.wish.amount.nanos) && amount(lease.spent) && amount(lease.credit) &&
         time(lease.expires_at) && time(lease.ended_at) &&
         std::all_of(lease.said.budgets.begin(), lease.said.budgets.end(),
                     [&](const auto& budget) { return time(budget.end); });
}

Result<Lease> Decode(std::string_view row) {
  ByteReader reader(row);
  Lease lease;
  const bool known = reader.Fixed<std::uint8_t>() == kRowFormat;
  const std::string_view said = reader.String();
  lease.state = reader.Fixed<LeaseState>();
  lease.expires_at = ReadTime(&reader);
  lease.spent = reader.SignedVarint128();
  lease.credit = reader.SignedVarint128();
  const bool has_actual = reader.Fixed<std::uint8_t>() != 0;
  const std::int64_t actual = reader.SignedVarint();
  if (has_actual) lease.actual = actual;
  lease.ended_at = ReadTime(&reader);
  if (!known || !reader.ok() || !reader.done())
    return Error(ErrorCode::kCorruption, "lease row is broken");
  BAROGRAPH_ASSIGN(lease.said, DecodeSaid(said));
  if (!IsSound(lease)) return Error(ErrorCode::kCorruption, "lease row is broken");
  return lease;
}

/// When nothing that it holds matters any more.
Time ForgottenAt(const Lease& lease) {
  Time last = lease.expires_at;
  for (const storage::LeaseBudget& budget : lease.said.budgets) last = std::max(last, budget.end);
  return last + kLeaseForgottenAfter;
}

/// The Cost of a lease counts in the periods of its grant, however late it is settled.
Time CostTime(const Lease& lease, Time now) {
  Time time = now;
  for (const storage::LeaseBudget& budget : lease.said.budgets)
    time = std::min(time, budget.end - Duration(1));
  return time;
}

std::string StateText(const Lease& lease) {
  return "lease '" + lease.said.id + "' is " + std::string(Name(lease.state));
}

Error CannotDo(const Lease& lease, const std::string& what) {
  return {ErrorCode::kFailedPrecondition, StateText(lease) + "; " + what};
}

std::int64_t Narrow(Int128 nanos) {
  return static_cast<std::int64_t>(
      std::clamp<Int128>(nanos, 0, std::numeric_limits<std::int64_t>::max()));
}

}  // namespace

std::string_view Name(LeaseState state) {
  switch (state) {
    case LeaseState::kOpen:
      return "open";
    case LeaseState::kExpired:
      return "expired";
    case LeaseState::kSettled:
      return "settled";
    case LeaseState::kReleased:
      return "released";
  }
  return "";
}

Int128 Lease::held() const {
  if (!holds()) return 0;
  if (state == LeaseState::kExpired && BAROGRAPH_MUTANT("lease_expiry_frees")) return 0;
  return std::max<Int128>(0, said.wish.amount.nanos - spent);
}

Int128 Lease::overrun() const { return std::max<Int128>(0, spent - said.wish.amount.nanos); }

// --- Fold ----------------------------------------------------------------------------------------

void LeaseBook::Touch(const std::string& key) {
  changes_.BeforeChange(key, [this](const std::string& row) { return EncodeRow(row); });
}

void LeaseBook::AddHeld(const Lease& lease, Int128 amount) {
  if (amount == 0) return;
  for (const std::string& account : lease.accounts) {
    const auto held = held_.try_emplace(account, 0).first;
    held->second += amount;
    if (held->second == 0) held_.erase(held);
  }
}

void LeaseBook::Index(const std::string& id, const Lease& lease) {
  if (!lease.said.wish.key.empty()) by_key_[lease.said.wish.key] = id;
  if (lease.state == LeaseState::kOpen) due_.emplace(lease.expires_at, id);
  if (lease.state == LeaseState::kExpired) forgotten_at_.emplace(ForgottenAt(lease), id);
  if (!lease.holds()) ended_.emplace(lease.ended_at, id);
  AddHeld(lease, lease.held());
}

void LeaseBook::Unindex(const std::string& id, const Lease& lease) {
  due_.erase({lease.expires_at, id});
  if (lease.state == LeaseState::kExpired) forgotten_at_.erase({ForgottenAt(lease), id});
  if (!lease.holds()) ended_.erase({lease.ended_at, id});
  AddHeld(lease, -lease.held());
}

void LeaseBook::Forget(const std::string& id) {
  const auto found = leases_.find(id);
  Touch(id);
  Unindex(id, found->second);
  const auto key = by_key_.find(found->second.said.wish.key);
  if (key != by_key_.end() && key->second == id) by_key_.erase(key);
  leases_.erase(found);
}

void LeaseBook::Apply(const LeaseReserved& reserved, std::vector<std::string> accounts) {
  while (!forgotten_at_.empty() && forgotten_at_.begin()->first <= reserved.at)
    Forget(std::string(forgotten_at_.begin()->second));
  Touch(std::string(kTotalsKey));
  ++totals_.granted;
  Touch(reserved.id);
  const auto [place, added] = leases_.try_emplace(reserved.id);
  if (!added) return;
  Lease& lease = place->second;
  lease.said = reserved;
  lease.expires_at = reserved.expires_at;
  lease.accounts = std::move(accounts);
  Index(reserved.id, lease);
}

void LeaseBook::End(Leases::iterator lease, LeaseState state, Time at) {
  const std::string id = lease->first;
  Touch(id);
  Unindex(id, lease->second);
  lease->second.state = state;
  lease->second.ended_at = at;
  Index(id, lease->second);
  while (ended_.size() > kLeasesEndedMax) Forget(std::string(ended_.begin()->second));
}

void LeaseBook::Apply(const LeaseSettled& settled) {
  const auto found = leases_.find(settled.id);
  if (found == leases_.end() || !found->second.holds()) return;
  Touch(std::string(kTotalsKey));
  ++totals_.settled;
  Touch(settled.id);
  found->second.credit = settled.written_nanos;
  found->second.actual = settled.actual_nanos;
  End(found, LeaseState::kSettled, settled.at);
}

void LeaseBook::Apply(const LeaseReleased& released) {
  const auto found = leases_.find(released.id);
  if (found == leases_.end() || !found->second.holds()) return;
  Touch(std::string(kTotalsKey));
  ++totals_.released;
  End(found, LeaseState::kReleased, released.at);
}

void LeaseBook::Apply(const storage::LeaseExpired& expired) {
  const auto found = leases_.find(expired.id);
  if (found == leases_.end() || found->second.state != LeaseState::kOpen) return;
  Touch(std::string(kTotalsKey));
  ++totals_.expired;
  Touch(expired.id);
  Unindex(expired.id, found->second);
  found->second.state = LeaseState::kExpired;
  Index(expired.id, found->second);
}

void LeaseBook::Apply(const LeaseExtended& extended) {
  const auto found = leases_.find(extended.id);
  if (found == leases_.end() || found->second.state != LeaseState::kOpen) return;
  Touch(extended.id);
  Unindex(extended.id, found->second);
  found->second.expires_at = extended.expires_at;
  Index(extended.id, found->second);
}

void LeaseBook::Apply(const storage::LeaseDenied& denied) {
  Touch(std::string(kTotalsKey));
  ++totals_.denied;
  const std::int64_t second = SecondOf(denied.at);
  if (std::exchange(denial_second_, second) != second) denials_ = 0;
  ++denials_;
}

Int128 LeaseBook::CountCost(std::string_view id, Currency currency, Int128 total) {
  const auto found = leases_.find(id);
  if (found == leases_.end() || found->second.said.wish.amount.currency != currency) return total;
  Lease& lease = found->second;
  Touch(found->first);
  AddHeld(lease, -lease.held());
  const Int128 known = BAROGRAPH_MUTANT("lease_counts_twice") ? 0 : std::min(total, lease.credit);
  lease.credit -= known;
  lease.spent += total - known;
  AddHeld(lease, lease.held());
  return total - known;
}

void LeaseBook::Reindex(const std::function<std::vector<std::string>(const Lease&)>& accounts_of) {
  held_.clear();
  for (auto& [id, lease] : leases_) {
    lease.accounts.clear();
    if (!lease.holds()) continue;
    lease.accounts = accounts_of(lease);
    AddHeld(lease, lease.held());
  }
}

// --- Decide --------------------------------------------------------------------------------------

Status LeaseBook::CheckRoom(const LeaseWish& wish, Time now) const {
  if (const Lease* known = FindKey(wish.key); known != nullptr && !(known->said.wish == wish)) {
    return Error(ErrorCode::kAlreadyExists, "key: '" + wish.key + "' got lease '" + known->said.id +
                                                "' for another reservation");
  }
  if (held_count() >= kLeasesHeldMax) {
    return Error(ErrorCode::kResourceExhausted,
                 "there are " + std::to_string(kLeasesHeldMax) +
                     " leases that are neither settled nor released; end some of them first");
  }
  if (denial_second_ == SecondOf(now) && denials_ >= kDenialsPerSecondMax) {
    return Error(ErrorCode::kResourceExhausted,
                 "more than " + std::to_string(kDenialsPerSecondMax) +
                     " reservations were denied within this second; ask again in a second",
                 /*retryable=*/true);
  }
  return {};
}

LeaseReserved LeaseBook::Reserve(const storage::Origin& origin, const LeaseWish& wish,
                                 Sequence head, Time now) const {
  LeaseReserved reserved;
  reserved.origin = origin;
  reserved.wish = wish;
  reserved.at = now;
  reserved.expires_at = now + wish.ttl;
  const std::string separator(1, '\0');
  const Digest digest =
      Sha256({std::to_string(head.value), separator, wish.key, separator, wish.agent});
  reserved.id = "lea_" + Hex(Bytes(digest).substr(0, kIdBytes));
  return reserved;
}

Result<const Lease*> LeaseBook::Known(const std::string& id) const {
  const Lease* lease = Find(id);
  if (lease != nullptr) return lease;
  return Error(ErrorCode::kNotFound, "no lease '" + id + "'; `lease list` shows them");
}

Result<LeaseBook::Decided> LeaseBook::Settle(const std::string& id,
                                             const std::optional<Money>& actual,
                                             const storage::Origin& origin, Time now) const {
  BAROGRAPH_ASSIGN(const Lease* lease, Known(id));
  const LeaseWish& wish = lease->said.wish;
  if (actual && actual->currency != wish.amount.currency) {
    return Error(ErrorCode::kInvalidArgument, "actual: " + FormatMoney(*actual) + "; lease '" + id +
                                                  "' is of " + FormatMoney(wish.amount));
  }
  const std::optional<std::int64_t> said = actual ? std::optional(actual->nanos) : std::nullopt;
  if (lease->state == LeaseState::kSettled) {
    if (!said || said == lease->actual) return Decided{};
    return CannotDo(*lease, "it was settled with another amount; report what came after as a Cost");
  }
  if (lease->state == LeaseState::kReleased)
    return CannotDo(*lease, "report what was spent all the same as a Cost");
  Decided decided;
  LeaseSettled settled;
  settled.origin = origin;
  settled.id = id;
  settled.at = now;
  settled.actual_nanos = said;
  settled.written_nanos = Narrow(std::max<Int128>(0, said.value_or(0) - lease->spent));
  settled.overrun_nanos = Narrow(lease->spent + settled.written_nanos - Int128{wish.amount.nanos});
  if (settled.written_nanos > 0) {
    LeaseCost cost{id, wish, CostTime(*lease, now)};
    cost.wish.amount.nanos = settled.written_nanos;
    decided.emplace_back(std::move(cost));
  }
  decided.emplace_back(std::move(settled));
  return decided;
}

Result<LeaseBook::Decided> LeaseBook::Extend(const std::string& id, std::chrono::seconds ttl,
                                             const storage::Origin& origin, Time now) const {
  BAROGRAPH_ASSIGN(const Lease* lease, Known(id));
  if (lease->state != LeaseState::kOpen)
    return CannotDo(*lease, "only an open lease is held longer");
  if (now + ttl <= lease->expires_at) return Decided{};
  return Decided{LeaseExtended{origin, id, now, now + ttl}};
}

Result<LeaseBook::Decided> LeaseBook::Release(const std::string& id, const storage::Origin& origin,
                                              Time now) const {
  BAROGRAPH_ASSIGN(const Lease* lease, Known(id));
  if (lease->state == LeaseState::kReleased) return Decided{};
  if (lease->state == LeaseState::kSettled)
    return CannotDo(*lease, "there is nothing to give back");
  return Decided{LeaseReleased{origin, id, now}};
}

std::vector<storage::LeaseExpired> LeaseBook::Due(Time now, std::size_t limit) const {
  std::vector<storage::LeaseExpired> events;
  for (auto due = due_.begin(); due != due_.end() && due->first <= now && events.size() < limit;
       ++due) {
    events.push_back({{"server", "expired"}, due->second, now});
  }
  return events;
}

// --- Read, checkpoint ----------------------------------------------------------------------------

const Lease* LeaseBook::Find(std::string_view id) const {
  const auto found = leases_.find(id);
  return found == leases_.end() ? nullptr : &found->second;
}

const Lease* LeaseBook::FindKey(std::string_view key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : Find(found->second);
}

Int128 LeaseBook::HeldOf(const std::string& account) const {
  const auto held = held_.find(account);
  return held == held_.end() ? 0 : held->second;
}

std::string LeaseBook::EncodeTotals() const {
  std::string row;
  ByteWriter writer(&row);
  for (const std::uint64_t total :
       {totals_.granted, totals_.denied, totals_.expired, totals_.settled, totals_.released})
    writer.Varint(total);
  writer.SignedVarint(denial_second_);
  writer.Varint(denials_);
  return row;
}

Status LeaseBook::LoadTotals(std::string_view value) {
  ByteReader reader(value);
  for (std::uint64_t* total :
       {&totals_.granted, &totals_.denied, &totals_.expired, &totals_.settled, &totals_.released})
    *total = reader.Varint();
  denial_second_ = reader.SignedVarint();
  denials_ = reader.Varint();
  if (reader.ok() && reader.done()) return {};
  return Error(ErrorCode::kCorruption, "row of the leases' totals is broken");
}

std::string LeaseBook::EncodeRow(const std::string& key) const {
  if (key == kTotalsKey) return EncodeTotals();
  const Lease* lease = Find(key);
  return lease == nullptr ? "" : Encode(*lease);
}

bool LeaseBook::ContinueCheckpoint(std::size_t* budget, const ChangedRows::RowSink& sink) {
  return changes_.Continue(
      budget, [this](const std::string& row) { return EncodeRow(row); }, sink);
}

Status LeaseBook::LoadRow(std::string_view key, std::string_view value) {
  if (key == kTotalsKey) return LoadTotals(value);
  BAROGRAPH_ASSIGN(Lease lease, Decode(value));
  const std::string id(key);
  if (lease.said.id != id) return Error(ErrorCode::kCorruption, "lease row has another's key");
  const Lease& loaded = leases_[id] = std::move(lease);
  Index(id, loaded);
  return {};
}

void LeaseBook::Canonical(const std::function<void(std::string_view)>& sink) const {
  if (totals_.granted == 0 && totals_.denied == 0) return;
  sink(EncodeTotals());
  for (const auto& [id, lease] : leases_) {
    sink(id);
    sink(Encode(lease));
  }
}

}  // namespace barograph::rules
