#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/config/yaml_tree.h"
#include "storage/base/clock.h"

namespace barograph::server {

/// Reads one YAML map key by key and tells every mistake with its place. Keys that nobody asked for
/// are unknown keys.
///
///   MapReader map(node, "a route", &diagnostics);
///   if (const YamlNode* wait = map.Find("group_wait")) ReadDuration(*wait, "group_wait",
///   diagnostics)... map.Finish();
///
/// Threads: one.
/// Lifetime: refers to node and diagnostics.
class MapReader {
 public:
  /// `what` is how messages call the map, e.g. "an SLO". A node that is no map is told, and then
  /// has no keys.
  MapReader(const YamlNode& node, std::string what, Diagnostics* diagnostics);

  /// The value of a key, null when absent or empty. Makes the key known.
  [[nodiscard]] const YamlNode* Find(std::string_view key);
  /// The same; absence is told by Finish(), with `example` as what would be right, unless an
  /// unknown key stands there that was probably meant: one mistake is told once.
  [[nodiscard]] const YamlNode* Require(std::string_view key, std::string_view example);
  /// Makes keys known that belong to later versions: their use is told as not supported, and
  /// `instead` is appended.
  void RefuseLater(std::initializer_list<std::string_view> keys, std::string_view instead);
  /// Tells every key that was not asked for, with the nearest known one.
  void Finish();

  [[nodiscard]] bool is_map() const { return node_.kind == YamlNode::Kind::kMap; }
  [[nodiscard]] const YamlNode& node() const { return node_; }
  [[nodiscard]] Diagnostics& diagnostics() { return *diagnostics_; }

 private:
  const YamlNode& node_;
  std::string what_;
  Diagnostics* diagnostics_;
  std::vector<std::string_view> known_;
  std::vector<std::string_view> later_;
  std::vector<std::pair<std::string_view, std::string>> missing_;  // required key, example
};

// Values. Each tells its mistake (naming `name`, the text found, and what would be right) and
// returns nothing.

[[nodiscard]] std::optional<std::string> ReadText(const YamlNode& node, std::string_view name,
                                                  Diagnostics* diagnostics);
/// A list of text; a scalar is told as such, with the list that was probably meant.
[[nodiscard]] std::optional<std::vector<std::string>> ReadTextList(const YamlNode& node,
                                                                   std::string_view name,
                                                                   Diagnostics* diagnostics);
/// "30d", "1h30m", "300ms".
[[nodiscard]] std::optional<Duration> ReadDuration(const YamlNode& node, std::string_view name,
                                                   Diagnostics* diagnostics);
/// "99%", "99.95%" in parts per billion, exactly; the sign is required, because 1 and 100 % are
/// easily mixed up.
[[nodiscard]] std::optional<std::int64_t> ReadPercent(const YamlNode& node, std::string_view name,
                                                      Diagnostics* diagnostics);
/// A finite number.
[[nodiscard]] std::optional<double> ReadNumber(const YamlNode& node, std::string_view name,
                                               Diagnostics* diagnostics);
/// A whole number in [min, max].
[[nodiscard]] std::optional<std::uint64_t> ReadCount(const YamlNode& node, std::string_view name,
                                                     std::uint64_t min, std::uint64_t max,
                                                     Diagnostics* diagnostics);
/// true or false.
[[nodiscard]] std::optional<bool> ReadBool(const YamlNode& node, std::string_view name,
                                           Diagnostics* diagnostics);
/// One of the words; the nearest is named otherwise.
[[nodiscard]] std::optional<std::size_t> ReadWord(const YamlNode& node, std::string_view name,
                                                  std::span<const std::string_view> words,
                                                  Diagnostics* diagnostics);
/// {env: X} or {file: X} as "env:X" or "file:X", which ResolveSecret fetches; "" after a mistake.
[[nodiscard]] std::string ReadSecretReference(const YamlNode& node, std::string_view name,
                                              Diagnostics* diagnostics);

/// Place of the value below `root` that a message complains of, which begins with the path of the
/// value's keys: "cost.amount: is negative". That of the deepest part of the path that is there,
/// and of the key itself where the message says "unknown field 'amuont'".
[[nodiscard]] Position FindPlace(const YamlNode& root, std::string_view message);

}  // namespace barograph::server
