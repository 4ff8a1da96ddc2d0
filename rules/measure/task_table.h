#pragma once

#include <absl/container/btree_set.h>
#include <absl/container/flat_hash_map.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/measure/row_changes.h"
#include "rules/measure/usual_duration.h"
#include "storage/base/clock.h"
#include "storage/base/money.h"
#include "storage/base/result.h"
#include "storage/event/event_view.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

/// Task types whose usual duration is followed; tasks of further types are never at risk.
inline constexpr std::size_t kTaskTypesMax = 1'000;

/// Whether a task kept its deadline, as decided at its end.
enum class Punctuality : std::uint8_t { kUndecided, kOnTime, kLate };

/// Tasks that began and did not end, and the usual duration of each type of task.
///
/// A task opens with its first STARTED, PROGRESS or BLOCKED and leaves with COMPLETED, FAILED or
/// CANCELLED, in the order of the log; one that starts again after its end is a new task. At most
/// kOpenTasksMax are open; further ones are not followed.
/// Threads: owned by one thread.
class TaskTable {
 public:
  explicit TaskTable(MeasureRowChanges* changes) : changes_(changes) {}

  /// A task event that is no end. False when the table is full and the task new.
  /// Requires: a task id.
  bool Open(const storage::EventView& event, Time time);
  /// A task event that is an end: COMPLETED, FAILED or CANCELLED (which is never on time or late).
  /// The event's own deadline counts before the one that is known. Undecided without a deadline,
  /// and when the task was already called late.
  [[nodiscard]] Punctuality Finish(const storage::EventView& event, Time time);
  /// Adds what was spent on a task, if it is open.
  void Spend(std::string_view task_id, Currency currency, Int128 nanos);
  /// True the first time that an open task is called late.
  [[nodiscard]] bool MarkLate(std::string_view task_id);

  /// At most `limit` tasks whose deadline is before `now`, by the second of their deadline.
  [[nodiscard]] std::vector<storage::TaskOverdue> Overdue(Time now, std::size_t limit) const;
  /// Open tasks that are not late yet and whose deadline is nearer than the median duration of
  /// their type.
  [[nodiscard]] std::uint64_t AtRisk(Time now) const;
  /// Spent on open tasks since their last start or progress; currencies of amount 0 are left out.
  [[nodiscard]] std::vector<std::pair<Currency, Int128>> Spent() const;
  [[nodiscard]] std::size_t size() const { return places_.size(); }

  // Checkpoint rows: one a task (kTask) and one a type (kDuration).
  void ForEachTask(const std::function<void(const NameHash&)>& visit) const;
  void ForEachType(const std::function<void(const NameHash&)>& visit) const;
  [[nodiscard]] MeasureRowChanges::Row EncodeTask(const NameHash& task) const;
  [[nodiscard]] MeasureRowChanges::Row EncodeType(const NameHash& type) const;
  [[nodiscard]] Status LoadTask(const NameHash& task, std::string_view bytes);
  [[nodiscard]] Status LoadType(const NameHash& type, std::string_view bytes);

 private:
  static constexpr std::int64_t kNone = INT64_MAX;
  using Place = std::uint32_t;  ///< in rows_
  static constexpr Place kNowhere = UINT32_MAX;

  struct Row {
    NameHash task;
    std::int64_t started = kNone;  ///< event time of STARTED
    std::int64_t deadline = kNone;
    Int128 spent = 0;  ///< in `currency`; what was spent in others lies in other_spent_
    Currency currency;
    std::uint32_t mark = 0;                     ///< see MeasureRowChanges
    Place before = kNowhere, after = kNowhere;  ///< neighbours of the same second, see `due_`
    bool late = false;
    std::string names;  ///< id, agent and type, only of tasks with a deadline
  };
  struct Type {
    std::string name;
    UsualDuration usual;
    std::uint32_t mark = 0;
  };
  struct Names {
    std::string_view id, agent, type;
  };

  [[nodiscard]] Row* Find(const NameHash& task);
  Row* Add(const NameHash& task);
  void Remove(Row* row);
  void Touch(Row* row) { changes_->Touch({MeasureTable::kTask, row->task}, &row->mark); }
  void SetDeadline(Row* row, const storage::EventView& event);
  /// Into and out of the list of its deadline's second.
  void Link(Row* row);
  void Unlink(Row* row);
  void ClearSpent(Row* row);
  void AddDuration(std::string_view type, Duration duration, std::uint64_t count);
  /// Calls visit(row) for rows that are not late, by the second of their deadline from that of
  /// `from` on, until it returns false.
  template <typename Visit>
  void ForEachDue(std::int64_t from, const Visit& visit) const;
  [[nodiscard]] static Names DecodeNames(std::string_view bytes);

  MeasureRowChanges* changes_;
  absl::flat_hash_map<NameHash, Place> places_;
  std::vector<Row> rows_;  ///< a task keeps its place; those of ended ones are used again
  std::vector<Place> free_;
  absl::flat_hash_map<std::int64_t, Place> due_;  ///< second of deadline -> first row of its list
  absl::btree_set<std::int64_t> due_seconds_;     ///< keys of due_
  std::string scratch_;
  std::map<std::pair<NameHash, Currency>, Int128> other_spent_;
  std::map<Currency, Int128> spent_;  ///< totals over all rows
  absl::flat_hash_map<NameHash, Type> types_;
};

}  // namespace barograph::rules
