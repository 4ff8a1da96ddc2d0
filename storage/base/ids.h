#pragma once

#include <array>
#include <compare>
#include <cstdint>

namespace barograph {

/// An integer that cannot be mixed up with another kind of integer.
template <typename Tag, typename T = std::uint64_t>
struct StrongInt {
  T value = 0;
  friend auto operator<=>(const StrongInt&, const StrongInt&) = default;
  StrongInt& operator++() {
    ++value;
    return *this;
  }
  [[nodiscard]] StrongInt Plus(T n) const { return {static_cast<T>(value + n)}; }
};

/// Position in a partition's log: dense, from 1, never reused. 0 = before the first event.
using Sequence = StrongInt<struct SequenceTag>;
/// The unit of order, log, windows, alerts and ownership. Embedded there is one, number 0.
using PartitionId = StrongInt<struct PartitionTag, std::uint32_t>;

/// SHA-256 digest.
using Digest = std::array<std::uint8_t, 32>;

}  // namespace barograph
