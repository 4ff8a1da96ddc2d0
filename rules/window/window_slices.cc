#include <algorithm>

#include "rules/window/window_state.h"

namespace barograph::rules {
namespace {

constexpr Duration kMinute = std::chrono::minutes(1);

bool IsGood(const WindowPlan::Slice& spec, Int128 sum) {
  return spec.above ? sum > spec.bound : sum < spec.bound;
}

/// A slice's counters carry its last nanosecond: it belongs to the slice and is the first moment at
/// which all of it is past.
Time VerdictTime(Time start, Duration slice) { return start + slice - Duration(1); }

}  // namespace

void WindowStore::State::AdvanceSlices() {
  if (log_time < next_slice_end) return;
  const Time oldest = log_time - kJudgeReach;
  for (LiveSlice& slice : slices) {
    const Time end = SliceStart(log_time, slice.spec.slice);
    const bool empty = projections.At(slice.projection)->cells.empty();
    Time start = slice.judged_until;
    if (const Time reach = SliceStart(oldest, slice.spec.slice); empty || start < reach) {
      start = empty ? end : reach;
      slice.judged_since = start;
    }
    for (; start < end; start += slice.spec.slice) {
      if (!IsExcluded(start, start + slice.spec.slice)) JudgeSlice(slice, start);
    }
    slice.judged_until = std::max(slice.judged_until, end);
  }
  ScheduleSlices();
}

void WindowStore::State::ScheduleSlices() {
  next_slice_end = Time::max();
  for (const LiveSlice& slice : slices) {
    next_slice_end =
        std::min(next_slice_end, SliceStart(log_time, slice.spec.slice) + slice.spec.slice);
  }
}

bool WindowStore::State::IsExcluded(Time from, Time to) const {
  return std::any_of(excluded.begin(), excluded.end(),
                     [&](const auto& range) { return range.first < to && from < range.second; });
}

bool WindowStore::State::Counts(const LiveSlice& slice, const Cell& cell, Time start) const {
  const Time end = start + slice.spec.slice;
  return !cell.is_overflow && start >= slice.judged_since && end > cell.judged_from &&
         end > slice.configured_at;
}

Int128 WindowStore::State::SliceSum(const LiveSlice& slice, const Cell& cell, Time start) const {
  const SeriesHead* const head = cell.Find(slice.measure);
  if (head == nullptr) return 0;
  const Bucket first = BucketOf(start, kMinute);
  const Bucket last = BucketOf(start + slice.spec.slice, kMinute) - 1;
  return static_cast<const SumSeries&>(*head->series).Between(*head, kMinutes, first - 1, last);
}

void WindowStore::State::JudgeSlice(const LiveSlice& slice, Time start) {
  const LiveProjection& projection = *projections.At(slice.projection);
  for (Cell* cell : projection.cells) {
    if (!Counts(slice, *cell, start)) continue;
    const bool good = IsGood(slice.spec, SliceSum(slice, *cell, start));
    AddSum(cell, slice.total, VerdictTime(start, slice.spec.slice), 1);
    if (good) AddSum(cell, slice.good, VerdictTime(start, slice.spec.slice), 1);
    if (projection.watched) Touch(cell);
  }
}

void WindowStore::State::CorrectSlices(const LiveProjection& projection, Cell* cell, Time time) {
  for (const std::uint16_t place : projection.slices) {
    const LiveSlice& slice = slices[place];
    if (time >= slice.judged_until) continue;
    const Time start = SliceStart(time, slice.spec.slice);
    const Time end = start + slice.spec.slice;
    if (!Counts(slice, *cell, start) || IsExcluded(start, end)) continue;
    const SeriesHead* const head = cell->Find(slice.measure);
    if (head == nullptr) continue;
    if (!static_cast<const SumSeries&>(*head->series).Holds(kMinutes, BucketOf(start, kMinute)))
      continue;
    Int128 added = 0;
    for (const ResolvedYield& yield : resolved) {
      if (yield.key == slice.measure) added += yield.value;
    }
    const Int128 sum = SliceSum(slice, *cell, start);
    const int change = static_cast<int>(IsGood(slice.spec, sum)) -
                       static_cast<int>(IsGood(slice.spec, sum - added));
    if (change != 0) AddSum(cell, slice.good, VerdictTime(start, slice.spec.slice), change);
  }
}

void WindowStore::State::AddSum(Cell* cell, SeriesKey key, Time time, Int128 value) {
  const ResolvedYield yield{key, MeasureType::kSum, 1, value};
  SeriesHead* head = cell->Find(key);
  if (head == nullptr) {
    head = cell->Add(key, MakeSeries(MeasureType::kSum));
    ++series_count;
  }
  AddToHead(cell, head, yield, time, BucketOf(time, kFineWidth));
}

}  // namespace barograph::rules
