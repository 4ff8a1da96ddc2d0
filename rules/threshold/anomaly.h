#pragma once

#include <cstdint>
#include <span>

namespace barograph::rules {

/// How unusual a number is beside the same hours of earlier days.
///
/// Dense series: the modified z-score of Iglewicz and Hoaglin ("How to Detect and Handle Outliers",
/// 1993, section 3): (x - median) / (1.4826 x MAD), MAD being the median of |reference - median|.
/// Where more than half of the references are equal MAD is 0, and 1.2533 x their mean absolute
/// deviation stands in for it. The scale is at least 1 % of the median, and for counts at least
/// sqrt(median), because no stream of independent events varies less.
///
/// Levels are compared with hours, and a short window moves more than the mean of an hour does.
/// `within`, the spread of samples inside the hours, is that part of the variance:
/// scale^2 = (spread between the references)^2 + within^2.
///
/// Sparse counts, with fewer than kSparseCount a window on average, have no useful median: the
/// chance of a count as high (or as low) is taken from a Poisson distribution with the references'
/// mean, their highest one left out so that one earlier incident does not hide the next, and half
/// an event added (Jeffreys' prior). It is compared with the tail of the normal distribution beyond
/// the same limit.
///
/// Everything is made of + - x / and sqrt on doubles, which IEEE 754 rounds alike everywhere; exp
/// and the normal tail are computed here, because a platform's libm may differ in the last digit.
struct Usual {
  double centre = 0;  ///< median, or for sparse counts the mean
  double scale = 0;   ///< one robust standard deviation
  bool sparse = false;
  bool known = false;  ///< false: the references have no spread that anything could be measured by
};
inline constexpr double kSparseCount = 25;

/// `references` is reordered. Requires at least two of them.
[[nodiscard]] Usual UsualOf(std::span<double> references, bool are_counts, double within = 0);

/// Standard deviation of samples that lie `range` apart, from the range that as many samples of a
/// normal distribution have on average (Shewhart's d2; Tippett, Biometrika 17, 1925). Samples that
/// fall into bursts make it larger, which is what an alert wants. Requires samples >= 2.
[[nodiscard]] double DeviationOfRange(double range, std::uint64_t samples);
/// The smallest value that three quarters of them do not exceed; one day in four may be an incident
/// without moving it. `values` is reordered. Requires at least one.
[[nodiscard]] double UpperQuartile(std::span<double> values);

/// How far a value lies from the usual.
struct Deviation {
  double score = 0;   ///< in robust standard deviations; 0 for sparse counts
  double chance = 1;  ///< for sparse counts: of a count as far out on that side
  bool above = false;
};
[[nodiscard]] Deviation DeviationOf(double value, const Usual& usual);
/// Whether it is beyond `limit` robust standard deviations; `tail` is NormalTail(limit).
[[nodiscard]] bool IsBeyond(const Deviation& deviation, const Usual& usual, double limit,
                            double tail);

/// P(Z > z) of the standard normal distribution, by Laplace's continued fraction (Abramowitz and
/// Stegun 26.2.14). Requires 1 <= z <= 30; relative error below 1e-9.
[[nodiscard]] double NormalTail(double z);
/// P(X >= count) and P(X <= count) for a Poisson X. Requires 0 < mean <= 100.
[[nodiscard]] double PoissonAtLeast(std::int64_t count, double mean);
[[nodiscard]] double PoissonAtMost(std::int64_t count, double mean);
/// exp(-x) for 0 <= x <= 700.
[[nodiscard]] double ExpOfMinus(double x);

}  // namespace barograph::rules
