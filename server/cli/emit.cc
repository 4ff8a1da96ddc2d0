#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "barograph/v1/event.pb.h"
#include "ingest/formats/event_json.h"
#include "ingest/formats/field_path.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "storage/base/bytes.h"
#include "storage/base/digest.h"
#include "storage/base/limits.h"

namespace barograph::server {
namespace {

constexpr std::size_t kBatchEvents = 500;
constexpr std::size_t kBatchBytes = 1U << 20U;
constexpr std::size_t kReasonsShown = 100;  ///< rejected events that are named one by one
constexpr std::uint64_t kEventsFieldTag = 4 << 3 | 2;  ///< PublishRequest.events

struct EmitFlags {
  std::string server, json, producer;
  std::vector<std::string> fields;
  std::uint64_t epoch = 0;
  OutputFormat format = OutputFormat::kTable;
};

constexpr const char* kExamples = R"(Examples:
  barograph emit agent=CMO task_id=t-1 task.status=STARTED task.type=campaign
  barograph emit agent=CMO cost.amount="1.50 USD" cost.category=MODEL labels.team=growth
  barograph emit --json '{"agent": "CTO", "error": {"severity": "CRITICAL", "service": "api"}}'
  generate-events | barograph emit            # one JSON object per line

Fields are those of barograph.v1.Event: id, time, agent, task_id, labels.NAME, environment,
trace_id, count, and one kind: task, cost, payment, error, request, sample, activity, change or
feedback. Exit status 1 when an event was refused.)";

/// What became of everything that was sent.
struct EmitReport {
  struct Refusal {
    std::string event, reason;
  };
  std::uint64_t sent = 0, duplicates = 0, refused = 0;
  std::vector<Refusal> refusals;  ///< the first kReasonsShown

  void Refuse(std::string event, std::string reason) {
    ++refused;
    if (refusals.size() < kReasonsShown) refusals.push_back({std::move(event), std::move(reason)});
  }
};

Result<std::string> EventFromFields(const std::vector<std::string>& fields) {
  v1::Event event;
  for (const std::string& field : fields) {
    const std::size_t equals = field.find('=');
    if (equals == std::string::npos) {
      return Error(ErrorCode::kInvalidArgument,
                   "\"" + field + "\": write field=value, e.g. agent=CMO");
    }
    BAROGRAPH_ASSIGN(const auto path, ingest::FieldPath::Parse(field.substr(0, equals)));
    BAROGRAPH_TRY(path.Set(&event, field.substr(equals + 1), {}));
  }
  return ingest::EncodeEvent(event);
}

/// Gathers events into batches and sends them on one stream.
class Emitter {
 public:
  Emitter(Publisher& publisher, EmitReport& report) : publisher_(publisher), report_(report) {}

  Status Add(std::string_view event) {
    ByteWriter writer(&batch_);
    writer.Varint(kEventsFieldTag);
    writer.String(event);
    ++count_;
    ++report_.sent;
    return count_ >= kBatchEvents || batch_.size() >= kBatchBytes ? Flush() : Status();
  }
  Status Flush() {
    if (count_ == 0) return {};
    Status sent = publisher_.Send(batch_, count_);
    batch_.clear();
    count_ = 0;
    return sent;
  }

 private:
  Publisher& publisher_;
  EmitReport& report_;
  std::string batch_;
  std::uint32_t count_ = 0;
};

/// JSON lines from stdin; each batch leaves when it is full or when no further line is waiting.
Status EmitLines(Emitter& emitter, EmitReport& report) {
  std::string line;
  for (std::uint64_t number = 1; std::getline(std::cin, line); ++number) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto event = ingest::EncodeEventJson(line, {});
    if (event.ok()) {
      BAROGRAPH_TRY(emitter.Add(*event));
    } else {
      report.Refuse("line " + std::to_string(number), event.error().message());
    }
    if (std::cin.rdbuf()->in_avail() <= 0) BAROGRAPH_TRY(emitter.Flush());
  }
  return {};
}

void Print(const EmitReport& report, const Publisher& publisher, OutputFormat format) {
  if (format == OutputFormat::kJson) {
    nlohmann::ordered_json json = {{"sent", report.sent},
                                   {"duplicates", report.duplicates},
                                   {"refused", report.refused},
                                   {"refusals", nlohmann::ordered_json::array()}};
    for (const auto& refusal : report.refusals) {
      json["refusals"].push_back({{"event", refusal.event}, {"reason", refusal.reason}});
    }
    json["receipt"] = {{"sequence", publisher.receipt_sequence()},
                       {"link", Hex(publisher.receipt_link())}};
    std::puts(json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
    return;
  }
  std::printf("sent %s, duplicates %s, refused %s\n",
              GroupDigits(static_cast<std::int64_t>(report.sent)).c_str(),
              GroupDigits(static_cast<std::int64_t>(report.duplicates)).c_str(),
              GroupDigits(static_cast<std::int64_t>(report.refused)).c_str());
  for (const auto& refusal : report.refusals) {
    std::fprintf(stderr, "  %s: %s\n", refusal.event.c_str(), refusal.reason.c_str());
  }
  if (report.refused > report.refusals.size()) {
    std::fprintf(stderr, "  and %llu more\n",
                 static_cast<unsigned long long>(report.refused - report.refusals.size()));
  }
  if (publisher.receipt_sequence() == 0) return;
  std::printf("receipt: sequence %llu, link %s\n",
              static_cast<unsigned long long>(publisher.receipt_sequence()),
              Hex(publisher.receipt_link()).c_str());
}

int RunEmit(const EmitFlags& flags) {
  std::optional<std::string> event;
  if (!flags.fields.empty() || !flags.json.empty()) {
    auto built = flags.json.empty() ? EventFromFields(flags.fields)
                                    : ingest::EncodeEventJson(flags.json, {});
    if (!built.ok()) {
      PrintError(built.error());
      return kExitUsage;
    }
    event = std::move(built).value();
  }
  auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  EmitReport report;
  PublisherOptions options{.producer = flags.producer, .epoch = flags.epoch, .append = true};
  options.on_verdict = [&report](const PublishVerdict& verdict) {
    if (verdict.duplicate) {
      ++report.duplicates;
    } else {
      report.Refuse("event " + std::to_string(verdict.sequence), verdict.reason);
    }
  };
  auto publisher = Publisher::Open(**client, std::move(options));
  if (!publisher.ok()) return PrintError(publisher.error());
  Emitter emitter(**publisher, report);
  Status status = event.has_value() ? emitter.Add(*event) : EmitLines(emitter, report);
  if (status.ok()) status = emitter.Flush();
  if (status.ok()) status = (*publisher)->Finish();
  if (!status.ok()) return PrintError(status.error());
  Print(report, **publisher, flags.format);
  return report.refused == 0 ? kExitDone : kExitFailed;
}

}  // namespace

void AddEmitCommand(CLI::App& root, int* status) {
  auto flags = std::make_shared<EmitFlags>();
  CLI::App& command =
      *root.add_subcommand("emit", "Send events: one from flags, or JSON lines from stdin");
  command.footer(kExamples);
  auto* const fields = command.add_option("fields", flags->fields,
                                          "field=value, e.g. agent=CMO task.status=STARTED");
  command.add_option("--json", flags->json, "One event as JSON")->excludes(fields);
  command.add_option("--producer-id", flags->producer,
                     "Send as this producer, behind what the server has of it");
  command.add_option("--epoch", flags->epoch,
                     "Of the producer; a lower one than before is refused");
  AddServerOption(command, &flags->server);
  AddOutputOption(command, &flags->format);
  command.callback([flags, status] { *status = RunEmit(*flags); });
}

}  // namespace barograph::server
