#include <algorithm>
#include <limits>

#include "rules/window/window_state.h"

namespace barograph::rules {
namespace {

constexpr std::string_view kOverflow = "_overflow";
/// Every cell is looked at once an hour for series that fell silent.
constexpr std::int64_t kSweepClasses = 60;

std::int64_t Narrow(Int128 value) {
  return static_cast<std::int64_t>(std::clamp<Int128>(
      value, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()));
}

}  // namespace

std::unique_ptr<Series> MakeSeries(MeasureType type) {
  switch (type) {
    case MeasureType::kDistribution:
      return std::make_unique<SketchSeries>();
    case MeasureType::kGauge:
      return std::make_unique<GaugeSeries>();
    case MeasureType::kDistinct:
      return std::make_unique<DistinctSeries>();
    case MeasureType::kSum:
      break;
  }
  return std::make_unique<SumSeries>();
}

void WindowStore::State::Fold(const storage::EventView& event, Time time,
                              std::span<const Yield> yields) {
  if (yields.empty()) return;
  resolved.clear();
  for (const Yield& yield : yields) {
    if (yield.measure.value >= kMeasuresMax)
      continue;  // names beyond the limit; the footprint says so
    ResolvedYield& each = resolved.emplace_back();
    each.key = names.KeyOf(yield.measure, yield.type);
    each.type = yield.type;
    each.count = yield.count;
    // A sketch counts the value's index: it is the same for all cells.
    each.value = yield.type == MeasureType::kDistribution ? Sketch::IndexOf(Narrow(yield.value))
                                                          : yield.value;
  }
  const Bucket bucket = BucketOf(time, kFineWidth);
  // First all cells are found, so that their memory is on its way while the others are looked up.
  matches.clear();
  projections.ForEachMatch(event, [this](LiveProjection* projection) {
    if (!projections.Concerns(*projection)) return;
    std::uint64_t hash = 0;
    Cell* const cell = projections.FindCell(*projection, &hash);
    if (cell != nullptr) cell->Prefetch();
    matches.push_back({projection, cell, hash});
  });
  for (const Match& match : matches) FoldInto(event, match, time, bucket);
}

void WindowStore::State::FoldInto(const storage::EventView& event, const Match& match, Time time,
                                  Bucket bucket) {
  LiveProjection* const projection = match.projection;
  Cell* cell = match.cell;
  if (cell == nullptr) [[unlikely]] {
    cell = full() && !projection->by.empty()
               ? OverflowCell(projection, time)
               : AddCell(projection, projections.Values(*projection), match.hash, time);
  }
  FoldCell(cell, time, bucket);
  if (projection->watched) Touch(cell);
  if (!projection->slices.empty()) CorrectSlices(*projection, cell, time);
  if (!projection->calendars.empty()) FoldCalendars(*projection, cell, time);
  if (!projection->sightings.empty()) See(event, *projection, cell, time);
}

bool WindowStore::State::AddToOpenHead(SeriesHead* head, const ResolvedYield& yield) {
  switch (yield.type) {
    case MeasureType::kSum:
      head->total += yield.value;
      return true;
    case MeasureType::kDistribution:
      return yield.count == 1 &&
             SketchSeries::AddToHead(head, static_cast<std::int32_t>(yield.value));
    case MeasureType::kDistinct:
      return DistinctSeries::Has(*head, static_cast<std::uint64_t>(yield.value));
    case MeasureType::kGauge:
      break;
  }
  return false;
}

void WindowStore::State::FoldCell(Cell* cell, Time time, Bucket bucket) {
  for (const ResolvedYield& yield : resolved) {
    SeriesHead* const head = cell->Find(yield.key);
    if (head != nullptr && head->bucket == bucket && head->mark == round) [[likely]] {
      if (AddToOpenHead(head, yield)) continue;
    }
    Add(cell, yield, time, bucket);
  }
}

void WindowStore::State::Add(Cell* cell, const ResolvedYield& yield, Time time, Bucket bucket) {
  SeriesHead* head = cell->Find(yield.key);
  if (head == nullptr) head = FindOrAdd(&cell, yield);
  AddToHead(cell, head, yield, time, bucket);
}

SeriesHead* WindowStore::State::FindOrAdd(Cell** cell, const ResolvedYield& yield) {
  LiveProjection* const projection = projections.At((*cell)->projection);
  if (full() && !projection->by.empty() && !(*cell)->is_overflow) {
    *cell = OverflowCell(projection, (*cell)->judged_from);
    if (SeriesHead* const head = (*cell)->Find(yield.key)) return head;
  }
  ++series_count;
  return (*cell)->Add(yield.key, MakeSeries(yield.type));
}

void WindowStore::State::AddToHead(Cell* cell, SeriesHead* head, const ResolvedYield& yield,
                                   Time time, Bucket bucket) {
  const SeriesRef self{cell->id, yield.key};
  if (head->mark != round) MarkDirty(self, head);
  const bool was_live = head->live();
  switch (yield.type) {
    case MeasureType::kSum:
      static_cast<SumSeries&>(*head->series).Add(head, bucket, yield.value, cold(self));
      break;
    case MeasureType::kDistribution:
      static_cast<SketchSeries&>(*head->series)
          .Add(head, bucket, static_cast<std::int32_t>(yield.value), yield.count);
      break;
    case MeasureType::kGauge:
      static_cast<GaugeSeries&>(*head->series)
          .Add(head, time, bucket, Narrow(yield.value), yield.count);
      break;
    case MeasureType::kDistinct:
      static_cast<DistinctSeries&>(*head->series)
          .Add(head, bucket, static_cast<std::uint64_t>(yield.value));
      break;
  }
  if (!was_live && head->live()) --dormant_count;
}

bool WindowStore::State::full() const {
  return series_count - std::min(dormant_count, kDormantSeriesMax) >= kSeriesMax;
}

Cell* WindowStore::State::AddCell(LiveProjection* projection, std::string values,
                                  std::uint64_t hash, Time time) {
  auto cell = std::make_unique<Cell>();
  cell->id = static_cast<std::uint32_t>(cells.size());
  cell->projection = projection->id;
  cell->hash = hash;
  cell->values = std::move(values);
  cell->judged_from = std::max(log_time, time);
  cells.emplace_back();
  return PlaceCell(projection, std::move(cell));
}

Cell* WindowStore::State::PlaceCell(LiveProjection* projection, std::unique_ptr<Cell> cell) {
  Cell* const placed = cell.get();
  projection->table.Insert(placed);
  projection->cells.push_back(placed);
  const std::vector<std::string_view> overflow_values(projection->by.size(), kOverflow);
  placed->is_overflow = !projection->by.empty() && placed->values == PackValues(overflow_values);
  if (placed->is_overflow) projection->overflow = placed;
  cells[placed->id] = std::move(cell);
  return placed;
}

Cell* WindowStore::State::OverflowCell(LiveProjection* projection, Time time) {
  overflowed = true;
  if (projection->overflow == nullptr) {
    const std::vector<std::string_view> values(projection->by.size(), kOverflow);
    AddCell(projection, PackValues(values), HashOfValues(values), time);
  }
  return projection->overflow;
}

void WindowStore::State::Touch(Cell* cell) {
  // `_overflow` is no instance of any rule.
  if (cell->touched == touch_round || cell->is_overflow) return;
  cell->touched = touch_round;
  touched.push_back(CellId{cell->id});
}

void WindowStore::State::SweepDormant() {
  const Bucket minute = BucketOf(log_time, std::chrono::minutes(1));
  const Bucket oldest = BucketOf(log_time - kDormantAfter, kFineWidth);
  for (auto id = static_cast<std::size_t>(minute % kSweepClasses); id < cells.size();
       id += kSweepClasses) {
    Cell* const cell = cells[id].get();
    if (cell == nullptr) continue;
    for (SeriesKey key = 0; key < cell->key_limit(); ++key) {
      SeriesHead* const head = cell->Find(key);
      if (head != nullptr && head->live() && head->bucket < oldest) Release(cell, key, head);
    }
  }
}

void WindowStore::State::Release(Cell* cell, SeriesKey key, SeriesHead* head) {
  const SeriesRef self{cell->id, key};
  if (head->mark != round) MarkDirty(self, head);
  head->series->Flush(head);
  switch (names.OriginOf(key).type) {
    case MeasureType::kSum:
      static_cast<SumSeries&>(*head->series).Release(head, cold(self));
      break;
    case MeasureType::kDistribution:
      static_cast<SketchSeries&>(*head->series).Clear();
      break;
    case MeasureType::kGauge:
      static_cast<GaugeSeries&>(*head->series).Clear();
      break;
    case MeasureType::kDistinct:
      static_cast<DistinctSeries&>(*head->series).Clear();
      break;
  }
  head->bucket = SeriesHead::kDormant;
  ++dormant_count;
}

}  // namespace barograph::rules
