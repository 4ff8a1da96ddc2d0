#include "rules/spec/threshold_spec.h"

#include <algorithm>
#include <array>

#include "storage/base/assert.h"

namespace barograph::rules {
namespace {

using Form = ThresholdSpec::Form;

constexpr std::string_view kSample = "sample:";
/// Derived measures of derived measures: so deep and no deeper, which also ends circles.
constexpr int kDepthMax = 8;

ValueUnit ValueUnitOf(std::string_view name, const MeasureTraits& traits) {
  if (traits.unit == MeasureUnit::kCount) return ValueUnit::kCount;
  if (traits.unit == MeasureUnit::kMoney) return ValueUnit::kMoney;
  const bool is_time = name.ends_with(".duration") || name == "ingest.lag";
  return is_time ? ValueUnit::kSeconds : ValueUnit::kNumber;
}

MeasureName NameIn(std::string_view base, const MeasureTraits& traits, std::string_view currency) {
  return {std::string(base), traits.unit == MeasureUnit::kMoney ? std::string(currency) : ""};
}

/// Adds the terms of `name` to `sum`; false for what ResolveSum refuses.
bool AddTerms(std::string_view name, std::string_view currency, bool minus, int depth,
              const std::vector<DerivedSpec>& derived, MeasureSum* sum) {
  if (depth > kDepthMax || sum->terms.size() > kDerivedPartsMax) return false;
  if (const DerivedSpec* made = FindDerived(name, derived)) {
    if (made->type == DerivedSpec::Type::kRatio) return false;
    for (std::size_t i = 0; i < made->parts.size(); ++i) {
      const bool less = made->type == DerivedSpec::Type::kMinus && i > 0;
      if (!AddTerms(made->parts[i], currency, minus != less, depth + 1, derived, sum)) return false;
    }
    return !made->parts.empty();
  }
  const std::optional<MeasureTraits> traits = FindMeasure(name);
  if (!traits || traits->type != MeasureType::kSum) return false;
  const ValueUnit value_unit = ValueUnitOf(name, *traits);
  if (!sum->terms.empty() && sum->unit != value_unit) return false;
  sum->unit = value_unit;
  sum->terms.push_back({NameIn(name, *traits, currency), minus});
  return sum->terms.size() <= kDerivedPartsMax;
}

/// A level or a distribution as the one term of a sum.
std::optional<ThresholdSource> ResolveSingle(const ThresholdSpec& spec, MeasureType wanted) {
  ThresholdSource source;
  source.type = wanted;
  std::optional<MeasureTraits> traits = FindMeasure(spec.measure);
  if (!traits) return std::nullopt;
  MeasureName name = NameIn(spec.measure, *traits, CurrencyOf(spec));
  if (wanted == MeasureType::kGauge && spec.measure.starts_with(kSample)) {
    name.qualifier = kGaugeQualifier;
  } else if (traits->type != wanted) {
    return std::nullopt;
  }
  source.of.terms.push_back({std::move(name), false});
  source.of.unit = source.unit = ValueUnitOf(spec.measure, *traits);
  return source;
}

std::optional<ThresholdSource> ResolveRatio(const ThresholdSpec& spec,
                                            const std::vector<DerivedSpec>& derived) {
  std::string_view upper = spec.measure;
  std::string_view lower = spec.whole;
  if (lower.empty()) {
    const DerivedSpec* made = FindDerived(upper, derived);
    if (made == nullptr || made->type != DerivedSpec::Type::kRatio || made->parts.size() != 2)
      return std::nullopt;
    upper = made->parts[0];
    lower = made->parts[1];
  }
  const std::optional<MeasureSum> of = ResolveSum(upper, CurrencyOf(spec), derived);
  const std::optional<MeasureSum> to = ResolveSum(lower, CurrencyOf(spec), derived);
  if (!of || !to) return std::nullopt;
  ThresholdSource source{MeasureType::kSum, *of, *to, ValueUnit::kShare};
  if (of->unit == to->unit) return source;
  // Money for each task is money; what a unit of money brings would need the currency in its name.
  if (to->unit != ValueUnit::kCount) return std::nullopt;
  source.unit = of->unit;
  return source;
}

}  // namespace

Int128 NanosOf(const Bound& bound) {
  const Result<Int128> nanos = ParseDecimal(bound.number, 9);
  return nanos.ok() ? *nanos : 0;
}

std::string BoundText(const Bound& bound, std::string_view currency) {
  const Int128 nanos = NanosOf(bound);
  switch (bound.unit) {
    case Bound::Unit::kPercent:
      return FormatDecimal(nanos, 7) + "%";
    case Bound::Unit::kTime:
      return FormatDuration(Duration(static_cast<std::int64_t>(nanos)));
    case Bound::Unit::kMoney:
      return FormatDecimal(nanos, 9) + " " + std::string(currency);
    case Bound::Unit::kNumber:
      break;
  }
  return FormatDecimal(nanos, 9);
}

const DerivedSpec* FindDerived(std::string_view name, const std::vector<DerivedSpec>& derived) {
  const auto found = std::find_if(derived.begin(), derived.end(),
                                  [&](const DerivedSpec& each) { return each.name == name; });
  return found == derived.end() ? nullptr : &*found;
}

std::optional<MeasureSum> ResolveSum(std::string_view name, std::string_view currency,
                                     const std::vector<DerivedSpec>& derived) {
  MeasureSum sum;
  if (!AddTerms(name, currency, false, 0, derived, &sum)) return std::nullopt;
  return sum;
}

std::optional<ThresholdSource> ResolveSource(const ThresholdSpec& spec,
                                             const std::vector<DerivedSpec>& derived) {
  switch (spec.form) {
    case Form::kBudget:
    case Form::kExhausted:
      return std::nullopt;
    case Form::kRatio:
      return ResolveRatio(spec, derived);
    case Form::kMean:
    case Form::kLast:
      return ResolveSingle(spec, MeasureType::kGauge);
    case Form::kQuantile:
      return ResolveSingle(spec, MeasureType::kDistribution);
    case Form::kDistinct:
      return ResolveSingle(spec, MeasureType::kDistinct);
    case Form::kCount:
      if (auto values = ResolveSingle(spec, MeasureType::kDistribution)) {
        values->unit = ValueUnit::kCount;
        return values;
      }
      [[fallthrough]];
    case Form::kForecast:
      if (spec.form == Form::kForecast && spec.per == Duration{0})
        return ResolveSingle(spec, MeasureType::kGauge);
      [[fallthrough]];
    case Form::kSum:
    case Form::kRate:
    case Form::kIncrease:
    case Form::kNew:
      break;
  }
  const std::optional<MeasureSum> sum = ResolveSum(spec.measure, CurrencyOf(spec), derived);
  if (!sum) return std::nullopt;
  const bool counts = sum->unit == ValueUnit::kCount;
  if ((spec.form == Form::kCount || spec.form == Form::kNew) && !counts) return std::nullopt;
  if (spec.form == Form::kIncrease && !spec.measure.starts_with(kSample)) return std::nullopt;
  return ThresholdSource{MeasureType::kSum, *sum, {}, sum->unit};
}

Duration ForecastStepOf(const ThresholdSpec& spec) {
  return spec.per == Duration{0} ? Duration(std::chrono::hours(1)) : spec.per;
}

std::int64_t ForecastStepsMax(Duration step) {
  return step == std::chrono::hours(1) ? 14 * 24 : 366;
}

bool IsRunnable(const ThresholdSpec& spec, const std::vector<DerivedSpec>& derived) {
  if (spec.form == Form::kBudget || spec.form == Form::kExhausted) return true;
  if (spec.form > Form::kExhausted || !ResolveSource(spec, derived)) return false;
  if (spec.form == Form::kForecast) {
    const Duration step = ForecastStepOf(spec);
    return (step == std::chrono::hours(1) || step == std::chrono::days(1)) && spec.span >= step &&
           spec.span / step <= ForecastStepsMax(step);
  }
  const auto is_span = [](Duration span) {
    return span >= std::chrono::seconds(1) && span <= std::chrono::days(35);
  };
  if (!is_span(spec.over) || (spec.form == Form::kRate && !is_span(spec.per))) return false;
  if (spec.versus == ThresholdSpec::Versus::kNumber) return true;
  return is_span(spec.span) && (spec.versus == ThresholdSpec::Versus::kPrevious ||
                                spec.span <= std::chrono::days(kDaysMax));
}

Int128 BoundNanos(const ThresholdSpec& spec, ValueUnit value_unit) {
  const bool of_hundred = spec.bound.unit == Bound::Unit::kPercent &&
                          spec.versus == ThresholdSpec::Versus::kNumber &&
                          value_unit == ValueUnit::kNumber;
  return NanosOf(spec.bound) * (of_hundred ? 100 : 1);
}

std::string ConditionText(const ThresholdSpec& spec) {
  using Versus = ThresholdSpec::Versus;
  if (spec.form == Form::kNew) return "new";
  if (spec.form == Form::kBudget) return "budget below " + BoundText(spec.bound, "");
  if (spec.form == Form::kExhausted) return "exhausted";
  if (spec.form == Form::kForecast) {
    const bool rises = spec.side == ThresholdSpec::Side::kAbove;
    return (rises ? "reaches " : "falls below ") + BoundText(spec.bound, CurrencyOf(spec)) +
           " within " + FormatDuration(spec.span);
  }
  const std::string span = FormatDuration(spec.span);
  if (spec.versus == Versus::kAnomaly)
    return "anomaly " + BoundText(spec.bound, "") + " of " + span;
  std::string text = spec.side == ThresholdSpec::Side::kAbove ? "above " : "below ";
  text += BoundText(spec.bound, CurrencyOf(spec));
  if (spec.versus == Versus::kBaseline) text += " of_baseline " + span;
  if (spec.versus == Versus::kPrevious) text += " of_previous " + span;
  return text;
}

std::string_view CurrencyOf(const ThresholdSpec& spec) {
  return spec.currency.empty() ? kDefaultCurrency : std::string_view(spec.currency);
}

std::string_view Name(Form form) {
  constexpr std::array<std::string_view, 13> kNames = {"sum",
                                                       "count",
                                                       "rate",
                                                       "ratio",
                                                       "mean",
                                                       "quantile",
                                                       "distinct",
                                                       "last",
                                                       "increase",
                                                       "new",
                                                       "budget_remaining",
                                                       "forecast",
                                                       "exhausted"};
  const auto place = static_cast<std::size_t>(form);
  BAROGRAPH_ASSERT(place < kNames.size(), "every form has a key");
  return kNames[place];
}

}  // namespace barograph::rules
