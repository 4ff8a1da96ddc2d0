#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/base/clock.h"

namespace barograph::storage {

/// One step of a forecast, in the measure's unit (1, seconds, units of money).
struct ForecastStep {
  double median = 0;
  double low_80 = 0, high_80 = 0;  ///< four of five are expected within
  double low_95 = 0, high_95 = 0;  ///< nineteen of twenty
  friend bool operator==(const ForecastStep&, const ForecastStep&) = default;
};

/// What a forecast says of the time at which something happens: a tenth, half and nine tenths of
/// all that may come have seen it by then. Nothing: they have not within the steps.
struct ForecastTimes {
  std::optional<Time> early, median, late;
  friend bool operator==(const ForecastTimes&, const ForecastTimes&) = default;
};

}  // namespace barograph::storage
