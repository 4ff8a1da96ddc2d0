#include "rules/window/bucket_levels.h"

#include <string>

namespace barograph::rules {

int FindLevel(Duration window) {
  for (int level = 0; level < kLevelCount; ++level) {
    const LevelSpec& spec = kLevels[static_cast<std::size_t>(level)];
    if (spec.reach > 0 && window <= spec.width() * spec.reach) return level;
  }
  return kLevelCount;
}

Status CheckWindow(Duration window) {
  const int level = FindLevel(window);
  if (window > Duration::zero() && level < kLevelCount) {
    const Duration width = kLevels[static_cast<std::size_t>(level)].width();
    if (window % width == Duration::zero()) return {};
    return Error(
        ErrorCode::kInvalidArgument,
        "window " + FormatDuration(window) + " is not a multiple of " + FormatDuration(width) +
            ", the width of its buckets; allowed are multiples of 10s up to 1h, of 1m up to 6h, "
            "of 10m up to 3d and of 1h up to 35d");
  }
  const std::string shown = window < Duration::zero() ? "below 0" : FormatDuration(window);
  return Error(ErrorCode::kInvalidArgument,
               "window " + shown +
                   " is out of range; allowed are multiples of 10s up to 1h, of 1m up to 6h, "
                   "of 10m up to 3d and of 1h up to 35d");
}

}  // namespace barograph::rules
