#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "barograph/v1/guard.pb.h"
#include "server/cli/alert_commands.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/cli/wire_text.h"
#include "storage/base/money.h"

namespace barograph::server {
namespace {

struct GateFlags {
  std::string server, slo, budget, share, note, length = "1h", author = DefaultAuthor();
  std::vector<std::string> by;
  OutputFormat format = OutputFormat::kTable;
};

/// "10%" as 0.1.
Result<double> ReadShare(const std::string& text) {
  constexpr int kDigits = 7;
  constexpr double kWhole = 1e9;
  const bool percent = text.ends_with('%');
  const Result<Int128> number = ParseDecimal(text.substr(0, text.size() - 1), kDigits);
  if (!percent || !number.ok() || *number < 0 || *number > static_cast<Int128>(kWhole)) {
    return Error(ErrorCode::kInvalidArgument,
                 "--min-budget " + text + ": write a share from 0% to 100%, e.g. 10%");
  }
  return static_cast<double>(*number) / kWhole;
}

Result<v1::CheckGateRequest> BuildCheck(const GateFlags& flags) {
  v1::CheckGateRequest request;
  request.set_slo(flags.slo);
  request.set_budget(flags.budget);
  if (!flags.share.empty()) {
    BAROGRAPH_ASSIGN(const double share, ReadShare(flags.share));
    request.set_min_remaining(share);
  }
  for (const std::string& pair : flags.by) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string::npos || equals == 0)
      return Error(ErrorCode::kInvalidArgument, "--by " + pair + ": write e.g. --by agent=CMO");
    (*request.mutable_by())[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  return request;
}

int RunOverride(const GateFlags& flags, Client& client) {
  const Result<Duration> length = ParseDuration(flags.length);
  if (!length.ok()) {
    PrintError(length.error().WithContext("--for"));
    return kExitUsage;
  }
  v1::OverrideGateRequest request;
  request.set_slo(flags.slo);
  request.set_budget(flags.budget);
  request.set_note(flags.note);
  request.set_author(flags.author);
  request.mutable_length()->set_seconds(std::chrono::floor<std::chrono::seconds>(*length).count());
  v1::OverrideGateResponse response;
  const Status called = client.Call("barograph.v1.GuardService/OverrideGate", request, &response);
  if (!called.ok()) return PrintError(called.error());
  if (flags.format == OutputFormat::kJson) {
    std::puts(ToJson(response).c_str());
  } else {
    std::printf("%s passes until %s: %s\n", response.override().gate().c_str(),
                TimeText(response.override().expires_at()).c_str(),
                response.override().note().c_str());
  }
  return kExitDone;
}

void PrintGate(const v1::CheckGateResponse& response) {
  std::printf("%s\n  criterion: %s\n  actual:    %s\n", response.passed() ? "pass" : "stop",
              response.criterion().c_str(), response.actual().c_str());
  if (response.has_override()) {
    std::printf("  override:  by %s until %s: %s\n", response.override().author().c_str(),
                TimeText(response.override().expires_at()).c_str(),
                response.override().note().c_str());
  } else if (!response.passed()) {
    std::printf("  to do:     %s\n", response.advice().c_str());
  }
}

int RunGate(const GateFlags& flags) {
  const Result<v1::CheckGateRequest> request = BuildCheck(flags);
  if (!request.ok()) {
    PrintError(request.error());
    return kExitUsage;
  }
  auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  if (!flags.note.empty()) return RunOverride(flags, **client);
  v1::CheckGateResponse response;
  const Status called = (*client)->Call("barograph.v1.GuardService/CheckGate", *request, &response);
  if (!called.ok()) return PrintError(called.error());
  if (flags.format == OutputFormat::kJson) {
    std::puts(ToJson(response).c_str());
  } else {
    PrintGate(response);
  }
  return response.passed() ? kExitDone : kExitNo;
}

}  // namespace

void AddGateCommand(CLI::App& root, int* status) {
  auto flags = std::make_shared<GateFlags>();
  CLI::App& gate = *root.add_subcommand("gate", "Tell a pipeline whether it may go on");
  gate.footer(R"(Examples:
  barograph gate --slo task-success --min-budget 10%
  barograph gate --budget daily-spend --by agent=CMO
  barograph gate --slo task-success --override "hotfix for the outage" --for 1h

Exit status 0: go on; 3: stop. Without --by the instance with least left decides. An override is
logged with its reason, and the gate passes until it is over.)");
  CLI::Option_group& which = *gate.add_option_group("Which");
  which.add_option("--slo", flags->slo, "By what is left of this SLO's error budget");
  which.add_option("--budget", flags->budget, "By what is left of this budget");
  which.require_option(1);
  gate.add_option("--min-budget", flags->share, "What must be left, e.g. 10%; else 0%");
  gate.add_option("--by", flags->by, "Only this instance, e.g. agent=CMO");
  CLI::Option* const note =
      gate.add_option("--override", flags->note, "Let it pass for a while; why");
  gate.add_option("--for", flags->length, "How long the override lasts")
      ->needs(note)
      ->capture_default_str();
  gate.add_option("--author", flags->author, "Who overrides; also BAROGRAPH_AUTHOR")
      ->capture_default_str();
  AddServerOption(gate, &flags->server);
  AddOutputOption(gate, &flags->format);
  gate.callback([flags, status] { *status = RunGate(*flags); });
}

}  // namespace barograph::server
