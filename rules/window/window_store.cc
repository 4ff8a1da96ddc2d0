#include "rules/window/window_store.h"

#include <algorithm>

#include "rules/window/window_state.h"
#include "storage/base/assert.h"

namespace barograph::rules {
namespace {

constexpr Duration kHour = std::chrono::hours(1);

/// A typed view of a head's series.
template <typename T>
const T& As(const SeriesHead& head) {
  return static_cast<const T&>(*head.series);
}

QuantileAnswer AnswerOf(const Sketch& sketch, double q) {
  QuantileAnswer answer;
  answer.count = sketch.count();
  if (answer.count == 0) return answer;
  answer.bucket = sketch.Quantile(q);
  answer.value = Sketch::Representative(answer.bucket);
  return answer;
}

}  // namespace

WindowStore::WindowStore() : state_(std::make_unique<State>()) {}
WindowStore::~WindowStore() = default;

void WindowStore::Configure(const WindowPlan& plan, Sequence at) { state_->Configure(plan, at); }

ProjectionId WindowStore::FindOrBuiltIn(const Projection& projection) const {
  const LiveProjection* const found = state_->projections.Find(projection);
  BAROGRAPH_ASSERT(found != nullptr, "the projection is neither configured nor built in");
  return found->id;
}

Sequence WindowStore::Since(ProjectionId projection) const {
  const LiveProjection* const found = state_->projections.At(projection);
  BAROGRAPH_ASSERT(found != nullptr, "the projection was removed");
  return found->since;
}

void WindowStore::Fold(const storage::EventView& event, Time time, std::span<const Yield> yields) {
  state_->Fold(event, time, yields);
}

void WindowStore::Advance(Time log_time) {
  State& state = *state_;
  state.log_time = std::max(state.log_time, log_time);
  if (log_time >= state.next_slice_end) state.AdvanceSlices();
  if (log_time < state.next_minute) return;
  state.SweepDormant();
  state.next_minute = MinuteAfter(log_time);
}

void WindowStore::BeginRecord(Time log_time) { state_->arrived = log_time; }

void WindowStore::Exclude(Time from, Time to) {
  if (from >= to) return;
  // What closed before the gap is judged now: after a long one it would be out of reach.
  Advance(from);
  auto& ranges = state_->excluded;
  ranges.insert(std::upper_bound(ranges.begin(), ranges.end(), std::pair(from, to)), {from, to});
  std::erase_if(ranges, [&](const auto& range) { return range.second < to - kDormantAfter; });
  if (ranges.size() > kExclusionsKept) ranges.erase(ranges.begin());
}

MeasureId WindowStore::Intern(const MeasureName& name) { return state_->names.Intern(name); }
std::optional<MeasureId> WindowStore::FindMeasureId(const MeasureName& name) const {
  return state_->names.Find(name);
}
const MeasureName& WindowStore::NameOf(MeasureId id) const { return state_->names.NameOf(id); }

std::size_t WindowStore::measure_count() const { return state_->names.size(); }

Status WindowStore::ValidateWindow(Duration window) { return CheckWindow(window); }

std::optional<CellId> WindowStore::FindCell(ProjectionId projection,
                                            std::span<const std::string_view> values) const {
  const LiveProjection* const found = state_->projections.At(projection);
  if (found == nullptr || values.size() != found->by.size()) return std::nullopt;
  const std::string packed = PackValues(values);
  const Cell* const cell = found->table.Find(
      HashOfValues(values), [&packed](const Cell& each) { return each.values == packed; });
  if (cell == nullptr) return std::nullopt;
  return CellId{cell->id};
}

storage::Labels WindowStore::LabelsOf(CellId cell) const {
  storage::Labels labels;
  const Cell* const found = state_->CellAt(cell);
  if (found == nullptr) return labels;
  const std::vector<std::string_view> values = UnpackValues(found->values);
  const std::vector<std::string>& by = state_->projections.At(found->projection)->spec.by;
  for (std::size_t i = 0; i < by.size(); ++i) labels.emplace(by[i], values[i]);
  return labels;
}

void WindowStore::ForEachCell(ProjectionId projection,
                              const std::function<void(CellId)>& visit) const {
  const LiveProjection* const found = state_->projections.At(projection);
  if (found == nullptr) return;
  for (const Cell* cell : found->cells) visit(CellId{cell->id});
}

const SeriesHead* WindowStore::State::FindHead(CellId cell, MeasureId measure,
                                               MeasureType type) const {
  const Cell* const found = CellAt(cell);
  if (found == nullptr) return nullptr;
  const std::optional<SeriesKey> key = names.FindKey(measure, type);
  return key ? found->Find(*key) : nullptr;
}

Int128 WindowStore::Sum(CellId cell, MeasureId measure, Time at, Duration window) const {
  const SeriesHead* const head = state_->FindHead(cell, measure, MeasureType::kSum);
  const int level = FindLevel(window);
  if (head == nullptr || level >= kLevelCount) return 0;
  const Duration width = kLevels[static_cast<std::size_t>(level)].width();
  const Bucket last = BucketOf(at, width);
  return As<SumSeries>(*head).Between(*head, level, last - static_cast<Bucket>(window / width),
                                      last);
}

Int128 WindowStore::SumWithin(CellId cell, MeasureId measure, Time at, Duration window, Time from,
                              Time to) const {
  const SeriesHead* const head = state_->FindHead(cell, measure, MeasureType::kSum);
  const int level = FindLevel(window);
  if (head == nullptr || level >= kLevelCount) return 0;
  const Duration width = kLevels[static_cast<std::size_t>(level)].width();
  const Bucket last = BucketOf(at, width);
  const Bucket before =
      std::max(last - static_cast<Bucket>(window / width), BucketOf(from, width) - 1);
  const Bucket end = std::min(last, BucketOf(to, width) - 1);
  return before < end ? As<SumSeries>(*head).Between(*head, level, before, end) : 0;
}

Int128 WindowStore::SumBetween(CellId cell, MeasureId measure, Time from, Time to) const {
  const SeriesHead* const head = state_->FindHead(cell, measure, MeasureType::kSum);
  if (head == nullptr) return 0;
  const SeriesRef self{cell.value, *state_->names.FindKey(measure, MeasureType::kSum)};
  return As<SumSeries>(*head).SumHours(*head, BucketOf(from, kHour), BucketOf(to, kHour),
                                       state_->cold(self));
}

void WindowStore::OpenPeriod(std::string_view calendar, const Period& period) {
  state_->OpenPeriod(calendar, period);
}

const WindowStore::Periods& WindowStore::periods() const { return state_->periods; }

std::optional<Period> WindowStore::PeriodAt(std::string_view calendar, Time at) const {
  const Period* const period = state_->FindPeriod(calendar, at);
  if (period == nullptr) return std::nullopt;
  return *period;
}

Int128 WindowStore::PeriodSum(CellId cell, MeasureId measure, const Period& period) const {
  const Time hour = CalendarTime(period);
  return SumBetween(cell, measure, hour, hour + kHour);
}

WindowStore::PastSum WindowStore::SumAgo(CellId cell, MeasureId measure, Time at, Duration window,
                                         Duration ago) const {
  const SeriesHead* const head = state_->FindHead(cell, measure, MeasureType::kSum);
  const int level = FindLevel(window + ago);
  if (level >= kLevelCount || window <= Duration::zero()) return {};
  using std::chrono::seconds;
  const seconds width =
      std::chrono::duration_cast<seconds>(kLevels[static_cast<std::size_t>(level)].width());
  if (head == nullptr) return {0, width.count()};
  const auto to = std::chrono::floor<seconds>(at - ago);
  const auto from = to - std::chrono::duration_cast<seconds>(window);
  const Bucket first = BucketOf(from, width), last = BucketOf(to, width);
  const auto& series = As<SumSeries>(*head);
  const auto sum = [&](Bucket after, Bucket until) {
    return series.Between(*head, level, after, until);
  };
  const auto offset = [&](std::chrono::sys_seconds time, Bucket bucket) {
    return time.time_since_epoch().count() - bucket * width.count();
  };
  PastSum past{0, width.count()};
  if (first == last) {
    past.weighted = sum(first - 1, first) * (to - from).count();
    return past;
  }
  past.weighted = sum(first - 1, first) * (width.count() - offset(from, first)) +
                  sum(first, last - 1) * width.count();
  if (offset(to, last) > 0) past.weighted += sum(last - 1, last) * offset(to, last);
  return past;
}

std::optional<Int128> WindowStore::Total(CellId cell, MeasureId measure) const {
  const SeriesHead* const head = state_->FindHead(cell, measure, MeasureType::kSum);
  if (head == nullptr) return std::nullopt;
  return head->total;
}

QuantileAnswer WindowStore::Quantile(CellId cell, MeasureId measure, double q, Time at,
                                     Duration window) const {
  const SeriesHead* const head = state_->FindHead(cell, measure, MeasureType::kDistribution);
  if (head == nullptr) return {};
  return AnswerOf(As<SketchSeries>(*head).Window(*head, at, window), q);
}

GaugeAnswer WindowStore::Gauge(CellId cell, MeasureId measure, Time at, Duration window) const {
  const SeriesHead* const head = state_->FindHead(cell, measure, MeasureType::kGauge);
  if (head == nullptr) return {};
  const GaugeBucket bucket = As<GaugeSeries>(*head).Window(*head, at, window);
  return {bucket.count, bucket.last, bucket.min, bucket.max, bucket.sum};
}

QuantileAnswer WindowStore::QuantileOfHours(CellId cell, MeasureId measure, double q, Time from,
                                            Time to) const {
  const SeriesHead* const head = state_->FindHead(cell, measure, MeasureType::kDistribution);
  if (head == nullptr) return {};
  return AnswerOf(As<SketchSeries>(*head).Hours(*head, from, to), q);
}

GaugeAnswer WindowStore::GaugeOfHours(CellId cell, MeasureId measure, Time from, Time to) const {
  const SeriesHead* const head = state_->FindHead(cell, measure, MeasureType::kGauge);
  if (head == nullptr) return {};
  const GaugeBucket bucket = As<GaugeSeries>(*head).Hours(*head, from, to);
  return {bucket.count, bucket.last, bucket.min, bucket.max, bucket.sum};
}

Time WindowStore::CellSince(CellId cell) const {
  const Cell* const found = state_->CellAt(cell);
  return found == nullptr ? Time::max() : found->judged_from;
}

Duration WindowStore::ExcludedWithin(Time from, Time to, Duration longer) const {
  const auto& ranges = state_->excluded;
  // They follow one another, so those that reach into the span are side by side.
  auto range = std::partition_point(ranges.begin(), ranges.end(),
                                    [&](const auto& each) { return each.second + longer <= from; });
  Duration excluded{0};
  for (; range != ranges.end() && range->first < to; ++range) {
    const Time first = std::max(range->first, from);
    const Time last = std::min(range->second + longer, to);
    if (first >= last) continue;
    excluded += last - first;
    from = last;
  }
  return excluded;
}

Time WindowStore::ExcludedUntil() const { return state_->ExcludedUntil(); }
Time WindowStore::After(Time from, Duration counted) const { return state_->After(from, counted); }
WindowStore::Wait WindowStore::WaitOf(Time open, Duration open_for, Duration missed_for) const {
  return state_->WaitOf(open, open_for, missed_for);
}

std::uint64_t WindowStore::Distinct(CellId cell, MeasureId measure, Time at,
                                    Duration window) const {
  const SeriesHead* const head = state_->FindHead(cell, measure, MeasureType::kDistinct);
  return head == nullptr ? 0 : As<DistinctSeries>(*head).Window(*head, at, window).Estimate();
}

const CellSighting* WindowStore::Sighting(CellId id, std::string_view sighting) const {
  const Cell* const cell = state_->CellAt(id);
  if (cell == nullptr) return nullptr;
  for (const std::uint16_t place : state_->projections.At(cell->projection)->sightings) {
    const LiveSighting& live = state_->sightings[place];
    if (live.spec.id != sighting) continue;
    const bool seen = live.slot < cell->sightings.size() && cell->sightings[live.slot].at != Time{};
    return seen ? &cell->sightings[live.slot] : nullptr;
  }
  return nullptr;
}

void WindowStore::Watch(ProjectionId projection) {
  LiveProjection* const found = state_->projections.At(projection);
  if (found != nullptr) found->watched = true;
}

void WindowStore::TakeTouched(std::vector<CellId>* out) {
  out->clear();
  out->swap(state_->touched);
  ++state_->touch_round;
}

void WindowStore::BeginCheckpoint() { state_->BeginCheckpoint(); }
bool WindowStore::ContinueCheckpoint(std::size_t rows_max, const RowSink& sink) {
  return state_->ContinueCheckpoint(rows_max, sink);
}
Status WindowStore::LoadRow(std::string_view key, std::string_view value) {
  return state_->LoadRow(key, value);
}
Status WindowStore::FinishLoad() { return state_->FinishLoad(); }
void WindowStore::SetColdReader(ColdReader reader) { state_->cold_reader = std::move(reader); }

void WindowStore::Canonical(const std::function<void(std::string_view)>& sink) const {
  state_->Canonical(sink);
}

WindowStore::Footprint WindowStore::footprint() const {
  const State& state = *state_;
  Footprint print;
  print.series = state.series_count - state.dormant_count;
  print.overflowed = state.overflowed || state.names.overflowed();
  for (const auto& projection : state.projections.all()) {
    if (projection != nullptr) print.bytes += projection->table.bytes();
  }
  for (const auto& cell : state.cells) {
    if (cell == nullptr) continue;
    ++print.cells;
    print.bytes += sizeof(Cell) + cell->values.capacity() +
                   cell->far.capacity() * sizeof(std::uint16_t) +
                   cell->heads.capacity() * sizeof(SeriesHead);
    for (const SeriesHead& head : cell->heads) print.bytes += head.series->bytes();
  }
  return print;
}

}  // namespace barograph::rules
