#include <algorithm>
#include <set>

#include "rules/window/window_state.h"

namespace barograph::rules {
namespace {

bool IsBuiltIn(const Projection& spec) {
  const std::vector<Projection>& all = BuiltInProjections();
  return std::find(all.begin(), all.end(), spec) != all.end();
}

/// The measure of an exact counter: values of `base` that are at most `bound`.
MeasureName CounterName(const std::pair<std::string, std::int64_t>& counter) {
  return {counter.first, "<=" + std::to_string(counter.second)};
}

}  // namespace

void WindowStore::State::Configure(const WindowPlan& next, Sequence at) {
  if (checkpointing) Drain();
  std::set<Projection> wanted(next.projections.begin(), next.projections.end());
  for (const WindowPlan::Slice& slice : next.slices) wanted.insert(slice.projection);
  for (const WindowPlan::CalendarSum& sum : next.calendar_sums) wanted.insert(sum.projection);
  for (const WindowPlan::Sighting& sighting : next.sightings) wanted.insert(sighting.projection);
  for (const auto& counter : plan.at_most) {
    if (std::find(next.at_most.begin(), next.at_most.end(), counter) != next.at_most.end())
      continue;
    if (const auto id = names.Find(CounterName(counter))) {
      if (const auto key = names.FindKey(*id, MeasureType::kSum)) RemoveKey(*key, nullptr);
    }
  }
  ConfigureSlices(next);
  ConfigureCalendars(next);
  for (const auto& each : projections.all()) {
    if (each != nullptr && !each->built_in && !wanted.contains(each->spec))
      RemoveProjection(each.get());
  }
  // In the plan's order, so that numbers do not depend on anything else.
  const auto add = [&](const Projection& spec) {
    if (!IsBuiltIn(spec) && projections.Find(spec) == nullptr) projections.Add(spec, at);
  };
  for (const Projection& spec : next.projections) add(spec);
  for (const WindowPlan::Slice& slice : next.slices) add(slice.projection);
  for (const WindowPlan::CalendarSum& sum : next.calendar_sums) add(sum.projection);
  for (const WindowPlan::Sighting& sighting : next.sightings) add(sighting.projection);
  projections.Route();
  ConfigureSightings(next);
  const std::vector<WindowPlan::CalendarSum> before = std::exchange(plan, next).calendar_sums;
  LinkSlices();
  LinkCalendars();
  for (const LiveCalendarSum& sum : calendar_sums) {
    if (std::binary_search(before.begin(), before.end(), sum.spec)) continue;
    const auto known = periods.find(sum.spec.calendar);
    if (known == periods.end()) continue;
    for (const Period& period : known->second) Seed(sum, period);
  }
}

void WindowStore::State::ConfigureSlices(const WindowPlan& next) {
  std::vector<LiveSlice> kept;
  for (const WindowPlan::Slice& spec : next.slices) {
    const auto same = std::find_if(slices.begin(), slices.end(),
                                   [&](const LiveSlice& each) { return each.spec == spec; });
    if (same != slices.end()) {
      kept.push_back(*same);
      continue;
    }
    LiveSlice added;
    added.spec = spec;
    added.configured_at = log_time;
    added.judged_until = added.judged_since = SliceStart(log_time, spec.slice);
    kept.push_back(std::move(added));
  }
  for (const LiveSlice& old : slices) {
    if (std::find(next.slices.begin(), next.slices.end(), old.spec) != next.slices.end()) continue;
    RemoveKey(old.good, projections.At(old.projection));
    RemoveKey(old.total, projections.At(old.projection));
  }
  slices = std::move(kept);
}

void WindowStore::State::LinkSlices() {
  for (const auto& each : projections.all()) {
    if (each != nullptr) each->slices.clear();
  }
  for (std::size_t i = 0; i < slices.size(); ++i) {
    LiveSlice& slice = slices[i];
    LiveProjection* const projection = projections.Find(slice.spec.projection);
    projection->slices.push_back(static_cast<std::uint16_t>(i));
    slice.projection = projection->id;
    const auto key_of = [this](const MeasureName& name) {
      return names.KeyOf(names.Intern(name), MeasureType::kSum);
    };
    slice.measure = key_of(slice.spec.measure);
    slice.total = key_of({"slice.total:" + slice.spec.id, ""});
    slice.good = key_of({"slice.good:" + slice.spec.id, ""});
  }
  ScheduleSlices();
}

void WindowStore::State::RemoveKey(SeriesKey key, const LiveProjection* only) {
  for (const auto& each : projections.all()) {
    if (each == nullptr || (only != nullptr && each.get() != only)) continue;
    for (Cell* cell : each->cells) RemoveSeries(cell, key);
  }
}

void WindowStore::State::RemoveSeries(Cell* cell, SeriesKey key) {
  const SeriesHead* const head = cell->Find(key);
  if (head == nullptr) return;
  const SeriesRef self{cell->id, key};
  head->series->ForEachRowKey(self,
                              [this](std::string_view row) { removed_rows.emplace_back(row); });
  --series_count;
  if (!head->live()) --dormant_count;
  cell->Remove(key);
}

void WindowStore::State::RemoveProjection(LiveProjection* projection) {
  RowKey row;
  for (Cell* cell : projection->cells) {
    for (SeriesKey key = 0; key < cell->key_limit(); ++key) RemoveSeries(cell, key);
    removed_rows.emplace_back(row.Cell(cell->id));
    if (!cell->sightings.empty()) removed_rows.emplace_back(row.Sightings(cell->id));
    cells[cell->id].reset();
  }
  std::erase_if(touched, [this](CellId id) { return CellAt(id) == nullptr; });
  projections.Remove(projection->id);
}

}  // namespace barograph::rules
