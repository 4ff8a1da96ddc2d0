#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/config/diagnostic.h"

namespace barograph::server {

// What a configuration file may hold; beyond, it is refused with the limit's value.
inline constexpr std::size_t kYamlBytesMax = 1024 * 1024;
inline constexpr std::size_t kYamlDepthMax = 16;
inline constexpr std::size_t kYamlNodesMax = 100'000;  ///< after aliases were followed
inline constexpr std::size_t kYamlAliasesMax = 64;

/// A YAML value with its place in the file.
struct YamlNode {
  enum class Kind : std::uint8_t { kNull, kScalar, kSequence, kMap };
  struct Key {
    std::string text;
    Position position;
  };

  Kind kind = Kind::kNull;
  bool quoted = false;          ///< scalars: written in quotes, so surely text
  std::string text;             ///< scalars
  std::vector<Key> keys;        ///< maps: keys[i] belongs to items[i]; no key twice
  std::vector<YamlNode> items;  ///< sequences and maps
  Position position;

  /// "a map", "a list", "text", "nothing": for messages.
  [[nodiscard]] std::string_view KindName() const;
};

/// Reads one YAML document into a tree. Anchors and aliases are followed under the limits above;
/// refused are duplicate keys, keys that are not text, custom tags, and a second document. `file`
/// is the name that messages bear.
/// Errors: nothing is returned and `diagnostics` holds why; yaml-cpp stops at its first syntax
///         error, so there is one of those.
[[nodiscard]] std::optional<YamlNode> ParseYaml(std::string_view text, std::string_view file,
                                                Diagnostics* diagnostics);

}  // namespace barograph::server
