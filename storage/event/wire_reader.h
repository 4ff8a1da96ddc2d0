#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace barograph::storage {

/// Wire types of protobuf's encoding; a tag is number << 3 | type.
enum class WireType : std::uint8_t {
  kVarint = 0,
  kFixed64 = 1,
  kBytes = 2,
  kGroupStart = 3,
  kGroupEnd = 4,
  kFixed32 = 5,
};

[[nodiscard]] constexpr std::uint32_t WireTag(std::uint32_t number, WireType type) {
  return number << 3 | static_cast<std::uint32_t>(type);
}

/// Reads one message of protobuf's wire format (protobuf.dev/programming-guides/encoding),
/// strictly: a tag or length that is longer than needed, a varint above 64 bits and a read past the
/// end all fail. Never reads past the end.
///
/// Lifetime: as the bytes.
/// Errors: a call gives false; the place is then unspecified and reading must stop.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes)
      : at_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  [[nodiscard]] bool done() const { return at_ == end_; }

  /// Field number and wire type in one.
  [[nodiscard]] bool ReadTag(std::uint32_t* tag) {
    if (at_ == end_) return false;
    const auto first = static_cast<std::uint8_t>(*at_);
    if (first < 0x80) [[likely]] {
      ++at_;
      *tag = first;
      return true;
    }
    std::uint64_t wide = 0;
    if (!ReadShortestVarint(&wide) || wide > UINT32_MAX) return false;
    *tag = static_cast<std::uint32_t>(wide);
    return true;
  }

  [[nodiscard]] bool ReadVarint(std::uint64_t* value) {
    if (at_ == end_) return false;
    const auto first = static_cast<std::uint8_t>(*at_);
    if (first < 0x80) [[likely]] {
      ++at_;
      *value = first;
      return true;
    }
    return ReadLongVarint(value);
  }

  [[nodiscard]] bool ReadFixed64(std::uint64_t* value) {
    static_assert(std::endian::native == std::endian::little);
    if (end_ - at_ < 8) return false;
    std::memcpy(value, at_, 8);
    at_ += 8;
    return true;
  }

  [[nodiscard]] bool ReadBytes(std::string_view* bytes) {
    if (at_ == end_) return false;
    std::uint64_t size = static_cast<std::uint8_t>(*at_);
    if (size < 0x80) [[likely]] {
      ++at_;
    } else if (!ReadShortestVarint(&size)) {
      return false;
    }
    if (size > static_cast<std::uint64_t>(end_ - at_)) return false;
    *bytes = std::string_view(at_, size);
    at_ += size;
    return true;
  }

  /// Passes a field's value over. Groups fail.
  [[nodiscard]] bool Skip(WireType type) {
    std::uint64_t ignored = 0;
    std::string_view ignored_bytes;
    switch (type) {
      case WireType::kVarint:
        return ReadVarint(&ignored);
      case WireType::kFixed64:
        return ReadFixed64(&ignored);
      case WireType::kBytes:
        return ReadBytes(&ignored_bytes);
      case WireType::kFixed32:
        if (end_ - at_ < 4) return false;
        at_ += 4;
        return true;
      case WireType::kGroupStart:
      case WireType::kGroupEnd:
        break;
    }
    return false;
  }

 private:
  bool ReadLongVarint(std::uint64_t* value) {
    std::uint64_t result = 0;
    for (int shift = 0; shift <= 63; shift += 7) {
      if (at_ == end_) return false;
      const auto byte = static_cast<std::uint8_t>(*at_++);
      if (shift == 63 && byte > 1) return false;
      result |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) {
        *value = result;
        return true;
      }
    }
    return false;
  }

  bool ReadShortestVarint(std::uint64_t* value) {
    const char* start = at_;
    return ReadVarint(value) && (at_ - start == 1 || at_[-1] != 0);
  }

  const char* at_;
  const char* end_;
};

}  // namespace barograph::storage
