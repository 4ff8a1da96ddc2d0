#pragma once

#include <array>
#include <cstring>
#include <string>
#include <string_view>

#include "storage/base/ids.h"

namespace barograph::storage {

/// Key of one record: partition u32BE, first sequence u64BE, so that RocksDB's order is the log's.
class LogKey {
 public:
  static constexpr std::size_t kBytes = 12;

  LogKey(PartitionId partition, Sequence first) {
    const std::uint32_t high = __builtin_bswap32(partition.value);
    const std::uint64_t low = __builtin_bswap64(first.value);
    std::memcpy(bytes_.data(), &high, sizeof(high));
    std::memcpy(bytes_.data() + sizeof(high), &low, sizeof(low));
  }
  [[nodiscard]] std::string_view bytes() const { return {bytes_.data(), bytes_.size()}; }

  /// Whether `key` is one of this partition's.
  [[nodiscard]] static bool Holds(std::string_view key, PartitionId partition) {
    return key.size() == kBytes &&
           key.substr(0, 4) == LogKey(partition, Sequence{}).bytes().substr(0, 4);
  }
  [[nodiscard]] static Sequence FirstSequence(std::string_view key) {
    std::uint64_t low = 0;
    std::memcpy(&low, key.data() + 4, sizeof(low));
    return {__builtin_bswap64(low)};
  }

 private:
  std::array<char, kBytes> bytes_{};
};

}  // namespace barograph::storage
