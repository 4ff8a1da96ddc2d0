#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/money.h"
#include "storage/event/event_view.h"

namespace barograph::storage {

/// What somebody wants to spend: the dimensions of the Cost to come, and its amount.
struct LeaseWish {
  std::string key;  ///< makes asking twice harmless; may be empty
  std::string agent, task_id;
  std::map<std::string, std::string, std::less<>> labels;
  std::string environment;
  CostCategory category = CostCategory::kUnspecified;
  std::string provider, model;
  Money amount;  ///< > 0
  std::chrono::seconds ttl{0};
  friend bool operator==(const LeaseWish&, const LeaseWish&) = default;
};
/// A budget on a lease's path as it stood when the lease was decided, without that lease. Amounts
/// are nano-units of the wish's currency.
struct LeaseBudget {
  std::string budget;
  std::map<std::string, std::string, std::less<>> labels;
  Time start{}, end{};
  Int128 limit = 0, spent = 0, held = 0;
  friend bool operator==(const LeaseBudget&, const LeaseBudget&) = default;
};

}  // namespace barograph::storage
