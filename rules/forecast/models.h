#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "rules/forecast/values.h"

namespace barograph::rules::forecast {

/// One way to continue a history: returns `horizon` numbers, or nothing where it does not apply.
/// Pure and deterministic; any number of threads may call it.
using Continuation = std::function<Values(History history, std::size_t horizon)>;

struct Model {
  std::string name;  ///< e.g. "theta", "season x lags"; stable, shown to people
  Continuation forecast;
};

/// Everything that is tried on a series with these seasonal periods (in steps, ascending, each at
/// least 2; none for a series without seasons). `is_sparse` adds the models of intermittent demand.
/// Names: "log" works on logarithms, "season +" and "season x" on the history without its seasons,
/// which are added or multiplied again afterwards.
[[nodiscard]] std::vector<Model> ModelsFor(const std::vector<std::size_t>& periods, bool is_sparse);

/// Lags that a regression on a series with these periods looks at: a run of recent ones, and the
/// surroundings of each period and of its multiples. Ascending; none beyond `lag_max`.
[[nodiscard]] std::vector<std::size_t> SeasonalLags(const std::vector<std::size_t>& periods,
                                                    std::size_t lag_max);

}  // namespace barograph::rules::forecast
