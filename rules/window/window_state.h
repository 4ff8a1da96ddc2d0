#pragma once

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "rules/window/cell_table.h"
#include "rules/window/measure_names.h"
#include "rules/window/projection_set.h"
#include "rules/window/sum_series.h"
#include "rules/window/timed_series.h"
#include "rules/window/window_store.h"
#include "storage/base/limits.h"

namespace barograph::rules {

/// A series without events for so long leaves memory: longer than any window that reads it.
inline constexpr Duration kDormantAfter = std::chrono::hours(36 * 24);
/// Dormant series whose names are remembered; further ones count as live.
inline constexpr std::size_t kDormantSeriesMax = 1'000'000;
/// Slices that closed longer ago than the 1 min level reaches are not judged.
inline constexpr Duration kJudgeReach = std::chrono::hours(6);

/// The first whole minute after `time`; nothing has happened at time 0.
[[nodiscard]] inline Time MinuteAfter(Time time) {
  constexpr Duration kMinute = std::chrono::minutes(1);
  return time == Time{} ? time : Time((BucketOf(time, kMinute) + std::int64_t{1}) * kMinute);
}

/// Start of the slice that holds `time`.
[[nodiscard]] inline Time SliceStart(Time time, Duration slice) {
  return Time(FloorDivide(time.time_since_epoch().count(), slice.count()) * slice);
}

/// A slice specification in force.
struct LiveSlice {
  WindowPlan::Slice spec;
  ProjectionId projection;
  SeriesKey measure = 0, good = 0, total = 0;
  Time judged_until{};   ///< end of the newest slice that was judged or passed over
  Time judged_since{};   ///< older slices were passed over
  Time configured_at{};  ///< log time; slices that end later count
};

/// A calendar sum in force.
struct LiveCalendarSum {
  WindowPlan::CalendarSum spec;
  SeriesKey source = 0, target = 0;
};

/// A sighting in force.
struct LiveSighting {
  WindowPlan::Sighting spec;
  ProjectionId projection;
  std::size_t slot = 0;                    ///< place in Cell::sightings
  std::optional<std::size_t> answers;      ///< place of the sighting whose waits it ends
  std::optional<std::size_t> answered_by;  ///< and the other way round
  enum class Counts : std::uint8_t { kUnknown, kNo, kYes };
  std::vector<Counts> counts;  ///< by series key, as far as it was asked
};

/// What WindowStore holds; its methods are spread over window_store.cc (queries), window_fold.cc,
/// window_slices.cc, window_calendars.cc, window_sightings.cc, window_plan.cc and
/// window_checkpoint.cc.
struct WindowStore::State {
  MeasureNames names;
  ProjectionSet projections;
  std::vector<std::unique_ptr<Cell>> cells;  ///< by CellId; removed ones are null
  WindowPlan plan;
  std::vector<LiveSlice> slices;
  std::vector<LiveSighting> sightings;
  std::vector<std::pair<Time, Time>> excluded;  ///< sorted by start
  std::vector<LiveCalendarSum> calendar_sums;
  Periods periods;
  Time log_time{};
  Time arrived{};      ///< log time of the record being folded
  Time next_minute{};  ///< Advance does nothing before
  Time next_slice_end{Time::max()};
  std::size_t series_count = 0, dormant_count = 0;
  bool overflowed = false;
  ColdReader cold_reader;

  std::uint32_t touch_round = 1;
  std::vector<CellId> touched;

  // --- window_fold.cc
  struct ResolvedYield {
    SeriesKey key;
    MeasureType type;
    std::uint32_t count;
    Int128 value;  ///< of a distribution: index in the sketch
  };
  std::vector<ResolvedYield> resolved;  ///< of the event being folded
  void Fold(const storage::EventView& event, Time time, std::span<const Yield> yields);
  struct Match {
    LiveProjection* projection;
    Cell* cell;  ///< null: to be made
    std::uint64_t hash;
  };
  std::vector<Match> matches;  ///< of the event being folded
  void FoldInto(const storage::EventView& event, const Match& match, Time time, Bucket bucket);
  /// Adds to the head's newest 10 s bucket what needs nothing but the head; false: it needs more.
  static bool AddToOpenHead(SeriesHead* head, const ResolvedYield& yield);
  void FoldCell(Cell* cell, Time time, Bucket bucket);
  void Add(Cell* cell, const ResolvedYield& yield, Time time, Bucket bucket);
  SeriesHead* FindOrAdd(Cell** cell, const ResolvedYield& yield);
  void AddToHead(Cell* cell, SeriesHead* head, const ResolvedYield& yield, Time time,
                 Bucket bucket);
  Cell* AddCell(LiveProjection* projection, std::string values, std::uint64_t hash, Time time);
  Cell* PlaceCell(LiveProjection* projection, std::unique_ptr<Cell> cell);
  Cell* OverflowCell(LiveProjection* projection, Time time);
  void Touch(Cell* cell);
  void SweepDormant();
  void Release(Cell* cell, SeriesKey key, SeriesHead* head);
  [[nodiscard]] bool full() const;
  [[nodiscard]] ColdSource cold(SeriesRef self) const { return {&cold_reader, self}; }

  // --- window_slices.cc
  void AdvanceSlices();
  void JudgeSlice(const LiveSlice& slice, Time start);
  void CorrectSlices(const LiveProjection& projection, Cell* cell, Time time);
  [[nodiscard]] bool IsExcluded(Time from, Time to) const;
  [[nodiscard]] bool Counts(const LiveSlice& slice, const Cell& cell, Time start) const;
  [[nodiscard]] Int128 SliceSum(const LiveSlice& slice, const Cell& cell, Time start) const;
  void AddSum(Cell* cell, SeriesKey key, Time time, Int128 value);
  void ScheduleSlices();

  // --- window_calendars.cc
  void FoldCalendars(const LiveProjection& projection, Cell* cell, Time time);
  void OpenPeriod(std::string_view calendar, const Period& period);
  [[nodiscard]] const Period* FindPeriod(std::string_view calendar, Time at) const;
  /// Takes over what the projection's cells have counted in the period before the sum was there.
  void Seed(const LiveCalendarSum& sum, const Period& period);
  void ConfigureCalendars(const WindowPlan& next);
  void LinkCalendars();

  // --- window_sightings.cc
  void See(const storage::EventView& event, const LiveProjection& projection, Cell* cell,
           Time time);
  /// Whether the event being folded counts for the sighting.
  [[nodiscard]] bool Counts(LiveSighting* sighting) const;
  CellSighting& ChangeSighting(const LiveSighting& sighting, Cell* cell);
  void OpenWait(const LiveSighting& sighting, Cell* cell, Time time);
  [[nodiscard]] Time ExcludedUntil() const;
  [[nodiscard]] Time After(Time from, Duration counted) const;
  [[nodiscard]] Wait WaitOf(Time open, Duration open_for, Duration missed_for) const;
  void EndWaits(const LiveSighting& sighting, const Cell& cell, Time time);
  /// The cell of the same values in the other sighting's projection; null for none.
  [[nodiscard]] Cell* Partner(const LiveSighting& other, const Cell& cell) const;
  void ConfigureSightings(const WindowPlan& next);
  void LinkSightings();
  void BeginSighting(const LiveSighting& sighting, Cell* cell);
  void MarkSightings(Cell* cell);
  [[nodiscard]] std::string EncodeSightings(const Cell& cell) const;
  Status LoadSightings(std::uint32_t id, std::string_view value);

  // --- window_plan.cc
  void Configure(const WindowPlan& next, Sequence at);
  void ConfigureSlices(const WindowPlan& next);
  void RemoveProjection(LiveProjection* projection);
  void RemoveSeries(Cell* cell, SeriesKey key);
  void RemoveKey(SeriesKey key, const LiveProjection* only);
  void LinkSlices();

  // --- window_checkpoint.cc
  std::uint32_t round = 2;  ///< a head whose mark is this is dirty, one less: pending
  std::vector<SeriesRef> dirty, pending;
  std::size_t pending_next = 0;
  std::vector<std::uint32_t> dirty_sightings, pending_sightings;  ///< cells
  std::string row_value;                                          ///< of the series being emitted
  bool checkpointing = false;
  std::deque<std::pair<std::string, std::string>> ready;  ///< rows copied before a write
  std::vector<std::string> removed_rows;
  std::vector<SeriesRef> unsettled;  ///< series with cold pages whose rows were emitted
  std::size_t names_saved = 0, keys_saved = 0, cells_saved = 0;
  SeriesRef loading{};
  bool is_loading = false;

  void MarkDirty(SeriesRef self, SeriesHead* head);
  bool EmitSightings(const EmitRow& emit, std::size_t rows_max, std::size_t* rows);
  std::size_t EmitSeries(SeriesRef self, SeriesHead* head, const EmitRow& emit);
  [[nodiscard]] SeriesHead* FindPending(std::size_t place) const;  ///< null: nothing to emit
  void PrefetchPending() const;
  void Drain();
  void BeginCheckpoint();
  bool ContinueCheckpoint(std::size_t rows_max, const RowSink& sink);
  void PrepareTables();
  Status LoadRow(std::string_view key, std::string_view value);
  Status LoadStore(std::string_view value);
  [[nodiscard]] bool LoadCalendars(ByteReader* in);
  Status LoadCell(std::uint32_t id, std::string_view value);
  Status LoadSeries(const ParsedKey& key, std::string_view value);
  Status FinishLoad();
  void FinishSeries();
  void Canonical(const std::function<void(std::string_view)>& sink) const;
  [[nodiscard]] std::string EncodeStore() const;

  [[nodiscard]] Cell* CellAt(CellId id) const {
    return id.value < cells.size() ? cells[id.value].get() : nullptr;
  }
  [[nodiscard]] const SeriesHead* FindHead(CellId cell, MeasureId measure, MeasureType type) const;
};

[[nodiscard]] std::unique_ptr<Series> MakeSeries(MeasureType type);

}  // namespace barograph::rules
