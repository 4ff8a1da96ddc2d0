#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "barograph/v1/kafka.pb.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/cli/progress.h"
#include "server/cli/record_text.h"
#include "server/cli/wire_text.h"
#include "storage/base/digest.h"

namespace barograph::server {
namespace {

constexpr std::uint32_t kPageRows = 1'000;
constexpr std::size_t kFailuresTold = 20;

struct DlqFlags {
  std::string server, topic;
  std::vector<std::uint64_t> sequences;
  std::uint64_t after = 0;
  std::uint32_t limit = 100;
  bool all = false, yes = false, hex = false;
  OutputFormat format = OutputFormat::kTable;
};

std::string Count(std::uint64_t number) { return GroupDigits(static_cast<std::int64_t>(number)); }

std::string PlaceOf(const v1::QuarantinedRow& row) {
  return row.topic() + "/" + std::to_string(row.partition()) + "@" + std::to_string(row.offset());
}

Result<v1::ListQuarantinedResponse> AskPage(Client& client, const std::string& topic,
                                            std::uint64_t after, std::uint32_t rows) {
  v1::ListQuarantinedRequest request;
  request.set_topic(topic);
  request.set_after(after);
  request.set_page_size(rows);
  v1::ListQuarantinedResponse response;
  BAROGRAPH_TRY(client.Call("barograph.v1.QuarantineService/ListQuarantined", request, &response));
  return response;
}

int RunList(const DlqFlags& flags) {
  auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  const auto page = AskPage(**client, flags.topic, flags.after, flags.limit);
  if (!page.ok()) return PrintError(page.error());
  if (flags.format == OutputFormat::kJson) {
    std::puts(ToJson(*page).c_str());
    return kExitDone;
  }
  Table table({"SEQUENCE", "SET ASIDE", "RECORD", "BYTES", "TENANT", "REASON"});
  for (const auto& row : page->rows()) {
    table.Row({std::to_string(row.sequence()), TimeText(row.set_aside_at()), PlaceOf(row),
               Count(row.value_bytes()), row.tenant(), Shorten(RecordText(row.reason()), 100)});
  }
  const std::string text = table.ToString();
  std::fputs(text.empty() ? "no records are set aside\n" : text.c_str(), stdout);
  if (page->truncated()) {
    std::fprintf(stderr, "(more follow: --after %llu)\n",
                 static_cast<unsigned long long>(page->rows().rbegin()->sequence()));
  }
  return kExitDone;
}

void PrintRecord(const v1::GetQuarantinedResponse& response, bool hex) {
  const v1::QuarantinedRow& row = response.row();
  const v1::Quarantined& record = response.record();
  std::printf("record     %s, of %s\n", PlaceOf(row).c_str(),
              record.has_record_time() ? TimeText(record.record_time()).c_str() : "no time");
  std::printf("set aside  %s, sequence %llu, tenant %s\n", TimeText(row.set_aside_at()).c_str(),
              static_cast<unsigned long long>(row.sequence()), row.tenant().c_str());
  std::printf("reason     %s\n", PrintableText(row.reason()).c_str());
  if (record.rejected_events_size() > 0) {
    std::string events;
    for (const std::uint32_t event : record.rejected_events()) {
      events += (events.empty() ? "" : ", ") + std::to_string(event);
    }
    std::printf("refused    events %s (from 0); its others were stored\n", events.c_str());
  }
  if (!record.key().empty()) std::printf("key        %s\n", RecordText(record.key()).c_str());
  for (const auto& header : record.headers()) {
    std::printf("header     %s: %s\n", PrintableText(header.name()).c_str(),
                header.has_value() ? RecordText(header.value()).c_str() : "(null)");
  }
  const bool cut = record.value().size() < record.value_bytes();
  std::printf(
      "value      %s bytes%s\n", Count(record.value_bytes()).c_str(),
      cut ? (", of which the first " + Count(record.value().size()) + " were kept").c_str() : "");
  if (cut) std::printf("SHA-256    %s\n", Hex(record.value_digest()).c_str());
  std::fputs("\n", stdout);
  const bool as_text = !hex && IsText(record.value());
  std::fputs(as_text ? PrintableText(record.value()).c_str() : HexDump(record.value()).c_str(),
             stdout);
  if (as_text && !record.value().ends_with('\n')) std::fputs("\n", stdout);
}

int RunShow(const DlqFlags& flags) {
  auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  v1::GetQuarantinedRequest request;
  request.set_sequence(flags.sequences.at(0));
  v1::GetQuarantinedResponse response;
  const Status called =
      (*client)->Call("barograph.v1.QuarantineService/GetQuarantined", request, &response);
  if (!called.ok()) return PrintError(called.error());
  if (flags.format == OutputFormat::kJson) {
    std::puts(ToJson(response).c_str());
  } else {
    PrintRecord(response, flags.hex);
  }
  return kExitDone;
}

/// What became of the records of one retry or drop.
struct Ending {
  std::uint64_t done = 0, accepted = 0, duplicates = 0, failed = 0;
  std::vector<std::string> failures;  ///< the first kFailuresTold
};

Status RetryOne(Client& client, std::uint64_t sequence, Ending* ending) {
  v1::RetryQuarantinedRequest request;
  request.set_sequence(sequence);
  v1::RetryQuarantinedResponse response;
  BAROGRAPH_TRY(client.Call("barograph.v1.QuarantineService/RetryQuarantined", request, &response));
  ending->accepted += response.accepted();
  ending->duplicates += response.duplicates();
  return {};
}

Status DropOne(Client& client, std::uint64_t sequence, Ending* /*ending*/) {
  v1::DropQuarantinedRequest request;
  request.set_sequence(sequence);
  v1::DropQuarantinedResponse response;
  return client.Call("barograph.v1.QuarantineService/DropQuarantined", request, &response);
}

using EndOne = Status (*)(Client&, std::uint64_t, Ending*);

/// A record that cannot be ended is told and the next one is tried; a server that is gone ends it.
Status EndEach(Client& client, const std::vector<std::uint64_t>& sequences, EndOne end_one,
               Progress* progress, Ending* ending) {
  for (const std::uint64_t sequence : sequences) {
    Status ended = end_one(client, sequence, ending);
    if (!ended.ok() && ended.error().code() == ErrorCode::kUnavailable) return ended;
    ending->done += ended.ok() ? 1 : 0;
    ending->failed += ended.ok() ? 0 : 1;
    if (!ended.ok() && ending->failures.size() < kFailuresTold) {
      ending->failures.push_back(std::to_string(sequence) + ": " + ended.error().message());
    }
    progress->Update(ending->done + ending->failed);
  }
  return {};
}

/// Calls `each` with the sequences of one page after another.
Status ForEachPage(Client& client, const std::string& topic,
                   const std::function<Status(const std::vector<std::uint64_t>&)>& each) {
  std::uint64_t after = 0;
  while (true) {
    BAROGRAPH_ASSIGN(const auto page, AskPage(client, topic, after, kPageRows));
    std::vector<std::uint64_t> sequences;
    for (const auto& row : page.rows()) sequences.push_back(row.sequence());
    if (sequences.empty()) return {};
    BAROGRAPH_TRY(each(sequences));
    if (!page.truncated()) return {};
    after = sequences.back();
  }
}

Result<std::uint64_t> CountAll(Client& client, const std::string& topic) {
  std::uint64_t count = 0;
  BAROGRAPH_TRY(ForEachPage(client, topic, [&count](const std::vector<std::uint64_t>& sequences) {
    count += sequences.size();
    return Status();
  }));
  return count;
}

struct Verb {
  const char *infinitive, *participle, *progressive;
  EndOne end_one;
};
constexpr Verb kRetry{"retry", "retried", "retrying", &RetryOne};
constexpr Verb kDrop{"drop", "dropped", "dropping", &DropOne};

int PrintEnding(const DlqFlags& flags, const Verb& verb, const Ending& ending) {
  if (flags.format == OutputFormat::kJson) {
    std::printf("{\"%s\": %s, \"failed\": %s, \"accepted\": %s, \"duplicates\": %s}\n",
                verb.participle, std::to_string(ending.done).c_str(),
                std::to_string(ending.failed).c_str(), std::to_string(ending.accepted).c_str(),
                std::to_string(ending.duplicates).c_str());
  } else {
    std::printf("%s %s records", verb.participle, Count(ending.done).c_str());
    if (verb.end_one == kRetry.end_one) {
      std::printf(": %s events stored, %s were in the log already", Count(ending.accepted).c_str(),
                  Count(ending.duplicates).c_str());
    }
    std::puts("");
  }
  for (const std::string& failure : ending.failures) {
    std::fprintf(stderr, "still set aside: %s\n", failure.c_str());
  }
  if (ending.failed > ending.failures.size()) {
    std::fprintf(stderr, "and %s more\n", Count(ending.failed - ending.failures.size()).c_str());
  }
  return ending.failed == 0 ? kExitDone : kExitFailed;
}

int RunAll(const DlqFlags& flags, const Verb& verb, Client& client) {
  const auto count = CountAll(client, flags.topic);
  if (!count.ok()) return PrintError(count.error());
  if (*count == 0) {
    std::printf("no records of topic %s are set aside\n", flags.topic.c_str());
    return kExitDone;
  }
  if (!flags.yes) {
    std::fprintf(stderr,
                 "%s records of topic %s wait. Nothing was changed. Add --yes to %s them all.\n",
                 Count(*count).c_str(), flags.topic.c_str(), verb.infinitive);
    return kExitNo;
  }
  Ending ending;
  const SystemClock clock;
  Status ended;
  {
    Progress progress(clock, verb.progressive, "records", *count);
    ended = ForEachPage(client, flags.topic, [&](const std::vector<std::uint64_t>& sequences) {
      return EndEach(client, sequences, verb.end_one, &progress, &ending);
    });
  }
  const int status = PrintEnding(flags, verb, ending);
  return ended.ok() ? status : PrintError(ended.error());
}

int RunEnd(const DlqFlags& flags, const Verb& verb) {
  auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  if (flags.all) return RunAll(flags, verb, **client);
  Ending ending;
  const SystemClock clock;
  Status ended;
  {
    Progress progress(clock, verb.progressive, "records", flags.sequences.size());
    ended = EndEach(**client, flags.sequences, verb.end_one, &progress, &ending);
  }
  const int status = PrintEnding(flags, verb, ending);
  return ended.ok() ? status : PrintError(ended.error());
}

void AddEnd(CLI::App& dlq, const Verb& verb, const std::string& what, const std::string& footer,
            const std::shared_ptr<DlqFlags>& flags, int* status) {
  CLI::App& command = *dlq.add_subcommand(verb.infinitive, what);
  command.footer(footer);
  CLI::Option_group& which = *command.add_option_group("Which");
  which.add_option("sequences", flags->sequences, "Sequences, as `dlq list` shows them");
  CLI::Option* all = which.add_flag("--all", flags->all, "All records of --topic");
  which.require_option(1);
  CLI::Option* topic = command.add_option("--topic", flags->topic, "Topic that --all means");
  all->needs(topic);
  topic->needs(all);
  command.add_flag("--yes", flags->yes, "Do it; without it --all only says how many there are")
      ->needs(all);
  AddServerOption(command, &flags->server);
  AddOutputOption(command, &flags->format);
  command.callback([flags, verb, status] { *status = RunEnd(*flags, verb); });
}

void AddList(CLI::App& dlq, const std::shared_ptr<DlqFlags>& flags, int* status) {
  CLI::App& list = *dlq.add_subcommand("list", "Records that wait, oldest first");
  list.footer("Examples:\n  barograph dlq list\n  barograph dlq list --topic agents --limit 1000");
  list.add_option("--topic", flags->topic, "Only of this topic");
  list.add_option("--after", flags->after, "Only behind this sequence: the next page");
  list.add_option("--limit", flags->limit, "Rows at most")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  AddServerOption(list, &flags->server);
  AddOutputOption(list, &flags->format);
  list.callback([flags, status] { *status = RunList(*flags); });
}

void AddShow(CLI::App& dlq, const std::shared_ptr<DlqFlags>& flags, int* status) {
  CLI::App& show = *dlq.add_subcommand("show", "One record whole: origin, reason, headers, value");
  show.footer("Examples:\n  barograph dlq show 48211\n  barograph dlq show 48211 --hex");
  show.add_option("sequence", flags->sequences, "Sequence, as `dlq list` shows it")
      ->required()
      ->expected(1);
  show.add_flag("--hex", flags->hex, "Bytes even where the value is text");
  AddServerOption(show, &flags->server);
  AddOutputOption(show, &flags->format);
  show.callback([flags, status] { *status = RunShow(*flags); });
}

}  // namespace

void AddDlqCommand(CLI::App& root, int* status) {
  auto flags = std::make_shared<DlqFlags>();
  CLI::App& dlq = *root.add_subcommand(
      "dlq", "Records of Kafka that could not become events and were set aside");
  dlq.require_subcommand(1);
  AddList(dlq, flags, status);
  AddShow(dlq, flags, status);
  AddEnd(dlq, kRetry, "Decode records again, as the configuration says today",
         R"(Examples:
  barograph dlq retry 48211 48212
  barograph dlq retry --all --topic agents --yes

A record that yields events leaves the quarantine together with them; one that still does not stays,
with the reason. Exit status 1 when one stayed.)",
         flags, status);
  AddEnd(dlq, kDrop, "Let records go; they stay readable in the log",
         R"(Examples:
  barograph dlq drop 48211
  barograph dlq drop --all --topic agents --yes)",
         flags, status);
}

}  // namespace barograph::server
