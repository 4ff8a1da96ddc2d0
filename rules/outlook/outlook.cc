#include "rules/outlook/outlook.h"

#include <algorithm>

#include "rules/spec/number_text.h"
#include "storage/base/assert.h"

namespace barograph::rules {
namespace {

using std::chrono::days;
using std::chrono::hours;

constexpr double kNano = 1e-9;
constexpr double kPpb = 1e-9;
/// A budget's period is looked at hour by hour when no more than this is left of it.
constexpr Duration kByTheHour = hours(48);

double UnitOf(ValueUnit unit, bool is_level) {
  return unit == ValueUnit::kCount && !is_level ? 1 : kNano;
}

bool NeverNegative(const MeasureSum::Term& term) {
  return !term.minus && IsNeverNegative(term.name);
}

std::string Percent(std::int64_t ppb) {
  return NumberText(static_cast<double>(ppb) * kPpb * 100) + " %";
}

}  // namespace

bool IsNeverNegative(const MeasureName& measure) {
  return measure.base != "revenue.net" && !measure.base.starts_with("sample:") &&
         measure.base != "feedback.score";
}

Outlook::Outlook(const ThresholdSpec& spec, const std::vector<DerivedSpec>& derived)
    : within_(spec.span),
      probability_ppb_(spec.probability_ppb),
      condition_(ConditionText(spec)),
      levels_{{spec.common.severity, ""}} {
  const std::optional<ThresholdSource> source = ResolveSource(spec, derived);
  BAROGRAPH_ASSERT(source.has_value(), "the measures of a validated threshold are known");
  question_.is_level = source->type == MeasureType::kGauge;
  question_.never_negative =
      std::all_of(source->of.terms.begin(), source->of.terms.end(), NeverNegative);
  for (const MeasureSum::Term& term : source->of.terms) {
    measures_.push_back(term.name);
    minus_.push_back(term.minus);
  }
  question_.unit = UnitOf(source->unit, question_.is_level);
  question_.measure = spec.measure;
  if (source->unit == ValueUnit::kMoney) question_.currency = CurrencyOf(spec);
  question_.step = ForecastStepOf(spec);
  question_.above = spec.side == ThresholdSpec::Side::kAbove;
  question_.bound = static_cast<double>(BoundNanos(spec, source->unit)) * kNano;
}

Outlook::Outlook(const ThresholdSpec& spec, const BudgetSpec& budget)
    : probability_ppb_(spec.probability_ppb),
      condition_(ConditionText(spec)),
      levels_{{spec.common.severity, ""}} {
  BAROGRAPH_ASSERT(budget.period.has_value(), "the budget of a validated rule has a period");
  calendar_ = budget.period->Text();
  limit_ = budget.limit.value;
  const MeasureName measure = MeasureOf(budget);
  measures_ = {measure, CalendarMeasure(measure, calendar_)};
  minus_ = {false};
  question_.form = ForecastQuestion::Form::kExceed;
  question_.never_negative = NeverNegative({measure, false});
  const std::optional<MeasureTraits> traits = FindMeasure(budget.measure);
  question_.unit = traits && traits->unit == MeasureUnit::kCount ? 1 : kNano;
  question_.measure = budget.measure;
  question_.currency = budget.limit.currency;
  question_.bound = static_cast<double>(limit_) * question_.unit;
}

std::optional<std::string> Outlook::TextAt(const InstanceSeries& series, Time at) const {
  if (calendar_.empty()) return condition_;
  const std::optional<Period> period = series.windows->PeriodAt(calendar_, at);
  if (!period) return std::nullopt;
  return condition_ + " before " + FormatTime(period->end);
}

void Outlook::AskForPeriod(const InstanceSeries& series, const Period& period, Time at,
                           ForecastQuestion* question) const {
  const Duration left = period.end - question->begin;
  question->step = left <= kByTheHour ? Duration(hours(1)) : Duration(days(1));
  const std::int64_t whole = left / question->step;
  const Duration rest = left % question->step;
  question->horizon = static_cast<std::size_t>(whole + (rest > Duration{0} ? 1 : 0));
  if (rest > Duration{0})
    question->last_share =
        static_cast<double>(rest.count()) / static_cast<double>(question->step.count());
  // What this hour has brought so far belongs to the first step.
  const Int128 spent = series.windows->PeriodSum(series.cell, series.measures[1], period);
  const Time hour_end = question->begin + hours(1);
  Int128 since = 0;
  if (at > question->begin)
    since = series.windows->SumBetween(series.cell, series.measures[0], question->begin, hour_end);
  question->already = static_cast<double>(spent - since) * question->unit;
}

std::optional<ForecastSource> Outlook::Forecasts(const InstanceSeries& series) const {
  ForecastSource source = static_cast<const ForecastSource&>(question_);
  for (std::size_t i = 0; i < minus_.size(); ++i)
    source.terms.push_back({series.measures[i], minus_[i]});
  return source;
}

std::optional<ForecastQuestion> Outlook::Asks(const InstanceSeries& series, Time at) const {
  const std::optional<std::string> text = TextAt(series, at);
  if (!text) return std::nullopt;
  ForecastQuestion question = question_;
  static_cast<ForecastSource&>(question) = *Forecasts(series);
  question.text = *text;
  question.begin = std::chrono::floor<hours>(at);
  if (calendar_.empty()) {
    question.horizon = static_cast<std::size_t>(within_ / question.step);
  } else {
    AskForPeriod(series, *series.windows->PeriodAt(calendar_, at), at, &question);
  }
  if (question.horizon == 0) return std::nullopt;
  return question;
}

void Outlook::Judge(const InstanceSeries& series, Time at, std::vector<Verdict>* out) const {
  Verdict verdict;
  const storage::ForecastIssued* forecast = series.forecast;
  if (forecast == nullptr || forecast->at == Time{} || forecast->question != TextAt(series, at) ||
      !forecast->cannot_say.empty()) {
    verdict.quiet = true;
  } else if (at - forecast->at > kForecastValid) {
    verdict.unknown = true;
  } else {
    verdict.holds = forecast->probability_ppb >= probability_ppb_;
  }
  out->assign(1, verdict);
}

bool Outlook::BlindedByStop(const InstanceSeries&, std::size_t, Time, Time) const { return false; }

Condition::Account Outlook::Explain(const InstanceSeries& series, std::size_t, Time at) const {
  const storage::ForecastIssued* forecast = series.forecast;
  Account account{0, static_cast<double>(probability_ppb_) * kPpb, condition_, ""};
  if (forecast == nullptr || forecast->at == Time{} || forecast->question != TextAt(series, at)) {
    account.summary = question_.measure + " " + condition_ + ": no forecast yet";
    return account;
  }
  account.summary = question_.measure + " " + forecast->question;
  if (!forecast->cannot_say.empty()) {
    account.summary += ": cannot say, " + forecast->cannot_say;
    return account;
  }
  account.value = static_cast<double>(forecast->probability_ppb) * kPpb;
  account.summary +=
      " with " + Percent(forecast->probability_ppb) + ", condition: " + Percent(probability_ppb_);
  if (forecast->times.median)
    account.summary += "; even odds by " + FormatTime(*forecast->times.median);
  account.summary += "; forecast of " + FormatTime(forecast->at);
  return account;
}

}  // namespace barograph::rules
