#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "barograph/v1/alert.pb.h"
#include "server/cli/alert_commands.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/cli/wire_text.h"
#include "storage/base/clock.h"

namespace barograph::server {
namespace {

struct SilenceFlags {
  std::string server, comment, start, end, length = "2h", author = DefaultAuthor();
  std::vector<std::string> matchers, ids;
  bool ended = false;
  OutputFormat format = OutputFormat::kTable;
};

/// Errors: kInvalidArgument naming the flag.
Status BuildRequest(const SilenceFlags& flags, v1::AddSilenceRequest* request) {
  BAROGRAPH_TRY(ReadMatchers(flags.matchers, request->mutable_matchers()));
  request->set_comment(flags.comment);
  request->set_author(flags.author);
  Time start = SystemClock().WallNow();
  if (!flags.start.empty()) {
    BAROGRAPH_ASSIGN(start, ParseTime(flags.start));
    SetTime(start, request->mutable_starts_at());
  }
  BAROGRAPH_ASSIGN(const Duration length, ParseDuration(flags.length));
  Time end = start + length;
  if (!flags.end.empty()) {
    BAROGRAPH_ASSIGN(end, ParseTime(flags.end));
  }
  SetTime(end, request->mutable_ends_at());
  return {};
}

int RunAdd(const SilenceFlags& flags) {
  v1::AddSilenceRequest request;
  if (const Status built = BuildRequest(flags, &request); !built.ok()) {
    PrintError(built.error());
    return kExitUsage;
  }
  auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  v1::AddSilenceResponse response;
  const Status called = (*client)->Call("barograph.v1.AlertService/AddSilence", request, &response);
  if (!called.ok()) return PrintError(called.error());
  std::puts(flags.format == OutputFormat::kJson ? ToJson(response).c_str() : response.id().c_str());
  return kExitDone;
}

void PrintSilences(const v1::ListSilencesResponse& response) {
  Table table({"SILENCE", "STATE", "FROM", "TO", "AUTHOR", "MATCHERS", "COMMENT"});
  for (const v1::Silence& silence : response.silences()) {
    std::string state = Word(v1::Silence::State_Name(silence.state()));
    if (silence.has_ended_at())
      state += " " + TimeText(silence.ended_at()) + " by " + silence.ended_by();
    table.Row({silence.id(), state, TimeText(silence.starts_at()), TimeText(silence.ends_at()),
               silence.author(), MatchersText(silence.matchers()), Shorten(silence.comment(), 80)});
  }
  const std::string text = table.ToString();
  std::fputs(text.empty() ? "no silences\n" : text.c_str(), stdout);
}

int RunList(const SilenceFlags& flags) {
  auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  v1::ListSilencesRequest request;
  request.set_ended(flags.ended);
  v1::ListSilencesResponse response;
  const Status called =
      (*client)->Call("barograph.v1.AlertService/ListSilences", request, &response);
  if (!called.ok()) return PrintError(called.error());
  if (flags.format == OutputFormat::kJson) {
    std::puts(ToJson(response).c_str());
  } else {
    PrintSilences(response);
  }
  return kExitDone;
}

int RunExpire(const SilenceFlags& flags) {
  auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  for (const std::string& id : flags.ids) {
    v1::ExpireSilenceRequest request;
    request.set_id(id);
    v1::ExpireSilenceResponse response;
    const Status called =
        (*client)->Call("barograph.v1.AlertService/ExpireSilence", request, &response);
    if (!called.ok()) return PrintError(called.error());
    std::puts(flags.format == OutputFormat::kJson ? ToJson(response).c_str()
                                                  : ("ended " + id).c_str());
  }
  return kExitDone;
}

void AddAdd(CLI::App& silence, const std::shared_ptr<SilenceFlags>& flags, int* status) {
  CLI::App& add = *silence.add_subcommand("add", "Tell nobody of alerts that fit, for a while");
  add.footer(R"(Examples:
  barograph silence add agent=CMO --comment "model upgrade"
  barograph silence add 'rule=~"disk.*"' severity!=critical --for 30m --comment "moving data"
  barograph silence add team=web --start 2026-12-01T22:00:00Z --for 4h --comment "maintenance"

Prints the silence's id. When it ends, what it covered and still fires is told at once. An alert
that was told before is told when it resolves, in a silence too.)");
  add.add_option("matchers", flags->matchers, "What the alerts' labels must be: =, !=, =~, !~")
      ->required();
  add.add_option("--comment", flags->comment, "Why")->required();
  CLI::Option* length =
      add.add_option("--for", flags->length, "How long it lasts")->capture_default_str();
  add.add_option("--start", flags->start, "When it begins; else now");
  add.add_option("--end", flags->end, "When it ends")->excludes(length);
  add.add_option("--author", flags->author, "Who says so; also BAROGRAPH_AUTHOR")
      ->capture_default_str();
  AddServerOption(add, &flags->server);
  AddOutputOption(add, &flags->format);
  add.callback([flags, status] { *status = RunAdd(*flags); });
}

}  // namespace

void AddSilenceCommand(CLI::App& root, int* status) {
  auto flags = std::make_shared<SilenceFlags>();
  CLI::App& silence =
      *root.add_subcommand("silence", "Times in which nobody is told of certain alerts");
  silence.require_subcommand(1);
  AddAdd(silence, flags, status);
  CLI::App& list = *silence.add_subcommand("list", "Silences in force and to come");
  list.footer("Examples:\n  barograph silence list\n  barograph silence list --ended -o json");
  list.add_flag("--ended", flags->ended, "Those that have ended too");
  AddServerOption(list, &flags->server);
  AddOutputOption(list, &flags->format);
  list.callback([flags, status] { *status = RunList(*flags); });
  CLI::App& expire = *silence.add_subcommand("expire", "End silences now");
  expire.footer("Example:\n  barograph silence expire sil_5be277468d3f1c0a");
  expire.add_option("ids", flags->ids, "Ids, as `silence list` shows them")->required();
  AddServerOption(expire, &flags->server);
  AddOutputOption(expire, &flags->format);
  expire.callback([flags, status] { *status = RunExpire(*flags); });
}

}  // namespace barograph::server
