#include "rules/spec/rule_spec.h"

#include <algorithm>
#include <charconv>
#include <numeric>

#include "rules/spec/annotation_template.h"

namespace barograph::rules {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

constexpr std::int64_t kBillion = 1'000'000'000;

Int128 GreatestCommonDivisor(Int128 a, Int128 b) {
  while (b != 0) {
    const Int128 rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

/// The number as a person wrote it, in integers of 1e-9: shortest text that reads back as the same
/// double.
Int128 ToNano(double value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof(text), value);
  const Result<Int128> nano =
      ParseDecimal(std::string_view(text, static_cast<std::size_t>(end.ptr - text)), 9, true);
  return nano.ok() ? *nano : 0;
}

/// Sum over one slice at which a rate stands exactly at its bound. Sums are integers, so a bound
/// between two of them moves to the one that leaves the comparison as it was: down for "above", up
/// for "below".
Int128 SliceBound(const TimeSlice& slice) {
  const std::optional<MeasureTraits> traits = FindMeasure(slice.measure);
  const bool nano = traits && traits->unit != MeasureUnit::kCount;
  const Int128 numerator = ToNano(slice.bound) * slice.slice.count() * (nano ? kBillion : 1);
  const Int128 denominator = Int128{kBillion} * slice.per.count();
  const Int128 floor = numerator / denominator;
  const bool exact = numerator % denominator == 0;
  return slice.above || exact ? floor : floor + 1;
}

MeasureName NameOf(const Indicator& indicator) {
  MeasureName name{indicator.measure, ""};
  if (indicator.at_most_nanos) name.qualifier = "<=" + std::to_string(*indicator.at_most_nanos);
  return name;
}

template <typename T>
void SortUnique(std::vector<T>* values) {
  std::sort(values->begin(), values->end());
  values->erase(std::unique(values->begin(), values->end()), values->end());
}

/// What the rule's annotations name of the last event that counted.
std::vector<std::string> TextsOf(const RuleCommon& rule) {
  std::vector<std::string> names;
  for (const auto& [annotation, text] : rule.annotations) {
    for (std::string& name : TemplateEventNames(text)) names.push_back(std::move(name));
  }
  SortUnique(&names);
  return names;
}

WindowPlan::Sighting SightingFor(const RuleCommon& rule, std::vector<std::string> measures) {
  SortUnique(&measures);
  return {SightingOf(rule), ProjectionOf(rule), std::move(measures),
          TextsOf(rule),    Duration{0},        ""};
}

const std::string& CountedBy(const SloSpec& slo) {
  return slo.slice ? slo.slice->measure : slo.total.measure;
}

void PlanSightings(const RuleSet& rules, WindowPlan* plan) {
  const auto add = [plan](WindowPlan::Sighting sighting) {
    plan->projections.push_back(sighting.projection);
    plan->sightings.push_back(std::move(sighting));
  };
  // Other rules remember only what their texts name.
  const auto add_named = [&add](const RuleCommon& rule, std::vector<std::string> counted) {
    WindowPlan::Sighting sighting = SightingFor(rule, std::move(counted));
    if (!sighting.texts.empty()) add(std::move(sighting));
  };
  for (const SloSpec& slo : rules.slos) add_named(slo.common, {CountedBy(slo)});
  for (const BudgetSpec& budget : rules.budgets) add_named(budget.common, {budget.measure});
  for (const GoalSpec& goal : rules.goals) add_named(goal.common, {goal.measure});
  for (const ThresholdSpec& threshold : rules.thresholds) {
    if (const auto source = ResolveSource(threshold, rules.derived)) {
      std::vector<std::string> counted;
      for (const MeasureSum::Term& term : source->of.terms) counted.push_back(term.name.base);
      add_named(threshold.common, std::move(counted));
    }
    for (const BudgetSpec& budget : rules.budgets) {
      if (threshold.form != ThresholdSpec::Form::kExhausted ||
          budget.common.name != threshold.budget)
        continue;
      RuleCommon common = threshold.common;
      common.by = budget.common.by;
      common.where = budget.common.where;
      add_named(common, {budget.measure});
    }
    for (const SloSpec& slo : rules.slos) {
      if (threshold.form != ThresholdSpec::Form::kBudget || slo.common.name != threshold.slo)
        continue;
      RuleCommon common = threshold.common;
      common.by = slo.common.by;
      common.where = slo.common.where;
      add_named(common, {CountedBy(slo)});
    }
  }
  for (const AbsenceSpec& absence : rules.absences)
    add(SightingFor(absence.common, {absence.measure}));
  for (const ExpectationSpec& expectation : rules.expects) {
    WindowPlan::Sighting asked = SightingFor(expectation.common, {expectation.measure});
    asked.open_for = expectation.within;
    asked.missed_for = expectation.common.keep_firing_for;
    RuleCommon answering = expectation.common;
    answering.where = expectation.expect.where;
    WindowPlan::Sighting answer{AnswerOf(expectation.common),
                                ProjectionOf(answering),
                                {expectation.expect.measure},
                                {},
                                Duration{0},
                                asked.id};
    add(std::move(asked));
    add(std::move(answer));
  }
}

}  // namespace

std::vector<BurnRow> DefaultBurnRows() {
  return {{hours(1), minutes(5), 0.02, Severity::kCritical},
          {hours(6), minutes(30), 0.05, Severity::kCritical},
          {days(1), hours(2), 0.10, Severity::kWarning},
          {days(3), hours(6), 0.10, Severity::kWarning}};
}

std::int64_t PartsPerBillion(double share) { return static_cast<std::int64_t>(ToNano(share)); }

ExactRatio ToleratedShare(const SloSpec& slo, const BurnRow& row) {
  const auto seconds = [](Duration span) {
    return Int128{std::chrono::duration_cast<std::chrono::seconds>(span).count()};
  };
  const Int128 allowed = kBillion - slo.objective_ppb;
  const Int128 numerator = PartsPerBillion(row.budget) * seconds(slo.period) * allowed;
  const Int128 denominator =
      Int128{kBillion} * kBillion * std::max<Int128>(seconds(row.long_window), 1);
  const Int128 divisor = GreatestCommonDivisor(denominator, numerator);
  return {numerator / divisor, denominator / divisor};
}

Projection ProjectionOf(const RuleCommon& rule) {
  Projection projection{rule.by, rule.where};
  SortUnique(&projection.by);
  for (Projection::Filter& filter : projection.where) SortUnique(&filter.any_of);
  SortUnique(&projection.where);
  return projection;
}

std::string SightingOf(const RuleCommon& rule) { return rule.name; }
std::string AnswerOf(const RuleCommon& rule) { return "answer:" + rule.name; }

SloMeasures MeasuresOf(const SloSpec& slo) {
  if (slo.slice)
    return {{"slice.good:" + slo.common.name, ""}, {"slice.total:" + slo.common.name, ""}};
  return {NameOf(slo.good), NameOf(slo.total)};
}

WindowPlan PlanWindows(const RuleSet& rules) {
  WindowPlan plan;
  plan.labels = rules.labels;
  plan.projections = rules.series;
  for (const SloSpec& slo : rules.slos) {
    const Projection projection = ProjectionOf(slo.common);
    plan.projections.push_back(projection);
    for (const Indicator* indicator : {&slo.good, &slo.total}) {
      if (indicator->at_most_nanos) {
        plan.at_most.emplace_back(indicator->measure, *indicator->at_most_nanos);
      }
    }
    if (slo.slice) {
      plan.slices.push_back({slo.common.name, projection, MeasureName{slo.slice->measure, ""},
                             slo.slice->slice, SliceBound(*slo.slice), slo.slice->above});
    }
  }
  const auto count = [&](const RuleCommon& rule, const MeasureName& measure,
                         const Calendar* calendar) {
    plan.projections.push_back(ProjectionOf(rule));
    if (calendar == nullptr) return;
    plan.calendar_sums.push_back({plan.projections.back(), measure, calendar->Text()});
  };
  for (const BudgetSpec& budget : rules.budgets) {
    count(budget.common, MeasureOf(budget), budget.period ? &*budget.period : nullptr);
  }
  for (const GoalSpec& goal : rules.goals) count(goal.common, MeasureOf(goal), &goal.period);
  SortUnique(&plan.calendar_sums);
  for (const ThresholdSpec& threshold : rules.thresholds) {
    // What is left of a budget is read from the series of its SLO, or of the budget itself.
    if (threshold.form == ThresholdSpec::Form::kBudget ||
        threshold.form == ThresholdSpec::Form::kExhausted)
      continue;
    plan.projections.push_back(ProjectionOf(threshold.common));
  }
  PlanSightings(rules, &plan);
  SortUnique(&plan.labels);
  SortUnique(&plan.projections);
  SortUnique(&plan.at_most);
  return plan;
}

}  // namespace barograph::rules
