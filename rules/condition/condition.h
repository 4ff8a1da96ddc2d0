#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/spec/rule_spec.h"
#include "rules/window/window_store.h"
#include "storage/base/clock.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

/// The cell of an instance that is expected before its first event: none.
inline constexpr CellId kNoCell{0xFFFF'FFFF};

/// The hours [from, to), whole ones.
struct HourSpan {
  Time from{}, to{};
  friend bool operator==(const HourSpan&, const HourSpan&) = default;
};

/// What one instance of a rule reads: one cell, and the measures that its condition names.
struct InstanceSeries {
  const WindowStore* windows = nullptr;
  CellId cell;
  std::vector<MeasureId> measures;  ///< in the order of Condition::measures()
  Time since{};                     ///< log time from which the cell's series are complete
  bool whole = false;               ///< complete over all of the tenant's history
  /// Hours that SLOs do not count, in order and apart from one another; null: none.
  const std::vector<HourSpan>* excluded = nullptr;
  /// The forecast that was issued last for the instance, without its steps; `at` is 0 before the
  /// first. Null for rules that ask for none.
  const storage::ForecastIssued* forecast = nullptr;
};

/// What a forecast is of: sums that are added up, or one level.
struct ForecastSource {
  struct Term {
    MeasureId measure;
    bool minus = false;
  };
  std::vector<Term> terms;
  bool is_level = false;
  double unit = 1;  ///< what 1 in the store is in the unit of the measure: 1 or 1e-9
};

/// What an instance wants to know of the future of its series.
struct ForecastQuestion : ForecastSource {
  enum class Form : std::uint8_t {
    kReach,   ///< a level, or what a step sums up to, comes to `bound` and stays
    kExceed,  ///< `already` and all steps together come to `bound`
  };
  Form form = Form::kReach;
  bool never_negative = false;
  std::string measure;   ///< for people
  std::string currency;  ///< of money
  std::string text;      ///< what is asked, for people: "reaches 95 within 3d"
  /// The first step begins here: a whole hour, now or before.
  Time begin{};
  Duration step{};
  std::size_t horizon = 0;  ///< steps
  double last_share = 1;    ///< how much of the last step counts; in (0, 1]
  double bound = 0, already = 0;
  bool above = true;  ///< kReach: from below
};

/// The condition of one rule of any kind, made ready to be evaluated: which alerts its instances
/// have, and whether they hold. An instance is the rule for one tuple of values of `by`; it has one
/// alert for each level.
///
/// Judging reads windows and nothing else: equal windows and times give equal verdicts, live, in a
/// replay and in a backtest.
///
/// Threads:  immutable; every method from any thread that may read the windows.
/// Lifetime: keeps its own copy of what it needs of its spec.
class Condition {
 public:
  virtual ~Condition() = default;

  /// Measures whose series an instance reads; a condition knows them by their place here.
  [[nodiscard]] virtual std::vector<MeasureName> measures() const = 0;

  /// One alert of an instance. No two levels of a condition agree in both.
  struct Level {
    Severity severity = Severity::kWarning;
    std::string policy;  ///< label `policy` of its alerts, say "freeze"; empty: none
    friend bool operator==(const Level&, const Level&) = default;
  };
  [[nodiscard]] virtual const std::vector<Level>& levels() const = 0;

  struct Verdict {
    bool holds = false;
    /// The series say nothing yet: right after a start that is no evidence of calm.
    bool quiet = false;
    std::size_t row = 0;  ///< what decided, for Explain: the first that holds, else the first
    /// It holds or has ended because something did not come: no evidence right after a start, when
    /// agents are still sending what they could not.
    bool missing = false;
    /// A stop of the server left it open whether it holds: no step is taken. Never with `holds`.
    bool unknown = false;
    /// Why what held is over for good, whatever `keep_firing_for` says: an active alert ends at the
    /// next whole second with this as its reason. Empty: it is not. Never with `holds`.
    std::string_view ended = {};
  };
  /// Judges every level at `at`; `out` is resized to levels().size(). A few window look-ups, no
  /// allocation once `out` has grown.
  virtual void Judge(const InstanceSeries& series, Time at, std::vector<Verdict>* out) const = 0;
  /// Whether a stop that ended at `resumed_at` may be all that keeps the level from holding,
  /// because what it looks at was not there to be counted.
  [[nodiscard]] virtual bool BlindedByStop(const InstanceSeries& series, std::size_t level, Time at,
                                           Time resumed_at) const = 0;

  /// The first moment after `after` at which time alone changes a verdict, as far as the series
  /// say now: the instance is judged at the whole second at which it has come. Nothing where only
  /// events do, or where the phase of ten seconds is soon enough.
  [[nodiscard]] virtual std::optional<Time> ChangesAt(const InstanceSeries& series,
                                                      Time after) const;
  /// Values of the one `by` dimension whose instances exist before their first event; for a rule
  /// without `by`, one empty value says that its instance does.
  [[nodiscard]] virtual std::vector<std::string> expected() const { return {}; }

  /// What the instance wants a forecast of, if anything; nothing, too, while it cannot be asked.
  [[nodiscard]] virtual std::optional<ForecastQuestion> Asks(const InstanceSeries& series,
                                                             Time at) const;
  /// What its forecasts are of, whenever they are asked for; nothing where none is.
  [[nodiscard]] virtual std::optional<ForecastSource> Forecasts(const InstanceSeries& series) const;
  /// Whether Judge reads InstanceSeries::forecast.
  [[nodiscard]] virtual bool reads_forecast() const { return false; }

  /// Says a verdict in numbers and words.
  struct Account {
    double value = 0, threshold = 0;
    std::string condition;  ///< names the row: "1h/5m", "freeze"
    std::string summary;    ///< one line for people
  };
  [[nodiscard]] virtual Account Explain(const InstanceSeries& series, std::size_t row,
                                        Time at) const = 0;
  /// The level's row that an account called `condition`; its first when there is none.
  [[nodiscard]] virtual std::size_t RowOf(std::size_t level, std::string_view condition) const = 0;

  /// A stretch of time, wholly in the past, in which a level held.
  struct PastBreach {
    Time from{}, to{};
    Account account;  ///< of its worst moment
  };
  /// Looks for the first one in (from, to], which late events may have made. Nothing where the
  /// condition is about now only.
  [[nodiscard]] virtual std::optional<PastBreach> JudgePast(const InstanceSeries& series,
                                                            std::size_t level, Time from,
                                                            Time to) const;
  /// How long after an event its window still sees it, in whole hours: so far a late event reaches.
  [[nodiscard]] virtual Duration reach() const { return {}; }
  /// Judging costs about as much as judging that many SLOs, at least 1.
  [[nodiscard]] virtual std::size_t cost() const { return 1; }
};

}  // namespace barograph::rules
