#include "rules/measure/counter_table.h"

#include <algorithm>

#include "storage/base/bytes.h"

namespace barograph::rules {

NameHash CounterTable::Identity(const storage::EventView& event) {
  scratch_.clear();
  ByteWriter writer(&scratch_);
  writer.String(event.sample.name);
  writer.String(event.sample.unit);
  writer.String(event.sample.service);
  writer.String(event.agent);
  writer.String(event.environment);
  for (std::size_t i = 0; i < event.label_count; ++i) {
    writer.String(event.labels[i].name);
    writer.String(event.labels[i].value);
  }
  return HashName(scratch_);
}

std::optional<std::int64_t> CounterTable::Grow(const storage::EventView& event, std::int64_t nanos,
                                               Time time) {
  const NameHash name = Identity(event);
  const std::int64_t at = time.time_since_epoch().count();
  const auto found = rows_.find(name);
  if (found == rows_.end()) {
    if (rows_.size() >= kCountersMax) return std::nullopt;
    changes_->Add({MeasureTable::kCounter, name},
                  &rows_.emplace(name, Row{at, nanos}).first->second.mark);
    return 0;
  }
  Row& row = found->second;
  if (at < row.time) return 0;
  changes_->Touch({MeasureTable::kCounter, name}, &row.mark);
  const std::int64_t before = row.nanos;
  row.time = at;
  row.nanos = nanos;
  return nanos >= before ? nanos - before : std::max<std::int64_t>(nanos, 0);
}

void CounterTable::ForEach(const std::function<void(const NameHash&)>& visit) const {
  for (const auto& [name, row] : rows_) visit(name);
}

MeasureRowChanges::Row CounterTable::Encode(const NameHash& name) const {
  MeasureRowChanges::Row row;
  if (const auto found = rows_.find(name); found != rows_.end()) {
    row.mark = found->second.mark;
    ByteWriter writer(&row.value);
    writer.SignedVarint(found->second.time);
    writer.SignedVarint(found->second.nanos);
  }
  return row;
}

Status CounterTable::Load(const NameHash& name, std::string_view bytes) {
  ByteReader reader(bytes);
  Row row;
  row.time = reader.SignedVarint();
  row.nanos = reader.SignedVarint();
  if (!reader.ok() || !reader.done())
    return Error(ErrorCode::kCorruption, "checkpoint: counter row");
  rows_[name] = row;
  return {};
}

}  // namespace barograph::rules
