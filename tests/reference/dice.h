#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "storage/base/clock.h"

namespace barograph::reference {

/// Random choices that a seed repeats on every machine: mt19937_64 is fixed by the standard, its
/// distributions are not.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  /// In [0, sides).
  std::int64_t Below(std::int64_t sides) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(sides));
  }
  bool Percent(int percent) { return Below(100) < percent; }
  Duration Span(Duration below) { return Duration(Below(below.count())); }
  template <typename T>
  const T& Of(const std::vector<T>& choices) {
    return choices[static_cast<std::size_t>(Below(static_cast<std::int64_t>(choices.size())))];
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace barograph::reference
