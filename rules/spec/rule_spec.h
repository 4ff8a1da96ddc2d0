#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "rules/measure/measure.h"
#include "rules/spec/absence_spec.h"
#include "rules/spec/budget_spec.h"
#include "rules/spec/expectation_spec.h"
#include "rules/spec/notice_spec.h"
#include "rules/spec/receiver_spec.h"
#include "rules/spec/route_spec.h"
#include "rules/spec/rule.h"
#include "rules/spec/threshold_spec.h"
#include "rules/window/window_store.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

/// One row of a multi-window burn-rate alert (SRE workbook, table 5-8): fires when the burn rate
/// over `long_window` and over `short_window` both exceed `factor`, with factor = budget share x
/// period / long window.
struct BurnRow {
  Duration long_window{};
  Duration short_window{};
  double budget = 0;  ///< share of the error budget used when it fires, (0, 1]
  Severity severity = Severity::kCritical;
  friend bool operator==(const BurnRow&, const BurnRow&) = default;
};
/// The workbook's four rows: 1h/5m 2 %, 6h/30m 5 % (critical), 1d/2h 10 %, 3d/6h 10 % (warning).
[[nodiscard]] std::vector<BurnRow> DefaultBurnRows();
inline constexpr std::size_t kBurnRowsMax = 16;  ///< rows of one SLO
inline constexpr std::size_t kRulesMax = 1'000;  ///< rules of all kinds in one rule set
/// Window in which an SLO of 100 % looks for its first bad event.
inline constexpr Duration kNoBudgetWindow = std::chrono::minutes(5);

/// A counter of good or of all events.
struct Indicator {
  std::string measure;                        ///< a sum, or a distribution with `at_most`
  std::optional<std::int64_t> at_most_nanos;  ///< exact counter of values <= this
  friend bool operator==(const Indicator&, const Indicator&) = default;
};

/// `good_when`: a slice of time is good or bad as a whole, by the rate of a measure over it.
struct TimeSlice {
  std::string measure;
  Duration per{};  ///< unit of the rate
  double bound = 0;
  bool above = true;
  Duration slice{};
  friend bool operator==(const TimeSlice&, const TimeSlice&) = default;
};

/// A service level objective over events or over time slices.
struct SloSpec {
  RuleCommon common;
  Indicator good, total;           ///< event SLO; empty measures when `slice` is set
  std::optional<TimeSlice> slice;  ///< `good_when`
  std::int64_t objective_ppb = 0;  ///< parts per billion in (0, 1e9]; 1e9 = 100 %: no budget
  Duration period{};               ///< [1 d, 35 d]
  std::vector<BurnRow> burn;
  std::optional<double> freeze_below;  ///< budget_policy: share of the budget left, (0, 1)
  friend bool operator==(const SloSpec&, const SloSpec&) = default;
};

/// A share below or above one as an exact fraction in lowest terms; denominator > 0.
struct ExactRatio {
  Int128 numerator = 0, denominator = 1;
  friend bool operator==(const ExactRatio&, const ExactRatio&) = default;
};
/// A share as it was written ("0.02"), in integers of 1e-9: the number's shortest decimal text,
/// rounded half-even.
[[nodiscard]] std::int64_t PartsPerBillion(double share);
/// Share of bad events that `row` tolerates: factor x (1 - objective), with factor = budget x
/// period / long window. The row fires when the share over both windows is strictly above; at 1 or
/// more it can never fire.
[[nodiscard]] ExactRatio ToleratedShare(const SloSpec& slo, const BurnRow& row);

/// Everything that `rules:` files say, ready to run.
struct RuleSet {
  std::vector<std::string> labels;  ///< event labels that are dimensions
  std::string timezone = "UTC";
  std::vector<Projection> series;  ///< `series:` lines
  std::vector<SloSpec> slos;
  std::vector<BudgetSpec> budgets;
  std::vector<GoalSpec> goals;
  std::vector<DerivedSpec> derived;
  std::vector<ThresholdSpec> thresholds;
  std::vector<AbsenceSpec> absences;
  std::vector<ExpectationSpec> expects;
  std::vector<NoticeSpec> notices;
  RouteSpec route;
  std::vector<ReceiverSpec> receivers;
  std::vector<InhibitionSpec> inhibitions;
  std::vector<MuteTimeSpec> mute_times;
  std::vector<EscalationSpec> escalations;
  FlapSpec flapping;
  /// Private networks that names of receivers may lead to: "10.1.0.0/16".
  std::vector<std::string> allow_private;
  friend bool operator==(const RuleSet&, const RuleSet&) = default;
};

/// Checks what YAML structure cannot: ranges, windows against bucket widths, rows that can never
/// fire (factor x (1 - target) >= 1), names used twice, receivers that do not exist. The path names
/// the place, e.g. "slos[2].burn[0]", so that the reader of the file can say line and column.
struct SpecError {
  std::string path;
  std::string message;  ///< what is wrong, and what would be right
};
[[nodiscard]] std::vector<SpecError> Validate(const RuleSet& rules);

/// The cells whose series a rule reads: its `by` and `where`, sorted.
[[nodiscard]] Projection ProjectionOf(const RuleCommon& rule);
/// The series that count good and all events of an SLO; those of its slices for a time-slice SLO.
struct SloMeasures {
  MeasureName good, total;
};
[[nodiscard]] SloMeasures MeasuresOf(const SloSpec& slo);
/// The measure that a budget or goal sums.
[[nodiscard]] MeasureName MeasureOf(const BudgetSpec& budget);
[[nodiscard]] MeasureName MeasureOf(const GoalSpec& goal);
/// The calendars whose periods these rules need, in order.
[[nodiscard]] std::vector<Calendar> CalendarsOf(const RuleSet& rules);
/// Ids of the sightings (WindowPlan) that a rule reads: the events that count, and for an
/// expectation those that answer.
[[nodiscard]] std::string SightingOf(const RuleCommon& rule);
[[nodiscard]] std::string AnswerOf(const RuleCommon& rule);
/// What the windows must hold for these rules.
[[nodiscard]] WindowPlan PlanWindows(const RuleSet& rules);

/// Exact text form: equal rule sets give equal bytes; it is what ConfigApplied logs and what a
/// replay reads back.
[[nodiscard]] std::string EncodeRuleSet(const RuleSet& rules);
[[nodiscard]] Result<RuleSet> DecodeRuleSet(std::string_view text);

}  // namespace barograph::rules
