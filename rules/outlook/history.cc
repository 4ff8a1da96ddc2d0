#include "rules/outlook/history.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace barograph::rules {
namespace {

using std::chrono::hours;

/// Two years of days; six weeks of hours; of levels no more hours are kept.
constexpr std::size_t kDays = 730, kHours = 42 * 24, kLevelHours = 34 * 24;

std::size_t StepsOf(const ForecastQuestion& question) {
  if (question.is_level) return kLevelHours;
  return question.step == hours(1) ? kHours : kDays;
}

}  // namespace

StepValue ValueOf(const ForecastSource& source, const WindowStore& windows, CellId cell, Time from,
                  Time to) {
  if (source.is_level) {
    const GaugeAnswer level = windows.GaugeOfHours(cell, source.terms[0].measure, from, to);
    return {level.sum, level.count};
  }
  StepValue value;
  for (const ForecastSource::Term& term : source.terms) {
    const Int128 part = windows.SumBetween(cell, term.measure, from, to);
    value.sum += term.minus ? -part : part;
  }
  return value;
}

SeriesHistory::SeriesHistory(const ForecastQuestion& question)
    : question_(question), most_(StepsOf(question)) {}

bool SeriesHistory::ReadMore(const WindowStore& windows, CellId cell, std::size_t steps) {
  const std::size_t until = std::min(most_, newest_first_.size() + steps);
  while (newest_first_.size() < until) {
    const auto back = static_cast<std::int64_t>(newest_first_.size());
    const Time to = question_.begin - back * question_.step;
    const Time from = to - question_.step;
    const StepValue value = ValueOf(question_, windows, cell, from, to);
    newest_first_.push_back(value.count == 0 ? std::numeric_limits<double>::quiet_NaN()
                                             : static_cast<double>(value.sum) * question_.unit /
                                                   static_cast<double>(value.count));
  }
  return newest_first_.size() < most_;
}

std::vector<double> SeriesHistory::Values() const {
  const auto says = [this](double value) {
    return question_.is_level ? !std::isnan(value) : value != 0;
  };
  const auto first = std::find_if(newest_first_.rbegin(), newest_first_.rend(), says);
  std::vector<double> values(first, newest_first_.rend());
  for (std::size_t i = 1; i < values.size(); ++i) {
    if (std::isnan(values[i])) values[i] = values[i - 1];
  }
  return values;
}

}  // namespace barograph::rules
