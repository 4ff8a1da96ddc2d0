#include "ingest/formats/import_source.h"

#include <utility>

#include "ingest/formats/csv_reader.h"
#include "ingest/formats/event_json.h"
#include "ingest/formats/task_log.h"
#include "storage/base/digest.h"

namespace barograph::ingest {
namespace {

/// A JSON file is read whole; NDJSON is the form for more.
constexpr std::size_t kJsonFileBytesMax = 64U << 20U;

class CsvSource final : public ImportSource {
 public:
  CsvSource(std::unique_ptr<GzipReader> file, EventMapping mapping)
      : ImportSource(std::move(file), std::move(mapping)),
        records_(&lines_, {mapping_.spec().separator, mapping_.spec().blanks}) {}

  Result<bool> Next(ImportRecord* record) override {
    if (!kept_) {
      Result<bool> more = records_.Next(&values_);
      record->line = records_.line_number();
      if (!more.ok()) {
        if (more.error().code() != ErrorCode::kInvalidArgument ||
            lines_.line_number() == last_line_)
          return more;
        last_line_ = lines_.line_number();
        record->event = more.error();
        return true;
      }
      if (!*more) return false;
    }
    kept_ = false;
    record->line = records_.line_number();
    record->event = mapping_.Encode(values_);
    return true;
  }

 protected:
  Status Begin() override {
    std::string_view line;
    for (std::uint64_t i = 0; i < mapping_.spec().skip; ++i) {
      BAROGRAPH_ASSIGN(const bool more, lines_.Next(&line));
      if (!more) return {};
    }
    BAROGRAPH_ASSIGN(const bool more, records_.Next(&values_));
    if (!more) return Error(ErrorCode::kInvalidArgument, "the file is empty");
    if (mapping_.spec().header) return mapping_.BindColumns(values_);
    kept_ = true;
    std::vector<std::string> names;
    for (std::size_t i = 1; i <= values_.size(); ++i) names.push_back(std::to_string(i));
    return mapping_.BindColumns(names);
  }

 private:
  CsvReader records_;
  std::vector<std::string> values_;
  bool kept_ = false;            // without a header the first record was read to count its columns
  std::uint64_t last_line_ = 0;  // of the last mistake: a reader that stands still must not loop
};

class JsonLineSource final : public ImportSource {
 public:
  using ImportSource::ImportSource;

  Result<bool> Next(ImportRecord* record) override {
    std::string_view line;
    do {
      BAROGRAPH_ASSIGN(const bool more, lines_.Next(&line));
      if (!more) return false;
    } while (line.find_first_not_of(" \t") == std::string_view::npos);
    record->line = lines_.line_number();
    record->event = Encode(line);
    return true;
  }

 private:
  Result<std::string> Encode(std::string_view line) const {
    BAROGRAPH_ASSIGN(const JsonValue json, ParseEventJson(line));
    if (mapping_.spec().format != ImportFormat::kTaskLog) return mapping_.Encode(json);
    v1::Event event;
    BAROGRAPH_TRY(ReadTaskLog(json, mapping_.text(), &event));
    return EncodeEvent(event);
  }
};

class JsonFileSource final : public ImportSource {
 public:
  using ImportSource::ImportSource;

  Result<bool> Next(ImportRecord* record) override {
    if (next_ == events_.size()) return false;
    record->event = mapping_.Encode(events_[next_]);
    record->line = ++next_;
    return true;
  }

 protected:
  Status Begin() override {
    std::string text;
    for (bool more = true; more;) {
      BAROGRAPH_ASSIGN(more, file_->Read(&text));
      if (text.size() > kJsonFileBytesMax) {
        return Error(ErrorCode::kInvalidArgument,
                     "more than 64 MiB of JSON; write one event a line and import it as ndjson");
      }
    }
    BAROGRAPH_ASSIGN(JsonValue json, ParseJson(text));
    if (json.kind == JsonValue::Kind::kArray) {
      events_ = std::move(json.items);
    } else {
      events_.push_back(std::move(json));
    }
    return {};
  }

 private:
  std::vector<JsonValue> events_;
  std::size_t next_ = 0;
};

}  // namespace

Result<std::unique_ptr<ImportSource>> ImportSource::Open(const std::string& path,
                                                         EventMapping mapping) {
  BAROGRAPH_ASSIGN(const Digest file_hash, HashFile(path));
  const Digest hash = Sha256({Bytes(file_hash), mapping.spec().Canonical()});
  BAROGRAPH_ASSIGN(std::unique_ptr<GzipReader> file, GzipReader::Open(path));
  const std::string source_name = mapping.spec().source;
  std::unique_ptr<ImportSource> source;
  switch (mapping.spec().format) {
    case ImportFormat::kCsv:
      source = std::make_unique<CsvSource>(std::move(file), std::move(mapping));
      break;
    case ImportFormat::kNdjson:
    case ImportFormat::kTaskLog:
      source = std::make_unique<JsonLineSource>(std::move(file), std::move(mapping));
      break;
    case ImportFormat::kJson:
      source = std::make_unique<JsonFileSource>(std::move(file), std::move(mapping));
      break;
  }
  source->producer_id_ = "import:" + source_name + ":" + Hex(hash).substr(0, 32);
  BAROGRAPH_TRY(source->Begin());
  return source;
}

}  // namespace barograph::ingest
