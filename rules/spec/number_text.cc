#include "rules/spec/number_text.h"

#include <array>
#include <cmath>
#include <cstdio>

namespace barograph::rules {

std::string NumberText(double value) {
  constexpr double kWholeMax = 1e15;  // up to here doubles hold every whole number
  std::array<char, 32> text{};
  const bool whole = std::floor(value) == value && std::abs(value) < kWholeMax;
  std::snprintf(text.data(), text.size(), whole ? "%.0f" : "%.4g", value);
  return text.data();
}

}  // namespace barograph::rules
