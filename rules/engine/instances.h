#pragma once

#include <array>
#include <cstdint>
#include <deque>
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
  std::optional<Time> due;           ///< earliest timer of its alerts
  Time judged_at{};                  ///< whole second of the last judgement
  bool queued = false;               ///< waits in the queue of changed instances
};
using InstanceId = std::uint32_t;

/// Which instances there are, which changed, whose timers are due. Everything here is derived from
/// windows, alerts and rules, and made again from them after a start or a reload; nothing of it is
/// in checkpoints or the digest.
///
/// An instance comes into being when its cell got its first event; `_overflow` has none.
/// Threads: owned by one thread.
class Instances {
 public:
  /// Everything is to be made again before the next use.
  void Invalidate() { stale_ = true; }
  /// Makes instances for new cells, and takes the cells that changed into the queue. True when all
  /// were made again.
  bool Refresh(const std::vector<Tenant*>& tenants, const CompiledRules& rules);
  /// Cells that changed, found while folding.
  void Touch(Tenant* tenant, const std::vector<CellId>& cells);
  /// The alert of that key moved; `alert` is null when it was forgotten.
  void Relink(Tenant* tenant, const std::string& key, const Alert* alert);

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
  [[nodiscard]] bool has_changed() const { return !changed_.empty(); }
  [[nodiscard]] bool any_slices() const { return any_slices_; }

 private:
  struct PerTenant {
    absl::flat_hash_map<std::uint32_t, std::vector<InstanceId>> of_cell;
    absl::flat_hash_map<std::string, std::pair<InstanceId, std::uint32_t>>
        of_alert;                   ///< instance and level
    std::vector<std::size_t> seen;  ///< by SLO: cells looked at
  };
  void Discover(Tenant* tenant, const CompiledRules& rules, PerTenant* index);
  void Add(Tenant* tenant, const CompiledRule& rule, CellId cell, PerTenant* index);
  void Schedule(InstanceId id);

  std::deque<Instance> instances_;
  absl::flat_hash_map<Tenant*, PerTenant> tenants_;
  absl::flat_hash_map<Tenant*, std::vector<CellId>> touched_;  ///< not yet queued
  std::array<std::vector<InstanceId>, kPhases> phases_;
  std::set<std::pair<Time, InstanceId>> timers_;
  std::deque<InstanceId> changed_;
  std::vector<CellId> scratch_;
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
