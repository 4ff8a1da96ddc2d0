#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "storage/base/assert.h"

namespace barograph::ingest {

/// Writes one protobuf message of at most kCapacity bytes into itself: fields in the order of the
/// calls, without an allocation. For hot loops that make events; everything else uses the generated
/// classes. Format: protobuf encoding guide (varint, 64-bit and length-delimited fields). Threads:
/// one at a time.
/// Errors: writing beyond the capacity is asserted.
class WireWriter {
 public:
  static constexpr std::size_t kCapacity = 1024;

  void Clear() { size_ = 0; }
  [[nodiscard]] std::string_view bytes() const { return {buffer_, size_}; }

  void Varint(std::uint64_t value) {
    while (value >= 0x80) {
      Byte(static_cast<std::uint8_t>(value | 0x80));
      value >>= 7;
    }
    Byte(static_cast<std::uint8_t>(value));
  }
  void Raw(std::string_view bytes) {
    BAROGRAPH_ASSERT(size_ + bytes.size() <= kCapacity, "event larger than the writer");
    std::memcpy(buffer_ + size_, bytes.data(), bytes.size());
    size_ += bytes.size();
  }

  /// A varint field; 0 is proto3's default and is left out.
  void Number(std::uint32_t field, std::uint64_t value) {
    if (value == 0) return;
    Varint(field << 3U);
    Varint(value);
  }
  /// A text field; empty text is left out.
  void Text(std::uint32_t field, std::string_view value) {
    if (value.empty()) return;
    Varint(field << 3U | 2U);
    Varint(value.size());
    Raw(value);
  }
  /// A double field, also when it is 0 (fields with presence).
  void Double(std::uint32_t field, double value) {
    Varint(field << 3U | 1U);
    Raw({reinterpret_cast<const char*>(&value), sizeof(value)});
  }

  /// Starts a message field; End() with what Begin() returned ends it. They nest.
  [[nodiscard]] std::size_t Begin(std::uint32_t field) {
    Varint(field << 3U | 2U);
    Byte(0);
    return size_;
  }
  void End(std::size_t begin) {
    const std::size_t length = size_ - begin;
    if (length < 0x80) {
      buffer_[begin - 1] = static_cast<char>(length);
      return;
    }
    // The length needs a second byte: rare, so that one byte is what is kept free.
    BAROGRAPH_ASSERT(length < 0x4000 && size_ < kCapacity, "message larger than the writer");
    std::memmove(buffer_ + begin + 1, buffer_ + begin, length);
    buffer_[begin - 1] = static_cast<char>(length | 0x80);
    buffer_[begin] = static_cast<char>(length >> 7);
    ++size_;
  }

  /// google.protobuf.Timestamp, google.protobuf.Duration: seconds and nanos. Requires total >= 0.
  void Seconds(std::uint32_t field, std::int64_t total_nanos) {
    const std::size_t begin = Begin(field);
    Number(1, static_cast<std::uint64_t>(total_nanos / 1'000'000'000));
    Number(2, static_cast<std::uint64_t>(total_nanos % 1'000'000'000));
    End(begin);
  }
  /// Money in `currency`. Requires nanos >= 0.
  void Money(std::uint32_t field, std::int64_t nanos, std::string_view currency) {
    const std::size_t begin = Begin(field);
    Text(1, currency);
    Number(2, static_cast<std::uint64_t>(nanos / 1'000'000'000));
    Number(3, static_cast<std::uint64_t>(nanos % 1'000'000'000));
    End(begin);
  }

 private:
  void Byte(std::uint8_t byte) {
    BAROGRAPH_ASSERT(size_ < kCapacity, "event larger than the writer");
    buffer_[size_++] = static_cast<char>(byte);
  }

  char buffer_[kCapacity];
  std::size_t size_ = 0;
};

}  // namespace barograph::ingest
