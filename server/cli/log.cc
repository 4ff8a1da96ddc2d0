#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "server/cli/command.h"
#include "server/cli/event_json.h"
#include "server/cli/log_recovery.h"
#include "server/cli/output.h"
#include "server/cli/progress.h"
#include "storage/base/digest.h"
#include "storage/event/event_view.h"
#include "storage/log/log_check.h"
#include "storage/log/store.h"

namespace barograph::server {

namespace {

using Json = nlohmann::ordered_json;

struct LogFlags {
  std::string data = "barograph-data";
  OutputFormat format = OutputFormat::kTable;
  std::uint64_t from = 1;
  std::uint64_t limit = 0;
  bool quiet = false;
  bool accept_loss = false;
};

Json PlaceJson(const storage::Position& position) {
  return {{"sequence", position.sequence.value},
          {"link", Hex(position.link)},
          {"log_time", FormatTime(position.log_time)}};
}

int Stat(const LogFlags& flags) {
  auto store = storage::OpenStoreReadOnly(flags.data);
  if (!store.ok()) return PrintError(store.error());
  auto stat = storage::StatLog(*store->log);
  if (!stat.ok()) return PrintError(stat.error());
  if (flags.format == OutputFormat::kJson) {
    Json json{{"start", PlaceJson(stat->start)},
              {"end", PlaceJson(stat->end)},
              {"events", stat->events},
              {"records", stat->records},
              {"disk_bytes", stat->disk_bytes}};
    if (stat->first_log_time) json["first_log_time"] = FormatTime(*stat->first_log_time);
    std::puts(json.dump(2).c_str());
    return kExitDone;
  }
  Table table({"WHAT", "VALUE"});
  table.Row({"events", GroupDigits(static_cast<std::int64_t>(stat->events))});
  table.Row({"records (about)", GroupDigits(static_cast<std::int64_t>(stat->records))});
  table.Row({"last event", GroupDigits(static_cast<std::int64_t>(stat->end.sequence.value))});
  if (stat->first_log_time) table.Row({"from", FormatTime(*stat->first_log_time)});
  table.Row({"to", FormatTime(stat->end.log_time)});
  table.Row({"table files", FormatBytes(static_cast<double>(stat->disk_bytes))});
  table.Row({"last link", Hex(stat->end.link)});
  std::fputs(table.ToString().c_str(), stdout);
  return kExitDone;
}

int PrintVerdict(const storage::VerifyReport& report, OutputFormat format) {
  if (format == OutputFormat::kJson) {
    Json json{{"chain_ok", report.chain_ok},
              {"records", report.records},
              {"events", report.events},
              {"stored_bytes", report.stored_bytes},
              {"payload_bytes", report.payload_bytes},
              {"last", PlaceJson(report.last)}};
    if (report.defect) json["defect"] = report.defect->message();
    std::puts(json.dump(2).c_str());
  } else if (report.chain_ok) {
    std::printf("ok: %s events in %s records, %s stored, link %s\n",
                GroupDigits(static_cast<std::int64_t>(report.events)).c_str(),
                GroupDigits(static_cast<std::int64_t>(report.records)).c_str(),
                FormatBytes(static_cast<double>(report.stored_bytes)).c_str(),
                Hex(report.last.link).c_str());
  } else {
    std::printf("NOT ok after event %s: %s\n",
                GroupDigits(static_cast<std::int64_t>(report.last.sequence.value)).c_str(),
                report.defect ? report.defect->message().c_str() : "the walk was ended");
  }
  return report.chain_ok ? kExitDone : kExitNo;
}

int Verify(const LogFlags& flags) {
  auto store = storage::OpenStoreReadOnly(flags.data);
  if (!store.ok()) {
    PrintError(store.error());
    const ErrorCode code = store.error().code();
    return code == ErrorCode::kDataLoss || code == ErrorCode::kCorruption ? kExitNo : kExitFailed;
  }
  const SystemClock clock;
  std::optional<Progress> progress;
  progress.emplace(clock, "verifying", "events", store->log->durable_end().sequence.value,
                   flags.quiet);
  auto report = storage::VerifyLog(*store->log, [&](const storage::VerifyReport& so_far) {
    progress->Update(so_far.events);
    return true;
  });
  progress.reset();
  if (!report.ok()) return PrintError(report.error());
  return PrintVerdict(*report, flags.format);
}

/// Writes one record's events; false once the limit is reached.
Result<bool> ExportRecord(const storage::RecordView& record, const LogFlags& flags,
                          std::string* buffer, std::uint64_t* written) {
  BAROGRAPH_ASSIGN(const std::string_view payload, storage::OpenPayload(record, buffer));
  storage::PayloadReader reader(payload);
  std::string_view wire;
  for (Sequence sequence = record.header.first_sequence; reader.Next(&wire); ++sequence) {
    if (sequence.value < flags.from) continue;
    BAROGRAPH_ASSIGN(const std::string event, EventJson(wire));
    Json line;
    line["sequence"] = sequence.value;
    line["log_time"] = FormatTime(record.header.log_time);
    line["tenant"] = record.header.tenant;
    if ((record.header.flags & storage::kRecordKafka) != 0) {
      line["kafka"] = {{"topic", record.header.producer},
                       {"partition", record.header.epoch},
                       {"first_offset", record.header.producer_sequence}};
    } else if (!record.header.producer.empty()) {
      line["producer"] = record.header.producer;
      line["producer_sequence"] = record.header.producer_sequence;
    }
    std::string text = line.dump(-1, ' ', false, Json::error_handler_t::replace);
    text.pop_back();
    text += ",\"event\":" + event + "}\n";
    if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size()) {
      return Error(ErrorCode::kIo, "cannot write to standard output");
    }
    if (++*written == flags.limit) return false;
  }
  if (!reader.ok()) return Error(ErrorCode::kCorruption, "a payload's framing is broken");
  return true;
}

int Export(const LogFlags& flags) {
  auto store = storage::OpenStoreReadOnly(flags.data);
  if (!store.ok()) return PrintError(store.error());
  const SystemClock clock;
  const std::uint64_t end = store->log->durable_end().sequence.value;
  const bool quiet = flags.quiet || ::isatty(STDOUT_FILENO) == 1;
  Progress progress(clock, "exporting", "events", end, quiet);
  auto cursor = store->log->Read({.from = Sequence{flags.from}});
  storage::RecordView record;
  std::string buffer;
  std::uint64_t written = 0;
  while (cursor.Next(&record)) {
    const auto more = ExportRecord(record, flags, &buffer, &written);
    if (!more.ok()) return PrintError(more.error());
    if (!*more) return kExitDone;
    progress.Update(record.header.last_sequence().value);
  }
  return cursor.status().ok() ? kExitDone : PrintError(cursor.status().error());
}

CLI::App* AddAction(CLI::App& log, const char* name, const char* what, LogFlags* flags) {
  CLI::App* action = log.add_subcommand(name, what);
  action->add_option("--data", flags->data, "The server's folder")->capture_default_str();
  action->add_flag("-q,--quiet", flags->quiet, "No progress");
  return action;
}

}  // namespace

void AddLogCommand(CLI::App& root, int* status) {
  auto flags = std::make_shared<LogFlags>();
  CLI::App* log = root.add_subcommand(
      "log", "Look at the log on disk, also beside a running server; recover it");
  log->require_subcommand(1);
  CLI::App* stat = AddAction(*log, "stat", "Size and ends", flags.get());
  AddOutputOption(*stat, &flags->format);
  stat->callback([flags, status] { *status = Stat(*flags); });
  CLI::App* verify =
      AddAction(*log, "verify",
                "Read everything and check CRCs, digests and chain; exit 3 if not ok", flags.get());
  AddOutputOption(*verify, &flags->format);
  verify->callback([flags, status] { *status = Verify(*flags); });
  CLI::App* exported =
      AddAction(*log, "export", "Every event as a JSON line on standard output", flags.get());
  exported->add_option("--from", flags->from, "First sequence")->capture_default_str();
  exported->add_option("--limit", flags->limit, "At most so many events (0 = all)")
      ->capture_default_str();
  exported->callback([flags, status] { *status = Export(*flags); });
  CLI::App* recover = log->add_subcommand(
      "recover", "Say what a stopped server's log has lost; exit 3 if anything");
  recover->add_option("--data", flags->data, "The server's folder")->capture_default_str();
  recover->add_flag("--accept-loss", flags->accept_loss,
                    "Go on with what is left; the loss is logged and cannot be undone");
  AddOutputOption(*recover, &flags->format);
  recover->callback(
      [flags, status] { *status = RecoverLog(flags->data, flags->accept_loss, flags->format); });
  log->footer(
      "Examples:\n"
      "  barograph log stat --data barograph-data\n"
      "  barograph log verify --data barograph-data\n"
      "  barograph log export --from 1000 --limit 10 | jq .event\n"
      "  barograph log recover --data barograph-data");
}

}  // namespace barograph::server
