#include <algorithm>
#include <array>
#include <utility>

#include "rules/spec/rule_checks.h"

namespace barograph::rules {
namespace {

using Form = ThresholdSpec::Form;
using Side = ThresholdSpec::Side;
using Versus = ThresholdSpec::Versus;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::int64_t kBillion = 1'000'000'000;
constexpr Duration kKept = days(35);
constexpr std::size_t kDerivedNameBytesMax = 63;
/// Longest window of a quantile or a number of different values: these are merged anew each time.
constexpr Duration kMergedMax = days(7);

/// What can never be more than what.
constexpr std::array<std::pair<std::string_view, std::string_view>, 13> kParts = {{
    {"requests", "operations"},
    {"requests.failed", "operations"},
    {"requests.failed", "requests"},
    {"requests.ok", "operations"},
    {"requests.ok", "requests"},
    {"tasks.completed", "operations"},
    {"tasks.completed", "tasks.finished"},
    {"tasks.failed", "operations"},
    {"tasks.failed", "tasks.finished"},
    {"tasks.finished", "operations"},
    {"tasks.on_time", "tasks.finished"},
    {"tokens.input", "tokens"},
    {"tokens.output", "tokens"},
}};

std::string Quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

bool IsPart(std::string_view part, std::string_view whole) {
  return part == whole ||
         std::find(kParts.begin(), kParts.end(), std::pair(part, whole)) != kParts.end();
}

/// What a bound of this unit looks like, and an example.
std::string Right(ValueUnit value_unit, std::string_view currency) {
  switch (value_unit) {
    case ValueUnit::kCount:
      return "a count: write a plain number, e.g. 20";
    case ValueUnit::kNumber:
      return "a number without a unit: write e.g. 0.5";
    case ValueUnit::kSeconds:
      return "a time: write e.g. 500ms or 2m";
    case ValueUnit::kMoney:
      return "money: write e.g. 50 " + std::string(currency);
    case ValueUnit::kShare:
      break;
  }
  return "a share: write e.g. 5%";
}

bool Fits(Bound::Unit unit, ValueUnit value_unit, bool may_be_percent) {
  switch (value_unit) {
    case ValueUnit::kCount:
      return unit == Bound::Unit::kNumber;
    case ValueUnit::kNumber:
      return unit == Bound::Unit::kNumber || (may_be_percent && unit == Bound::Unit::kPercent);
    case ValueUnit::kSeconds:
      return unit == Bound::Unit::kTime;
    case ValueUnit::kMoney:
      return unit == Bound::Unit::kMoney;
    case ValueUnit::kShare:
      return unit == Bound::Unit::kPercent;
  }
  return false;
}

/// The checks of one threshold.
class ThresholdCheck {
 public:
  ThresholdCheck(std::string path, const ThresholdSpec& spec, const RuleSet& rules,
                 RuleChecks* checks)
      : path_(std::move(path)),
        when_(path_ + ".when"),
        spec_(spec),
        rules_(rules),
        checks_(*checks) {}

  void Run() {
    checks_.Common(path_, spec_.common);
    if (spec_.form == Form::kBudget) return Budget();
    if (spec_.form == Form::kExhausted) return Exhausted();
    if (!Names()) return;
    source_ = ResolveSource(spec_, rules_.derived);
    if (!source_) return WrongForm();
    if (spec_.form == Form::kForecast) return Forecast();
    Windows();
    MinEvents();
    if (spec_.form == Form::kNew) return;
    Reference();
    if (spec_.versus == Versus::kNumber) Number();
  }

 private:
  void Report(const std::string& path, std::string message) {
    checks_.Report(path, std::move(message));
  }
  [[nodiscard]] std::string BoundPath() const {
    if (spec_.form == Form::kForecast)
      return when_ + (spec_.side == Side::kAbove ? ".reaches" : ".falls_below");
    return when_ + (spec_.versus == Versus::kAnomaly ? ".anomaly"
                    : spec_.side == Side::kAbove     ? ".above"
                                                     : ".below");
  }
  /// Where the measure stands.
  [[nodiscard]] std::string MeasurePath() const {
    if (spec_.form == Form::kQuantile) return when_ + ".of";
    if (spec_.form == Form::kRatio && !spec_.whole.empty()) return when_ + ".ratio.of";
    return when_ + "." + std::string(Name(spec_.form));
  }

  bool Known(const std::string& path, const std::string& name) {
    if (FindDerived(name, rules_.derived) != nullptr) return true;
    std::optional<MeasureTraits> traits;
    return checks_.Measure(path, name, &traits);
  }
  bool Names() {
    const bool known = Known(MeasurePath(), spec_.measure);
    return (spec_.whole.empty() || Known(when_ + ".ratio.to", spec_.whole)) && known;
  }

  /// The names are known, but not for this form.
  void WrongForm() {
    const std::string name = Quoted(spec_.measure);
    const std::optional<MeasureTraits> traits = FindMeasure(spec_.measure);
    const DerivedSpec* made = FindDerived(spec_.measure, rules_.derived);
    const bool is_ratio = made != nullptr && made->type == DerivedSpec::Type::kRatio;
    switch (spec_.form) {
      case Form::kRatio:
        return WrongRatio(is_ratio);
      case Form::kQuantile:
        return Report(MeasurePath(), name +
                                         " is no distribution and has no quantiles; use one "
                                         "such as request.duration, or `sum`");
      case Form::kMean:
      case Form::kLast:
        return Report(MeasurePath(), name + " is no level; `" + std::string(Name(spec_.form)) +
                                         "` reads samples of type GAUGE, e.g. sample:queue, and "
                                         "disk.free, ingest.lag, tasks.open, tasks.at_risk, "
                                         "cost.open_tasks" +
                                         (traits && traits->type == MeasureType::kDistribution
                                              ? "; of a distribution use `quantile: 50%`"
                                              : ""));
      case Form::kForecast:
        return Report(MeasurePath(), name +
                                         " is neither a level nor a sum; forecast e.g. "
                                         "sample:disk_used, cost or tasks.completed");
      case Form::kDistinct:
        return Report(MeasurePath(),
                      name + " counts no different values; use agents, customers or subjects");
      case Form::kIncrease:
        return Report(MeasurePath(), name +
                                         " is no counter; `increase` reads samples of type "
                                         "CUMULATIVE or DELTA, e.g. sample:handled; use `sum`");
      default:
        break;
    }
    if (is_ratio) {
      Report(MeasurePath(), name + " is a ratio; write `ratio: " + spec_.measure + "`");
    } else if (traits && traits->type == MeasureType::kDistribution) {
      Report(MeasurePath(), name +
                                " is a distribution and has no sum; use `count`, or `quantile: "
                                "95%` with `of: " +
                                spec_.measure + "`");
    } else if (traits && traits->type == MeasureType::kDistinct) {
      Report(MeasurePath(),
             name + " counts different values; write `distinct: " + spec_.measure + "`");
    } else if (made != nullptr) {
      Report(MeasurePath(), name + " does not count events; use `sum`");
    } else {
      Report(MeasurePath(),
             name +
                 " does not count events; use `sum`, or `count` of a distribution such as "
                 "cost.amount");
    }
  }
  void WrongRatio(bool is_ratio) {
    if (spec_.whole.empty() && !is_ratio) {
      return Report(MeasurePath(), Quoted(spec_.measure) +
                                       " is no derived ratio; write `ratio: {of: errors, to: "
                                       "operations}`");
    }
    Report(when_ + ".ratio",
           "its parts have no ratio: both must be sums, of one unit, or money (or a number) over a "
           "count, e.g. {of: cost, to: tasks.completed}");
  }

  void Windows() {
    const std::string over = when_ + ".over";
    if (const Status status = WindowStore::ValidateWindow(spec_.over); !status.ok())
      return Report(over, status.error().message());
    const bool merged = source_->type != MeasureType::kSum;
    const Duration width = spec_.over > hours(6)                     ? Duration(hours(1))
                           : source_->type == MeasureType::kDistinct ? Duration(minutes(10))
                                                                     : Duration(minutes(1));
    if (merged && spec_.over > kMergedMax) {
      Report(over, FormatDuration(spec_.over) + " is longer than what `" +
                       std::string(Name(spec_.form)) + "` of " + spec_.measure +
                       " is read over; at most " + FormatDuration(kMergedMax));
    } else if (merged && spec_.over % width != Duration{0}) {
      Report(over, FormatDuration(spec_.over) + " is not a multiple of " + FormatDuration(width) +
                       ", the width of the buckets of " + spec_.measure);
    }
    if (spec_.form == Form::kRate && (spec_.per < seconds(1) || spec_.per > hours(24)))
      Report(when_ + ".per", FormatDuration(spec_.per) + " is outside 1s to 1d");
    if (spec_.form == Form::kRate && spec_.per % seconds(1) != Duration{0})
      Report(when_ + ".per", FormatDuration(spec_.per) + " is no whole number of seconds");
    if (spec_.form == Form::kQuantile && (spec_.quantile_ppb <= 0 || spec_.quantile_ppb > kBillion))
      Report(when_ + ".quantile", "must be above 0% and at most 100%, e.g. 95%");
    if (spec_.form == Form::kNew) Unseen();
  }
  void Unseen() {
    const std::string path = when_ + ".unseen_for";
    if (const Status status = WindowStore::ValidateWindow(spec_.span); !status.ok()) {
      Report(path, status.error().message());
    } else if (spec_.span <= spec_.over) {
      Report(path, FormatDuration(spec_.span) + " is not longer than `over`, " +
                       FormatDuration(spec_.over) + "; write e.g. 24h");
    }
  }

  /// What min_events counts must be there.
  void MinEvents() {
    if (spec_.common.min_events == 0) return;
    const MeasureSum& counted = spec_.form == Form::kRatio ? source_->to : source_->of;
    if (source_->type == MeasureType::kSum && counted.unit != ValueUnit::kCount) {
      return Report(path_ + ".min_events",
                    "the rule counts no events, so nothing can be fewer; leave it out, or use a "
                    "ratio to a count");
    }
    const bool is_count = source_->unit == ValueUnit::kCount && spec_.form != Form::kRate;
    const Int128 least = static_cast<Int128>(spec_.common.min_events) * kBillion;
    if (spec_.versus == Versus::kNumber && spec_.side == Side::kBelow && is_count &&
        NanosOf(spec_.bound) <= least) {
      Report(path_ + ".min_events", "with at least " + std::to_string(spec_.common.min_events) +
                                        " events the count is never below " + spec_.bound.number +
                                        ": the rule can never fire");
    }
  }

  /// Against the past.
  void Reference() {
    if (spec_.versus == Versus::kNumber) return;
    const bool merged_count = source_->type != MeasureType::kSum && spec_.form == Form::kCount;
    if (spec_.form == Form::kLast || spec_.form == Form::kDistinct || merged_count) {
      return Report(BoundPath(), "`" + std::string(Name(spec_.form)) + "` of " + spec_.measure +
                                     " is compared with a number only; write e.g. `above: 20`");
    }
    const Int128 bound = NanosOf(spec_.bound);
    if (spec_.versus == Versus::kAnomaly) {
      if (spec_.bound.unit != Bound::Unit::kNumber || bound < kBillion ||
          bound > 20 * Int128{kBillion})
        Report(BoundPath(), "must be a number of robust standard deviations from 1 to 20, e.g. 4");
    } else if (spec_.bound.unit != Bound::Unit::kPercent) {
      Report(BoundPath(), "beside the past a share is compared: write e.g. 80%");
    } else if (bound <= 0) {
      Report(BoundPath(), "no value is a share of 0% or below of the past; write e.g. 80%");
    }
    Span();
  }
  void Span() {
    const bool previous = spec_.versus == Versus::kPrevious;
    const std::string path = when_ + (previous ? ".of_previous" : ".of_baseline");
    if (spec_.over + spec_.span > kKept) {
      return Report(path, FormatDuration(spec_.span) + " and the window of " +
                              FormatDuration(spec_.over) + " reach further back than the " +
                              FormatDuration(kKept) + " that are kept");
    }
    if (previous) return Previous(path);
    const std::int64_t count = spec_.span / days(1);
    if (spec_.span % days(1) != Duration{0} || count < kDaysMin || count > kDaysMax) {
      Report(path, FormatDuration(spec_.span) + " is no baseline; write " +
                       std::to_string(kDaysMin) + "d to " + std::to_string(kDaysMax) +
                       "d, e.g. 7d");
    }
    if (spec_.over > days(1)) {
      Report(when_ + ".over", FormatDuration(spec_.over) +
                                  " is no part of a day; the same hours of earlier days are at "
                                  "most 1d");
    }
  }
  void Previous(const std::string& path) {
    if (spec_.span < spec_.over) {
      Report(path, FormatDuration(spec_.span) + " ago the window of " + FormatDuration(spec_.over) +
                       " would overlap with now; write at least " + FormatDuration(spec_.over));
    } else if (spec_.span % seconds(1) != Duration{0}) {
      Report(path, FormatDuration(spec_.span) + " is no whole number of seconds");
    }
    if (source_->type != MeasureType::kSum && spec_.span < hours(1) + spec_.over)
      Report(path, "of " + spec_.measure + " whole hours are kept of the past; write at least " +
                       FormatDuration(std::chrono::ceil<hours>(spec_.over) + hours(1)));
  }

  /// Against a number: its unit, and whether it can ever be reached.
  void Number() {
    const bool may_be_percent =
        spec_.measure.starts_with("sample:") || spec_.measure == "disk.free";
    if (!Fits(spec_.bound.unit, source_->unit, may_be_percent)) {
      return Report(BoundPath(), Quoted(BoundText(spec_.bound, CurrencyOf(spec_))) +
                                     " has the wrong unit: `" + std::string(Name(spec_.form)) +
                                     "` of " + spec_.measure + " is " +
                                     Right(source_->unit, CurrencyOf(spec_)));
    }
    const Int128 bound = NanosOf(spec_.bound);
    if (spec_.side == Side::kBelow && bound <= 0 && !MayBeNegative()) {
      Report(BoundPath(), "is never reached: " + spec_.measure + " is never below 0");
    }
    if (spec_.side != Side::kAbove) return;
    if (spec_.form == Form::kRatio && bound >= kBillion && IsPart(Upper(), Lower())) {
      Report(BoundPath(), "is never reached: " + std::string(Upper()) + " are a part of " +
                              std::string(Lower()) + ", so the ratio is at most 100%");
    } else if (spec_.measure == "task.quality" && bound >= kBillion) {
      Report(BoundPath(), "is never reached: task.quality is from 0 to 1");
    }
  }
  [[nodiscard]] bool MayBeNegative() const {
    const auto negative = [](const MeasureSum::Term& term) {
      return term.minus || term.name.base == "revenue.net" || term.name.base == "feedback.score" ||
             term.name.base.starts_with("sample:");
    };
    return std::any_of(source_->of.terms.begin(), source_->of.terms.end(), negative);
  }
  [[nodiscard]] std::string_view Upper() const {
    return source_->of.terms.size() == 1 ? std::string_view(source_->of.terms[0].name.base)
                                         : std::string_view(spec_.measure);
  }
  [[nodiscard]] std::string_view Lower() const {
    return source_->to.terms.size() == 1 ? std::string_view(source_->to.terms[0].name.base)
                                         : std::string_view(spec_.whole);
  }

  /// What is forecast, how far and how sure.
  void Forecast() {
    NoMinEvents();
    Probability(when_ + ".probability");
    const Duration step = ForecastStepOf(spec_);
    if (step != hours(1) && step != days(1)) {
      return Report(when_ + ".per", FormatDuration(spec_.per) + " is no step; write 1h or 1d");
    }
    const Duration most = ForecastStepsMax(step) * step;
    if (spec_.span < step || spec_.span > most || spec_.span % step != Duration{0}) {
      Report(when_ + ".within", FormatDuration(spec_.span) + " is not a whole number of steps of " +
                                    FormatDuration(step) + ", at most " + FormatDuration(most));
    }
    Number();
  }
  void Exhausted() {
    NoMinEvents();
    Probability(when_ + ".exhausted.probability");
    const auto budget =
        std::find_if(rules_.budgets.begin(), rules_.budgets.end(),
                     [&](const BudgetSpec& each) { return each.common.name == spec_.budget; });
    if (budget == rules_.budgets.end()) {
      std::vector<std::string_view> names;
      for (const BudgetSpec& each : rules_.budgets) names.push_back(each.common.name);
      return Report(when_ + ".budget",
                    Quoted(spec_.budget) + " is no budget" + checks_.Nearest(spec_.budget, names));
    }
    if (!budget->period) {
      Report(when_ + ".budget", Quoted(spec_.budget) +
                                    " is rolling and has no period before whose end it could be "
                                    "gone; give it a `period`");
    }
    if (!spec_.common.by.empty() || !spec_.common.where.empty()) {
      Report(path_ + (spec_.common.by.empty() ? ".where" : ".by"),
             "is that of the budget; leave it out");
    }
  }
  void Probability(const std::string& path) {
    if (spec_.probability_ppb < kBillion / 100 || spec_.probability_ppb > kBillion / 100 * 99)
      Report(path, "must be from 1% to 99%, e.g. 80%");
  }
  void NoMinEvents() {
    if (spec_.common.min_events > 0)
      Report(path_ + ".min_events",
             "a forecast counts no events, and says itself when it knows too little; leave it out");
  }

  void Budget() {
    const auto slo = std::find_if(rules_.slos.begin(), rules_.slos.end(), [&](const SloSpec& each) {
      return each.common.name == spec_.slo;
    });
    if (slo == rules_.slos.end()) {
      std::vector<std::string_view> names;
      for (const SloSpec& each : rules_.slos) names.push_back(each.common.name);
      return Report(when_ + ".slo",
                    Quoted(spec_.slo) + " is no SLO" + checks_.Nearest(spec_.slo, names));
    }
    if (slo->objective_ppb >= kBillion) {
      Report(when_ + ".slo", "the objective of " + Quoted(spec_.slo) +
                                 " is 100 %, which leaves no budget of which something remains");
    }
    if (!spec_.common.by.empty() || !spec_.common.where.empty()) {
      Report(path_ + (spec_.common.by.empty() ? ".where" : ".by"),
             "is that of the SLO, whose budget it is; leave it out");
    }
    const Int128 below = NanosOf(spec_.bound);
    if (below < 0 || below > kBillion)
      Report(when_ + ".budget_remaining.below", "must be from 0% to 100% of the budget, e.g. 10%");
  }

  std::string path_, when_;
  const ThresholdSpec& spec_;
  const RuleSet& rules_;
  RuleChecks& checks_;
  std::optional<ThresholdSource> source_;
};

bool IsDerivedName(const std::string& name) {
  const auto first = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  const auto other = [&](char c) { return first(c) || c == '_' || c == '-' || c == '.'; };
  return !name.empty() && name.size() <= kDerivedNameBytesMax && first(name[0]) &&
         std::all_of(name.begin(), name.end(), other);
}

}  // namespace

void CheckThreshold(const std::string& path, const ThresholdSpec& spec, const RuleSet& rules,
                    RuleChecks* checks) {
  ThresholdCheck(path, spec, rules, checks).Run();
}

void CheckDerived(const std::string& path, std::size_t place, const RuleSet& rules,
                  RuleChecks* checks) {
  const DerivedSpec& derived = rules.derived[place];
  const bool is_ratio = derived.type == DerivedSpec::Type::kRatio;
  if (!IsDerivedName(derived.name)) {
    checks->Report(path + ".name", Quoted(derived.name) +
                                       " is no name of a measure: 1 to 63 of a-z, 0-9, '-', '_' "
                                       "and '.', beginning with a letter or digit");
  } else if (FindMeasure(derived.name)) {
    checks->Report(path + ".name",
                   Quoted(derived.name) + " is a measure already; choose another name");
  } else if (FindDerived(derived.name, rules.derived) != &derived) {
    checks->Report(path + ".name", Quoted(derived.name) + " is derived twice");
  }
  const std::string parts = path + (is_ratio                                   ? ".ratio"
                                    : derived.type == DerivedSpec::Type::kPlus ? ".plus"
                                                                               : ".minus");
  bool known = true;
  for (std::size_t i = 0; i < derived.parts.size(); ++i) {
    const std::string item =
        parts + (is_ratio ? (i == 0 ? ".of" : ".to") : "[" + std::to_string(i) + "]");
    std::optional<MeasureTraits> traits;
    if (FindDerived(derived.parts[i], rules.derived) == nullptr)
      known = checks->Measure(item, derived.parts[i], &traits) && known;
  }
  if (!known) return;
  if (!is_ratio && derived.parts.size() < 2) {
    checks->Report(parts, "takes at least two measures, e.g. [revenue.net, cost]");
  } else if (!is_ratio && !ResolveSum(derived.name, kDefaultCurrency, rules.derived)) {
    checks->Report(parts,
                   "its parts do not add up: they must be sums of one unit (all counts, or "
                   "all money), at most " +
                       std::to_string(kDerivedPartsMax) + ", and not itself");
  } else if (is_ratio) {
    ThresholdSpec probe;
    probe.form = Form::kRatio;
    probe.measure = derived.name;
    if (!ResolveSource(probe, rules.derived))
      checks->Report(parts,
                     "its parts have no ratio: both must be sums, of one unit, or money (or a "
                     "number) over a count, e.g. {of: cost, to: tasks.completed}");
  }
}

}  // namespace barograph::rules
