#include "rules/forecast/arrival.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "storage/base/assert.h"

namespace barograph::rules::forecast {
namespace {

using Step = std::optional<std::size_t>;

Arrival Over(const Paths& paths, const std::function<Step(const Values&)>& arrival) {
  std::vector<Step> steps;
  steps.reserve(paths.size());
  for (const Values& path : paths) steps.push_back(arrival(path));
  return Arrival(steps);
}

Step SustainedStep(const Values& path, const Goal& goal) {
  if (path.size() < goal.window) return std::nullopt;
  double sum = 0;
  for (std::size_t t = 0; t < goal.window; ++t) sum += path[t];
  const double least = goal.level * static_cast<double>(goal.window);
  std::size_t held = 0;
  for (std::size_t begin = 0;; ++begin) {
    held = sum >= least ? held + 1 : 0;
    if (held == goal.hold) return begin + 1 - goal.hold;
    if (begin + goal.window >= path.size()) return std::nullopt;
    sum += path[begin + goal.window] - path[begin];
  }
}

}  // namespace

Arrival::Arrival(const std::vector<Step>& steps) : futures_(steps.size()) {
  for (const Step& each : steps) {
    if (each) arrived_.push_back(*each);
  }
  std::sort(arrived_.begin(), arrived_.end());
}

double Arrival::ProbabilityWithin(std::size_t steps) const {
  const auto end = std::lower_bound(arrived_.begin(), arrived_.end(), steps);
  return static_cast<double>(end - arrived_.begin()) / static_cast<double>(futures_);
}

double Arrival::Probability() const {
  return static_cast<double>(arrived_.size()) / static_cast<double>(futures_);
}

std::optional<std::size_t> Arrival::StepOf(double share) const {
  const double needed = std::max(std::ceil(share * static_cast<double>(futures_)), 1.0);
  const auto rank = static_cast<std::size_t>(needed);
  if (rank > arrived_.size()) return std::nullopt;
  return arrived_[rank - 1];
}

Arrival SustainedFrom(const Paths& paths, const Goal& goal) {
  BAROGRAPH_ASSERT(!paths.empty() && goal.window >= 1 && goal.hold >= 1, "paths and goal");
  return Over(paths, [&](const Values& path) { return SustainedStep(path, goal); });
}

Arrival Exhausted(const Paths& paths, double spent, double limit) {
  return Over(paths, [&](const Values& path) -> Step {
    double sum = spent;
    if (sum > limit) return 0;
    for (std::size_t t = 0; t < path.size(); ++t) {
      sum += path[t];
      if (sum > limit) return t;
    }
    return std::nullopt;
  });
}

Arrival Reached(const Paths& paths, double limit, bool falling) {
  return Over(paths, [&](const Values& path) -> Step {
    for (std::size_t t = 0; t < path.size(); ++t) {
      if (falling ? path[t] <= limit : path[t] >= limit) return t;
    }
    return std::nullopt;
  });
}

Values SumsOf(const Paths& paths, std::size_t first, std::size_t count) {
  Values sums;
  for (const Values& path : paths) {
    double sum = 0;
    for (std::size_t t = first; t < first + count; ++t) sum += path[t];
    sums.push_back(sum);
  }
  std::sort(sums.begin(), sums.end());
  return sums;
}

}  // namespace barograph::rules::forecast
