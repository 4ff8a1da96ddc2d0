#include "rules/threshold/meter.h"

#include <algorithm>
#include <numeric>

#include "rules/threshold/exact_order.h"

namespace barograph::rules {
namespace {

using Form = ThresholdSpec::Form;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

constexpr std::int64_t kBillion = 1'000'000'000;
/// Merging so many buckets costs about as much as judging an SLO.
constexpr std::int64_t kBucketsPerSlo = 4;
/// Longest window that any level reaches back.
constexpr Duration kReach = days(35);

/// 1e-9 of a unit for everything that is no count.
std::int64_t UnitOf(ValueUnit unit) { return unit == ValueUnit::kCount ? 1 : kBillion; }

bool MayBeNegative(const MeasureSum& sum) {
  return std::any_of(sum.terms.begin(), sum.terms.end(), [](const MeasureSum::Term& term) {
    return term.minus || term.name.base == "revenue.net" || term.name.base == "feedback.score" ||
           term.name.base.starts_with("sample:");
  });
}

/// Buckets that a window of values which cannot be subtracted is merged from.
std::int64_t MergedBuckets(const ThresholdSpec& spec, MeasureType type) {
  if (type == MeasureType::kSum) return 0;
  const Duration fine = type == MeasureType::kDistinct ? minutes(10) : minutes(1);
  return spec.over / (spec.over <= hours(6) ? fine : Duration(hours(1)));
}

}  // namespace

Meter::Meter(const ThresholdSpec& spec, const ThresholdSource& source)
    : form_(spec.form),
      type_(source.type),
      terms_(source.of.terms),
      of_count_(source.of.terms.size()),
      quantile_(static_cast<double>(spec.quantile_ppb) / kBillion),
      over_(spec.over) {
  terms_.insert(terms_.end(), source.to.terms.begin(), source.to.terms.end());
  scale_ = {1, UnitOf(source.of.unit)};
  if (form_ == Form::kRatio) scale_.numerator = UnitOf(source.to.unit);
  if (form_ == Form::kRate) {
    scale_.numerator = spec.per.count();
    const std::int64_t shared = std::gcd(spec.per.count(), over_.count());
    scale_ = {spec.per.count() / shared, Int128{UnitOf(source.of.unit)} * (over_.count() / shared)};
  }
  additive_ = (type_ == MeasureType::kSum && form_ != Form::kRatio) || form_ == Form::kCount ||
              form_ == Form::kDistinct;
  never_negative_ = !MayBeNegative(source.of) && type_ != MeasureType::kGauge;
  const MeasureSum& counted = form_ == Form::kRatio ? source.to : source.of;
  counts_ = counted.unit == ValueUnit::kCount;
  const std::int64_t merged = MergedBuckets(spec, type_) / kBucketsPerSlo;
  const bool looks_back = spec.versus == ThresholdSpec::Versus::kBaseline ||
                          spec.versus == ThresholdSpec::Versus::kAnomaly;
  const bool looks_beside =
      spec.versus == ThresholdSpec::Versus::kAnomaly && type_ == MeasureType::kGauge;
  const std::int64_t each = looks_beside ? 1 + 2 * kHoursBeside : 1;
  const std::int64_t windows = looks_back ? 1 + each * (spec.span / days(1)) : 1;
  cost_ = static_cast<std::size_t>(1 + merged + windows / 4);
}

std::vector<MeasureName> Meter::measures() const {
  std::vector<MeasureName> names;
  names.reserve(terms_.size());
  for (const MeasureSum::Term& term : terms_) names.push_back(term.name);
  return names;
}

Int128 Meter::Sum(const InstanceSeries& series, std::size_t from, std::size_t count,
                  Time at) const {
  Int128 sum = 0;
  for (std::size_t i = from; i < from + count; ++i) {
    const Int128 part = series.windows->Sum(series.cell, series.measures[i], at, over_);
    sum += terms_[i].minus ? -part : part;
  }
  return sum;
}

WindowStore::PastSum Meter::SumAgo(const InstanceSeries& series, std::size_t from,
                                   std::size_t count, Time at, Duration ago) const {
  WindowStore::PastSum sum;
  for (std::size_t i = from; i < from + count; ++i) {
    const WindowStore::PastSum part =
        series.windows->SumAgo(series.cell, series.measures[i], at, over_, ago);
    sum.weighted += terms_[i].minus ? -part.weighted : part.weighted;
    sum.width = part.width;
  }
  return sum;
}

Meter::Reading Meter::OfSums(Int128 of, Int128 to, std::int64_t width) const {
  Reading reading;
  const Int128 numerator = Times(of, scale_.numerator);
  if (form_ == Form::kRatio) {
    reading.known = to > 0;
    reading.empty = to <= 0;
    if (reading.known) reading.value = {numerator, Times(to, scale_.denominator)};
    reading.events = counts_ ? to / width : 0;
    return reading;
  }
  reading.known = true;
  reading.empty = of == 0;
  reading.value = {numerator, Times(scale_.denominator, width)};
  reading.events = counts_ ? of / width : 0;
  return reading;
}

Meter::Reading Meter::OfQuantile(const QuantileAnswer& answer) const {
  Reading reading;
  reading.events = static_cast<Int128>(answer.count);
  reading.empty = answer.count == 0;
  if (form_ == Form::kCount) {
    reading.known = true;
    reading.value = {reading.events, 1};
    return reading;
  }
  reading.known = answer.count > 0;
  reading.value = {static_cast<Int128>(answer.value), kBillion};
  return reading;
}

Meter::Reading Meter::OfGauge(const GaugeAnswer& answer) const {
  Reading reading;
  reading.events = static_cast<Int128>(answer.count);
  reading.known = answer.count > 0;
  reading.empty = !reading.known;
  if (!reading.known) return reading;
  reading.value = form_ == Form::kLast ? ExactRatio{answer.last, kBillion}
                                       : ExactRatio{answer.sum, Times(kBillion, reading.events)};
  return reading;
}

Meter::Reading Meter::Now(const InstanceSeries& series, Time at) const {
  const WindowStore& windows = *series.windows;
  switch (type_) {
    case MeasureType::kDistribution:
      return OfQuantile(windows.Quantile(series.cell, series.measures[0], quantile_, at, over_));
    case MeasureType::kGauge:
      return OfGauge(windows.Gauge(series.cell, series.measures[0], at, over_));
    case MeasureType::kDistinct: {
      Reading reading;
      reading.events = windows.Distinct(series.cell, series.measures[0], at, over_);
      reading.value = {reading.events, 1};
      reading.known = true;
      reading.empty = reading.events == 0;
      return reading;
    }
    case MeasureType::kSum:
      break;
  }
  return OfSums(Sum(series, 0, of_count_, at),
                Sum(series, of_count_, terms_.size() - of_count_, at), 1);
}

bool Meter::HadBegun(const InstanceSeries& series, Time at, Time time) const {
  if (series.windows->CellSince(series.cell) <= time) return true;
  // History that came later than its own time, as an import does.
  const Duration ago = at - time, before = kReach - std::chrono::ceil<hours>(ago);
  if (before <= Duration{0}) return false;
  return std::any_of(series.measures.begin(), series.measures.end(), [&](MeasureId measure) {
    return series.windows->SumAgo(series.cell, measure, at, before, ago).weighted != 0;
  });
}

Meter::Level Meter::LevelAgo(const InstanceSeries& series, Time at, Duration ago) const {
  const Time to = at - ago;
  const GaugeAnswer answer =
      series.windows->GaugeOfHours(series.cell, series.measures[0], to - over_, to);
  if (answer.count == 0) return {};
  const ExactRatio mean = {answer.sum, Times(kBillion, static_cast<Int128>(answer.count))};
  const ExactRatio range = {Int128{answer.max} - answer.min, kBillion};
  return {answer.count, ToDouble(mean), ToDouble(range)};
}

double Meter::share_of_hour() const {
  const Duration left = hours(1) - over_;
  return left > Duration{0}
             ? static_cast<double>(left.count()) / static_cast<double>(Duration(hours(1)).count())
             : 0;
}

Meter::Reading Meter::Ago(const InstanceSeries& series, Time at, Duration ago) const {
  const WindowStore& windows = *series.windows;
  const Time to = at - ago, from = to - over_;
  if (type_ == MeasureType::kDistribution) {
    return OfQuantile(
        windows.QuantileOfHours(series.cell, series.measures[0], quantile_, from, to));
  }
  if (type_ == MeasureType::kGauge)
    return OfGauge(windows.GaugeOfHours(series.cell, series.measures[0], from, to));
  const WindowStore::PastSum of = SumAgo(series, 0, of_count_, at, ago);
  const WindowStore::PastSum to_sum = SumAgo(series, of_count_, terms_.size() - of_count_, at, ago);
  Reading reading = OfSums(of.weighted, to_sum.weighted, of.width);
  if (form_ != Form::kRatio && !HadBegun(series, at, from)) reading.known = false;
  return reading;
}

}  // namespace barograph::rules
