#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>

#include "barograph/v1/query.pb.h"
#include "server/cli/alert_commands.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/cli/wire_text.h"

namespace barograph::server {
namespace {

struct SloFlags {
  std::string server, rule;
  std::uint32_t limit = 1000;
  bool worst_first = false;
  OutputFormat format = OutputFormat::kTable;
};

std::string Percent(double ratio) { return NumberText(ratio * 100, 6) + "%"; }

std::string StateText(const v1::ListSlosResponse::Slo& slo) {
  std::string state = slo.filling() ? "filling" : "";
  if (slo.budget_remaining() < 0) state = "overspent";
  if (slo.frozen()) state = "frozen";
  if (slo.excluded_seconds() == 0) return state;
  const Duration excluded = std::chrono::seconds(slo.excluded_seconds());
  return (state.empty() ? "" : state + "; ") + "without " + FormatDuration(excluded) +
         " excluded, else " + Percent(slo.budget_remaining_with_excluded()) + " left";
}

/// The row that is nearest to firing, e.g. "1h/5m 3.1x of 14.4x".
std::string BurnText(const v1::ListSlosResponse::Slo& slo) {
  const v1::ListSlosResponse::BurnRow* nearest = nullptr;
  double nearest_share = -1;
  for (const auto& row : slo.rows()) {
    const double share = std::min(row.long_burn(), row.short_burn()) / row.factor();
    if (share > nearest_share) {
      nearest = &row;
      nearest_share = share;
    }
  }
  if (nearest == nullptr) return "";
  return nearest->condition() + " " +
         NumberText(std::min(nearest->long_burn(), nearest->short_burn()), 3) + "x of " +
         NumberText(nearest->factor(), 3) + "x";
}

void PrintTable(const v1::ListSlosResponse& response) {
  Table table(
      {"SLO", "LABELS", "OBJECTIVE", "GOOD", "TOTAL", "BUDGET LEFT", "NEAREST BURN ROW", "STATE"});
  for (const auto& slo : response.slos()) {
    table.Row({slo.rule(), LabelText(slo.labels()), Percent(slo.objective()), slo.good(),
               slo.total(), Percent(slo.budget_remaining()), BurnText(slo), StateText(slo)});
  }
  const std::string text = table.ToString();
  std::fputs(text.empty() ? "no SLO has an instance yet; rules make one per combination of `by` "
                            "with the first event\n"
                          : text.c_str(),
             stdout);
  if (response.truncated()) std::fputs("(more exist; raise --limit)\n", stderr);
}

int RunSlo(const SloFlags& flags) {
  auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  v1::ListSlosRequest request;
  request.set_rule(flags.rule);
  request.set_page_size(flags.limit);
  v1::ListSlosResponse response;
  const Status called = (*client)->Call("barograph.v1.QueryService/ListSlos", request, &response);
  if (!called.ok()) return PrintError(called.error());
  if (flags.worst_first) {
    std::stable_sort(
        response.mutable_slos()->begin(), response.mutable_slos()->end(),
        [](const auto& a, const auto& b) { return a.budget_remaining() < b.budget_remaining(); });
  }
  if (flags.format == OutputFormat::kJson) {
    std::puts(ToJson(response).c_str());
  } else {
    PrintTable(response);
  }
  return kExitDone;
}

}  // namespace

void AddSloCommand(CLI::App& root, int* status) {
  auto flags = std::make_shared<SloFlags>();
  CLI::App& command = *root.add_subcommand("slo", "Error budgets and burn rates of SLOs");
  command.footer(R"(Examples:
  barograph slo
  barograph slo task-success --worst-first --limit 20
  barograph slo -o json | jq '.slos[] | select(.budget_remaining < 0.1)'
  barograph slo exclusion add task-success --from 2026-12-01T22:00:00Z --for 2h --reason disks)");
  command.add_option("rule", flags->rule, "Only this SLO");
  command.add_flag("--worst-first", flags->worst_first, "Least error budget first");
  command.add_option("--limit", flags->limit, "Instances at most")->capture_default_str();
  AddServerOption(command, &flags->server);
  AddOutputOption(command, &flags->format);
  AddExclusionCommand(command, status);
  command.callback([flags, status, &command] {
    if (command.get_subcommands().empty()) *status = RunSlo(*flags);
  });
}

}  // namespace barograph::server
