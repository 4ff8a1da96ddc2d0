#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::rules {

/// Median of all durations so far, within 3 %, from a log-linear histogram: 16 equal buckets in
/// each power of two of nanoseconds, integers only, so that the order of arrival does not matter
/// and a replay gives the same bytes. At most 1,024 buckets; a typical task type fills 20 to 60.
class UsualDuration {
 public:
  /// Negative durations count as 0.
  void Add(Duration duration, std::uint64_t count);
  /// Middle of the bucket that holds the median; 0 before the first duration.
  [[nodiscard]] Duration Median() const;
  [[nodiscard]] std::uint64_t count() const { return count_; }

  void Encode(std::string* out) const;
  /// Errors: kCorruption.
  [[nodiscard]] static Result<UsualDuration> Decode(std::string_view bytes);

 private:
  std::uint64_t count_ = 0;
  std::vector<std::pair<std::uint32_t, std::uint64_t>> buckets_;  ///< (index, count), by index
};

}  // namespace barograph::rules
