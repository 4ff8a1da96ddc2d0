#include "server/config/mapping_file.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "server/config/map_reader.h"
#include "server/config/rule_file.h"

namespace barograph::server {
namespace {

using ingest::FieldPath;
using ingest::MappingSpec;

constexpr std::array<std::string_view, 4> kFormats{"csv", "ndjson", "task-log", "json"};

void ReadSeparator(const YamlNode& node, MappingSpec* spec, Diagnostics* diagnostics) {
  const auto text = ReadText(node, "separator", diagnostics);
  if (!text) return;
  spec->blanks = *text == "blanks";
  if (*text == "tab") {
    spec->separator = '\t';
  } else if (text->size() == 1 && *text != "\"" && *text != "\n") {
    spec->separator = (*text)[0];
  } else if (!spec->blanks) {
    diagnostics->Add(node.position,
                     "separator: '" + *text + "' is not one character, `tab` or `blanks`");
  }
}

// Field path -> column, or -> constant. Each path is checked here, where its place is known.
std::vector<std::pair<std::string, std::string>> ReadFields(const YamlNode& node,
                                                            std::string_view name,
                                                            Diagnostics* diagnostics) {
  std::vector<std::pair<std::string, std::string>> fields;
  const MapReader map(node, "`" + std::string(name) + "`", diagnostics);
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const YamlNode::Key& key = node.keys[i];
    if (const Result<FieldPath> path = FieldPath::Parse(key.text); !path.ok()) {
      diagnostics->Add(key.position, path.error().message());
    }
    if (auto value = ReadText(node.items[i], key.text, diagnostics)) {
      fields.emplace_back(key.text, std::move(*value));
    }
  }
  return fields;
}

void ReadMapping(MapReader& map, MappingSpec* spec) {
  Diagnostics* diagnostics = &map.diagnostics();
  const auto text = [&](std::string_view key, std::string* into) {
    if (const YamlNode* node = map.Find(key)) {
      *into = ReadText(*node, key, diagnostics).value_or(*into);
    }
  };
  if (const YamlNode* version = map.Require("apiVersion", kApiVersion);
      version && version->text != kApiVersion) {
    diagnostics->Add(
        version->position,
        "apiVersion: '" + version->text + "' is not supported; write " + std::string(kApiVersion));
  }
  if (const YamlNode* source = map.Require("source", "billing-export")) {
    spec->source = ReadText(*source, "source", diagnostics).value_or("import");
  }
  if (const YamlNode* format = map.Find("format")) {
    const auto chosen = ReadWord(*format, "format", kFormats, diagnostics);
    if (chosen) spec->format = *ingest::FindImportFormat(kFormats[*chosen]);
  }
  if (const YamlNode* separator = map.Find("separator"))
    ReadSeparator(*separator, spec, diagnostics);
  if (const YamlNode* header = map.Find("header")) {
    spec->header = ReadBool(*header, "header", diagnostics).value_or(true);
  }
  if (const YamlNode* skip = map.Find("skip")) {
    spec->skip = ReadCount(*skip, "skip", 0, 1'000'000, diagnostics).value_or(0);
  }
  text("timezone", &spec->timezone);
  text("time_format", &spec->time_format);
  text("currency", &spec->currency);
  if (const YamlNode* columns = map.Find("columns")) {
    spec->columns = ReadFields(*columns, "columns", diagnostics);
  }
  if (const YamlNode* constants = map.Find("constants")) {
    spec->constants = ReadFields(*constants, "constants", diagnostics);
  }
  map.Finish();
}

}  // namespace

Result<MappingSpec> ReadMappingFile(std::string_view text, std::string_view file) {
  Diagnostics diagnostics;
  const std::optional<YamlNode> tree = ParseYaml(text, file, &diagnostics);
  if (!tree) return diagnostics.ToError();
  MappingSpec spec;
  MapReader map(*tree, "a mapping", &diagnostics);
  ReadMapping(map, &spec);
  if (!diagnostics.empty()) return diagnostics.ToError();
  const Result<ingest::EventMapping> checked = ingest::EventMapping::Make(spec);
  if (checked.ok()) return spec;
  diagnostics.Add(FindPlace(*tree, checked.error().message()), checked.error().message());
  return diagnostics.ToError();
}

}  // namespace barograph::server
