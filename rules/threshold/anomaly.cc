#include "rules/threshold/anomaly.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace barograph::rules {
namespace {

constexpr double kMadToDeviation = 1.4826;     ///< 1 / 0.67449, the normal distribution's quartile
constexpr double kMeanToDeviation = 1.253314;  ///< sqrt(pi / 2)
constexpr double kLeastScale = 0.01;           ///< of the median
constexpr double kRootOfTwoPi = 2.5066282746310002;

/// The range of so many samples of the standard normal distribution, on average; between two
/// entries it is interpolated, within 1 %.
struct MeanRange {
  std::uint64_t samples;
  double deviations;
};
constexpr std::array<MeanRange, 19> kMeanRanges = {{{2, 1.1284},
                                                    {3, 1.6926},
                                                    {4, 2.0588},
                                                    {5, 2.3259},
                                                    {6, 2.5344},
                                                    {8, 2.8472},
                                                    {12, 3.2585},
                                                    {16, 3.5320},
                                                    {24, 3.8953},
                                                    {32, 4.1393},
                                                    {48, 4.4662},
                                                    {64, 4.6875},
                                                    {96, 4.9859},
                                                    {128, 5.1892},
                                                    {256, 5.6537},
                                                    {512, 6.0878},
                                                    {1024, 6.4965},
                                                    {2048, 6.8836},
                                                    {4096, 7.2522}}};

double MedianOf(std::span<double> values) {
  const std::size_t middle = values.size() / 2;
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(middle);
  std::nth_element(values.begin(), place, values.end());
  if (values.size() % 2 == 1) return *place;
  return (*std::max_element(values.begin(), place) + *place) / 2;
}

}  // namespace

double ExpOfMinus(double x) {
  // exp(-x) = exp(-x / 2^n)^(2^n), with a Taylor series where it converges fast.
  int halvings = 0;
  while (x > 0.5) {
    x /= 2;
    ++halvings;
  }
  double term = 1;
  double sum = 1;
  for (int i = 1; i <= 20; ++i) {
    term *= -x / i;
    sum += term;
  }
  for (; halvings > 0; --halvings) sum *= sum;
  return sum;
}

double NormalTail(double z) {
  constexpr int kTerms = 300;
  double fraction = z;
  for (int i = kTerms; i >= 1; --i) fraction = z + i / fraction;
  return ExpOfMinus(z * z / 2) / (kRootOfTwoPi * fraction);
}

double PoissonAtLeast(std::int64_t count, double mean) {
  if (count <= 0) return 1;
  double term = ExpOfMinus(mean);
  for (std::int64_t i = 1; i <= count && term > 0; ++i) term *= mean / static_cast<double>(i);
  double sum = 0;
  for (std::int64_t i = count + 1; term > sum * 1e-17; ++i) {
    sum += term;
    term *= mean / static_cast<double>(i);
  }
  return std::min(sum, 1.0);
}

double PoissonAtMost(std::int64_t count, double mean) {
  double term = ExpOfMinus(mean);
  double sum = 0;
  for (std::int64_t i = 0; i <= count; ++i) {
    sum += term;
    term *= mean / static_cast<double>(i + 1);
    if (term < sum * 1e-17 && static_cast<double>(i) > mean) break;
  }
  return std::min(sum, 1.0);
}

double DeviationOfRange(double range, std::uint64_t samples) {
  const auto above = std::upper_bound(
      kMeanRanges.begin(), kMeanRanges.end(), samples,
      [](std::uint64_t count, const MeanRange& each) { return count < each.samples; });
  if (above == kMeanRanges.end()) return range / kMeanRanges.back().deviations;
  const MeanRange& below = *(above - 1);
  const double share = static_cast<double>(samples - below.samples) /
                       static_cast<double>(above->samples - below.samples);
  return range / (below.deviations + share * (above->deviations - below.deviations));
}

double UpperQuartile(std::span<double> values) {
  const std::size_t rank = (3 * values.size() + 3) / 4;
  const auto place = values.begin() + static_cast<std::ptrdiff_t>(rank - 1);
  std::nth_element(values.begin(), place, values.end());
  return *place;
}

Usual UsualOf(std::span<double> references, bool are_counts, double within) {
  Usual usual;
  const double sum = std::accumulate(references.begin(), references.end(), 0.0);
  const auto size = static_cast<double>(references.size());
  if (are_counts && sum < kSparseCount * size) {
    const double highest = *std::max_element(references.begin(), references.end());
    usual.centre = (sum - highest + 0.5) / (size - 1);
    usual.sparse = usual.known = true;
    return usual;
  }
  usual.centre = MedianOf(references);
  for (double& each : references) each = std::abs(each - usual.centre);
  usual.scale = kMadToDeviation * MedianOf(references);
  if (usual.scale == 0) {
    // A sum of doubles depends on their order, which the median left open.
    std::sort(references.begin(), references.end());
    usual.scale =
        kMeanToDeviation * (std::accumulate(references.begin(), references.end(), 0.0) / size);
  }
  if (within > 0) usual.scale = std::sqrt(usual.scale * usual.scale + within * within);
  usual.scale = std::max(usual.scale, kLeastScale * std::abs(usual.centre));
  if (are_counts) usual.scale = std::max(usual.scale, std::sqrt(std::max(usual.centre, 1.0)));
  usual.known = usual.scale > 0;
  return usual;
}

Deviation DeviationOf(double value, const Usual& usual) {
  Deviation deviation;
  deviation.above = value > usual.centre;
  if (!usual.sparse) {
    deviation.score = (value - usual.centre) / usual.scale;
    return deviation;
  }
  constexpr double kCountMax = 1e15;
  const auto count = static_cast<std::int64_t>(std::clamp(value + 0.5, 0.0, kCountMax));
  deviation.chance =
      deviation.above ? PoissonAtLeast(count, usual.centre) : PoissonAtMost(count, usual.centre);
  return deviation;
}

bool IsBeyond(const Deviation& deviation, const Usual& usual, double limit, double tail) {
  if (usual.sparse) return deviation.chance < tail;
  return std::abs(deviation.score) > limit;
}

}  // namespace barograph::rules
