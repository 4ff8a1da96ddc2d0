#include "rules/outlook/accuracy.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace barograph::rules {
namespace {

using std::chrono::days;
using std::chrono::hours;

constexpr double kNanosAUnit = 1e9;
/// What lies beyond is taken to lie here: sums of a million such values fit.
constexpr double kLargestNanos = 1e30;

/// The nearest whole number of nano-units. Intervals are compared after rounding, so a value on a
/// bound is inside.
Int128 Nanos(double units) {
  if (std::isnan(units)) return 0;
  const double nanos = std::round(units * kNanosAUnit);
  return static_cast<Int128>(std::clamp(nanos, -kLargestNanos, kLargestNanos));
}

Int128 Absolute(Int128 value) { return value < 0 ? -value : value; }

std::optional<double> Mean(Int128 sum, std::uint64_t count) {
  if (count == 0) return std::nullopt;
  return static_cast<double>(sum) / kNanosAUnit / static_cast<double>(count);
}

std::optional<double> Share(std::uint64_t part, std::uint64_t of) {
  if (of == 0) return std::nullopt;
  return static_cast<double>(part) / static_cast<double>(of);
}

}  // namespace

std::span<const std::uint32_t> HorizonsOf(std::chrono::seconds step) {
  static constexpr std::array<std::uint32_t, 3> kHourly{1, 6, 24}, kDaily{1, 7, 30};
  if (step == hours(1)) return kHourly;
  if (step == days(1)) return kDaily;
  return {};
}

void AccuracyScore::Add(const storage::ForecastStep& step, std::optional<Int128> came) {
  if (!came) {
    ++without_samples;
    return;
  }
  ++scored;
  const Int128 missed = Nanos(step.median) - *came;
  actual += Absolute(*came);
  error += missed;
  absolute_error += Absolute(missed);
  if (Nanos(step.low_80) <= *came && *came <= Nanos(step.high_80)) ++inside_80;
  if (Nanos(step.low_95) <= *came && *came <= Nanos(step.high_95)) ++inside_95;
}

AccuracyScore& AccuracyScore::operator+=(const AccuracyScore& other) {
  scored += other.scored;
  open += other.open;
  without_samples += other.without_samples;
  inside_80 += other.inside_80;
  inside_95 += other.inside_95;
  actual += other.actual;
  error += other.error;
  absolute_error += other.absolute_error;
  return *this;
}

ForecastAccuracy& ForecastAccuracy::operator+=(const ForecastAccuracy& other) {
  since = issued == 0 ? other.since : std::min(since, other.since);
  issued += other.issued;
  cannot_say += other.cannot_say;
  repeated += other.repeated;
  for (const auto& [kind, reason] : other.reasons) {
    reasons[kind].times += reason.times;
    reasons[kind].last = reason.last;
  }
  for (const auto& [horizon, score] : other.scores) scores[horizon] += score;
  return *this;
}

std::optional<double> AccuracyScore::MeanAbsoluteError() const {
  return Mean(absolute_error, scored);
}

std::optional<double> AccuracyScore::Bias() const { return Mean(error, scored); }

std::optional<double> AccuracyScore::Wape() const {
  if (actual == 0) return std::nullopt;
  return static_cast<double>(absolute_error) / static_cast<double>(actual);
}

std::optional<double> AccuracyScore::Coverage80() const { return Share(inside_80, scored); }
std::optional<double> AccuracyScore::Coverage95() const { return Share(inside_95, scored); }

std::optional<Int128> NanosOf(const ForecastSource& source, const StepValue& value) {
  if (value.count == 0) return std::nullopt;
  const Int128 nanos = value.sum * static_cast<Int128>(std::llround(source.unit * kNanosAUnit));
  const auto twice = static_cast<Int128>(value.count) * 2;
  const Int128 numerator = nanos * 2 + static_cast<Int128>(value.count);
  const Int128 quotient = numerator / twice;
  return numerator % twice < 0 ? quotient - 1 : quotient;
}

}  // namespace barograph::rules
