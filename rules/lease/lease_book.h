#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/alert/changed_rows.h"
#include "storage/base/clock.h"
#include "storage/base/ids.h"
#include "storage/base/money.h"
#include "storage/base/result.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

/// Leases of one tenant that are open or expired; beyond, a reservation is refused.
inline constexpr std::size_t kLeasesHeldMax = 100'000;
/// Settled and released leases that are remembered, so that asking twice is harmless and what they
/// counted counts once; beyond, those that ended first are forgotten.
inline constexpr std::size_t kLeasesEndedMax = 20'000;
/// An expired lease is forgotten so long after the last period that it counts in.
inline constexpr Duration kLeaseForgottenAfter = std::chrono::hours(24 * 7);
/// Denials of one second of log time that are logged; beyond, a reservation is refused undecided.
inline constexpr std::uint64_t kDenialsPerSecondMax = 1'000;
inline constexpr std::chrono::seconds kLeaseTtlMin{1};
inline constexpr std::chrono::seconds kLeaseTtlMax{7 * 24 * 3600};
inline constexpr std::chrono::seconds kLeaseTtlDefault{600};

enum class LeaseState : std::uint8_t { kOpen = 1, kExpired = 2, kSettled = 3, kReleased = 4 };
[[nodiscard]] std::string_view Name(LeaseState state);  ///< "open", "expired", ...

struct Lease {
  storage::LeaseReserved said;
  LeaseState state = LeaseState::kOpen;
  Time expires_at{};
  Int128 spent = 0;                    ///< what Costs have counted for it, in its currency
  Int128 credit = 0;                   ///< of what Settle wrote, not yet named by a Cost
  std::optional<std::int64_t> actual;  ///< what Settle was told
  Time ended_at{};                     ///< zero until it is settled or released
  std::vector<std::string> accounts;   ///< derived: keys of the budgets that it counts in

  [[nodiscard]] bool holds() const {
    return state == LeaseState::kOpen || state == LeaseState::kExpired;
  }
  /// What it keeps others from spending.
  [[nodiscard]] Int128 held() const;
  [[nodiscard]] Int128 overrun() const;
};

/// Leases of one tenant, folded from the Lease events and from Costs that name one.
///
/// A lease holds what Costs have not counted of its amount, in every account of its path, until it
/// is settled or released; an account is one budget for one tuple of `by` values and one period.
/// Which accounts a lease counts in follows from the rules in force and is derived; the book only
/// adds up what they hold.
///
/// Threads: owned by one thread.
class LeaseBook {
 public:
  // --- Fold; a lease that is not known is passed over ------------------------------------------
  void Apply(const storage::LeaseReserved& reserved, std::vector<std::string> accounts);
  void Apply(const storage::LeaseSettled& settled);
  void Apply(const storage::LeaseReleased& released);
  void Apply(const storage::LeaseExpired& expired);
  void Apply(const storage::LeaseExtended& extended);
  void Apply(const storage::LeaseDenied& denied);
  /// A Cost of `total` names a lease: the part of it that counts. All of it, but for what Settle
  /// has written already.
  [[nodiscard]] Int128 CountCost(std::string_view lease, Currency currency, Int128 total);
  /// Rules or periods changed: the accounts of every lease that holds something are found anew.
  void Reindex(const std::function<std::vector<std::string>(const Lease&)>& accounts_of);

  // --- Decide: each completes its events; nothing means that it was done before -----------------
  using Decided = std::vector<storage::ServerEvent>;
  /// Errors: kAlreadyExists for a key that got a lease for another wish; kResourceExhausted.
  [[nodiscard]] Status CheckRoom(const storage::LeaseWish& wish, Time now) const;
  /// `head`: last folded sequence, from which the id comes.
  [[nodiscard]] storage::LeaseReserved Reserve(const storage::Origin& origin,
                                               const storage::LeaseWish& wish, Sequence head,
                                               Time now) const;
  /// Errors: kNotFound, kFailedPrecondition, kInvalidArgument.
  [[nodiscard]] Result<Decided> Settle(const std::string& id, const std::optional<Money>& actual,
                                       const storage::Origin& origin, Time now) const;
  [[nodiscard]] Result<Decided> Extend(const std::string& id, std::chrono::seconds ttl,
                                       const storage::Origin& origin, Time now) const;
  [[nodiscard]] Result<Decided> Release(const std::string& id, const storage::Origin& origin,
                                        Time now) const;
  /// Open leases whose time is up, at most `limit`.
  [[nodiscard]] std::vector<storage::LeaseExpired> Due(Time now, std::size_t limit) const;

  // --- Read ------------------------------------------------------------------------------------
  /// Null when it is not known.
  [[nodiscard]] const Lease* Find(std::string_view id) const;
  [[nodiscard]] const Lease* FindKey(std::string_view key) const;
  /// By id.
  [[nodiscard]] const std::map<std::string, Lease, std::less<>>& leases() const { return leases_; }
  /// What leases hold of an account.
  [[nodiscard]] Int128 HeldOf(const std::string& account) const;
  struct Totals {
    std::uint64_t granted = 0, denied = 0, expired = 0, settled = 0, released = 0;
  };
  [[nodiscard]] const Totals& totals() const { return totals_; }
  [[nodiscard]] std::size_t held_count() const { return leases_.size() - ended_.size(); }

  // --- Checkpoint rows, copy before write; keys are ids, and kTotalsKey -------------------------
  static constexpr std::string_view kTotalsKey = "=";
  void BeginCheckpoint() { changes_.Begin(); }
  [[nodiscard]] bool ContinueCheckpoint(std::size_t* budget, const ChangedRows::RowSink& sink);
  [[nodiscard]] Status LoadRow(std::string_view key, std::string_view value);
  void Canonical(const std::function<void(std::string_view)>& sink) const;

 private:
  using Leases = std::map<std::string, Lease, std::less<>>;
  [[nodiscard]] std::string EncodeRow(const std::string& key) const;
  [[nodiscard]] std::string EncodeTotals() const;
  [[nodiscard]] Status LoadTotals(std::string_view value);
  void Touch(const std::string& key);
  /// Before and after a lease changes: what is derived from it leaves, and comes back.
  void Unindex(const std::string& id, const Lease& lease);
  void Index(const std::string& id, const Lease& lease);
  void AddHeld(const Lease& lease, Int128 amount);
  void End(Leases::iterator lease, LeaseState state, Time at);
  void Forget(const std::string& id);
  [[nodiscard]] Result<const Lease*> Known(const std::string& id) const;

  Leases leases_;
  Totals totals_;
  std::int64_t denial_second_ = 0;  ///< of log time, in which the last denial was
  std::uint64_t denials_ = 0;       ///< in it
  // --- Derived
  std::map<std::string, std::string, std::less<>> by_key_;  ///< key -> id
  std::set<std::pair<Time, std::string>> due_;              ///< open
  std::set<std::pair<Time, std::string>> forgotten_at_;     ///< expired
  std::set<std::pair<Time, std::string>> ended_;            ///< settled and released
  std::map<std::string, Int128, std::less<>> held_;         ///< by account
  ChangedRows changes_;
};

}  // namespace barograph::rules
