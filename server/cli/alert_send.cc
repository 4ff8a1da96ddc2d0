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

namespace barograph::server {
namespace {

struct SendFlags {
  std::string server;
  std::vector<std::string> notices;
  bool force = false;
};

int RunSend(const SendFlags& flags) {
  auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  for (const std::string& id : flags.notices) {
    v1::ResendNoticeRequest request;
    request.set_notice_id(id);
    request.set_force(flags.force);
    v1::ResendNoticeResponse response;
    const Status called =
        (*client)->Call("barograph.v1.AlertService/ResendNotice", request, &response);
    if (!called.ok()) return PrintError(called.error());
    std::printf("%s waits for delivery again\n", id.c_str());
  }
  return kExitDone;
}

}  // namespace

void AddSendCommand(CLI::App& alerts, int* status) {
  auto flags = std::make_shared<SendFlags>();
  CLI::App& send = *alerts.add_subcommand("send", "Send dead and dropped notices again");
  send.footer(R"(Examples:
  barograph alerts list --state dead,dropped
  barograph alerts send ntc_00112233445566778899aabbccddeeff

The same bytes go out under the same id. A notice whose group has told something newer is refused:
what it says may no longer hold.)");
  send.add_option("notice", flags->notices, "Ids of notices")->required();
  send.add_flag("--force", flags->force, "Also when its group has told something newer");
  AddServerOption(send, &flags->server);
  send.callback([flags, status] { *status = RunSend(*flags); });
}

}  // namespace barograph::server
