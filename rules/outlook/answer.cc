#include "rules/outlook/answer.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <variant>

#include "rules/forecast/arrival.h"
#include "rules/forecast/forecaster.h"
#include "rules/forecast/paths.h"
#include "rules/outlook/combination.h"

namespace barograph::rules {
namespace {

using forecast::Arrival;
using forecast::Paths;

constexpr std::uint64_t kSeed = 1;
constexpr double kBillion = 1e9;

/// Each step's mean over the season that ends with it, which begins in the history.
Paths SeasonMeans(const Paths& paths, const std::vector<double>& history, std::size_t season) {
  const std::size_t before = std::min(season - 1, history.size());
  Paths means = paths;
  for (forecast::Values& path : means) {
    std::vector<double> whole(history.end() - static_cast<std::ptrdiff_t>(before), history.end());
    whole.insert(whole.end(), path.begin(), path.end());
    for (std::size_t i = 0; i < path.size(); ++i) {
      const std::size_t end = before + i + 1;
      const std::size_t begin = end - std::min(season, end);
      path[i] = std::accumulate(whole.begin() + static_cast<std::ptrdiff_t>(begin),
                                whole.begin() + static_cast<std::ptrdiff_t>(end), 0.0) /
                static_cast<double>(end - begin);
    }
  }
  return means;
}

Arrival ArrivalIn(const ForecastQuestion& question, const std::vector<double>& history,
                  Paths paths) {
  if (question.form == ForecastQuestion::Form::kExceed) {
    for (forecast::Values& path : paths) path.back() *= question.last_share;
    return forecast::Exhausted(paths, question.already, question.bound);
  }
  if (!question.is_level) paths = SeasonMeans(paths, history, PeriodsOf(question).front());
  return forecast::Reached(paths, question.bound, !question.above);
}

}  // namespace

storage::ForecastIssued AnswerTo(const ForecastQuestion& question,
                                 const std::vector<double>& history) {
  storage::ForecastIssued issued;
  issued.measure = question.measure;
  issued.currency_code = question.currency;
  issued.history_end = question.begin;
  issued.step = std::chrono::duration_cast<std::chrono::seconds>(question.step);
  issued.history_steps = history.size();
  issued.question = question.text;
  const forecast::Answer answer = forecast::ForecastOf(history, CombinationOf(question));
  if (const auto* refused = std::get_if<forecast::CannotSay>(&answer)) {
    issued.cannot_say = refused->reason;
    return issued;
  }
  const auto& forecast = std::get<forecast::Forecast>(answer);
  issued.steps = StepsOf(forecast, kStepsIssued);
  issued.model = ModelText(forecast);
  const Arrival arrival =
      ArrivalIn(question, history, forecast::PathsOf(forecast, kForecastPaths, kSeed));
  issued.probability_ppb = std::llround(arrival.Probability() * kBillion);
  const auto time_of = [&](double share) -> std::optional<Time> {
    const std::optional<std::size_t> step = arrival.StepOf(share);
    if (!step) return std::nullopt;
    return question.begin + (static_cast<std::int64_t>(*step) + 1) * question.step;
  };
  issued.times = {time_of(0.1), time_of(0.5), time_of(0.9)};
  return issued;
}

}  // namespace barograph::rules
