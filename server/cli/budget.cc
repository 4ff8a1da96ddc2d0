#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "barograph/v1/query.pb.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/cli/wire_text.h"

namespace barograph::server {
namespace {

using Budget = v1::ListBudgetsResponse::Budget;

struct BudgetFlags {
  std::string server, rule;
  std::uint32_t limit = 1000;
  OutputFormat format = OutputFormat::kTable;
};

/// The share of the limit, for people; the exact numbers stand beside it.
double ShareOf(const Budget& budget) {
  const double limit = std::strtod(budget.limit().c_str(), nullptr);
  return limit > 0 ? std::strtod(budget.amount().c_str(), nullptr) / limit : 0;
}

std::string Percent(double share) { return NumberText(share * 100, 4) + "%"; }

std::string Amount(const std::string& number, const Budget& budget) {
  return budget.currency_code().empty() ? number : number + " " + budget.currency_code();
}

std::string PeriodText(const Budget& budget) {
  return budget.calendar().empty() ? "rolling " + budget.rolling() : budget.calendar();
}

std::string StateText(const v1::ListBudgetsResponse& response, const Budget& budget) {
  if (!budget.calendar().empty() && !budget.has_start()) return "opens within a second";
  const double share = ShareOf(budget);
  if (budget.kind() == v1::ListBudgetsResponse::GOAL) {
    if (share >= 1) return "reached";
    if (budget.expected() > 0 && share < budget.expected()) return "behind";
    return budget.filling() ? "filling" : "";
  }
  if (share >= 1) return "spent";
  if (budget.has_exhausted_at() && budget.exhausted_at().seconds() >= response.at().seconds()) {
    return "gone " + TimeText(budget.exhausted_at()) + " at this rate";
  }
  return budget.filling() ? "filling" : "";
}

void PrintTable(const v1::ListBudgetsResponse& response) {
  Table table(
      {"RULE", "KIND", "LABELS", "AMOUNT", "OF", "SHARE", "EXPECTED", "PERIOD", "ENDS", "STATE"});
  for (const Budget& budget : response.budgets()) {
    const bool goal = budget.kind() == v1::ListBudgetsResponse::GOAL;
    table.Row({budget.rule(), goal ? "goal" : "budget", LabelText(budget.labels()),
               Amount(budget.amount(), budget), Amount(budget.limit(), budget),
               Percent(ShareOf(budget)), goal ? Percent(budget.expected()) : "", PeriodText(budget),
               TimeText(budget.end()), StateText(response, budget)});
  }
  const std::string text = table.ToString();
  std::fputs(text.empty() ? "no budget or goal has an instance yet; rules make one per combination "
                            "of `by` with the first event\n"
                          : text.c_str(),
             stdout);
  if (response.truncated()) std::fputs("(more exist; raise --limit)\n", stderr);
}

int RunBudget(const BudgetFlags& flags) {
  auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  v1::ListBudgetsRequest request;
  request.set_rule(flags.rule);
  request.set_page_size(flags.limit);
  v1::ListBudgetsResponse response;
  const Status called =
      (*client)->Call("barograph.v1.QueryService/ListBudgets", request, &response);
  if (!called.ok()) return PrintError(called.error());
  if (flags.format == OutputFormat::kJson) {
    std::puts(ToJson(response).c_str());
  } else {
    PrintTable(response);
  }
  return kExitDone;
}

}  // namespace

void AddBudgetCommand(CLI::App& root, int* status) {
  auto flags = std::make_shared<BudgetFlags>();
  CLI::App& command =
      *root.add_subcommand("budget", "What was spent of budgets, and reached of goals");
  command.footer(R"(Examples:
  barograph budget
  barograph budget daily-spend
  barograph budget -o json | jq '.budgets[] | select(.kind == "BUDGET")')");
  command.add_option("rule", flags->rule, "Only this budget or goal");
  command.add_option("--limit", flags->limit, "Instances at most")->capture_default_str();
  AddServerOption(command, &flags->server);
  AddOutputOption(command, &flags->format);
  command.callback([flags, status] { *status = RunBudget(*flags); });
}

}  // namespace barograph::server
