#include "rules/forecast/spread.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace barograph::rules::forecast {
namespace {

using Rows = std::vector<Values>;

constexpr double kManyOrigins = 12;  ///< as many as rolling_origin.h takes where it can

bool IsPositive(const Rows& rows) {
  return std::all_of(rows.begin(), rows.end(), [](const Values& row) {
    return *std::min_element(row.begin(), row.end()) > 0;
  });
}

Rows ErrorsOf(const Rows& forecasts, const Rows& actuals, bool relative) {
  Rows errors;
  for (std::size_t o = 0; o < forecasts.size(); ++o) {
    Values row(actuals[o].size());
    for (std::size_t h = 0; h < row.size(); ++h) {
      row[h] =
          relative ? std::log(actuals[o][h] / forecasts[o][h]) : actuals[o][h] - forecasts[o][h];
    }
    errors.push_back(std::move(row));
  }
  return errors;
}

/// Mean size of the errors of each step over the origins but `without`.
Values MeanSizes(const Rows& errors, std::size_t without) {
  Values sizes(errors.front().size(), 0.0);
  double count = 0;
  for (std::size_t o = 0; o < errors.size(); ++o) {
    if (o == without && errors.size() > 1) continue;
    for (std::size_t h = 0; h < sizes.size(); ++h) sizes[h] += std::abs(errors[o][h]);
    count += 1;
  }
  for (double& each : sizes) each /= count;
  return sizes;
}

/// size ~ level x step^growth by least squares on logarithms.
struct Law {
  double level = 0;
  double growth = 0;
  [[nodiscard]] double At(std::size_t step) const {
    return level * std::pow(static_cast<double>(step), growth);
  }
};

Law LawOf(const Values& sizes) {
  constexpr double kGrowthMax = 1;
  Law law;
  const double mean = MeanOf(sizes);
  if (mean <= 0) return law;
  double x_sum = 0;
  double y_sum = 0;
  for (std::size_t h = 0; h < sizes.size(); ++h) {
    x_sum += std::log(static_cast<double>(h + 1));
    y_sum += std::log(std::max(sizes[h], 0.05 * mean));
  }
  const auto n = static_cast<double>(sizes.size());
  double product = 0;
  double square = 1e-9;
  for (std::size_t h = 0; h < sizes.size(); ++h) {
    const double x = std::log(static_cast<double>(h + 1)) - x_sum / n;
    product += x * (std::log(std::max(sizes[h], 0.05 * mean)) - y_sum / n);
    square += x * x;
  }
  law.growth = std::clamp(product / square, 0.0, kGrowthMax);
  double unit = 0;
  for (std::size_t h = 0; h < sizes.size(); ++h) {
    unit += std::pow(static_cast<double>(h + 1), law.growth);
  }
  law.level = mean * n / unit;
  return law;
}

/// Scales of `horizon` steps from the sizes of the scored ones.
Values ScalesOf(const Values& sizes, std::size_t origins, std::size_t horizon) {
  constexpr double kLawOrigins = 12;  ///< the law counts like so many origins
  constexpr std::size_t kReach = 2;   ///< neighbours on each side
  constexpr double kBeyond = 0.5;     ///< least growth beyond what was scored: a random walk's
  const Law law = LawOf(sizes);
  const std::size_t scored = sizes.size();
  const double own = static_cast<double>(origins);
  Values scales(horizon);
  for (std::size_t h = 0; h < std::min(horizon, scored); ++h) {
    const std::size_t first = h > kReach ? h - kReach : 0;
    const std::size_t last = std::min(scored - 1, h + kReach);
    const double near = MeanOf(History(sizes).subspan(first, last - first + 1));
    scales[h] = (own * near + kLawOrigins * law.At(h + 1)) / (own + kLawOrigins);
  }
  const double growth = std::max(law.growth, kBeyond);
  for (std::size_t h = scored; h < horizon; ++h) {
    scales[h] = scales[scored - 1] *
                std::pow(static_cast<double>(h + 1) / static_cast<double>(scored), growth);
  }
  return scales;
}

Spread Fitted(const Rows& forecasts, const Rows& actuals, std::size_t horizon, bool relative) {
  Spread spread;
  spread.relative = relative;
  const Rows errors = ErrorsOf(forecasts, actuals, relative);
  spread.scales = ScalesOf(MeanSizes(errors, errors.size()), errors.size(), horizon);
  for (std::size_t o = 0; o < errors.size(); ++o) {
    // The scale of an origin's errors is what the others say: else it would contain them. Not below
    // half of what all say, or one bad moment among good ones would count twice.
    constexpr double kLeastShare = 0.5;
    const Values scales = ScalesOf(MeanSizes(errors, o), errors.size(), errors[o].size());
    Values path(errors[o].size(), 0.0);
    for (std::size_t h = 0; h < path.size(); ++h) {
      const double scale = std::max(scales[h], kLeastShare * spread.scales[h]);
      if (scale > 0) path[h] = errors[o][h] / scale;
      spread.sizes.push_back(std::abs(path[h]));
    }
    spread.paths.push_back(std::move(path));
  }
  std::sort(spread.sizes.begin(), spread.sizes.end());
  // Few origins have not met the largest errors yet.
  spread.inflation = std::max(1.0, 1 + 1 / static_cast<double>(errors.size()) - 1 / kManyOrigins);
  return spread;
}

/// Mean width of the 95 % intervals around these forecasts, in units of the series.
double MeanWidth(const Spread& spread, const Rows& forecasts) {
  const double size = SizeWithin(spread, 0.95);
  double sum = 0;
  for (const Values& row : forecasts) {
    for (std::size_t h = 0; h < row.size(); ++h) {
      const double half = size * spread.scales[h];
      sum += spread.relative ? row[h] * (std::exp(half) - std::exp(-half)) : 2 * half;
    }
  }
  return sum;
}

}  // namespace

double SizeWithin(const Spread& spread, double share) {
  return QuantileOf(spread.sizes, share) * spread.inflation;
}

Spread SpreadOf(const Rows& forecasts, const Rows& actuals, std::size_t horizon,
                bool may_be_relative) {
  Spread plain = Fitted(forecasts, actuals, horizon, false);
  if (!may_be_relative || !IsPositive(forecasts) || !IsPositive(actuals)) return plain;
  Spread relative = Fitted(forecasts, actuals, horizon, true);
  return MeanWidth(relative, forecasts) < MeanWidth(plain, forecasts) ? relative : plain;
}

}  // namespace barograph::rules::forecast
