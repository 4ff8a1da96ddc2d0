#include "rules/measure/task_table.h"

#include <algorithm>

#include "storage/base/bytes.h"
#include "storage/base/limits.h"

namespace barograph::rules {

using storage::EventView;
using storage::TaskStatus;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t SecondOf(std::int64_t nanos) {
  return nanos / kSecond - static_cast<std::int64_t>(nanos % kSecond < 0);
}

}  // namespace

TaskTable::Row* TaskTable::Find(const NameHash& task) {
  const auto found = places_.find(task);
  return found == places_.end() ? nullptr : &rows_[found->second];
}

TaskTable::Row* TaskTable::Add(const NameHash& task) {
  if (free_.empty()) {
    free_.push_back(static_cast<Place>(rows_.size()));
    rows_.emplace_back();
  }
  const Place place = free_.back();
  free_.pop_back();
  places_.emplace(task, place);
  Row& row = rows_[place];
  row.task = task;
  return &row;
}

void TaskTable::Remove(Row* row) {
  ClearSpent(row);
  if (!row->late) Unlink(row);
  places_.erase(row->task);
  free_.push_back(static_cast<Place>(row - rows_.data()));
  // The next task finds room for its names.
  std::string names = std::move(row->names);
  names.clear();
  *row = Row{};
  row->names = std::move(names);
}

bool TaskTable::Open(const EventView& event, Time time) {
  const NameHash task = HashName(event.task_id);
  Row* row = Find(task);
  if (row == nullptr) {
    if (places_.size() >= kOpenTasksMax) return false;
    row = Add(task);
    changes_->Add({MeasureTable::kTask, task}, &row->mark);
  }
  Touch(row);
  if (event.task.status == TaskStatus::kStarted) row->started = time.time_since_epoch().count();
  if (event.task.has_deadline) SetDeadline(row, event);
  if (event.task.status != TaskStatus::kBlocked) ClearSpent(row);
  return true;
}

void TaskTable::SetDeadline(Row* row, const EventView& event) {
  const Names known = DecodeNames(row->names);
  scratch_.clear();
  ByteWriter writer(&scratch_);
  writer.String(event.task_id);
  writer.String(event.agent.empty() ? known.agent : event.agent);
  writer.String(event.task.type.empty() ? known.type : event.task.type);
  row->names = scratch_;
  if (!row->late) Unlink(row);
  row->deadline = event.task.deadline.time_since_epoch().count();
  if (!row->late) Link(row);
}

void TaskTable::Link(Row* row) {
  if (row->deadline == kNone) return;
  const auto place = static_cast<Place>(row - rows_.data());
  const std::int64_t second = SecondOf(row->deadline);
  const auto [list, is_new] = due_.try_emplace(second, place);
  if (is_new) {
    due_seconds_.insert(second);
    return;
  }
  row->after = list->second;
  rows_[row->after].before = place;
  list->second = place;
}

void TaskTable::Unlink(Row* row) {
  if (row->deadline == kNone) return;
  if (row->after != kNowhere) rows_[row->after].before = row->before;
  if (row->before != kNowhere) {
    rows_[row->before].after = row->after;
  } else {
    const auto list = due_.find(SecondOf(row->deadline));
    list->second = row->after;
    if (row->after == kNowhere) {
      due_seconds_.erase(list->first);
      due_.erase(list);
    }
  }
  row->before = row->after = kNowhere;
}

template <typename Visit>
void TaskTable::ForEachDue(std::int64_t from, const Visit& visit) const {
  for (auto second = due_seconds_.lower_bound(SecondOf(from)); second != due_seconds_.end();
       ++second) {
    for (Place at = due_.at(*second); at != kNowhere; at = rows_[at].after) {
      if (!visit(rows_[at])) return;
    }
  }
}

void TaskTable::ClearSpent(Row* row) {
  if (row->currency.empty()) return;
  spent_[row->currency] -= row->spent;
  row->spent = 0;
  row->currency = Currency();
  auto other = other_spent_.lower_bound({row->task, Currency()});
  while (other != other_spent_.end() && other->first.first == row->task) {
    spent_[other->first.second] -= other->second;
    other = other_spent_.erase(other);
  }
}

Punctuality TaskTable::Finish(const EventView& event, Time time) {
  Row* const row = event.task_id.empty() ? nullptr : Find(HashName(event.task_id));
  const bool cancelled = event.task.status == TaskStatus::kCancelled;
  std::int64_t deadline =
      event.task.has_deadline ? event.task.deadline.time_since_epoch().count() : kNone;
  std::int64_t started = kNone;
  std::string_view type = event.task.type;
  bool late = false;
  if (row != nullptr) {
    Touch(row);
    late = row->late;
    started = row->started;
    if (deadline == kNone) deadline = row->deadline;
    if (type.empty()) type = DecodeNames(row->names).type;
  }
  const std::int64_t now = time.time_since_epoch().count();
  if (!cancelled && event.task.has_duration) {
    AddDuration(type, event.task.duration, event.count);
  } else if (!cancelled && started != kNone && started <= now) {
    AddDuration(type, Duration(now - started), event.count);
  }
  if (row != nullptr) Remove(row);
  if (cancelled || late || deadline == kNone) return Punctuality::kUndecided;
  return now <= deadline ? Punctuality::kOnTime : Punctuality::kLate;
}

void TaskTable::AddDuration(std::string_view type, Duration duration, std::uint64_t count) {
  const NameHash name = HashName(type);
  auto found = types_.find(name);
  if (found == types_.end()) {
    if (types_.size() >= kTaskTypesMax) return;
    found = types_.emplace(name, Type{std::string(type), {}}).first;
    changes_->Add({MeasureTable::kDuration, name}, &found->second.mark);
  }
  changes_->Touch({MeasureTable::kDuration, name}, &found->second.mark);
  found->second.usual.Add(duration, count);
}

void TaskTable::Spend(std::string_view task_id, Currency currency, Int128 nanos) {
  if (nanos == 0 || currency.empty()) return;
  Row* const row = Find(HashName(task_id));
  if (row == nullptr) return;
  Touch(row);
  if (row->currency.empty()) row->currency = currency;
  Int128& spent = row->currency == currency ? row->spent : other_spent_[{row->task, currency}];
  spent += nanos;
  spent_[currency] += nanos;
}

bool TaskTable::MarkLate(std::string_view task_id) {
  Row* const row = Find(HashName(task_id));
  if (row == nullptr || row->late) return false;
  Touch(row);
  Unlink(row);
  row->late = true;
  return true;
}

std::vector<storage::TaskOverdue> TaskTable::Overdue(Time now, std::size_t limit) const {
  std::vector<storage::TaskOverdue> overdue;
  const std::int64_t before = now.time_since_epoch().count();
  ForEachDue(INT64_MIN, [&](const Row& row) {
    if (SecondOf(row.deadline) > SecondOf(before) || overdue.size() >= limit) return false;
    if (row.deadline >= before) return true;
    const Names names = DecodeNames(row.names);
    overdue.push_back({{"server", "deadline"},
                       std::string(names.id),
                       std::string(names.agent),
                       std::string(names.type),
                       Time(Duration(row.deadline))});
    return true;
  });
  return overdue;
}

std::uint64_t TaskTable::AtRisk(Time now) const {
  std::int64_t longest = 0;
  absl::flat_hash_map<NameHash, std::int64_t> usual;
  for (const auto& [name, type] : types_) {
    longest = std::max(longest, usual[name] = type.usual.Median().count());
  }
  const std::int64_t from = now.time_since_epoch().count();
  std::uint64_t at_risk = 0;
  ForEachDue(from, [&](const Row& row) {
    if (SecondOf(row.deadline) - SecondOf(from) > longest / kSecond + 1) return false;
    const std::int64_t left = row.deadline - from;
    if (left < 0) return true;
    const auto type = usual.find(HashName(DecodeNames(row.names).type));
    if (type != usual.end() && left < type->second) ++at_risk;
    return true;
  });
  return at_risk;
}

std::vector<std::pair<Currency, Int128>> TaskTable::Spent() const {
  std::vector<std::pair<Currency, Int128>> spent;
  for (const auto& total : spent_) {
    if (total.second != 0) spent.emplace_back(total);
  }
  return spent;
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
  for (const auto& [task, place] : places_) visit(task);
}

void TaskTable::ForEachType(const std::function<void(const NameHash&)>& visit) const {
  for (const auto& [name, type] : types_) visit(name);
}

MeasureRowChanges::Row TaskTable::EncodeTask(const NameHash& task) const {
  MeasureRowChanges::Row encoded;
  const auto found = places_.find(task);
  if (found == places_.end()) return encoded;
  const Row& row = rows_[found->second];
  encoded.mark = row.mark;
  ByteWriter writer(&encoded.value);
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
  return encoded;
}

Status TaskTable::LoadTask(const NameHash& task, std::string_view bytes) {
  ByteReader reader(bytes);
  if (Find(task) != nullptr) return Error(ErrorCode::kCorruption, "checkpoint: open task twice");
  Row& row = *Add(task);
  if (const std::int64_t started = reader.SignedVarint(); started != 0) row.started = started;
  if (const std::int64_t deadline = reader.SignedVarint(); deadline != 0) row.deadline = deadline;
  row.late = reader.Varint() != 0;
  row.names = reader.String();
  while (reader.ok() && !reader.done()) {
    BAROGRAPH_ASSIGN(const Currency currency, StoredCurrency(reader.String()));
    const Int128 nanos = reader.SignedVarint128();
    // Beyond all that is spent, and the sum over all tasks cannot overflow.
    constexpr Int128 kSpentMax = Int128{1} << 100;
    if (nanos > kSpentMax || nanos < -kSpentMax)
      return Error(ErrorCode::kCorruption, "checkpoint: open task row");
    if (row.currency.empty()) row.currency = currency;
    (row.currency == currency ? row.spent : other_spent_[{task, currency}]) += nanos;
    spent_[currency] += nanos;
  }
  if (!reader.ok()) return Error(ErrorCode::kCorruption, "checkpoint: open task row");
  if (!row.late) Link(&row);
  return {};
}

MeasureRowChanges::Row TaskTable::EncodeType(const NameHash& type) const {
  MeasureRowChanges::Row encoded;
  if (const auto found = types_.find(type); found != types_.end()) {
    encoded.mark = found->second.mark;
    ByteWriter(&encoded.value).String(found->second.name);
    found->second.usual.Encode(&encoded.value);
  }
  return encoded;
}

Status TaskTable::LoadType(const NameHash& type, std::string_view bytes) {
  ByteReader reader(bytes);
  const std::string_view name = reader.String();
  BAROGRAPH_ASSIGN(UsualDuration usual, UsualDuration::Decode(reader.rest()));
  types_[type] = Type{std::string(name), std::move(usual)};
  return {};
}

}  // namespace barograph::rules
