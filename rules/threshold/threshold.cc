#include "rules/threshold/threshold.h"

#include <algorithm>
#include <cmath>
#include <span>

#include "rules/spec/number_text.h"
#include "rules/threshold/exact_order.h"
#include "storage/base/assert.h"

namespace barograph::rules {
namespace {

using Form = ThresholdSpec::Form;
using Side = ThresholdSpec::Side;
using Versus = ThresholdSpec::Versus;
using std::chrono::days;
using std::chrono::hours;

constexpr std::int64_t kBillion = 1'000'000'000;

ThresholdSource SourceOf(const ThresholdSpec& spec, const std::vector<DerivedSpec>& derived) {
  std::optional<ThresholdSource> source = ResolveSource(spec, derived);
  BAROGRAPH_ASSERT(source.has_value(), "the measures of a validated threshold are known");
  return *std::move(source);
}

std::int64_t Seconds(Duration span) {
  return std::chrono::duration_cast<std::chrono::seconds>(span).count();
}

/// The sum of the part of a window that was covered, as if all of it had been like that.
ExactRatio Stretched(const ExactRatio& value, Duration window, Duration away) {
  const Duration covered = window - away;
  return {Times(value.numerator, Seconds(window)),
          Times(value.denominator, std::max<std::int64_t>(Seconds(covered), 1))};
}

std::string Subject(const ThresholdSpec& spec) {
  switch (spec.form) {
    case Form::kRatio:
      return spec.whole.empty() ? spec.measure : spec.measure + " / " + spec.whole;
    case Form::kRate:
      return spec.measure + " per " + FormatDuration(spec.per);
    case Form::kQuantile:
      return FormatDecimal(spec.quantile_ppb, 7) + "% quantile of " + spec.measure;
    default:
      return std::string(Name(spec.form)) + " of " + spec.measure;
  }
}

}  // namespace

Duration Away(const WindowStore& windows, Time at, Duration window) {
  return windows.ExcludedWithin(at - window, at, kResumeGrace);
}

Threshold::Threshold(const ThresholdSpec& spec, const std::vector<DerivedSpec>& derived)
    : spec_(spec),
      source_(SourceOf(spec, derived)),
      meter_(spec, source_),
      levels_{{spec.common.severity, ""}},
      share_{BoundNanos(spec, source_.unit), kBillion},
      counts_(source_.unit == ValueUnit::kCount &&
              (spec.form == Form::kSum || spec.form == Form::kCount || spec.form == Form::kRate)),
      condition_(ConditionText(spec)) {
  if (spec.versus != Versus::kAnomaly) return;
  limit_ = ToDouble(share_);
  tail_ = NormalTail(limit_);
}

std::size_t Threshold::References(const InstanceSeries& series, Time at,
                                  std::array<ExactRatio, kDaysMax>* out) const {
  std::size_t known = 0;
  const std::int64_t count = spec_.versus == Versus::kPrevious ? 1 : spec_.span / days(1);
  const Duration step = spec_.versus == Versus::kPrevious ? spec_.span : Duration(days(1));
  for (std::int64_t i = 1; i <= count; ++i) {
    const Meter::Reading reading = meter_.Ago(series, at, i * step);
    if (!reading.known) continue;
    const Duration away = Away(*series.windows, at - i * step, spec_.over);
    if (2 * away > spec_.over) continue;
    const bool stretch = meter_.additive() && away > Duration{0};
    (*out)[known++] = stretch ? Stretched(reading.value, spec_.over, away) : reading.value;
  }
  return known;
}

Threshold::Yardstick Threshold::YardstickAt(const InstanceSeries& series, Time at) const {
  Yardstick yardstick;
  if (spec_.versus == Versus::kNumber) {
    const bool may_be_filling = spec_.side == Side::kBelow && meter_.additive();
    yardstick.known = !may_be_filling || meter_.HadBegun(series, at, at - spec_.over);
    return yardstick;
  }
  const auto wanted = static_cast<std::size_t>(std::max(kDaysMin, (spec_.span / days(1) + 1) / 2));
  if (spec_.versus == Versus::kAnomaly && meter_.is_level()) {
    const std::size_t known = UsualLevel(series, at, &yardstick.usual);
    yardstick.known = known >= wanted && yardstick.usual.known;
    return yardstick;
  }
  std::array<ExactRatio, kDaysMax> references;
  const std::size_t size = References(series, at, &references);
  if (spec_.versus == Versus::kPrevious) {
    yardstick.known = size == 1;
    yardstick.reference = references[0];
    return yardstick;
  }
  if (size < wanted) return yardstick;
  if (spec_.versus == Versus::kBaseline) {
    const auto middle = references.begin() + static_cast<std::ptrdiff_t>((size - 1) / 2);
    std::nth_element(references.begin(), middle,
                     references.begin() + static_cast<std::ptrdiff_t>(size),
                     [](const ExactRatio& a, const ExactRatio& b) { return Order(a, b) < 0; });
    yardstick.known = true;
    yardstick.reference = *middle;
    return yardstick;
  }
  std::array<double, kDaysMax> values;
  for (std::size_t i = 0; i < size; ++i)
    values[i] = counts_ ? CountOf(references[i]) : ToDouble(references[i]);
  yardstick.usual = UsualOf(std::span(values.data(), size), counts_);
  yardstick.known = yardstick.usual.known;
  return yardstick;
}

std::size_t Threshold::UsualLevel(const InstanceSeries& series, Time at, Usual* out) const {
  constexpr auto kMost = static_cast<std::size_t>(kDaysMax * (1 + 2 * kHoursBeside));
  std::array<double, kMost> means, spreads;
  std::size_t size = 0, spread_count = 0, known = 0;
  for (std::int64_t day = 1; day <= spec_.span / days(1); ++day) {
    for (std::int64_t beside = -kHoursBeside; beside <= kHoursBeside; ++beside) {
      const Duration ago = day * days(1) + beside * hours(1);
      if (2 * Away(*series.windows, at - ago, spec_.over) > spec_.over) continue;
      const Meter::Level level = meter_.LevelAgo(series, at, ago);
      if (level.samples == 0) continue;
      if (beside == 0) ++known;
      means[size++] = level.mean;
      if (level.samples > 1) spreads[spread_count++] = DeviationOfRange(level.range, level.samples);
    }
  }
  if (known < 2) return known;
  double within = 0;
  if (spread_count > 0)
    within = UpperQuartile({spreads.data(), spread_count}) * std::sqrt(meter_.share_of_hour());
  *out = UsualOf({means.data(), size}, false, within);
  return known;
}

double Threshold::CountOf(const ExactRatio& value) const {
  // A rate is so many for each `per`; chances are about how many there were.
  if (spec_.form != Form::kRate) return ToDouble(value);
  return ToDouble(
      {Times(value.numerator, Seconds(spec_.over)), Times(value.denominator, Seconds(spec_.per))});
}

Threshold::Answer Threshold::Holds(const ExactRatio& value, const Yardstick& yardstick) const {
  bool holds = false;
  if (spec_.versus == Versus::kAnomaly) {
    const Deviation deviation =
        DeviationOf(counts_ ? CountOf(value) : ToDouble(value), yardstick.usual);
    const bool on_side =
        spec_.side == Side::kBoth || deviation.above == (spec_.side == Side::kAbove);
    holds = on_side && IsBeyond(deviation, yardstick.usual, limit_, tail_);
  } else {
    const std::strong_ordering order = Order(value, yardstick.reference, share_);
    holds = spec_.side == Side::kAbove ? order > 0 : order < 0;
  }
  return holds ? Answer::kYes : Answer::kNo;
}

Condition::Verdict Threshold::JudgeNow(const InstanceSeries& series, Time at) const {
  Verdict verdict;
  const Meter::Reading now = meter_.Now(series, at);
  const bool few = now.events < static_cast<Int128>(spec_.common.min_events);
  verdict.quiet = now.empty || few;
  const Duration away = Away(*series.windows, at, spec_.over);
  if (!now.known || few) {
    verdict.unknown = away > Duration{0};
    return verdict;
  }
  const Yardstick yardstick = YardstickAt(series, at);
  if (!yardstick.known) {
    verdict.quiet = true;
    verdict.unknown = away > Duration{0};
    return verdict;
  }
  const Answer counted = Holds(now.value, yardstick);
  verdict.holds = counted == Answer::kYes;
  if (away == Duration{0} || !meter_.additive()) return verdict;
  // A sum that is above without what was missed is above with it.
  const bool only_grows = spec_.side == Side::kAbove && meter_.never_negative();
  if (verdict.holds && only_grows) return verdict;
  const Answer stretched = 2 * away > spec_.over
                               ? Answer::kUnknown
                               : Holds(Stretched(now.value, spec_.over, away), yardstick);
  if (stretched == counted) return verdict;
  verdict.holds = false;
  verdict.unknown = true;
  return verdict;
}

void Threshold::Judge(const InstanceSeries& series, Time at, std::vector<Verdict>* out) const {
  out->assign(1, JudgeNow(series, at));
}

bool Threshold::BlindedByStop(const InstanceSeries&, std::size_t, Time, Time) const {
  return false;
}

std::string Threshold::ValueText(double value) const {
  switch (source_.unit) {
    case ValueUnit::kMoney:
      return NumberText(value) + " " + std::string(CurrencyOf(spec_));
    case ValueUnit::kSeconds:
      return value < 1 ? NumberText(value * 1000) + " ms" : NumberText(value) + " s";
    case ValueUnit::kShare:
      return NumberText(value * 100) + " %";
    case ValueUnit::kCount:
    case ValueUnit::kNumber:
      break;
  }
  return NumberText(value);
}

Condition::Account Threshold::Explain(const InstanceSeries& series, std::size_t, Time at) const {
  const Meter::Reading now = meter_.Now(series, at);
  const Yardstick yardstick = YardstickAt(series, at);
  const double value = now.known ? ToDouble(now.value) : 0;
  Account account{value, ToDouble(share_), condition_, ""};
  const std::string window = FormatDuration(spec_.over);
  account.summary = now.known ? Subject(spec_) + " is " + ValueText(value) + " over " + window
                              : Subject(spec_) + " has no value over " + window;
  if (spec_.versus == Versus::kNumber) {
    account.summary += ", condition: " + condition_;
    return account;
  }
  if (!yardstick.known || !now.known) {
    account.summary += ", and too little is known of before";
    return account;
  }
  const std::string span = FormatDuration(spec_.span);
  if (spec_.versus != Versus::kAnomaly) {
    const double reference = ToDouble(yardstick.reference);
    account.threshold *= reference;
    account.summary += ", condition: " + condition_ + ", which was " + ValueText(reference);
    return account;
  }
  const Usual& usual = yardstick.usual;
  const Deviation deviation = DeviationOf(counts_ ? CountOf(now.value) : value, usual);
  const std::string side = deviation.above ? "above" : "below";
  if (usual.sparse) {
    account.value = CountOf(now.value);
    account.threshold = usual.centre;
    account.summary += ", where these hours of " + span + " have " + NumberText(usual.centre) +
                       " on average: the chance is " + NumberText(deviation.chance);
    return account;
  }
  account.value = deviation.score;
  account.summary += ", " + NumberText(std::abs(deviation.score)) + " robust standard deviations " +
                     side + " these hours of " + span;
  return account;
}

}  // namespace barograph::rules
