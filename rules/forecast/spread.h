#pragma once

#include <cstddef>
#include <vector>

#include "rules/forecast/values.h"

namespace barograph::rules::forecast {

/// How far what comes strays from a forecast, learned from how far it strayed from earlier ones:
/// conformal prediction (Vovk, Gammerman and Shafer, "Algorithmic Learning in a Random World",
/// 2005) over rolling origins, without an assumption about the distribution.
///
/// Errors are either differences or, for positive series where that gives the narrower honest
/// intervals, differences of logarithms. Each is divided by the scale of its step, so that all
/// steps of all origins together tell the quantiles; the scale of a step is what errors of that
/// step and its neighbours were, pulled towards the law scale ~ step^growth that all steps follow.
/// It adapts as origins move on: only the latest ones count, and series whose habits change carry
/// the new errors within a dozen origins.
struct Spread {
  bool relative = false;      ///< errors are differences of logarithms
  Values scales;              ///< of each step, in units of the series or of logarithms; >= 0
  Values sizes;               ///< of the errors in units of their scale, ascending, >= 0
  std::vector<Values> paths;  ///< [origin]: the errors in units of their scale, with sign
  double inflation = 1;       ///< for the few origins that the quantiles rest on
};

/// `forecasts` and `actuals` are of the same origins, the latest first; all of `scored` steps.
/// Scales beyond them, up to `horizon`, follow the law. `may_be_relative`: the forecast that the
/// spread is for is positive. Requires at least one origin.
[[nodiscard]] Spread SpreadOf(const std::vector<Values>& forecasts,
                              const std::vector<Values>& actuals, std::size_t horizon,
                              bool may_be_relative);

/// The error, in units of its scale, that a share of them does not exceed in size. `share` in [0,
/// 1].
[[nodiscard]] double SizeWithin(const Spread& spread, double share);

}  // namespace barograph::rules::forecast
