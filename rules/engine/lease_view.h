#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "rules/lease/gate_book.h"
#include "rules/lease/lease_book.h"
#include "storage/base/clock.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

/// An enforced budget as it stands for one lease: limit, what Costs spent, what leases hold.
struct BudgetRoom {
  storage::LeaseBudget budget;
  std::optional<Time> exhausted_at;  ///< at the rate of the last hour
  [[nodiscard]] Int128 remaining() const { return budget.limit - budget.spent - budget.held; }
};

/// What a command about a lease is answered with: the state after it.
struct LeaseAnswer {
  bool denied = false;
  bool repeated = false;            ///< the key was known
  Lease lease;                      ///< unless denied
  Money wished;                     ///< Reserve
  std::vector<BudgetRoom> path;     ///< Reserve: every budget on the path
  std::vector<BudgetRoom> lacking;  ///< of a denial, the one that lacks most first
  Money written;                    ///< Settle: amount of the Cost that is written
};

/// How a lease goes on or ends.
struct LeaseCommand {
  enum class Kind : std::uint8_t { kSettle, kExtend, kRelease };
  Kind kind = Kind::kSettle;
  std::string id;
  storage::Origin origin;
  std::optional<Money> actual;  ///< kSettle; absent: what Costs have counted
  std::chrono::seconds ttl{0};  ///< kExtend: from now on
};

/// What a gate asks: an SLO's error budget, or a budget.
struct GateQuestion {
  bool of_slo = false;
  std::string rule;
  storage::Labels by;                  ///< only instances with these values
  std::int64_t min_remaining_ppb = 0;  ///< share that must be left, [0, 1e9]
  /// "slo:NAME", "budget:NAME".
  [[nodiscard]] std::string gate() const { return (of_slo ? "slo:" : "budget:") + rule; }
};
struct GateAnswer {
  bool passed = false;
  std::string criterion, actual, advice;
  storage::Labels labels;  ///< of the instance that decided
  double remaining = 1;    ///< share that is left there
  std::optional<storage::GateOverridden> overridden;
};

}  // namespace barograph::rules
