#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <deque>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "barograph/v1/query.pb.h"
#include "ingest/formats/import_source.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/cli/progress.h"
#include "server/config/configuration.h"
#include "server/config/mapping_file.h"
#include "storage/base/bytes.h"

namespace barograph::server {
namespace {

constexpr std::size_t kBatchEvents = 500;
constexpr std::size_t kBatchBytes = 1U << 20U;
constexpr std::size_t kRejectsShown = 10;
constexpr std::uint64_t kEventsFieldTag = 4 << 3 | 2;  ///< PublishRequest.events

struct ImportFlags {
  std::string server, file, mapping, format, timezone, rejects;
  bool quiet = false;
  OutputFormat output = OutputFormat::kTable;
};

constexpr const char* kExamples = R"(Examples:
  barograph import usage.csv.gz --mapping mapping.yaml
  barograph import tasks.jsonl --format task-log --timezone America/New_York
  barograph import events.ndjson --format ndjson --rejects rejected.jsonl

The mapping file says which column is which field of an event: docs/import.md. Importing the same
file with the same mapping again changes nothing, and an import that was interrupted goes on where
it stopped. Exit status 1 when a record was rejected.)";

using Json = nlohmann::ordered_json;

/// What became of the records.
class ImportReport {
 public:
  Status OpenRejects(const std::string& path) {
    if (path.empty()) return {};
    rejects_.open(path, std::ios::trunc);
    if (!rejects_) return Error(ErrorCode::kIo, "cannot write " + path);
    return {};
  }
  void Reject(std::uint64_t line, const std::string& reason) {
    ++rejected;
    if (shown_.size() < kRejectsShown) shown_.emplace_back(line, reason);
    if (!rejects_.is_open()) return;
    rejects_ << Json{{"line", line}, {"reason", reason}}.dump(-1, ' ', false,
                                                              Json::error_handler_t::replace)
             << '\n';
  }
  void Print(OutputFormat format) const {
    const std::uint64_t stored = records - known - duplicates - rejected_now;
    if (format == OutputFormat::kJson) {
      Json json = {{"records", records},       {"new", stored},        {"known", known},
                   {"duplicates", duplicates}, {"rejected", rejected}, {"rejects", Json::array()}};
      for (const auto& [line, reason] : shown_)
        json["rejects"].push_back({{"line", line}, {"reason", reason}});
      std::puts(json.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
      return;
    }
    const auto digits = [](std::uint64_t count) {
      return GroupDigits(static_cast<std::int64_t>(count));
    };
    std::printf("%s records: %s new, %s imported before, %s duplicates, %s rejected\n",
                digits(records).c_str(), digits(stored).c_str(), digits(known).c_str(),
                digits(duplicates).c_str(), digits(rejected).c_str());
    for (const auto& [line, reason] : shown_) {
      std::fprintf(stderr, "  line %llu: %s\n", static_cast<unsigned long long>(line),
                   reason.c_str());
    }
    if (rejected > shown_.size()) {
      std::fprintf(stderr, "  and %s more; --rejects FILE writes all\n",
                   digits(rejected - shown_.size()).c_str());
    }
  }

  std::uint64_t records = 0;     ///< in the file
  std::uint64_t known = 0;       ///< decided by an earlier import
  std::uint64_t duplicates = 0;  ///< their id is in the log already
  std::uint64_t rejected =
      0;  ///< told with their lines, also those that an earlier import rejected here
  std::uint64_t rejected_now = 0;  ///< of the records that this import sent

 private:
  std::vector<std::pair<std::uint64_t, std::string>> shown_;
  std::ofstream rejects_;
};

/// Sends records in batches and follows each until it is acknowledged.
class Importer {
 public:
  Importer(ingest::ImportSource& source, ImportReport& report) : source_(source), report_(report) {}

  Status Run(Client& client, Progress& progress) {
    PublisherOptions options;
    options.producer = source_.producer_id();
    options.on_verdict = [this](const PublishVerdict& verdict) { Take(verdict); };
    BAROGRAPH_ASSIGN(publisher_, Publisher::Open(client, options));
    report_.known = publisher_->acked_at_open();
    ingest::ImportRecord record;
    while (true) {
      BAROGRAPH_ASSIGN(const bool more, source_.Next(&record));
      if (!more) break;
      Add(record);
      if (count_ >= kBatchEvents || batch_.size() >= kBatchBytes) {
        BAROGRAPH_TRY(Flush());
        progress.Update(source_.file_bytes_read());
      }
    }
    BAROGRAPH_TRY(Flush());
    BAROGRAPH_TRY(publisher_->Finish());
    report_.known = std::min(report_.known, report_.records);
    return Close(client);
  }

 private:
  struct Sent {
    std::uint64_t line;
    bool rejected_here;  ///< no event could be made of it; the server's own verdict adds nothing
  };

  void Add(const ingest::ImportRecord& record) {
    ++report_.records;
    if (!record.event.ok()) report_.Reject(record.line, record.event.error().message());
    if (!record.event.ok() && report_.records > report_.known) ++report_.rejected_now;
    // A record that is no event holds its place in the sequence as an empty event, which the server
    // rejects: so record and sequence stay in step whichever way an import is repeated.
    ByteWriter writer(&batch_);
    writer.Varint(kEventsFieldTag);
    writer.String(record.event.ok() ? std::string_view(record.event.value()) : std::string_view());
    ++count_;
    in_flight_.push_back({record.line, !record.event.ok()});
  }

  Status Flush() {
    if (count_ == 0) return {};
    BAROGRAPH_TRY(publisher_->Send(batch_, count_));
    batch_.clear();
    count_ = 0;
    BAROGRAPH_TRY(publisher_->Poll(Duration(0)));
    while (first_ <= publisher_->acked() && !in_flight_.empty()) {
      in_flight_.pop_front();
      ++first_;
    }
    return {};
  }

  void Take(const PublishVerdict& verdict) {
    if (verdict.sequence < first_ || verdict.sequence - first_ >= in_flight_.size()) return;
    const Sent& sent = in_flight_[verdict.sequence - first_];
    if (verdict.duplicate) {
      ++report_.duplicates;
    } else if (!sent.rejected_here) {
      ++report_.rejected_now;
      report_.Reject(sent.line, verdict.reason);
    }
  }

  /// Tells the server that history ended, so that breaches that lie wholly in it come as one
  /// digest.
  Status Close(Client& client) {
    if (report_.records <= report_.known) return {};
    v1::EndImportRequest request;
    request.set_producer_id(source_.producer_id());
    request.set_events(report_.records - report_.known);
    v1::EndImportResponse response;
    return client.Call("barograph.v1.AdminService/EndImport", request, &response);
  }

  ingest::ImportSource& source_;
  ImportReport& report_;
  std::unique_ptr<Publisher> publisher_;
  std::string batch_;
  std::uint32_t count_ = 0;
  std::deque<Sent> in_flight_;  ///< from sequence `first_` on
  std::uint64_t first_ = 1;
};

Result<ingest::EventMapping> MakeMapping(const ImportFlags& flags) {
  ingest::MappingSpec spec;
  if (!flags.mapping.empty()) {
    BAROGRAPH_ASSIGN(const std::string text, ReadConfigFile(flags.mapping));
    BAROGRAPH_ASSIGN(spec, ReadMappingFile(text, flags.mapping));
  } else if (flags.format.empty() || flags.format == "csv") {
    return Error(
        ErrorCode::kInvalidArgument,
        "csv needs a mapping: --mapping FILE says which column is which field (docs/import.md)");
  }
  if (!flags.format.empty()) spec.format = *ingest::FindImportFormat(flags.format);
  if (!flags.timezone.empty()) spec.timezone = flags.timezone;
  return ingest::EventMapping::Make(std::move(spec));
}

Status Import(const ImportFlags& flags, ImportReport& report) {
  BAROGRAPH_ASSIGN(ingest::EventMapping mapping, MakeMapping(flags));
  BAROGRAPH_ASSIGN(const auto source, ingest::ImportSource::Open(flags.file, std::move(mapping)));
  BAROGRAPH_TRY(report.OpenRejects(flags.rejects));
  BAROGRAPH_ASSIGN(const auto client, Client::Connect(flags.server));
  const SystemClock clock;
  Progress progress(clock, "importing", "bytes", source->file_bytes(), flags.quiet);
  return Importer(*source, report).Run(*client, progress);
}

int RunImport(const ImportFlags& flags) {
  ImportReport report;
  const Status status = Import(flags, report);
  if (!status.ok()) return PrintError(status.error());
  report.Print(flags.output);
  return report.rejected == 0 ? kExitDone : kExitFailed;
}

}  // namespace

void AddImportCommand(CLI::App& root, int* status) {
  auto flags = std::make_shared<ImportFlags>();
  CLI::App* command = root.add_subcommand(
      "import", "Import a usage or payments export, events as JSON, or a task log");
  command->footer(kExamples);
  command->add_option("file", flags->file, "file to import; gzip is unpacked")
      ->required()
      ->check(CLI::ExistingFile);
  command->add_option("-m,--mapping", flags->mapping, "mapping file")->check(CLI::ExistingFile);
  command
      ->add_option("--format", flags->format,
                   "csv, ndjson, json or task-log, whatever the mapping says")
      ->check(CLI::IsMember({"csv", "ndjson", "json", "task-log"}));
  command->add_option("--timezone", flags->timezone,
                      "zone of times without one, whatever the mapping says");
  command->add_option("--rejects", flags->rejects,
                      "write every rejected record here, as JSON lines with line and reason");
  command->add_flag("-q,--quiet", flags->quiet, "no progress");
  AddServerOption(*command, &flags->server);
  AddOutputOption(*command, &flags->output);
  command->callback([flags, status] { *status = RunImport(*flags); });
}

}  // namespace barograph::server
