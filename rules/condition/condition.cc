#include "rules/condition/condition.h"

namespace barograph::rules {

std::optional<Condition::PastBreach> Condition::JudgePast(const InstanceSeries&, std::size_t, Time,
                                                          Time) const {
  return std::nullopt;
}

std::optional<Time> Condition::ChangesAt(const InstanceSeries&, Time) const { return std::nullopt; }

std::optional<ForecastQuestion> Condition::Asks(const InstanceSeries&, Time) const {
  return std::nullopt;
}

std::optional<ForecastSource> Condition::Forecasts(const InstanceSeries&) const {
  return std::nullopt;
}

}  // namespace barograph::rules
