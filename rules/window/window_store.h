#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "rules/measure/measure.h"
#include "storage/base/clock.h"
#include "storage/base/ids.h"
#include "storage/base/result.h"
#include "storage/event/event_view.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

/// A set of dimensions and filters. Each different tuple of values that an event brings is one
/// cell; a cell's measures are its series.
struct Projection {
  /// A condition on one natural dimension or label: the value must be one of `any_of`.
  struct Filter {
    std::string dimension;
    std::vector<std::string> any_of;  ///< sorted
    friend auto operator<=>(const Filter&, const Filter&) = default;
  };
  std::vector<std::string> by;  ///< dimension or label names, sorted
  std::vector<Filter> where;    ///< sorted by dimension; a conjunction
  friend auto operator<=>(const Projection&, const Projection&) = default;
};
using ProjectionId = StrongInt<struct ProjectionIdTag, std::uint16_t>;

/// Row (projection, values) whose series move together; stable for the life of the store.
using CellId = StrongInt<struct CellIdTag, std::uint32_t>;

/// What a rule or query set adds to the built-in projections {}, {agent}, {type}, {model},
/// {category}, {service}.
struct WindowPlan {
  std::vector<Projection> projections;
  /// Exact counters of values at most a bound, made when the rule is loaded: (distribution base,
  /// bound in nanos).
  std::vector<std::pair<std::string, std::int64_t>> at_most;
  /// Labels that are dimensions.
  std::vector<std::string> labels;
  /// Slices judged as a whole, when log time passes their end: good when the sum of `measure` over
  /// the slice is above (or below) the bound. A cell's slices count from the first event on: those
  /// that end after it, and after the log time at which it came. Late events that turn a verdict
  /// correct it while the 1 min level holds the slice. `_overflow` has none.
  struct Slice {
    /// Unique; each slice adds 1 to the measure "slice.total:<id>", and a good one to
    /// "slice.good:<id>", in the same cell and at the slice's last nanosecond.
    std::string id;
    Projection projection;
    MeasureName measure;
    Duration slice;  ///< a multiple of 1 min, at most 1 h
    Int128 bound;    ///< sum over the slice in the measure's integer unit
    bool above = true;
    friend bool operator==(const Slice&, const Slice&) = default;
  };
  std::vector<Slice> slices;
  /// Sums over the periods of a calendar. An event counts in the period that holds its event time,
  /// if that period was opened (OpenPeriod): it adds to the measure CalendarMeasure(measure,
  /// calendar) in the same cell, at CalendarTime of the period. A sum that is configured while its
  /// period runs takes what the cell has counted since the period's start, where that is a whole
  /// hour of UTC; else it counts from then on.
  struct CalendarSum {
    Projection projection;
    MeasureName measure;   ///< a sum
    std::string calendar;  ///< "day@America/New_York"
    friend auto operator<=>(const CalendarSum&, const CalendarSum&) = default;
  };
  std::vector<CalendarSum> calendar_sums;  ///< sorted, without duplicates
  /// What each cell of a projection remembers of single events, beyond sums: see CellSighting.
  struct Sighting {
    std::string id;  ///< unique
    Projection projection;
    std::vector<std::string> measures;  ///< an event counts that yields one of these base names
    std::vector<std::string> texts;     ///< kept of the newest event, see EventText
    /// Above 0: each event opens a wait for an answer, which is missed after so long.
    Duration open_for{0};
    /// An event here answers what waits under that id in the cell of the same values; both
    /// projections have the same `by`. Empty: none.
    std::string answers;
    /// A missed answer may still come for so long; then the wait is over.
    Duration missed_for{0};
    friend bool operator==(const Sighting&, const Sighting&) = default;
  };
  std::vector<Sighting> sightings;
};

/// One period of a calendar: [start, end).
struct Period {
  Time start{}, end{};
  friend auto operator<=>(const Period&, const Period&) = default;
};
/// Where the sums of a calendar's periods lie.
[[nodiscard]] MeasureName CalendarMeasure(const MeasureName& measure, std::string_view calendar);
/// The hour that stands for a whole period: its last one, so that a running period never looks old.
[[nodiscard]] Time CalendarTime(const Period& period);
/// Periods of a calendar that are known at once; older ones are forgotten, what they counted is
/// not.
inline constexpr std::size_t kPeriodsKept = 64;

/// What a cell remembers of the events of one sighting.
struct CellSighting {
  Time at{};              ///< event time of the newest one; 0 before the first
  storage::Labels texts;  ///< of that event, by the plan's names; empty ones are left out
  /// Event times that wait for an answer, ascending. At most kOpenSightingsMax: beyond, the newest
  /// takes the place of the one before it. Of those whose wait is over the newest may stand before
  /// them, so that an end says why it came; it holds no place.
  std::vector<Time> open;
  friend bool operator==(const CellSighting&, const CellSighting&) = default;
};
inline constexpr std::size_t kOpenSightingsMax = 32;

/// After a start senders come back within so long: until then what is missing says nothing.
inline constexpr Duration kResumeGrace = std::chrono::minutes(5);

/// Result of a distribution query.
struct QuantileAnswer {
  std::uint64_t count = 0;
  std::int32_t bucket = 0;  ///< DDSketch index that holds the quantile
  double value = 0;         ///< its representative, in nano-units; within 1 % of the exact value
};
struct GaugeAnswer {
  std::uint64_t count = 0;
  std::int64_t last = 0, min = 0, max = 0;  ///< nano-units
  Int128 sum = 0;
};

/// All series of one tenant: folded from events, asked by rules, reports and queries.
///
/// Sums keep running totals per bucket, so that any window is two look-ups and a subtraction
/// whatever its length: 10 s buckets for 1 h, 1 min for 6 h, 10 min for 3 d, 1 h for 35 d, and 1 h
/// and 1 d for ever in the cold rows. At T a window of length W over buckets of width r is the
/// buckets b with floor(T/r) - W/r < b <= floor(T/r); r is the finest level that reaches back W. An
/// event of any age reaches the 1 h and 1 d rows; it enters the finer levels while they still hold
/// its bucket.
///
/// Threads:      owned by one thread (the partition writer or a replay).
/// Determinism:  state is a function of the folded events alone. At most kSeriesMax series; beyond,
/// the values of a new cell
///               fold into the projection's `_overflow` cell, totals stay exact.
class WindowStore {
 public:
  WindowStore();
  ~WindowStore();

  /// Takes a new plan into force: projections and counters that stay keep their series, new ones
  /// start empty at `at`.
  void Configure(const WindowPlan& plan, Sequence at);
  [[nodiscard]] ProjectionId FindOrBuiltIn(
      const Projection& projection) const;  ///< must be configured or built in
  /// First sequence that the projection has seen: 1 for built-ins.
  [[nodiscard]] Sequence Since(ProjectionId projection) const;

  /// The events that follow came with a record of that log time: what waits no longer by then holds
  /// no place.
  void BeginRecord(Time log_time);
  /// Adds one event. `time` is its event time (log time where the event has none).
  void Fold(const storage::EventView& event, Time time, std::span<const Yield> yields);
  /// Moves everything that depends on time alone up to `log_time`: slices that closed are judged,
  /// and series that were silent for 36 d leave memory. Deterministic: called once per record,
  /// before its events are folded.
  void Advance(Time log_time);
  /// A period of a calendar begins to count; periods of one calendar do not overlap. A period that
  /// is known already changes nothing.
  void OpenPeriod(std::string_view calendar, const Period& period);
  /// By calendar, in order of time.
  using Periods = std::map<std::string, std::vector<Period>, std::less<>>;
  [[nodiscard]] const Periods& periods() const;
  [[nodiscard]] std::optional<Period> PeriodAt(std::string_view calendar, Time at) const;
  /// What was counted in a period; `measure` is CalendarMeasure's.
  [[nodiscard]] Int128 PeriodSum(CellId cell, MeasureId measure, const Period& period) const;

  /// No time between the two counts for slices, and rules know of it by ExcludedWithin: the server
  /// was not there. Called before Advance passes `to`; slices that closed by `from` are judged,
  /// however long the gap is.
  void Exclude(Time from, Time to);

  /// Interns a measure; ids are given in order of first use, which replay repeats.
  MeasureId Intern(const MeasureName& name);
  [[nodiscard]] std::optional<MeasureId> FindMeasureId(const MeasureName& name) const;
  [[nodiscard]] const MeasureName& NameOf(MeasureId id) const;
  [[nodiscard]] std::size_t measure_count() const;  ///< ids are 0 .. measure_count() - 1

  // --- Queries. A window must be a multiple of its level's bucket width: ValidateWindow says so.
  [[nodiscard]] static Status ValidateWindow(Duration window);
  [[nodiscard]] std::optional<CellId> FindCell(ProjectionId projection,
                                               std::span<const std::string_view> values) const;
  /// Values of the cell's `by` dimensions, in the projection's order.
  [[nodiscard]] storage::Labels LabelsOf(CellId cell) const;
  void ForEachCell(ProjectionId projection,
                   const std::function<void(CellId)>& visit) const;  ///< in order of creation
  /// Sum over the window that ends at `at`; 0 for a series that does not exist. <= 2 us.
  [[nodiscard]] Int128 Sum(CellId cell, MeasureId measure, Time at, Duration window) const;
  /// The part of Sum(at, window) whose buckets lie in [from, to), both multiples of 1 h.
  [[nodiscard]] Int128 SumWithin(CellId cell, MeasureId measure, Time at, Duration window,
                                 Time from, Time to) const;
  /// Sum over whole cold buckets [from, to), both multiples of 1 h, over all of history.
  [[nodiscard]] Int128 SumBetween(CellId cell, MeasureId measure, Time from, Time to) const;
  /// A sum over a window in the past, in which a bucket that the window covers in part counts by
  /// the share that it covers: exactly `weighted` / `width`.
  struct PastSum {
    Int128 weighted = 0;
    std::int64_t width = 1;  ///< of a bucket, in seconds
  };
  /// Sum over the window that ended `ago` before `at`, on the finest level that reaches back to its
  /// start. Requires ago + window <= 35 d, both whole seconds.
  [[nodiscard]] PastSum SumAgo(CellId cell, MeasureId measure, Time at, Duration window,
                               Duration ago) const;
  /// All of history; nothing for a series that does not exist.
  [[nodiscard]] std::optional<Int128> Total(CellId cell, MeasureId measure) const;
  [[nodiscard]] QuantileAnswer Quantile(CellId cell, MeasureId measure, double q, Time at,
                                        Duration window) const;
  [[nodiscard]] GaugeAnswer Gauge(CellId cell, MeasureId measure, Time at, Duration window) const;
  [[nodiscard]] std::uint64_t Distinct(CellId cell, MeasureId measure, Time at,
                                       Duration window) const;
  /// Null for a cell or sighting that does not exist, or before its first event. A sighting that
  /// is new for a cell with history begins with its newest bucket of 10 s.
  [[nodiscard]] const CellSighting* Sighting(CellId cell, std::string_view id) const;

  /// The same over every hour that [from, to) touches, at most 35 d back.
  [[nodiscard]] QuantileAnswer QuantileOfHours(CellId cell, MeasureId measure, double q, Time from,
                                               Time to) const;
  [[nodiscard]] GaugeAnswer GaugeOfHours(CellId cell, MeasureId measure, Time from, Time to) const;
  /// When the cell got its first event: the later one of its event time and the log time then.
  [[nodiscard]] Time CellSince(CellId cell) const;
  /// How much of [from, to) was excluded, each exclusion being `longer` than it was. They are kept
  /// for 36 d, the newest kExclusionsKept of them.
  [[nodiscard]] Duration ExcludedWithin(Time from, Time to, Duration longer = Duration{0}) const;
  static constexpr std::size_t kExclusionsKept = 10'000;
  /// End of the last exclusion; the epoch when there was none.
  [[nodiscard]] Time ExcludedUntil() const;
  /// The moment at which `counted` has passed since `from`, without what was excluded.
  [[nodiscard]] Time After(Time from, Duration counted) const;
  /// A wait for an answer: asked; missed from here on; over, whether it came or not.
  struct Wait {
    Time open{}, due{}, over{};
  };
  /// Of a question at `open`. No second of an exclusion counts; what would come due within
  /// kResumeGrace after the last one comes due at its end, what came due before it did.
  [[nodiscard]] Wait WaitOf(Time open, Duration open_for, Duration missed_for) const;

  // --- What changed: rules watch cells, evaluation looks only at those touched.
  /// Future folds into cells of `projection` report themselves in TakeTouched.
  void Watch(ProjectionId projection);
  /// Watched cells touched since the last call, in order of first touch.
  void TakeTouched(std::vector<CellId>* out);

  // --- Checkpoints: the state at one sequence leaves in slices while folding goes on. ----------
  /// Marks everything dirty as belonging to the checkpoint that starts here; whatever is folded
  /// into it before it was emitted copies its rows first. At most one is under way, and the rows of
  /// the one before must be readable by the ColdReader.
  void BeginCheckpoint();
  /// Emits about `rows_max` rows for Table::kCheckpoint; true when the checkpoint is complete. A
  /// row
  /// replaces the one of its key; an empty value deletes it. Key layout: checkpoint_rows.h.
  using RowSink = std::function<void(std::string_view key, std::string_view value)>;
  [[nodiscard]] bool ContinueCheckpoint(std::size_t rows_max, const RowSink& sink);
  /// Loads one row of the last complete checkpoint into a new store; rows come in order of their
  /// keys. Rows whose key starts with kColdRows may be left out: they stay on disk, and they are
  /// the
  /// only ones whose number grows with history.
  /// Errors: kCorruption.
  static constexpr std::string_view kColdRows = "wz";
  [[nodiscard]] Status LoadRow(std::string_view key, std::string_view value);
  /// After the last LoadRow: makes totals from buckets.
  [[nodiscard]] Status FinishLoad();

  /// Reads cold chunks that are not in memory (FinishLoad leaves buckets beyond 35 d on disk). Set
  /// by the owner.
  using ColdReader = std::function<std::optional<std::string>(std::string_view key)>;
  void SetColdReader(ColdReader reader);

  /// Feeds the canonical encoding of all state, in key order, to the sink: the digest covers every
  /// stored byte.
  void Canonical(const std::function<void(std::string_view)>& sink) const;

  struct Footprint {
    std::size_t series = 0, cells = 0, bytes = 0;
    bool overflowed = false;
  };
  [[nodiscard]] Footprint footprint() const;

  struct State;  ///< of the room's own files

 private:
  std::unique_ptr<State> state_;
};

}  // namespace barograph::rules
