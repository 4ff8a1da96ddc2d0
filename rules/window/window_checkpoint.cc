#include <algorithm>
#include <limits>
#include <tuple>

#include "rules/window/plan_encoding.h"
#include "rules/window/window_state.h"
#include "storage/base/assert.h"

namespace barograph::rules {
namespace {

/// More cells than any tenant makes: a broken count must not make a huge table.
constexpr std::uint64_t kCellsMax = 16'000'000;

}  // namespace

void WindowStore::State::MarkDirty(SeriesRef self, SeriesHead* head) {
  if (checkpointing && head->mark == round - 1) {
    EmitSeries(self, head, [this](std::string_view key, std::string_view value) {
      ready.emplace_back(key, value);
    });
  }
  head->mark = round;
  dirty.push_back(self);
}

std::size_t WindowStore::State::EmitSeries(SeriesRef self, SeriesHead* head, const EmitRow& emit) {
  row_value.clear();
  ByteWriter out(&row_value);
  head->series->Flush(head);
  head->series->EncodeRow(*head, &out);
  emit(RowKey().Series(self), row_value);
  const std::size_t rows = 1 + head->series->EmitChunks(*head, self, emit);
  if (names.OriginOf(self.key).type == MeasureType::kSum) {
    const ColdPages* const pages = static_cast<SumSeries&>(*head->series).cold();
    if (pages != nullptr && pages->unsettled()) unsettled.push_back(self);
  }
  return rows;
}

void WindowStore::State::BeginCheckpoint() {
  if (checkpointing) Drain();
  for (const SeriesRef ref : unsettled) {
    Cell* const cell = CellAt(CellId{ref.cell});
    SeriesHead* const head = cell != nullptr ? cell->Find(ref.key) : nullptr;
    if (head != nullptr) static_cast<SumSeries&>(*head->series).cold()->Settle();
  }
  unsettled.clear();
  pending.clear();
  pending.swap(dirty);
  pending_next = 0;
  pending_sightings.clear();
  pending_sightings.swap(dirty_sightings);
  ++round;
  checkpointing = true;
  PrepareTables();
}

void WindowStore::State::PrepareTables() {
  RowKey key;
  std::string value;
  ByteWriter out(&value);
  const auto emit = [&](std::string_view row) {
    ready.emplace_back(row, value);
    value.clear();
  };
  for (const std::string& row : removed_rows) emit(row);
  removed_rows.clear();
  out.Raw(EncodeStore());
  emit(key.Store());
  for (; names_saved < names.size(); ++names_saved) {
    const MeasureId id{static_cast<std::uint16_t>(names_saved)};
    out.String(names.NameOf(id).base);
    out.String(names.NameOf(id).qualifier);
    emit(key.Name(id.value));
  }
  for (; keys_saved < names.key_count(); ++keys_saved) {
    const auto origin = names.OriginOf(static_cast<SeriesKey>(keys_saved));
    out.Varint(origin.measure.value);
    out.Varint(static_cast<std::uint64_t>(origin.type));
    emit(key.Key(static_cast<SeriesKey>(keys_saved)));
  }
  for (; cells_saved < cells.size(); ++cells_saved) {
    const Cell* const cell = cells[cells_saved].get();
    if (cell == nullptr) continue;
    out.Varint(cell->projection.value);
    out.SignedVarint(cell->judged_from.time_since_epoch().count());
    out.String(cell->values);
    emit(key.Cell(cell->id));
  }
}

bool WindowStore::State::ContinueCheckpoint(std::size_t rows_max, const RowSink& sink) {
  std::size_t rows = 0;
  for (; rows < rows_max && !ready.empty(); ++rows) {
    sink(ready.front().first, ready.front().second);
    ready.pop_front();
  }
  for (; rows < rows_max && pending_next < pending.size(); ++pending_next) {
    PrefetchPending();
    const SeriesRef ref = pending[pending_next];
    SeriesHead* const head = FindPending(pending_next);
    if (head == nullptr) continue;  // removed, or copied before a write
    rows += EmitSeries(ref, head, sink);
    head->mark = 0;
  }
  if (!EmitSightings(sink, rows_max, &rows)) return false;
  // What was copied while this call worked cannot be: folding and this call share a thread.
  if (!ready.empty() || pending_next < pending.size()) return false;
  checkpointing = false;
  return true;
}

void WindowStore::State::Drain() {
  for (; pending_next < pending.size(); ++pending_next) {
    SeriesHead* const head = FindPending(pending_next);
    if (head == nullptr) continue;
    EmitSeries(pending[pending_next], head, [this](std::string_view key, std::string_view value) {
      ready.emplace_back(key, value);
    });
    head->mark = 0;
  }
  std::size_t rows = 0;
  const bool all = EmitSightings(
      [this](std::string_view key, std::string_view value) { ready.emplace_back(key, value); },
      std::numeric_limits<std::size_t>::max(), &rows);
  BAROGRAPH_ASSERT(all, "there is room for every row");
}

SeriesHead* WindowStore::State::FindPending(std::size_t place) const {
  if (place >= pending.size()) return nullptr;
  const SeriesRef ref = pending[place];
  Cell* const cell = CellAt(CellId{ref.cell});
  SeriesHead* const head = cell != nullptr ? cell->Find(ref.key) : nullptr;
  return head != nullptr && head->mark == round - 1 ? head : nullptr;
}

void WindowStore::State::PrefetchPending() const {
  // A cold series is a chain of three misses: cell and head, the series, its rings. Each step is
  // asked for while others
  // are encoded.
  constexpr std::size_t kHeadAhead = 12, kSeriesAhead = 8, kRowAhead = 3;
  constexpr std::size_t kLine = 64;
  if (pending_next + kHeadAhead < pending.size()) {
    const Cell* const cell = CellAt(CellId{pending[pending_next + kHeadAhead].cell});
    if (cell != nullptr) cell->Prefetch();
  }
  if (const SeriesHead* const head = FindPending(pending_next + kSeriesAhead)) {
    const char* const series = reinterpret_cast<const char*>(head->series.get());
    for (std::size_t at = 0; at < sizeof(SumSeries); at += kLine) __builtin_prefetch(series + at);
  }
  if (const SeriesHead* const head = FindPending(pending_next + kRowAhead))
    head->series->PrefetchRow(*head);
}

std::string WindowStore::State::EncodeStore() const {
  std::string bytes;
  ByteWriter out(&bytes);
  EncodePlan(plan, &out);
  out.SignedVarint(log_time.time_since_epoch().count());
  out.Varint(overflowed ? 1 : 0);
  out.Varint(cells.size());
  std::vector<const LiveProjection*> added;
  for (const auto& each : projections.all()) {
    if (each != nullptr && !each->built_in) added.push_back(each.get());
  }
  out.Varint(added.size());
  for (const LiveProjection* each : added) {
    out.Varint(each->id.value);
    out.Varint(each->since.value);
    EncodeProjection(each->spec, &out);
  }
  for (const LiveSlice& slice : slices) {
    out.SignedVarint(slice.judged_until.time_since_epoch().count());
    out.SignedVarint(slice.judged_since.time_since_epoch().count());
    out.SignedVarint(slice.configured_at.time_since_epoch().count());
  }
  out.Varint(excluded.size());
  for (const auto& [from, to] : excluded) {
    out.SignedVarint(from.time_since_epoch().count());
    out.SignedVarint(to.time_since_epoch().count());
  }
  // Calendars and sightings came later: without any, the row is what it was.
  if (plan.calendar_sums.empty() && periods.empty() && plan.sightings.empty()) return bytes;
  EncodeCalendarSums(plan.calendar_sums, &out);
  out.Varint(periods.size());
  for (const auto& [calendar, known] : periods) {
    out.String(calendar);
    out.Varint(known.size());
    for (const Period& period : known) {
      out.SignedVarint(period.start.time_since_epoch().count());
      out.SignedVarint(period.end.time_since_epoch().count());
    }
  }
  if (!plan.sightings.empty()) EncodeSightingSpecs(plan.sightings, &out);
  return bytes;
}

Status WindowStore::State::LoadRow(std::string_view key, std::string_view value) {
  BAROGRAPH_ASSIGN(const ParsedKey parsed, ParseRowKey(key));
  if (value.empty()) return {};  // a deletion
  ByteReader in(value);
  switch (parsed.table) {
    case RowTable::kStore:
      return LoadStore(value);
    case RowTable::kName: {
      const std::string base(in.String());
      const std::string qualifier(in.String());
      if (!in.done() || !in.ok() || names.Intern({base, qualifier}).value != parsed.number)
        return BrokenRow("name");
      names_saved = names.size();
      return {};
    }
    case RowTable::kKey: {
      const std::uint64_t measure = in.Varint();
      const std::uint64_t type = in.Varint();
      if (!in.ok() || measure >= names.size() || type > 3 || parsed.number != names.key_count())
        return BrokenRow("key");
      names.KeyOf(MeasureId{static_cast<std::uint16_t>(measure)}, static_cast<MeasureType>(type));
      keys_saved = names.key_count();
      return {};
    }
    case RowTable::kCell:
      return LoadCell(parsed.series.cell, value);
    case RowTable::kSeries:
      return LoadSeries(parsed, value);
    case RowTable::kSightings:
      return LoadSightings(parsed.series.cell, value);
    case RowTable::kColdPage:
      return {};  // stays on disk
  }
  return BrokenRow("key");
}

Status WindowStore::State::LoadStore(std::string_view value) {
  ByteReader in(value);
  WindowPlan stored;
  if (!DecodePlan(&in, &stored) || !GetTime(&in, &log_time)) return BrokenRow("store");
  overflowed = in.Varint() != 0;
  const std::uint64_t cell_count = in.Varint();
  if (cell_count > kCellsMax) return BrokenRow("store");
  cells.resize(cell_count);
  cells_saved = cell_count;
  const std::uint64_t added = in.Varint();
  for (std::uint64_t i = 0; i < added && in.ok(); ++i) {
    const ProjectionId id{static_cast<std::uint16_t>(in.Varint())};
    const Sequence since{in.Varint()};
    Projection spec;
    if (!DecodeProjection(&in, &spec) || projections.At(id) != nullptr) return BrokenRow("store");
    projections.Add(spec, since, id);
  }
  projections.Route();
  plan = stored;
  slices.clear();
  for (const WindowPlan::Slice& spec : plan.slices) {
    LiveSlice& slice = slices.emplace_back();
    slice.spec = spec;
    for (Time* time : {&slice.judged_until, &slice.judged_since, &slice.configured_at}) {
      if (!GetTime(&in, time)) return BrokenRow("store");
    }
    if (projections.Find(spec.projection) == nullptr) return BrokenRow("store");
  }
  const std::uint64_t ranges = in.Varint();
  for (std::uint64_t i = 0; i < ranges && in.ok(); ++i) {
    auto& [from, to] = excluded.emplace_back();
    if (!GetTime(&in, &from) || !GetTime(&in, &to)) return BrokenRow("store");
  }
  if (in.ok() && !in.done() && !LoadCalendars(&in)) return BrokenRow("store");
  if (in.ok() && !in.done() && !DecodeSightingSpecs(&in, &plan.sightings))
    return BrokenRow("store");
  for (const WindowPlan::Sighting& sighting : plan.sightings) {
    if (projections.Find(sighting.projection) == nullptr) return BrokenRow("store");
  }
  LinkSightings();
  return in.ok() && in.done() ? Status() : BrokenRow("store");
}

bool WindowStore::State::LoadCalendars(ByteReader* in) {
  if (!DecodeCalendarSums(in, &plan.calendar_sums)) return false;
  for (const WindowPlan::CalendarSum& sum : plan.calendar_sums) {
    if (projections.Find(sum.projection) == nullptr) return false;
  }
  const std::uint64_t calendars = in->Varint();
  for (std::uint64_t i = 0; i < calendars && in->ok(); ++i) {
    std::vector<Period>& known = periods[std::string(in->String())];
    const std::uint64_t count = in->Varint();
    if (count > kPeriodsKept || !known.empty()) return false;
    for (std::uint64_t j = 0; j < count; ++j) {
      Period& period = known.emplace_back();
      if (!GetTime(in, &period.start) || !GetTime(in, &period.end)) return false;
      const bool follows = j == 0 || known[j - 1].end <= period.start;
      if (!follows || period.end <= period.start) return false;
    }
  }
  return in->ok();
}

Status WindowStore::State::LoadCell(std::uint32_t id, std::string_view value) {
  ByteReader in(value);
  auto cell = std::make_unique<Cell>();
  cell->id = id;
  cell->projection = ProjectionId{static_cast<std::uint16_t>(in.Varint())};
  if (!GetTime(&in, &cell->judged_from)) return BrokenRow("cell");
  cell->values = std::string(in.String());
  LiveProjection* const projection = projections.At(cell->projection);
  const std::vector<std::string_view> values = UnpackValues(cell->values);
  if (!in.ok() || !in.done() || id >= cells.size() || cells[id] != nullptr ||
      projection == nullptr || values.size() != projection->by.size()) {
    return BrokenRow("cell");
  }
  cell->hash = HashOfValues(values);
  PlaceCell(projection, std::move(cell));
  return {};
}

Status WindowStore::State::LoadSeries(const ParsedKey& key, std::string_view value) {
  Cell* const cell = CellAt(CellId{key.series.cell});
  if (cell == nullptr || key.series.key >= names.key_count()) return BrokenRow("series");
  ByteReader in(value);
  if (key.is_chunk) {
    SeriesHead* const head = cell->Find(key.series.key);
    if (head == nullptr || !is_loading || loading != key.series) return BrokenRow("chunk");
    return head->series->LoadChunk(&in, key.level, head);
  }
  if (cell->Find(key.series.key) != nullptr) return BrokenRow("series");
  FinishSeries();
  SeriesHead* const head =
      cell->Add(key.series.key, MakeSeries(names.OriginOf(key.series.key).type));
  loading = key.series;
  is_loading = true;
  ++series_count;
  BAROGRAPH_TRY(head->series->LoadRow(&in, head));
  if (!head->live()) ++dormant_count;
  return {};
}

void WindowStore::State::FinishSeries() {
  if (!is_loading) return;
  SeriesHead* const head = cells[loading.cell]->Find(loading.key);
  head->series->FinishLoad(head);
  is_loading = false;
}

Status WindowStore::State::FinishLoad() {
  FinishSeries();
  next_minute = MinuteAfter(log_time);
  LinkSlices();
  LinkCalendars();
  return {};
}

void WindowStore::State::Canonical(const std::function<void(std::string_view)>& sink) const {
  sink(EncodeStore());
  std::string bytes;
  ByteWriter out(&bytes);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const MeasureName& name = names.NameOf(MeasureId{static_cast<std::uint16_t>(i)});
    out.String(name.base);
    out.String(name.qualifier);
  }
  sink(bytes);
  std::vector<const LiveProjection*> ordered;
  for (const auto& each : projections.all()) {
    if (each != nullptr) ordered.push_back(each.get());
  }
  std::sort(ordered.begin(), ordered.end(),
            [](const auto* a, const auto* b) { return a->spec < b->spec; });
  std::vector<SeriesKey> keys(names.key_count());
  for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = static_cast<SeriesKey>(i);
  const auto rank = [this](SeriesKey key) {
    const auto origin = names.OriginOf(key);
    return std::tie(names.NameOf(origin.measure), names.OriginOf(key).type);
  };
  std::sort(keys.begin(), keys.end(), [&](SeriesKey a, SeriesKey b) { return rank(a) < rank(b); });
  for (const LiveProjection* projection : ordered) {
    std::vector<std::pair<std::vector<std::string_view>, const Cell*>> by_values;
    for (const Cell* cell : projection->cells)
      by_values.emplace_back(UnpackValues(cell->values), cell);
    std::sort(by_values.begin(), by_values.end());
    for (const auto& [values, cell] : by_values) {
      bytes.clear();
      EncodeProjection(projection->spec, &out);
      out.String(cell->values);
      out.SignedVarint(cell->judged_from.time_since_epoch().count());
      for (const SeriesKey key : keys) {
        const SeriesHead* const head = cell->Find(key);
        if (head == nullptr) continue;
        const auto origin = names.OriginOf(key);
        out.String(names.NameOf(origin.measure).base);
        out.String(names.NameOf(origin.measure).qualifier);
        out.Varint(static_cast<std::uint64_t>(origin.type));
        head->series->Canonical(*head, &out);
      }
      // Nothing seen is written like nothing to see: a restored cell may lack the empty places.
      if (const std::string seen = EncodeSightings(*cell); !seen.empty()) out.String(seen);
      sink(bytes);
    }
  }
}

}  // namespace barograph::rules
