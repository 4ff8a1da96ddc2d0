#pragma once

#include <cstddef>
#include <vector>

#include "rules/condition/condition.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

/// Futures behind a probability: its standard error is at most 1.1 %.
inline constexpr std::size_t kForecastPaths = 2'000;
/// Steps of a forecast that are issued with it; later ones count for the answer alone.
inline constexpr std::size_t kStepsIssued = 60;

/// What the models of rules/forecast say to a question, from the steps before it (SeriesHistory).
/// Where they cannot say, `cannot_say` has the reason. The rule, its labels and the time of issue
/// are for the caller to fill in.
///
/// A level has reached a bound when it is there for the first time. The sum of a step has when the
/// mean of the last season is there (7 days, 24 hours), which begins before the question: one good
/// day is not yet "300 USD a day". A sum over the steps has exceeded a bound when it is reached.
///
/// Takes milliseconds to seconds: for a thread of its own. Pure: the same history gives the same
/// answer on one platform (futures are drawn with a fixed seed); what rules read is the event.
[[nodiscard]] storage::ForecastIssued AnswerTo(const ForecastQuestion& question,
                                               const std::vector<double>& history);

}  // namespace barograph::rules
