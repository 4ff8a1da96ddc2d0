#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/measure/measure.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/event/event_view.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

inline constexpr std::size_t kActivitySampleNamesMax = 10'000;
inline constexpr std::size_t kCurrenciesMax = 256;

/// Turns events into the numbers they yield (contract section 2), and keeps the three tables that
/// this needs: prices in force, last values of cumulative samples, and open tasks.
///
/// Pricing: tokens are priced by the table in force at event time; input counts cached tokens,
/// output counts reasoning; the 128-bit sum of tokens x price is rounded once, half-even, to
/// nano-units. A missing cache rate takes the input rate, a missing reasoning rate the output rate.
/// What has no price yields `unpriced`, never a cost of 0. Tasks: `tasks.on_time` and `tasks.late`
/// are decided once per task, at its end or by TaskOverdue. At most kOpenTasksMax tasks are
/// followed; further ones are counted without on_time and late.
///
/// Threads:      owned by one thread.
/// Determinism:  state is a function of the folded events alone.
class MeasureFold {
 public:
  /// Gives ids for names; ids are stable and in order of first use. Usually WindowStore::Intern.
  using Interner = std::function<MeasureId(const MeasureName&)>;
  explicit MeasureFold(Interner interner);
  ~MeasureFold();

  /// Exact counters to yield besides: (distribution base, bound in nanos). Each yields the measure
  /// AtMostMeasure(base, bound). Bounds on money are passed over: their unit depends on the
  /// currency.
  void SetAtMost(std::span<const std::pair<std::string, std::int64_t>> bounds);

  /// Says what part of a Cost that names a lease counts; the rest was counted before, when the
  /// lease was settled. Without it all of it counts.
  using LeaseCount = std::function<Int128(std::string_view lease, Currency currency, Int128 total)>;
  void SetLeaseCount(LeaseCount count);

  /// Folds one event into the tables and returns what it yields; valid until the next call. `time`
  /// is its event time.
  std::span<const Yield> Fold(const storage::EventView& event, Time time);
  /// Server-made events that touch the tables or yield something: PricesApplied, TaskOverdue,
  /// AlertTransition (alerts.fired), Acknowledged (alert.ack.duration).
  std::span<const Yield> Fold(const storage::ServerEvent& event);

  /// Open tasks whose deadline is before `now` and that were not yet called late: the events to
  /// decide, at most `limit`.
  [[nodiscard]] std::vector<storage::TaskOverdue> Overdue(Time now, std::size_t limit) const;

  /// From the table of open tasks, at `now`: `tasks.open`, `tasks.at_risk` (deadline nearer than
  /// the usual duration of the type, its median so far), `cost.open_tasks` per currency (spent on
  /// tasks that are open and showed no progress since).
  struct OpenTasks {
    std::uint64_t open = 0, at_risk = 0;
    std::vector<std::pair<Currency, Int128>> cost;
  };
  [[nodiscard]] OpenTasks open_tasks(Time now) const;

  struct PriceAnswer {
    Int128 nanos = 0;
    Currency currency;
    bool derived = false;  ///< a cache or reasoning rate was missing and another took its place
    std::string_view version;
  };
  /// Price of a Cost event's tokens; nothing when no table in force names the model.
  [[nodiscard]] std::optional<PriceAnswer> PriceOf(const storage::CostView& cost, Time time) const;

  /// The price tables that were applied, the one that is asked first coming first.
  [[nodiscard]] std::vector<storage::PricesApplied> price_tables() const;

  struct Sizes {
    std::size_t open_tasks = 0, counters = 0, price_tables = 0;
    /// Events whose task or counter was not followed because its table was full.
    std::uint64_t untracked_tasks = 0, untracked_counters = 0;
  };
  [[nodiscard]] Sizes sizes() const;

  // Checkpoint rows, copy before write; same contract as WindowStore.
  using RowSink = std::function<void(std::string_view key, std::string_view value)>;
  /// Row deletions have an empty value.
  void BeginCheckpoint();
  [[nodiscard]] bool ContinueCheckpoint(std::size_t rows_max, const RowSink& sink);
  [[nodiscard]] Status LoadRow(std::string_view key, std::string_view value);
  void Canonical(const std::function<void(std::string_view)>& sink) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace barograph::rules
