#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include "rules/forecast/forecaster.h"

namespace barograph::rules::forecast {

inline constexpr std::size_t kPathsMax = 10'000;

/// Futures that could come: [path][step]. What a question about more than one step needs, because
/// errors of neighbouring steps go together.
using Paths = std::vector<Values>;

/// Simulated futures of a forecast. A path follows the errors of whole earlier origins, two of them
/// blended by a random angle, which keeps how errors of different steps go together; beyond the
/// scored steps it goes on with its own mean error and the wiggles of other origins. Then at each
/// step the paths take the quantiles of that step's spread in the order of their errors (Clark,
/// Gangopadhyay and others' "Schaake shuffle", Journal of Hydrometeorology 5, 2004), so that any
/// share of paths lies within the interval of that share.
///
/// The same forecast, count and seed give the same paths. `count` in [1, kPathsMax]. Pure.
[[nodiscard]] Paths PathsOf(const Forecast& forecast, std::size_t count, std::uint64_t seed);

/// The same from the series itself.
[[nodiscard]] std::variant<Paths, CannotSay> PathsOf(History history, const Question& question,
                                                     std::size_t count, std::uint64_t seed);

}  // namespace barograph::rules::forecast
