#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace barograph::storage {

/// Whether `text` is well-formed UTF-8 (Unicode 15, table 3-7): no overlong forms, surrogates or
/// values above U+10FFFF.
[[nodiscard]] bool IsUtf8(std::string_view text);

/// `text` with every byte that is in no well-formed sequence replaced by U+FFFD.
[[nodiscard]] std::string ToUtf8(std::string_view text);

/// Whether every byte is below 0x80; reads eight bytes at a time.
[[nodiscard]] inline bool IsAscii(std::string_view text) {
  const char* at = text.data();
  const std::size_t size = text.size();
  std::uint64_t seen = 0;
  if (size >= 8) {
    std::uint64_t word;
    for (std::size_t i = 0; i + 8 <= size; i += 8) {
      std::memcpy(&word, at + i, 8);
      seen |= word;
    }
    std::memcpy(&word, at + size - 8, 8);
    seen |= word;
  } else if (size >= 4) {
    std::uint32_t first;
    std::uint32_t last;
    std::memcpy(&first, at, 4);
    std::memcpy(&last, at + size - 4, 4);
    seen = first | last;
  } else {
    for (std::size_t i = 0; i < size; ++i) seen |= static_cast<std::uint8_t>(at[i]);
  }
  return (seen & 0x8080808080808080U) == 0;
}

}  // namespace barograph::storage
