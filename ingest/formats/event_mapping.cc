#include "ingest/formats/event_mapping.h"

#include <algorithm>
#include <array>
#include <set>

#include "ingest/formats/event_json.h"
#include "ingest/formats/nearest_name.h"
#include "storage/base/money.h"

namespace barograph::ingest {
namespace {

constexpr std::array<std::string_view, 4> kFormatNames{"csv", "ndjson", "task-log", "json"};
constexpr std::size_t kSourceBytesMax = 63;

Error At(const std::string& key, const std::string& message) {
  return Error(ErrorCode::kInvalidArgument, key + ": " + message);
}

bool IsSourceName(std::string_view name) {
  return !name.empty() && name.size() <= kSourceBytesMax &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789._-") ==
             std::string_view::npos;
}

// Member of a JSON object by a path of names; null when any of them is absent.
const JsonValue* FindMember(const JsonValue& json, std::string_view path) {
  const JsonValue* value = &json;
  while (value != nullptr && !path.empty()) {
    const std::size_t dot = std::min(path.find('.'), path.size());
    value = value->Find(path.substr(0, dot));
    path.remove_prefix(std::min(dot + 1, path.size()));
  }
  return value;
}

Status SetColumn(const FieldPath& field, const std::string& column, std::string_view value,
                 const FieldText& how, v1::Event* event) {
  if (value.empty()) return {};
  const Status status = field.Set(event, value, how);
  return status.ok() ? status : status.error().WithContext("column '" + column + "'");
}

}  // namespace

std::optional<ImportFormat> FindImportFormat(std::string_view name) {
  const auto found = std::find(kFormatNames.begin(), kFormatNames.end(), name);
  if (found == kFormatNames.end()) return std::nullopt;
  return static_cast<ImportFormat>(found - kFormatNames.begin());
}

std::string_view Name(ImportFormat format) {
  return kFormatNames[static_cast<std::size_t>(format)];
}

std::string MappingSpec::Canonical() const {
  std::string text = "mapping 1\n";
  const auto add = [&](std::string_view key, std::string_view value) {
    text.append(key)
        .append("=")
        .append(std::to_string(value.size()))
        .append(":")
        .append(value)
        .append("\n");
  };
  add("source", source);
  add("format", Name(format));
  add("separator", blanks ? "blanks" : std::string_view(&separator, 1));
  add("header", header ? "yes" : "no");
  add("skip", std::to_string(skip));
  add("timezone", timezone);
  add("time_format", time_format);
  add("currency", currency);
  for (const auto& [kind, pairs] :
       {std::pair("column ", &columns), std::pair("constant ", &constants)}) {
    auto sorted = *pairs;
    std::sort(sorted.begin(), sorted.end());
    for (const auto& [field, value] : sorted) add(kind + field, value);
  }
  return text;
}

Result<EventMapping> EventMapping::Make(MappingSpec spec) {
  EventMapping mapping;
  if (!IsSourceName(spec.source)) {
    return At("source", "'" + spec.source.substr(0, 64) +
                            "' is not 1 to 63 letters of a-z, 0-9, '.', '_' and '-'");
  }
  BAROGRAPH_ASSIGN(mapping.text_.times, TimeText::Make(spec.timezone, spec.time_format));
  if (!spec.currency.empty()) {
    const Result<Currency> currency = Currency::Parse(spec.currency);
    if (!currency.ok()) return currency.error().WithContext("currency");
  }
  mapping.text_.currency = spec.currency;
  v1::Event probe;
  std::set<std::string> given;
  for (const auto& [path, value] : spec.constants) {
    const std::string key = "constants." + path;
    Result<FieldPath> field = FieldPath::Parse(path);
    if (!field.ok()) return field.error().WithContext("constants");
    const Status set = field->Set(&probe, value, mapping.text_);
    if (!set.ok()) return set.error().WithContext("constants");
    if (!given.insert(path).second) return At(key, "is set twice");
    mapping.constants_.emplace_back(std::move(*field), value);
  }
  for (const auto& [path, column] : spec.columns) {
    const std::string key = "columns." + path;
    Result<FieldPath> field = FieldPath::Parse(path);
    if (!field.ok()) return field.error().WithContext("columns");
    if (column.empty()) return At(key, "names no column");
    const Status kind = field->MakeKind(&probe);
    if (!kind.ok()) return Error(ErrorCode::kInvalidArgument, "columns." + kind.error().message());
    if (!given.insert(path).second) return At(key, "is set twice");
    mapping.columns_.push_back({std::move(*field), column, 0});
  }
  const bool whole_events = spec.format != ImportFormat::kCsv;
  if (mapping.columns_.empty() && !whole_events) {
    return At("columns",
              "is missing; write e.g. `columns: {time: TIMESTAMP, cost.tokens.input: Tokens}`");
  }
  if (!mapping.columns_.empty() && spec.format != ImportFormat::kCsv &&
      spec.format != ImportFormat::kNdjson) {
    return At("columns", "belong to csv and ndjson; a " + std::string(Name(spec.format)) +
                             " file names its fields itself");
  }
  mapping.spec_ = std::move(spec);
  return mapping;
}

Status EventMapping::BindColumns(const std::vector<std::string>& names) {
  const std::vector<std::string_view> views(names.begin(), names.end());
  std::string missing;
  for (Column& column : columns_) {
    const auto found = std::find(names.begin(), names.end(), column.name);
    if (found == names.end()) {
      missing += (missing.empty() ? "" : "; ") + std::string("the file has no column '") +
                 column.name + "'" + DidYouMean(column.name, views);
    } else {
      column.index = static_cast<std::size_t>(found - names.begin());
    }
  }
  if (missing.empty()) return {};
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  return Error(ErrorCode::kInvalidArgument, missing + ". It has: " + all.substr(0, 1000));
}

Status EventMapping::SetConstants(v1::Event* event) const {
  for (const auto& [field, value] : constants_) BAROGRAPH_TRY(field.Set(event, value, text_));
  return {};
}

Result<std::string> EventMapping::Encode(const std::vector<std::string>& values) const {
  v1::Event event;
  BAROGRAPH_TRY(SetConstants(&event));
  for (const Column& column : columns_) {
    if (column.index >= values.size()) {
      return Error(ErrorCode::kInvalidArgument, "column '" + column.name +
                                                    "' is missing: the record has " +
                                                    std::to_string(values.size()) + " values");
    }
    BAROGRAPH_TRY(SetColumn(column.field, column.name, values[column.index], text_, &event));
  }
  return EncodeEvent(event);
}

Result<std::string> EventMapping::Encode(const JsonValue& json) const {
  v1::Event event;
  BAROGRAPH_TRY(Read(json, &event));
  return EncodeEvent(event);
}

Status EventMapping::Read(const JsonValue& json, v1::Event* event) const {
  BAROGRAPH_TRY(SetConstants(event));
  if (columns_.empty()) return ReadEventJson(json, text_, event);
  for (const Column& column : columns_) {
    const JsonValue* value = FindMember(json, column.name);
    if (value == nullptr || value->kind == JsonValue::Kind::kNull) continue;
    const bool scalar =
        value->kind != JsonValue::Kind::kArray && value->kind != JsonValue::Kind::kObject;
    BAROGRAPH_TRY(
        SetColumn(column.field, column.name, scalar ? value->text : value->ToText(), text_, event));
  }
  return {};
}

}  // namespace barograph::ingest
