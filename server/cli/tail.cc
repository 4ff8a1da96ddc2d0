#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "barograph/v1/query.pb.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/cli/wire_text.h"

namespace barograph::server {
namespace {

struct TailFlags {
  std::string server, agent;
  std::vector<std::string> kinds;
  std::uint64_t from = 0;
  std::uint32_t last = 10;
  bool no_follow = false;
  OutputFormat format = OutputFormat::kTable;
};

constexpr std::size_t kKindWidth = 16, kAgentWidth = 16, kBodyBytes = 160;

/// The set member of `kind`: its field, and its message as one line of JSON.
std::pair<std::string, std::string> KindOf(const v1::Event& event) {
  const auto* const oneof = v1::Event::descriptor()->FindOneofByName("kind");
  const auto* const field = event.GetReflection()->GetOneofFieldDescriptor(event, oneof);
  if (field == nullptr) return {"?", "{}"};
  return {field->name(),
          ToJson(event.GetReflection()->GetMessage(event, field), /*indented=*/false)};
}

/// Control characters would let an event write over the terminal.
std::string Printable(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  }
  return text;
}

void PrintEntry(const v1::TailResponse::Entry& entry, OutputFormat format) {
  if (format == OutputFormat::kJson) {
    std::puts(ToJson(entry, /*indented=*/false).c_str());
    return;
  }
  const auto [kind, body] = KindOf(entry.event());
  const auto& time = entry.event().has_time() ? entry.event().time() : entry.log_time();
  std::printf("%10llu  %-24s  %-*s  %-*s  %s\n", static_cast<unsigned long long>(entry.sequence()),
              Shorten(TimeText(time), 24).c_str(), static_cast<int>(kKindWidth), kind.c_str(),
              static_cast<int>(kAgentWidth), Printable(entry.event().agent()).c_str(),
              Printable(Shorten(body, kBodyBytes)).c_str());
}

int RunTail(const TailFlags& flags) {
  auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  v1::TailRequest request;
  request.set_from_sequence(flags.from);
  request.set_backlog(flags.last);
  request.set_agent(flags.agent);
  request.set_until_now(flags.no_follow);
  for (const std::string& kind : flags.kinds) request.add_kinds(kind);
  bool readable = true;
  const Status status = (*client)->Stream(
      "barograph.v1.QueryService/Tail", request, [&flags, &readable](std::string_view wire) {
        v1::TailResponse response;
        readable = response.ParseFromArray(wire.data(), static_cast<int>(wire.size()));
        for (const auto& entry : response.entries()) PrintEntry(entry, flags.format);
        return readable && std::fflush(stdout) == 0;
      });
  if (!status.ok()) return PrintError(status.error());
  return readable ? kExitDone : kExitFailed;
}

}  // namespace

void AddTailCommand(CLI::App& root, int* status) {
  auto flags = std::make_shared<TailFlags>();
  CLI::App& command = *root.add_subcommand("tail", "Events of the log as they become durable");
  command.footer(R"(Examples:
  barograph tail
  barograph tail --kind alert_transition,notice_decided,delivery
  barograph tail --agent CMO --last 100
  barograph tail --from 1 --no-follow -o json > events.jsonl)");
  command.add_option("--from", flags->from, "First log sequence (default: the last --last events)");
  command.add_option("--last", flags->last, "Events before now to begin with")
      ->capture_default_str();
  command.add_option("--kind", flags->kinds, "Only these, e.g. task,cost,alert_transition")
      ->delimiter(',');
  command.add_option("--agent", flags->agent, "Only this agent");
  command.add_flag("--no-follow", flags->no_follow, "End at the last event instead of waiting");
  AddServerOption(command, &flags->server);
  AddOutputOption(command, &flags->format);
  command.callback([flags, status] { *status = RunTail(*flags); });
}

}  // namespace barograph::server
