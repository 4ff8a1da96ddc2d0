#pragma once

#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "rules/measure/row_changes.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/event/event_view.h"

namespace barograph::rules {

/// Counters followed at once; samples of further ones yield nothing and are counted as untracked.
inline constexpr std::size_t kCountersMax = 1'000'000;

/// Last values of CUMULATIVE samples, which only grow: what an event yields is the growth since the
/// last one.
///
/// A counter is (name, unit, service, agent, environment, all labels). Its first sample is the
/// start and yields nothing. A fall is a reset: the counter began again at 0, so the whole new
/// value counts. A sample older than the last one is passed over, because the later one already
/// includes it.
/// Threads: owned by one thread.
class CounterTable {
 public:
  explicit CounterTable(MeasureRowChanges* changes) : changes_(changes) {}

  /// What a sample of `nanos` at `time` adds; 0 where it adds nothing. Nothing when the table is
  /// full and the counter new.
  [[nodiscard]] std::optional<std::int64_t> Grow(const storage::EventView& event,
                                                 std::int64_t nanos, Time time);

  [[nodiscard]] std::size_t size() const { return rows_.size(); }
  void ForEach(const std::function<void(const NameHash&)>& visit) const;
  [[nodiscard]] MeasureRowChanges::Row Encode(const NameHash& name) const;
  [[nodiscard]] Status Load(const NameHash& name, std::string_view bytes);

 private:
  struct Row {
    std::int64_t time = 0, nanos = 0;
    std::uint32_t mark = 0;  ///< see MeasureRowChanges
  };
  [[nodiscard]] NameHash Identity(const storage::EventView& event);

  MeasureRowChanges* changes_;
  absl::flat_hash_map<NameHash, Row> rows_;
  std::string scratch_;
};

}  // namespace barograph::rules
