#include "rules/measure/task_table.h"

#include <algorithm>

#include "storage/base/bytes.h"
#include "storage/base/limits.h"

namespace barograph::rules {

using storage::EventView;
using storage::TaskStatus;

void TaskTable::Touch(const NameHash& task, Row* row) {
  if (row->touched == changes_->interval()) return;
  changes_->Touch({MeasureTable::kTask, task});
  row->touched = changes_->interval();
}

bool TaskTable::Open(const EventView& event, Time time) {
  const NameHash task = HashName(event.task_id);
  auto found = rows_.find(task);
  if (found == rows_.end()) {
    if (rows_.size() >= kOpenTasksMax) return false;
    changes_->Touch({MeasureTable::kTask, task});
    found = rows_.emplace(task, Row{}).first;
    found->second.touched = changes_->interval();
  }
  Row& row = found->second;
  Touch(task, &row);
  if (event.task.status == TaskStatus::kStarted) row.started = time.time_since_epoch().count();
  if (event.task.has_deadline) SetDeadline(task, &row, event);
  if (event.task.status != TaskStatus::kBlocked) ClearSpent(task, &row);
  return true;
}

void TaskTable::SetDeadline(const NameHash& task, Row* row, const EventView& event) {
  const std::int64_t deadline = event.task.deadline.time_since_epoch().count();
  const Names known = DecodeNames(row->names);
  row->names = EncodeNames({event.task_id, event.agent.empty() ? known.agent : event.agent,
                            event.task.type.empty() ? known.type : event.task.type});
  if (!row->late && row->deadline != deadline) {
    deadlines_.erase({row->deadline, task});
    deadlines_.insert({deadline, task});
  }
  row->deadline = deadline;
}

void TaskTable::ClearSpent(const NameHash& task, Row* row) {
  if (row->currency.empty()) return;
  spent_[row->currency] -= row->spent;
  row->spent = 0;
  row->currency = Currency();
  auto other = other_spent_.lower_bound({task, Currency()});
  while (other != other_spent_.end() && other->first.first == task) {
    spent_[other->first.second] -= other->second;
    other = other_spent_.erase(other);
  }
}

Punctuality TaskTable::Finish(const EventView& event, Time time) {
  const NameHash task = HashName(event.task_id);
  const auto found = event.task_id.empty() ? rows_.end() : rows_.find(task);
  const bool cancelled = event.task.status == TaskStatus::kCancelled;
  std::int64_t deadline =
      event.task.has_deadline ? event.task.deadline.time_since_epoch().count() : kNone;
  std::int64_t started = kNone;
  std::string_view type = event.task.type;
  bool late = false;
  if (found != rows_.end()) {
    Row& row = found->second;
    Touch(task, &row);
    late = row.late;
    started = row.started;
    if (deadline == kNone) deadline = row.deadline;
    if (type.empty()) type = DecodeNames(row.names).type;
  }
  const std::int64_t now = time.time_since_epoch().count();
  if (!cancelled && event.task.has_duration) {
    AddDuration(type, event.task.duration, event.count);
  } else if (!cancelled && started != kNone && started <= now) {
    AddDuration(type, Duration(now - started), event.count);
  }
  if (found != rows_.end()) {
    ClearSpent(task, &found->second);
    if (!late && found->second.deadline != kNone) deadlines_.erase({found->second.deadline, task});
    rows_.erase(found);
  }
  if (cancelled || late || deadline == kNone) return Punctuality::kUndecided;
  return now <= deadline ? Punctuality::kOnTime : Punctuality::kLate;
}

void TaskTable::AddDuration(std::string_view type, Duration duration, std::uint64_t count) {
  const NameHash name = HashName(type);
  auto found = types_.find(name);
  if (found == types_.end()) {
    if (types_.size() >= kTaskTypesMax) return;
    changes_->Touch({MeasureTable::kDuration, name});
    found = types_.emplace(name, Type{std::string(type), {}, changes_->interval()}).first;
  }
  if (found->second.touched != changes_->interval()) {
    changes_->Touch({MeasureTable::kDuration, name});
    found->second.touched = changes_->interval();
  }
  found->second.usual.Add(duration, count);
}

void TaskTable::Spend(std::string_view task_id, Currency currency, Int128 nanos) {
  const NameHash task = HashName(task_id);
  const auto found = rows_.find(task);
  if (found == rows_.end() || nanos == 0 || currency.empty()) return;
  Row& row = found->second;
  Touch(task, &row);
  if (row.currency.empty()) row.currency = currency;
  Int128& spent = row.currency == currency ? row.spent : other_spent_[{task, currency}];
  spent += nanos;
  spent_[currency] += nanos;
}

bool TaskTable::MarkLate(std::string_view task_id) {
  const NameHash task = HashName(task_id);
  const auto found = rows_.find(task);
  if (found == rows_.end() || found->second.late) return false;
  Touch(task, &found->second);
  found->second.late = true;
  deadlines_.erase({found->second.deadline, task});
  return true;
}

std::vector<storage::TaskOverdue> TaskTable::Overdue(Time now, std::size_t limit) const {
  std::vector<storage::TaskOverdue> overdue;
  for (const auto& [deadline, task] : deadlines_) {
    if (deadline >= now.time_since_epoch().count() || overdue.size() >= limit) break;
    const Names names = DecodeNames(rows_.at(task).names);
    overdue.push_back({{"server", "deadline"},
                       std::string(names.id),
                       std::string(names.agent),
                       std::string(names.type),
                       Time(Duration(deadline))});
  }
  return overdue;
}

std::optional<Time> TaskTable::NextDeadline() const {
  if (deadlines_.empty()) return std::nullopt;
  return Time(Duration(deadlines_.begin()->first));
}

std::uint64_t TaskTable::AtRisk(Time now) const {
  std::int64_t longest = 0;
  absl::flat_hash_map<NameHash, std::int64_t> usual;
  for (const auto& [name, type] : types_) {
    longest = std::max(longest, usual[name] = type.usual.Median().count());
  }
  const std::int64_t from = now.time_since_epoch().count();
  std::uint64_t at_risk = 0;
  for (auto at = deadlines_.lower_bound({from, NameHash{}}); at != deadlines_.end(); ++at) {
    const std::int64_t left = at->first - from;
    if (left >= longest) break;
    const auto type = usual.find(HashName(DecodeNames(rows_.at(at->second).names).type));
    if (type != usual.end() && left < type->second) ++at_risk;
  }
  return at_risk;
}

std::vector<std::pair<Currency, Int128>> TaskTable::Spent() const {
  std::vector<std::pair<Currency, Int128>> spent;
  for (const auto& total : spent_) {
    if (total.second != 0) spent.emplace_back(total);
  }
  return spent;
}

std::string TaskTable::EncodeNames(const Names& names) {
  std::string bytes;
  ByteWriter writer(&bytes);
  writer.String(names.id);
  writer.String(names.agent);
  writer.String(names.type);
  return bytes;
}

TaskTable::Names TaskTable::DecodeNames(std::string_view bytes) {
  if (bytes.empty()) return {};
  ByteReader reader(bytes);
  Names names;
  names.id = reader.String();
  names.agent = reader.String();
  names.type = reader.String();
  return names;
}

void TaskTable::ForEachTask(const std::function<void(const NameHash&)>& visit) const {
  for (const auto& [task, row] : rows_) visit(task);
}

void TaskTable::ForEachType(const std::function<void(const NameHash&)>& visit) const {
  for (const auto& [name, type] : types_) visit(name);
}

std::string TaskTable::EncodeTask(const NameHash& task) const {
  std::string bytes;
  const auto found = rows_.find(task);
  if (found == rows_.end()) return bytes;
  const Row& row = found->second;
  ByteWriter writer(&bytes);
  // Event times are after 1990, so 0 is free to say "none".
  writer.SignedVarint(row.started == kNone ? 0 : row.started);
  writer.SignedVarint(row.deadline == kNone ? 0 : row.deadline);
  writer.Varint(row.late ? 1 : 0);
  writer.String(row.names);
  const auto write_spent = [&](Currency currency, Int128 nanos) {
    writer.String(currency.code());
    writer.SignedVarint128(nanos);
  };
  if (!row.currency.empty()) write_spent(row.currency, row.spent);
  for (auto other = other_spent_.lower_bound({task, Currency()});
       other != other_spent_.end() && other->first.first == task; ++other) {
    write_spent(other->first.second, other->second);
  }
  return bytes;
}

Status TaskTable::LoadTask(const NameHash& task, std::string_view bytes) {
  ByteReader reader(bytes);
  Row row;
  if (const std::int64_t started = reader.SignedVarint(); started != 0) row.started = started;
  if (const std::int64_t deadline = reader.SignedVarint(); deadline != 0) row.deadline = deadline;
  row.late = reader.Varint() != 0;
  row.names = reader.String();
  while (reader.ok() && !reader.done()) {
    BAROGRAPH_ASSIGN(const Currency currency, StoredCurrency(reader.String()));
    const Int128 nanos = reader.SignedVarint128();
    if (row.currency.empty()) row.currency = currency;
    (row.currency == currency ? row.spent : other_spent_[{task, currency}]) += nanos;
    spent_[currency] += nanos;
  }
  if (!reader.ok()) return Error(ErrorCode::kCorruption, "checkpoint: open task row");
  if (row.deadline != kNone && !row.late) deadlines_.insert({row.deadline, task});
  rows_[task] = std::move(row);
  return {};
}

std::string TaskTable::EncodeType(const NameHash& type) const {
  std::string bytes;
  if (const auto found = types_.find(type); found != types_.end()) {
    ByteWriter(&bytes).String(found->second.name);
    found->second.usual.Encode(&bytes);
  }
  return bytes;
}

Status TaskTable::LoadType(const NameHash& type, std::string_view bytes) {
  ByteReader reader(bytes);
  const std::string_view name = reader.String();
  BAROGRAPH_ASSIGN(UsualDuration usual, UsualDuration::Decode(reader.rest()));
  types_[type] = Type{std::string(name), std::move(usual), 0};
  return {};
}

}  // namespace barograph::rules
