#include "rules/outlook/combination.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "rules/spec/number_text.h"

namespace barograph::rules {
namespace {

constexpr std::size_t kModelsNamed = 3;

}  // namespace

std::vector<std::size_t> PeriodsOf(const ForecastQuestion& question) {
  if (question.step == std::chrono::hours(1)) return {24, 168};
  return {7};
}

forecast::Question CombinationOf(const ForecastQuestion& question) {
  return {.horizon = question.horizon,
          .periods = PeriodsOf(question),
          .never_negative = question.never_negative};
}

std::string ModelText(const forecast::Forecast& forecast) {
  std::string text;
  for (std::size_t i = 0; i < std::min(kModelsNamed, forecast.models.size()); ++i) {
    const forecast::ModelShare& model = forecast.models[i];
    if (model.weight <= 0) break;
    text += (text.empty() ? "" : ", ") + model.name + " " +
            NumberText(std::round(model.weight * 100)) + " %";
  }
  return text;
}

std::vector<storage::ForecastStep> StepsOf(const forecast::Forecast& forecast, std::size_t most) {
  std::vector<storage::ForecastStep> steps;
  for (std::size_t i = 0; i < std::min(most, forecast.centre.size()); ++i) {
    const forecast::Interval wide = forecast.IntervalAt(i, 0.95);
    const forecast::Interval narrow = forecast.IntervalAt(i, 0.80);
    steps.push_back({forecast.centre[i], narrow.low, narrow.high, wide.low, wide.high});
  }
  return steps;
}

}  // namespace barograph::rules
