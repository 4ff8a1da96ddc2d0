#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/formats/field_path.h"
#include "ingest/formats/json_text.h"
#include "storage/base/result.h"

namespace barograph::ingest {

/// What a file for `barograph import` holds.
enum class ImportFormat : std::uint8_t {
  kCsv,      ///< separated values, see csv_reader.h
  kNdjson,   ///< one JSON object a line: events, or with columns any objects
  kTaskLog,  ///< one JSON object a line, see task_log.h
  kJson,     ///< one JSON list of events, or one event
};
/// "csv", "ndjson", "task-log", "json". Nothing for another name.
[[nodiscard]] std::optional<ImportFormat> FindImportFormat(std::string_view name);
[[nodiscard]] std::string_view Name(ImportFormat format);

/// How the records of a file become events: the content of a mapping file (docs/import.md), which
/// server/config reads.
struct MappingSpec {
  /// Name of what the data come from; part of the producer id, so that two sources never mix.
  /// [a-z0-9._-], 1 to 63 bytes.
  std::string source = "import";
  ImportFormat format = ImportFormat::kCsv;
  char separator = ',';  ///< kCsv
  bool blanks = false;   ///< kCsv: separated by runs of blanks instead
  bool header = true;    ///< kCsv: the first record names the columns; else they are "1", "2", ...
  std::uint64_t skip = 0;  ///< kCsv: lines before the header or the first record
  std::string timezone = "UTC";
  std::string time_format;  ///< see TimeText
  std::string currency;     ///< of amounts without one
  /// Field of the event -> column (kNdjson: path of members, "usage.prompt_tokens").
  std::vector<std::pair<std::string, std::string>> columns;
  /// Field of the event -> text that every event gets.
  std::vector<std::pair<std::string, std::string>> constants;

  /// One text for equal mappings: part of the producer id.
  [[nodiscard]] std::string Canonical() const;
};

/// A mapping that was checked: every field exists, all fields are of one kind of event, no field is
/// set twice.
///
/// Threads: any (const).
/// Lifetime: a plain value.
class EventMapping {
 public:
  /// Errors: kInvalidArgument naming the key ("columns.cost.tokens.inputs: unknown field ...").
  [[nodiscard]] static Result<EventMapping> Make(MappingSpec spec);

  /// Takes the header's names.
  /// Errors: kInvalidArgument naming every column of the mapping that is missing, with the nearest.
  [[nodiscard]] Status BindColumns(const std::vector<std::string>& names);
  /// One record's event. An empty value leaves its field unset. Requires BindColumns.
  /// Errors: kInvalidArgument with column and value.
  [[nodiscard]] Result<std::string> Encode(const std::vector<std::string>& values) const;
  /// One JSON object's event, columns being paths of members.
  [[nodiscard]] Result<std::string> Encode(const JsonValue& json) const;
  /// The same into an event that is empty.
  [[nodiscard]] Status Read(const JsonValue& json, v1::Event* event) const;

  [[nodiscard]] const MappingSpec& spec() const { return spec_; }
  [[nodiscard]] const FieldText& text() const { return text_; }

 private:
  struct Column {
    FieldPath field;
    std::string name;
    std::size_t index;
  };
  [[nodiscard]] Status SetConstants(v1::Event* event) const;

  MappingSpec spec_;
  FieldText text_;
  std::vector<Column> columns_;
  std::vector<std::pair<FieldPath, std::string>> constants_;
};

}  // namespace barograph::ingest
