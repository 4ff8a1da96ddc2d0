#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/base/bytes.h"

namespace barograph::rules {

/// DDSketch (Masson, Rim, Lee: PVLDB 12, 2019) over 64-bit integers with relative error at most 1
/// %, and an integer index: each octave [2^e, 2^(e+1)) is cut into 64 equal buckets, so index and
/// bounds need shifts only and are the same everywhere.
///
///   |v| < 64    index |v|, exact
///   otherwise   index (e - 5) x 64 + ((|v| >> (e - 6)) & 63) with e = floor(log2 |v|)
///
/// Negative values have the negated index, 0 has index 0. The representative 2lu / (l + u) of a
/// bucket [l, u) is within 1/129 = 0.78 % of every value in it.
///
/// While it changes often it is dense; Pack() turns it into a few bytes, and the next change
/// unpacks it.
/// Threads: a plain value.
class Sketch {
 public:
  [[nodiscard]] static std::int32_t IndexOf(std::int64_t value);
  [[nodiscard]] static double Representative(std::int32_t index);

  void Add(std::int32_t index, std::uint64_t count) {
    const auto place = static_cast<std::size_t>(static_cast<std::int64_t>(index) - first_);
    if (place < counts_.size()) [[likely]] {
      counts_[place] += count;
      return;
    }
    AddOutside(index, count);
  }
  void Merge(const Sketch& other);
  void Clear();
  void Pack();

  [[nodiscard]] std::uint64_t count() const;
  /// Index of the bucket that holds the value of rank ceil(q x count) (at least 1) in ascending
  /// order; requires count() > 0.
  [[nodiscard]] std::int32_t Quantile(double q) const;
  [[nodiscard]] bool empty() const { return packed_.empty() && counts_.empty(); }

  /// Encoding is the packed form: filled buckets in order, whichever form is in use.
  void Encode(ByteWriter* out) const;
  [[nodiscard]] bool Decode(ByteReader* in);
  [[nodiscard]] std::size_t bytes() const {
    return counts_.capacity() * sizeof(std::uint64_t) + packed_.capacity();
  }

 private:
  void AddOutside(std::int32_t index, std::uint64_t count);
  [[nodiscard]] std::string Packed() const;
  void Unpack();

  std::int32_t first_ = 0;             ///< index of counts_[0]
  std::vector<std::uint64_t> counts_;  ///< dense form
  std::string packed_;                 ///< packed form; at most one of the two is filled
};

}  // namespace barograph::rules
