#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "storage/base/money.h"

namespace barograph {

/// Appends little-endian fixed integers, varints (LEB128, as protobuf's) and length-prefixed
/// strings to a buffer.
class ByteWriter {
 public:
  explicit ByteWriter(std::string* out) : out_(out) {}

  template <typename T>
  void Fixed(T value) {
    static_assert(std::endian::native == std::endian::little);
    out_->append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  void BigEndian32(std::uint32_t value) { Fixed(__builtin_bswap32(value)); }
  void BigEndian64(std::uint64_t value) { Fixed(__builtin_bswap64(value)); }
  void Varint(std::uint64_t value) {
    while (value >= 0x80) {
      out_->push_back(static_cast<char>(value | 0x80));
      value >>= 7;
    }
    out_->push_back(static_cast<char>(value));
  }
  /// Zigzag: small absolute values are short.
  void SignedVarint(std::int64_t value) {
    Varint((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
  }
  /// Zigzag varint of 128 bits.
  void SignedVarint128(Int128 value) {
    using Unsigned = unsigned __int128;
    Unsigned zigzag = (static_cast<Unsigned>(value) << 1) ^ static_cast<Unsigned>(value >> 127);
    while (zigzag >= 0x80) {
      out_->push_back(static_cast<char>(static_cast<std::uint8_t>(zigzag) | 0x80));
      zigzag >>= 7;
    }
    out_->push_back(static_cast<char>(zigzag));
  }
  void String(std::string_view value) {
    Varint(value.size());
    out_->append(value);
  }
  void Raw(std::string_view value) { out_->append(value); }

 private:
  std::string* out_;
};

/// Reads what ByteWriter wrote. After a read beyond the end ok() is false for good and every value
/// is 0 or empty.
class ByteReader {
 public:
  explicit ByteReader(std::string_view in) : in_(in) {}

  template <typename T>
  T Fixed() {
    T value{};
    if (in_.size() < sizeof(T)) return Fail<T>();
    std::memcpy(&value, in_.data(), sizeof(T));
    in_.remove_prefix(sizeof(T));
    return value;
  }
  std::uint32_t BigEndian32() { return __builtin_bswap32(Fixed<std::uint32_t>()); }
  std::uint64_t BigEndian64() { return __builtin_bswap64(Fixed<std::uint64_t>()); }
  std::uint64_t Varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (in_.empty()) return Fail<std::uint64_t>();
      const auto byte = static_cast<std::uint8_t>(in_.front());
      in_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    return Fail<std::uint64_t>();
  }
  std::int64_t SignedVarint() {
    const std::uint64_t zigzag = Varint();
    return static_cast<std::int64_t>(zigzag >> 1) ^ -static_cast<std::int64_t>(zigzag & 1);
  }
  Int128 SignedVarint128() {
    using Unsigned = unsigned __int128;
    Unsigned zigzag = 0;
    for (int shift = 0; shift < 128; shift += 7) {
      if (in_.empty()) return Fail<Int128>();
      const auto byte = static_cast<std::uint8_t>(in_.front());
      in_.remove_prefix(1);
      zigzag |= static_cast<Unsigned>(byte & 0x7F) << shift;
      if (byte < 0x80) return static_cast<Int128>(zigzag >> 1) ^ -static_cast<Int128>(zigzag & 1);
    }
    return Fail<Int128>();
  }
  std::string_view String() { return Raw(Varint()); }
  std::string_view Raw(std::uint64_t size) {
    if (in_.size() < size) return Fail<std::string_view>();
    const std::string_view value = in_.substr(0, size);
    in_.remove_prefix(size);
    return value;
  }

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool done() const { return in_.empty(); }
  [[nodiscard]] std::string_view rest() const { return in_; }

 private:
  template <typename T>
  T Fail() {
    ok_ = false;
    in_ = {};
    return T{};
  }

  std::string_view in_;
  bool ok_ = true;
};

}  // namespace barograph
