#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

/// Overrides of one tenant that are in force at once; beyond, a new one is refused.
inline constexpr std::size_t kGateOverridesMax = 1'000;
/// A gate that should stay open longer needs another criterion.
inline constexpr std::chrono::seconds kGateOverrideMax{31 * 24 * 3600};

/// Gates of one tenant that somebody lets pass, folded from GateOverridden. The last word on a gate
/// counts; what is over leaves with the next override.
///
/// Threads: owned by one thread.
class GateBook {
 public:
  void Apply(const storage::GateOverridden& overridden);

  /// Completes a wish. Errors: kInvalidArgument naming the field; kResourceExhausted.
  [[nodiscard]] Result<storage::GateOverridden> Decide(storage::GateOverridden wish,
                                                       std::chrono::seconds length, Time now) const;
  /// Null when none is in force.
  [[nodiscard]] const storage::GateOverridden* InForce(std::string_view gate, Time now) const;

  /// The whole table is one row; it is written when it has changed.
  [[nodiscard]] bool TakeChanged() { return std::exchange(changed_, false); }
  [[nodiscard]] bool empty() const { return overrides_.empty(); }
  [[nodiscard]] std::string Encode() const;
  [[nodiscard]] Status Load(std::string_view row);

 private:
  std::map<std::string, storage::GateOverridden, std::less<>> overrides_;  ///< by gate
  bool changed_ = false;
};

}  // namespace barograph::rules
