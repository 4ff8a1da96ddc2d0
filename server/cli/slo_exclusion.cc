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

struct ExclusionFlags {
  std::string server, slo, from, to, length, reason, author = DefaultAuthor();
  std::vector<std::string> ids;
  OutputFormat format = OutputFormat::kTable;
};

/// Errors: kInvalidArgument naming the flag.
Status BuildRequest(const ExclusionFlags& flags, v1::AddExclusionRequest* request) {
  request->set_slo(flags.slo);
  request->set_note(flags.reason);
  request->set_author(flags.author);
  const Result<Time> from = ParseTime(flags.from);
  if (!from.ok()) return from.error().WithContext("--from");
  SetTime(*from, request->mutable_from());
  if (flags.to.empty() == flags.length.empty())
    return Error(ErrorCode::kInvalidArgument, "say until when: --to or --for");
  if (!flags.to.empty()) {
    const Result<Time> to = ParseTime(flags.to);
    if (!to.ok()) return to.error().WithContext("--to");
    SetTime(*to, request->mutable_to());
    return {};
  }
  const Result<Duration> length = ParseDuration(flags.length);
  if (!length.ok()) return length.error().WithContext("--for");
  SetTime(*from + *length, request->mutable_to());
  return {};
}

int RunAdd(const ExclusionFlags& flags) {
  v1::AddExclusionRequest request;
  if (const Status built = BuildRequest(flags, &request); !built.ok()) {
    PrintError(built.error());
    return kExitUsage;
  }
  auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  v1::AddExclusionResponse response;
  const Status called =
      (*client)->Call("barograph.v1.AlertService/AddExclusion", request, &response);
  if (!called.ok()) return PrintError(called.error());
  const v1::Exclusion& exclusion = response.exclusion();
  if (flags.format == OutputFormat::kJson) {
    std::puts(ToJson(response).c_str());
  } else {
    std::printf("%s: %s does not count %s to %s\n", exclusion.id().c_str(), exclusion.slo().c_str(),
                TimeText(exclusion.from()).c_str(), TimeText(exclusion.to()).c_str());
  }
  return kExitDone;
}

int RunList(const ExclusionFlags& flags) {
  auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  v1::ListExclusionsRequest request;
  request.set_slo(flags.slo);
  v1::ListExclusionsResponse response;
  const Status called =
      (*client)->Call("barograph.v1.AlertService/ListExclusions", request, &response);
  if (!called.ok()) return PrintError(called.error());
  if (flags.format == OutputFormat::kJson) {
    std::puts(ToJson(response).c_str());
    return kExitDone;
  }
  Table table({"EXCLUSION", "SLO", "FROM", "TO", "AUTHOR", "SAID", "REASON"});
  for (const v1::Exclusion& exclusion : response.exclusions()) {
    table.Row({exclusion.id(), exclusion.slo(), TimeText(exclusion.from()),
               TimeText(exclusion.to()), exclusion.author(), TimeText(exclusion.at()),
               Shorten(exclusion.note(), 80)});
  }
  const std::string text = table.ToString();
  std::fputs(text.empty() ? "no exclusions\n" : text.c_str(), stdout);
  return kExitDone;
}

int RunWithdraw(const ExclusionFlags& flags) {
  auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  for (const std::string& id : flags.ids) {
    v1::WithdrawExclusionRequest request;
    request.set_id(id);
    v1::WithdrawExclusionResponse response;
    const Status called =
        (*client)->Call("barograph.v1.AlertService/WithdrawExclusion", request, &response);
    if (!called.ok()) return PrintError(called.error());
    std::puts(flags.format == OutputFormat::kJson ? ToJson(response).c_str()
                                                  : (id + " counts again").c_str());
  }
  return kExitDone;
}

void AddAdd(CLI::App& exclusion, const std::shared_ptr<ExclusionFlags>& flags, int* status) {
  CLI::App& add = *exclusion.add_subcommand("add", "Let an SLO not count certain hours");
  add.footer(R"(Examples:
  barograph slo exclusion add task-success --from 2026-11-20T14:00:00Z --for 2h --reason "new disks"
  barograph slo exclusion add api-latency --from 2026-12-01T22:00:00Z --to 2026-12-02T02:00:00Z \
    --reason "announced maintenance"

Whole hours are excluded: 14:20 to 14:50 excludes 14:00 to 15:00. Neither good nor bad events of
these hours count, in burn rates and in the error budget. Hours to come may be excluded too.)");
  add.add_option("slo", flags->slo, "Name of the SLO")->required();
  add.add_option("--from", flags->from, "Where the hours begin")->required();
  CLI::Option* to = add.add_option("--to", flags->to, "Where they end");
  add.add_option("--for", flags->length, "How long they last")->excludes(to);
  add.add_option("--reason", flags->reason, "Why")->required();
  add.add_option("--author", flags->author, "Who says so; also BAROGRAPH_AUTHOR")
      ->capture_default_str();
  AddServerOption(add, &flags->server);
  AddOutputOption(add, &flags->format);
  add.callback([flags, status] { *status = RunAdd(*flags); });
}

}  // namespace

void AddExclusionCommand(CLI::App& slo, int* status) {
  auto flags = std::make_shared<ExclusionFlags>();
  CLI::App& exclusion = *slo.add_subcommand("exclusion", "Hours that an SLO does not count");
  exclusion.require_subcommand(1);
  AddAdd(exclusion, flags, status);
  CLI::App& list = *exclusion.add_subcommand("list", "Exclusions in force and to come");
  list.footer("Example:\n  barograph slo exclusion list -o json");
  list.add_option("--slo", flags->slo, "Only of this SLO");
  AddServerOption(list, &flags->server);
  AddOutputOption(list, &flags->format);
  list.callback([flags, status] { *status = RunList(*flags); });
  CLI::App& withdraw = *exclusion.add_subcommand("withdraw", "Let the hours count again");
  withdraw.footer("Example:\n  barograph slo exclusion withdraw exc_48211");
  withdraw.add_option("ids", flags->ids, "Ids, as `slo exclusion list` shows them")->required();
  AddServerOption(withdraw, &flags->server);
  AddOutputOption(withdraw, &flags->format);
  withdraw.callback([flags, status] { *status = RunWithdraw(*flags); });
}

}  // namespace barograph::server
