#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "rules/engine/tenant.h"

namespace barograph::rules {

inline constexpr std::size_t kPhases = 10;  ///< seconds in which every instance is judged once

/// One SLO for one tuple of values of its `by` dimensions.
struct Instance {
  Tenant* tenant;
  const CompiledRule* rule;
  InstanceSeries series;
  storage::Labels by;
  std::vector<const Alert*> alerts;  ///< by level; null: never left inactive
  std::optional<Time> due;           ///< earliest timer of its alerts, or when time moves it
  Time judged_at{};                  ///< whole second of the last judgement
  bool queued = false;               ///< waits in the queue of changed instances
  bool woken = false;                ///< Wake wants the next whole second, and `due` is no later
};
using InstanceId = std::uint32_t;

/// Which instances there are, which changed, whose timers are due. Everything here is derived from
/// windows, alerts and rules, and made again from them after a start or a reload; nothing of it is
/// in checkpoints or the digest.
///
/// An instance comes into being when its cell got its first event; `_overflow` has none. Expected
/// ones are there before, in each tenant that has events, or that is alone; they take their cell
/// when it comes.
/// Threads: owned by one thread.
class Instances {
 public:
  /// Everything is to be made again before the next use.
  void Invalidate() { stale_ = true; }
  /// Makes instances for new cells, and takes the cells that changed into the queue. True when all
  /// were made again. `judged` is the newest whole second that was evaluated: what time alone
  /// changes after it is due at the next one, also when the event that says so came later.
  bool Refresh(const std::vector<Tenant*>& tenants, const CompiledRules& rules, Time judged);
  /// Cells that changed, found while folding.
  void Touch(Tenant* tenant, const std::vector<CellId>& cells);
  /// The alert of that key moved; `alert` is null when it was forgotten.
  void Relink(Tenant* tenant, const std::string& key, const Alert* alert);
  /// The instance was judged at the whole second `at`: what time alone changes next lies behind it.
  void Pass(InstanceId id, Time at);
  /// Whether its timer still stands at that whole second: events that came since it was set may
  /// have moved it.
  [[nodiscard]] bool IsDue(InstanceId id, Time second);
  /// It must be judged at the next whole second after `at`, whatever its timer says.
  void Wake(InstanceId id, Time at);

  [[nodiscard]] std::size_t size() const { return instances_.size(); }
  [[nodiscard]] Instance& at(InstanceId id) { return instances_[id]; }
  [[nodiscard]] std::deque<Instance>& all() { return instances_; }
  [[nodiscard]] const std::vector<InstanceId>& phase(std::size_t second) const {
    return phases_[second % kPhases];
  }
  [[nodiscard]] const std::set<std::pair<Time, InstanceId>>& timers() const { return timers_; }
  /// Instances that read this cell.
  [[nodiscard]] const std::vector<InstanceId>& OfCell(Tenant* tenant, CellId cell);
  [[nodiscard]] bool Knows(Tenant* tenant, const std::string& alert_key) const;
  /// Takes the next changed instance off the queue.
  [[nodiscard]] std::optional<InstanceId> PopChanged();
  [[nodiscard]] std::size_t changed_count() const { return changed_.size(); }
  [[nodiscard]] bool any_slices() const { return any_slices_; }

 private:
  struct PerTenant {
    absl::flat_hash_map<std::uint32_t, std::vector<InstanceId>> of_cell;
    absl::flat_hash_map<std::string, std::pair<InstanceId, std::uint32_t>>
        of_alert;                   ///< instance and level
    std::vector<std::size_t> seen;  ///< by rule: cells looked at
    /// Expected instances without a cell, by rule and value.
    std::map<std::pair<const CompiledRule*, std::string>, InstanceId> expected;
    bool expects = false;  ///< they were made
  };
  void Discover(Tenant* tenant, const CompiledRules& rules, PerTenant* index);
  void DiscoverExpected(Tenant* tenant, const CompiledRules& rules, PerTenant* index);
  void Add(Tenant* tenant, const CompiledRule& rule, CellId cell, PerTenant* index);
  /// False when no expected instance waited for the cell.
  bool TakeCell(const CompiledRule& rule, CellId cell, const storage::Labels& by, PerTenant* index);
  InstanceId Make(Tenant* tenant, const CompiledRule& rule, CellId cell, storage::Labels by,
                  PerTenant* index);
  /// Sets the timer to what time alone changes first after `after`, or to an alert's timer before
  /// it. A wish of Wake stands until it was granted.
  void Schedule(InstanceId id, Time after);

  std::deque<Instance> instances_;
  absl::flat_hash_map<Tenant*, PerTenant> tenants_;
  absl::flat_hash_map<Tenant*, std::vector<CellId>> touched_;  ///< not yet queued
  std::array<std::vector<InstanceId>, kPhases> phases_;
  std::set<std::pair<Time, InstanceId>> timers_;
  std::deque<InstanceId> changed_;
  std::vector<CellId> scratch_;
  Time judged_{};      ///< of the last Refresh
  bool alone_ = true;  ///< there was one tenant then
  bool stale_ = true;
  bool any_slices_ = false;
};

/// Labels of an instance's alert: what `by` and the rule say, and alertname, rule, severity, and
/// policy for a freeze.
[[nodiscard]] storage::Labels AlertLabels(const CompiledRule& rule, const storage::Labels& by,
                                          std::size_t level);
/// "critical", "warning" or "info"; ERROR is a warning.
[[nodiscard]] std::string_view SeverityLabel(Severity severity);

}  // namespace barograph::rules
