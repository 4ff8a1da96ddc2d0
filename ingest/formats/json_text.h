#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/result.h"

namespace barograph::ingest {

/// A JSON value (RFC 8259) that keeps numbers as they were written, so that "2.5e-06" and "0.10"
/// lose nothing on the way to integers. Objects keep the order of their members.
struct JsonValue {
  enum class Kind : std::uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };
  Kind kind = Kind::kNull;
  std::string text;  ///< strings: the content; numbers: the literal; booleans: true or false
  std::vector<std::string> keys;  ///< objects: keys[i] belongs to items[i]; no key twice
  std::vector<JsonValue> items;   ///< objects and arrays

  /// Member of an object; null when absent.
  [[nodiscard]] const JsonValue* Find(std::string_view key) const;
  /// "text", "a number", "an object", ...: for messages.
  [[nodiscard]] std::string_view KindName() const;
  /// The value as JSON text without blanks. Recursion is bounded by the depth that ParseJson
  /// allows.
  [[nodiscard]] std::string ToText() const;
};

/// Values of one JSON text, beyond which it is refused.
inline constexpr std::size_t kJsonValuesMax = 1'000'000;

/// Reads one JSON text. The parser reports each bracket as it comes, so that text nested deeper
/// than kJsonDepthMax is refused before anything of that depth exists. Refused too: duplicate keys,
/// more than kJsonValuesMax values, numbers that no double holds, invalid UTF-8, anything after the
/// value.
/// Errors: kInvalidArgument with the byte where it went wrong.
[[nodiscard]] Result<JsonValue> ParseJson(std::string_view text);

}  // namespace barograph::ingest
