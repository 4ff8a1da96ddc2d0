#include "rules/outlook/trajectory.h"

#include <algorithm>
#include <chrono>
#include <utility>
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
/// A level is looked for so many steps ahead at most, by the steps' length.
constexpr std::size_t kDaysAhead = 365, kHoursAhead = 14 * 24;

std::size_t SeasonOf(const ForecastQuestion& question) { return PeriodsOf(question).front(); }

/// The steps behind a level that is held from some step on.
std::size_t HoldOf(const ForecastQuestion& question) { return 3 * SeasonOf(question) + 1; }

/// Steps that are used up by looking whether a level is held from the step before them on.
std::size_t TailOf(const ForecastQuestion& question) {
  return question.is_level ? 0 : SeasonOf(question) + HoldOf(question) - 1;
}

storage::ForecastStep SumOf(const Paths& paths, std::size_t steps) {
  const forecast::Values sums = forecast::SumsOf(paths, 0, steps);
  const auto at = [&](double share) { return forecast::QuantileOf(sums, share); };
  return {at(0.5), at(0.1), at(0.9), at(0.025), at(0.975)};
}

Arrival ArrivalAt(const ForecastQuestion& question, const LevelAsked& level, Paths paths) {
  if (question.is_level) return forecast::Reached(paths, level.bound, !level.above);
  double bound = level.bound;
  if (!level.above) {
    bound = -bound;
    for (forecast::Values& path : paths) {
      for (double& value : path) value = -value;
    }
  }
  return forecast::SustainedFrom(paths, {bound, SeasonOf(question), HoldOf(question)});
}

LevelHeld HeldFrom(ForecastQuestion question, const LevelAsked& level,
                   const std::vector<double>& history) {
  LevelHeld held;
  const std::size_t tail = TailOf(question);
  const std::size_t ahead = question.step == std::chrono::hours(1) ? kHoursAhead : kDaysAhead;
  question.horizon =
      std::min(forecast::LongestHorizon(history.size()), std::min(ahead, history.size()) + tail);
  if (question.horizon <= tail) {
    held.cannot_say = "a history of " + std::to_string(history.size()) + " steps carries " +
                      std::to_string(question.horizon) + " ahead, and " + std::to_string(tail + 1) +
                      " are needed to see that a level is held";
    return held;
  }
  const forecast::Answer answer = forecast::ForecastOf(history, CombinationOf(question));
  if (const auto* refused = std::get_if<forecast::CannotSay>(&answer)) {
    held.cannot_say = refused->reason;
    return held;
  }
  const auto& forecast = std::get<forecast::Forecast>(answer);
  const Arrival arrival =
      ArrivalAt(question, level, forecast::PathsOf(forecast, kTrajectoryPaths, kSeed));
  held.within = question.horizon - tail;
  held.probability = arrival.Probability();
  held.early = arrival.StepOf(0.1);
  held.median = arrival.StepOf(0.5);
  held.late = arrival.StepOf(0.9);
  return held;
}

}  // namespace

Trajectory TrajectoryOf(const ForecastQuestion& question, const std::optional<LevelAsked>& level,
                        const std::vector<double>& history) {
  Trajectory trajectory;
  const forecast::Answer answer = forecast::ForecastOf(history, CombinationOf(question));
  if (const auto* refused = std::get_if<forecast::CannotSay>(&answer)) {
    trajectory.cannot_say = refused->reason;
    return trajectory;
  }
  const auto& forecast = std::get<forecast::Forecast>(answer);
  trajectory.models = ModelText(forecast);
  trajectory.steps = StepsOf(forecast, question.horizon);
  if (!question.is_level) {
    const Paths paths = forecast::PathsOf(forecast, kTrajectoryPaths, kSeed);
    const bool hourly = question.step == std::chrono::hours(1);
    for (const std::size_t steps :
         hourly ? std::vector<std::size_t>{24, 168} : std::vector<std::size_t>{7, 30}) {
      if (steps <= question.horizon) trajectory.totals.push_back({steps, SumOf(paths, steps)});
    }
  }
  if (level) trajectory.held = HeldFrom(question, *level, history);
  return trajectory;
}

}  // namespace barograph::rules
