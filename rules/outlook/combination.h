#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "rules/condition/condition.h"
#include "rules/forecast/forecaster.h"
#include "storage/event/forecast_event.h"

namespace barograph::rules {

/// Seasons that a series of the question's step may have, in steps.
[[nodiscard]] std::vector<std::size_t> PeriodsOf(const ForecastQuestion& question);
/// The question as rules/forecast wants it.
[[nodiscard]] forecast::Question CombinationOf(const ForecastQuestion& question);
/// The heaviest models: "theta 31 %, level 20 %".
[[nodiscard]] std::string ModelText(const forecast::Forecast& forecast);
/// The first `most` steps with their intervals.
[[nodiscard]] std::vector<storage::ForecastStep> StepsOf(const forecast::Forecast& forecast,
                                                         std::size_t most);

}  // namespace barograph::rules
