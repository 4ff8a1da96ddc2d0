#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "barograph/v1/query.pb.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/forecast_commands.h"
#include "server/cli/output.h"
#include "server/cli/wire_text.h"

namespace barograph::server {
namespace {

struct ForecastFlags {
  std::string server, rule;
  std::uint32_t limit = 1000;
  OutputFormat format = OutputFormat::kTable;
};

std::string Probability(const v1::ForecastIssued& forecast) {
  if (!forecast.cannot_say().empty()) return "cannot say";
  return NumberText(static_cast<double>(forecast.probability_ppb()) / 1e7, 3) + "%";
}

/// A tenth, half and nine tenths of all that may come have seen it by then.
std::string When(const v1::ForecastIssued& forecast) {
  if (!forecast.cannot_say().empty()) return forecast.cannot_say();
  if (!forecast.has_early()) return "not within the time asked for";
  std::string text = TimeText(forecast.early());
  text += forecast.has_median() ? ", " + TimeText(forecast.median()) : ", later";
  if (forecast.has_median())
    text += forecast.has_late() ? ", " + TimeText(forecast.late()) : ", later";
  return text;
}

void PrintTable(const v1::ListForecastsResponse& response) {
  Table table({"RULE", "LABELS", "MEASURE", "QUESTION", "PROBABILITY", "10%, 50%, 90% BY", "MODELS",
               "MADE"});
  for (const v1::ForecastIssued& forecast : response.forecasts()) {
    table.Row({forecast.rule(), LabelText(forecast.labels()), forecast.measure(),
               forecast.question(), Probability(forecast), When(forecast), forecast.model(),
               TimeText(forecast.at())});
  }
  const std::string text = table.ToString();
  std::fputs(text.empty()
                 ? "no forecast yet; rules with `forecast` or `exhausted` ask for one, and "
                   "get it within seconds of their first event, then every hour\n"
                 : text.c_str(),
             stdout);
  if (response.truncated()) std::fputs("(more exist; raise --limit)\n", stderr);
}

int RunForecast(const ForecastFlags& flags) {
  auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  v1::ListForecastsRequest request;
  request.set_rule(flags.rule);
  request.set_page_size(flags.limit);
  v1::ListForecastsResponse response;
  const Status called =
      (*client)->Call("barograph.v1.QueryService/ListForecasts", request, &response);
  if (!called.ok()) return PrintError(called.error());
  if (flags.format == OutputFormat::kJson) {
    std::puts(ToJson(response).c_str());
  } else {
    PrintTable(response);
  }
  return kExitDone;
}

}  // namespace

void AddForecastCommand(CLI::App& root, int* status) {
  auto flags = std::make_shared<ForecastFlags>();
  CLI::App& command = *root.add_subcommand(
      "forecast", "Where series are going; what forecasts say to the rules that ask for one");
  command.footer(R"(Examples:
  barograph forecast
  barograph forecast disk-will-fill
  barograph forecast series revenue.net --reaches 300
  barograph forecast accuracy
  barograph forecast -o json | jq '.forecasts[] | {rule, labels, probability_ppb, median}'

A rule asks by `forecast` or `exhausted` (docs/rules.md). Its forecasts are events of the log, with
their steps and intervals: barograph tail --kind forecast_issued)");
  command.add_option("rule", flags->rule, "Only this rule");
  command.add_option("--limit", flags->limit, "Forecasts at most")->capture_default_str();
  AddServerOption(command, &flags->server);
  AddOutputOption(command, &flags->format);
  AddForecastSeriesCommand(command, status);
  AddForecastAccuracyCommand(command, status);
  command.callback([flags, status, &command] {
    if (command.get_subcommands().empty()) *status = RunForecast(*flags);
  });
}

}  // namespace barograph::server
