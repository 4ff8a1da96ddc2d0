#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "storage/base/clock.h"
#include "tests/reference/dice.h"

namespace barograph::reference {

/// Some windows over series of the built-in projections, as README.md describes queries.
[[nodiscard]] std::vector<nlohmann::json> RandomQuestions(Dice* dice, Time now);

}  // namespace barograph::reference
