#include "rules/budget/goal.h"

#include <algorithm>

#include "rules/budget/budget.h"
#include "rules/spec/number_text.h"
#include "rules/spec/rule_spec.h"

namespace barograph::rules {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::seconds;

constexpr Int128 kBillion = 1'000'000'000;
constexpr double kNano = 1e-9;
/// Places in measures().
constexpr std::size_t kPeriodSum = 0, kMeasure = 1;
/// A period that is judged at its end is judged for so long.
constexpr Duration kJudgedFor = hours(1);
constexpr Duration kHour = hours(1);

std::int64_t ShareOver(const Period& period, Time at) {
  const auto whole = [](Duration span) { return Int128{span / seconds(1)}; };
  return static_cast<std::int64_t>(kBillion * whole(at - period.start) /
                                   std::max<Int128>(whole(period.end - period.start), 1));
}

}  // namespace

Goal::Goal(const GoalSpec& spec) : spec_(spec), calendar_(spec.period.Text()) {
  for (const ShareAlert& alert : spec.alerts) levels_.push_back({alert.severity, ""});
  for (const std::int64_t share : spec.milestones) {
    std::string text = ShareText(share);
    text.pop_back();  // a label's value without the sign
    levels_.push_back({Severity::kInfo, "milestone-" + text});
  }
}

std::vector<MeasureName> Goal::measures() const {
  const MeasureName measure = MeasureOf(spec_);
  return {CalendarMeasure(measure, calendar_), measure};
}

std::int64_t Goal::ShareOf(std::size_t row) const {
  return IsMilestone(row) ? spec_.milestones[row - spec_.alerts.size()]
                          : spec_.alerts[row].share_ppb;
}

std::string Goal::ConditionOf(std::size_t row) const {
  if (IsMilestone(row)) return ShareText(ShareOf(row));
  return (spec_.at_most ? "above " : "below ") + ShareText(ShareOf(row));
}

std::optional<std::int64_t> Goal::ProfileShare(const InstanceSeries& series, const Period& period,
                                               Time at) const {
  const auto known = (period.start - series.since) / days(1);
  if (known < kProfileDays) return std::nullopt;
  const auto whole = std::chrono::floor<hours>(at - period.start);
  const Int128 rest = (at - period.start - whole) / seconds(1);
  const auto between = [&](Time from, Time to) {
    return series.windows->SumBetween(series.cell, series.measures[kMeasure], from, to);
  };
  Int128 so_far = 0;
  Int128 all = 0;
  for (int day = 1; day <= std::min<std::int64_t>(known, 2 * kProfileDays); ++day) {
    const Time start = std::chrono::floor<hours>(period.start) - days(day);
    so_far +=
        between(start, start + whole) * 3600 + between(start + whole, start + whole + kHour) * rest;
    all += between(start, start + days(1)) * 3600;
  }
  if (all <= 0) return std::nullopt;
  return static_cast<std::int64_t>(std::clamp<Int128>(so_far * kBillion / all, 0, kBillion));
}

GoalStanding Goal::StandingOf(const InstanceSeries& series, Time at) const {
  GoalStanding standing;
  standing.period = series.windows->PeriodAt(calendar_, at);
  if (!standing.period) return standing;
  standing.reached =
      series.windows->PeriodSum(series.cell, series.measures[kPeriodSum], *standing.period);
  if (spec_.prorate == Proration::kNone) return standing;
  standing.expected_ppb = ShareOver(*standing.period, at);
  if (spec_.prorate == Proration::kProfile) {
    const std::optional<std::int64_t> share = ProfileShare(series, *standing.period, at);
    standing.profiled = share.has_value();
    standing.expected_ppb = share.value_or(standing.expected_ppb);
  }
  return standing;
}

std::optional<GoalStanding> Goal::JudgedAt(const InstanceSeries& series, Time at) const {
  if (spec_.prorate != Proration::kNone) {
    GoalStanding standing = StandingOf(series, at);
    const std::optional<Period>& period = standing.period;
    if (!period || ShareOver(*period, at) < spec_.not_before_ppb) return std::nullopt;
    if (series.since > period->start) return std::nullopt;
    return standing;
  }
  const auto known = series.windows->periods().find(calendar_);
  if (known == series.windows->periods().end()) return std::nullopt;
  for (const Period& period : known->second) {
    if (period.end > at || at - period.end >= kJudgedFor || series.since > period.start) continue;
    GoalStanding standing;
    standing.period = period;
    standing.reached = series.windows->PeriodSum(series.cell, series.measures[kPeriodSum], period);
    standing.expected_ppb = static_cast<std::int64_t>(kBillion);
    return standing;
  }
  return std::nullopt;
}

bool Goal::IsFew(Int128 reached) const {
  const auto least = static_cast<Int128>(spec_.common.min_events);
  return least > 0 && reached < least;
}

void Goal::Judge(const InstanceSeries& series, Time at, std::vector<Verdict>* out) const {
  out->resize(levels_.size());
  const std::optional<GoalStanding> judged = JudgedAt(series, at);
  const std::optional<Period> period = series.windows->PeriodAt(calendar_, at);
  const Int128 target = spec_.target.value;
  for (std::size_t row = 0; row < levels_.size(); ++row) {
    Verdict& verdict = (*out)[row];
    if (IsMilestone(row)) {
      const Int128 reached =
          period ? series.windows->PeriodSum(series.cell, series.measures[kPeriodSum], *period) : 0;
      const bool known = period && !IsFew(reached);
      verdict = {known && reached * kBillion >= target * ShareOf(row), !known, row, false};
      continue;
    }
    const bool known = judged && !IsFew(judged->reached);
    verdict = {false, !known, row, !spec_.at_most};
    if (!known) continue;
    // Beyond this no amount of money lies, and the products stay within 128 bits.
    constexpr Int128 kMost = Int128{100} * kBillion * kBillion;
    const Int128 reached = std::clamp(judged->reached, -kMost, kMost) * kBillion * kBillion;
    const Int128 bound = target * ShareOf(row) * judged->expected_ppb;
    verdict.holds = spec_.at_most ? reached > bound : reached < bound;
  }
}

std::vector<std::string> Goal::expected() const {
  return spec_.common.by.empty() ? std::vector<std::string>{""} : std::vector<std::string>{};
}

bool Goal::BlindedByStop(const InstanceSeries&, std::size_t, Time, Time) const { return false; }

Condition::Account Goal::Explain(const InstanceSeries& series, std::size_t row, Time at) const {
  const auto text = [&](Int128 value) {
    return QuantityText(spec_.measure, spec_.target.currency, value);
  };
  const std::optional<MeasureTraits> traits = FindMeasure(spec_.measure);
  const double unit = traits && traits->unit == MeasureUnit::kCount ? 1 : kNano;
  const std::optional<GoalStanding> judged = JudgedAt(series, at);
  const GoalStanding standing = IsMilestone(row) || !judged ? StandingOf(series, at) : *judged;
  const double target = static_cast<double>(spec_.target.value);
  const double share = static_cast<double>(ShareOf(row)) / static_cast<double>(kBillion);
  Account account;
  account.condition = ConditionOf(row);
  account.value = static_cast<double>(standing.reached) * unit;
  account.threshold = target * unit * share;
  account.summary = text(standing.reached) + " of " + text(spec_.target.value) + " (" +
                    NumberText(static_cast<double>(standing.reached) / target * 100) + " %)";
  if (standing.period) account.summary += " in " + PeriodText(spec_.period, *standing.period);
  if (IsMilestone(row)) return account;
  account.threshold *= static_cast<double>(standing.expected_ppb) / static_cast<double>(kBillion);
  const Int128 expected = spec_.target.value * standing.expected_ppb / kBillion;
  account.summary += "; expected by now " + text(expected);
  if (standing.profiled) account.summary += " (as the days before went)";
  return account;
}

std::size_t Goal::RowOf(std::size_t level, std::string_view) const { return level; }

}  // namespace barograph::rules
