#include "server/config/map_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "ingest/formats/nearest_name.h"
#include "storage/base/money.h"

namespace barograph::server {
namespace {

constexpr std::size_t kQuotedBytesMax = 60;

// The value as a message shows it: cut off where it is long, so that a message stays one readable
// line.
std::string Quote(std::string_view text) {
  std::string quoted = "'";
  for (const char c : text.substr(0, kQuotedBytesMax)) {
    quoted += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  if (text.size() > kQuotedBytesMax) quoted += "...";
  return quoted + "'";
}

// The scalar's text, or nothing after telling that a scalar is needed.
const std::string* Scalar(const YamlNode& node, std::string_view name, std::string_view right,
                          Diagnostics* diagnostics) {
  if (node.kind == YamlNode::Kind::kScalar) return &node.text;
  diagnostics->Add(node.position, std::string(name) + ": is " + std::string(node.KindName()) +
                                      "; write " + std::string(right));
  return nullptr;
}

void TellWrong(const YamlNode& node, std::string_view name, std::string_view wrong,
               Diagnostics* diagnostics) {
  diagnostics->Add(node.position,
                   std::string(name) + ": " + Quote(node.text) + " " + std::string(wrong));
}

std::string Listed(std::span<const std::string_view> words) {
  std::string text;
  for (const std::string_view word : words) {
    if (!text.empty()) text += ", ";
    text += word;
  }
  return text;
}

}  // namespace

MapReader::MapReader(const YamlNode& node, std::string what, Diagnostics* diagnostics)
    : node_(node), what_(std::move(what)), diagnostics_(diagnostics) {
  if (node.kind != YamlNode::Kind::kMap) {
    diagnostics->Add(node.position,
                     what_ + " must be a map of `key: value`, not " + std::string(node.KindName()));
  }
}

const YamlNode* MapReader::Find(std::string_view key) {
  known_.push_back(key);
  for (std::size_t i = 0; i < node_.keys.size(); ++i) {
    if (node_.keys[i].text != key) continue;
    return node_.items[i].kind == YamlNode::Kind::kNull ? nullptr : &node_.items[i];
  }
  return nullptr;
}

const YamlNode* MapReader::Require(std::string_view key, std::string_view example) {
  const YamlNode* found = Find(key);
  if (found == nullptr) missing_.emplace_back(key, example);
  return found;
}

void MapReader::RefuseLater(std::initializer_list<std::string_view> keys,
                            std::string_view instead) {
  for (const std::string_view key : keys) {
    later_.push_back(key);
    for (const YamlNode::Key& given : node_.keys) {
      if (given.text != key) continue;
      diagnostics_->Add(given.position, "'" + given.text +
                                            "' is not supported by this version of Barograph; " +
                                            std::string(instead));
    }
  }
}

void MapReader::Finish() {
  if (!is_map()) return;
  for (const YamlNode::Key& key : node_.keys) {
    const auto is = [&](std::string_view known) { return key.text == known; };
    if (std::any_of(known_.begin(), known_.end(), is)) continue;
    if (std::any_of(later_.begin(), later_.end(), is)) continue;
    const std::string_view meant = ingest::NearestName(key.text, known_);
    const std::string advice = meant.empty() ? "; it takes " + Listed(known_)
                                             : "; did you mean '" + std::string(meant) + "'?";
    diagnostics_->Add(key.position, "unknown key " + Quote(key.text) + " in " + what_ + advice);
    std::erase_if(missing_, [&](const auto& missing) { return missing.first == meant; });
  }
  for (const auto& [key, example] : missing_) {
    const std::string name(key);
    diagnostics_->Add(node_.position,
                      what_ + " lacks '" + name + "'; write e.g. `" + name + ": " + example + "`");
  }
}

std::optional<std::string> ReadText(const YamlNode& node, std::string_view name,
                                    Diagnostics* diagnostics) {
  const std::string* text = Scalar(node, name, "text", diagnostics);
  if (text == nullptr) return std::nullopt;
  return *text;
}

std::optional<std::vector<std::string>> ReadTextList(const YamlNode& node, std::string_view name,
                                                     Diagnostics* diagnostics) {
  if (node.kind != YamlNode::Kind::kSequence) {
    const std::string meant =
        node.kind == YamlNode::Kind::kScalar ? "[" + node.text + "]" : "[a, b]";
    diagnostics->Add(node.position, std::string(name) + ": is " + std::string(node.KindName()) +
                                        "; write a list: `" + std::string(name) + ": " + meant +
                                        "`");
    return std::nullopt;
  }
  std::vector<std::string> texts;
  bool good = true;
  for (const YamlNode& item : node.items) {
    std::optional<std::string> text = ReadText(item, name, diagnostics);
    good = good && text.has_value();
    if (!text) continue;
    if (std::find(texts.begin(), texts.end(), *text) != texts.end()) {
      TellWrong(item, name, "is listed twice", diagnostics);
      good = false;
    }
    texts.push_back(std::move(*text));
  }
  if (!good) return std::nullopt;
  return texts;
}

std::optional<Duration> ReadDuration(const YamlNode& node, std::string_view name,
                                     Diagnostics* diagnostics) {
  const std::string* text = Scalar(node, name, "a duration such as 30s, 5m or 30d", diagnostics);
  if (text == nullptr) return std::nullopt;
  const Result<Duration> duration = ParseDuration(*text);
  if (duration.ok()) return *duration;
  TellWrong(node, name,
            "is not a duration; write a number with ns, us, ms, s, m, h, d or w, e.g. 5m or 1h30m",
            diagnostics);
  return std::nullopt;
}

std::optional<std::int64_t> ReadPercent(const YamlNode& node, std::string_view name,
                                        Diagnostics* diagnostics) {
  const std::string* text = Scalar(node, name, "a percentage such as 99%", diagnostics);
  if (text == nullptr) return std::nullopt;
  std::string_view number = *text;
  if (!number.ends_with('%')) {
    TellWrong(node, name, "has no % sign; write e.g. 99.9%", diagnostics);
    return std::nullopt;
  }
  number.remove_suffix(1);
  while (number.ends_with(' ')) number.remove_suffix(1);
  // 1 % is 1e7 parts per billion, so integers of 1e-7 percent are parts per billion.
  const Result<Int128> parts = ParseDecimal(number, 7);
  if (!parts.ok() || *parts < 0 || *parts > 1'000'000'000'000) {
    TellWrong(node, name, "is not a percentage with at most 7 decimals; write e.g. 99.9%",
              diagnostics);
    return std::nullopt;
  }
  return static_cast<std::int64_t>(*parts);
}

std::optional<double> ReadNumber(const YamlNode& node, std::string_view name,
                                 Diagnostics* diagnostics) {
  const std::string* text = Scalar(node, name, "a number", diagnostics);
  if (text == nullptr) return std::nullopt;
  double number = 0;
  const char* end = text->data() + text->size();
  const auto [stop, code] = std::from_chars(text->data(), end, number);
  if (code == std::errc::result_out_of_range) {
    TellWrong(node, name, "is out of the range of numbers", diagnostics);
    return std::nullopt;
  }
  if (code != std::errc{} || stop != end || !std::isfinite(number)) {
    TellWrong(node, name, "is not a finite number; write e.g. 20 or 0.5", diagnostics);
    return std::nullopt;
  }
  return number;
}

std::optional<std::uint64_t> ReadCount(const YamlNode& node, std::string_view name,
                                       std::uint64_t min, std::uint64_t max,
                                       Diagnostics* diagnostics) {
  const std::string* text = Scalar(node, name, "a whole number", diagnostics);
  if (text == nullptr) return std::nullopt;
  std::uint64_t number = 0;
  const char* end = text->data() + text->size();
  const auto [stop, code] = std::from_chars(text->data(), end, number);
  if (code != std::errc{} || stop != end || number < min || number > max) {
    TellWrong(node, name,
              "is not a whole number in [" + std::to_string(min) + ", " + std::to_string(max) + "]",
              diagnostics);
    return std::nullopt;
  }
  return number;
}

std::optional<bool> ReadBool(const YamlNode& node, std::string_view name,
                             Diagnostics* diagnostics) {
  const std::string* text = Scalar(node, name, "true or false", diagnostics);
  if (text == nullptr) return std::nullopt;
  if (*text == "true") return true;
  if (*text == "false") return false;
  TellWrong(node, name, "is neither true nor false", diagnostics);
  return std::nullopt;
}

std::optional<std::size_t> ReadWord(const YamlNode& node, std::string_view name,
                                    std::span<const std::string_view> words,
                                    Diagnostics* diagnostics) {
  const std::string* text = Scalar(node, name, "one of " + Listed(words), diagnostics);
  if (text == nullptr) return std::nullopt;
  const auto found = std::find(words.begin(), words.end(), *text);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  TellWrong(node, name, "is none of " + Listed(words) + ingest::DidYouMean(*text, words),
            diagnostics);
  return std::nullopt;
}

Position FindPlace(const YamlNode& root, std::string_view message) {
  const YamlNode* node = &root;
  Position place = root.position;
  for (std::string_view rest = message;;) {
    bool deeper = false;
    for (std::size_t i = 0; i < node->keys.size() && !deeper; ++i) {
      const std::string& key = node->keys[i].text;
      if (!rest.starts_with(key) || rest.size() == key.size()) continue;
      if (rest[key.size()] != '.' && rest[key.size()] != ':') continue;
      place = node->items[i].position;
      rest.remove_prefix(key.size() + 1);
      if (rest.starts_with(' ')) rest.remove_prefix(1);
      node = &node->items[i];
      deeper = true;
    }
    if (deeper) continue;
    constexpr std::string_view kUnknown = "unknown field '";
    for (const YamlNode::Key& key : node->keys) {
      if (rest.starts_with(kUnknown) && rest.substr(kUnknown.size()).starts_with(key.text + "'"))
        return key.position;
    }
    return place;
  }
}

// The value itself is never echoed: it could be the secret.
std::string ReadSecretReference(const YamlNode& node, std::string_view name,
                                Diagnostics* diagnostics) {
  if (node.kind != YamlNode::Kind::kMap) {
    diagnostics->Add(node.position,
                     std::string(name) +
                         ": write {env: NAME} or {file: PATH}; a secret itself never stands in a "
                         "configuration file");
    return {};
  }
  MapReader map(node, "`" + std::string(name) + "`", diagnostics);
  const YamlNode* variable = map.Find("env");
  const YamlNode* file = map.Find("file");
  map.Finish();
  if ((variable == nullptr) == (file == nullptr)) {
    diagnostics->Add(node.position, std::string(name) + ": takes exactly one of `env` and `file`");
    return {};
  }
  const YamlNode& given = variable != nullptr ? *variable : *file;
  const auto text = ReadText(given, variable != nullptr ? "env" : "file", diagnostics);
  if (!text) return {};
  return (variable != nullptr ? "env:" : "file:") + *text;
}

}  // namespace barograph::server
