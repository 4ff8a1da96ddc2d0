#include <algorithm>

#include "rules/window/window_state.h"

// Sums over calendar periods are series like all others: everything that a period counts lies in
// one hour of its own series, so that late events, checkpoints, cold pages and the digest know
// nothing of calendars.

namespace barograph::rules {
namespace {

constexpr Duration kHour = std::chrono::hours(1);

bool Contains(const Period& period, Time time) { return period.start <= time && time < period.end; }

}  // namespace

MeasureName CalendarMeasure(const MeasureName& measure, std::string_view calendar) {
  return {"calendar:" + std::string(calendar) + ":" + measure.base, measure.qualifier};
}

Time CalendarTime(const Period& period) {
  return Time(FloorDivide((period.end - Duration(1)).time_since_epoch().count(), kHour.count()) *
              kHour);
}

const Period* WindowStore::State::FindPeriod(std::string_view calendar, Time at) const {
  const auto known = periods.find(calendar);
  if (known == periods.end()) return nullptr;
  // Nearly always the newest but one (the one that follows is opened early).
  for (auto period = known->second.rbegin(); period != known->second.rend(); ++period) {
    if (period->start <= at) return Contains(*period, at) ? &*period : nullptr;
  }
  return nullptr;
}

void WindowStore::State::FoldCalendars(const LiveProjection& projection, Cell* cell, Time time) {
  for (const std::uint16_t place : projection.calendars) {
    const LiveCalendarSum& sum = calendar_sums[place];
    Int128 added = 0;
    for (const ResolvedYield& yield : resolved) {
      if (yield.key == sum.source) added += yield.value;
    }
    if (added == 0) continue;
    const Period* const period = FindPeriod(sum.spec.calendar, time);
    if (period != nullptr) AddSum(cell, sum.target, CalendarTime(*period), added);
  }
}

void WindowStore::State::OpenPeriod(std::string_view calendar, const Period& period) {
  std::vector<Period>& known = periods[std::string(calendar)];
  const auto place = std::lower_bound(known.begin(), known.end(), period);
  const auto overlaps = [&](const Period& other) {
    return other.start < period.end && period.start < other.end;
  };
  if (std::any_of(known.begin(), known.end(), overlaps)) return;
  known.insert(place, period);
  if (known.size() > kPeriodsKept) known.erase(known.begin());
  for (const LiveCalendarSum& sum : calendar_sums) {
    if (sum.spec.calendar == calendar) Seed(sum, period);
  }
}

void WindowStore::State::Seed(const LiveCalendarSum& sum, const Period& period) {
  const bool whole_hours = period.start.time_since_epoch() % kHour == Duration{} &&
                           period.end.time_since_epoch() % kHour == Duration{};
  if (!whole_hours) return;
  // Cells are added to while this runs; none of them is new to the sum.
  const std::vector<Cell*> cells_now = projections.Find(sum.spec.projection)->cells;
  for (Cell* const cell : cells_now) {
    const SeriesHead* const source = cell->Find(sum.source);
    if (source == nullptr) continue;
    const Int128 counted = static_cast<const SumSeries&>(*source->series)
                               .SumHours(*source, BucketOf(period.start, kHour),
                                         BucketOf(period.end, kHour), cold({cell->id, sum.source}));
    if (counted != 0) AddSum(cell, sum.target, CalendarTime(period), counted);
  }
}

void WindowStore::State::ConfigureCalendars(const WindowPlan& next) {
  for (const LiveCalendarSum& old : calendar_sums) {
    if (std::binary_search(next.calendar_sums.begin(), next.calendar_sums.end(), old.spec))
      continue;
    RemoveKey(old.target, projections.Find(old.spec.projection));
  }
}

void WindowStore::State::LinkCalendars() {
  calendar_sums.clear();
  for (const auto& each : projections.all()) {
    if (each != nullptr) each->calendars.clear();
  }
  for (const WindowPlan::CalendarSum& spec : plan.calendar_sums) {
    projections.Find(spec.projection)
        ->calendars.push_back(static_cast<std::uint16_t>(calendar_sums.size()));
    const auto key_of = [this](const MeasureName& name) {
      return names.KeyOf(names.Intern(name), MeasureType::kSum);
    };
    calendar_sums.push_back(
        {spec, key_of(spec.measure), key_of(CalendarMeasure(spec.measure, spec.calendar))});
  }
  // A calendar that no sum reads any more is forgotten.
  std::erase_if(periods, [this](const auto& entry) {
    return std::none_of(calendar_sums.begin(), calendar_sums.end(),
                        [&](const auto& sum) { return sum.spec.calendar == entry.first; });
  });
}

}  // namespace barograph::rules
