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

using Response = v1::GetForecastAccuracyResponse;
using Accuracy = Response::Accuracy;
using Score = Response::Score;

constexpr int kDigits = 6;

struct AccuracyFlags {
  std::string server, rule;
  std::uint32_t limit = 1000;
  OutputFormat format = OutputFormat::kTable;
};

/// "6h", "7d".
std::string HorizonText(const Score& score) {
  const bool by_days = score.step_seconds() % 86'400 == 0;
  const std::int64_t unit = by_days ? 86'400 : 3'600;
  return std::to_string(score.step_seconds() / unit * score.steps()) + (by_days ? "d" : "h");
}

std::string Amount(bool known, double value, const Accuracy& of) {
  if (!known) return "-";
  const std::string number = NumberText(value, kDigits);
  return of.currency_code().empty() ? number : number + " " + of.currency_code();
}

std::string Percent(bool known, double share) {
  return known ? NumberText(share * 100, 3) + "%" : "-";
}

void AddRows(const std::string& rule, const std::string& labels, const Accuracy& of, Table* table) {
  for (const Score& score : of.scores()) {
    std::string bias = Amount(score.has_bias(), score.bias(), of);
    if (score.bias() > 0) bias.insert(0, "+");
    table->Row({rule, labels, of.measure(), HorizonText(score),
                GroupDigits(static_cast<std::int64_t>(score.scored())),
                GroupDigits(static_cast<std::int64_t>(score.open())),
                Amount(score.has_mean_absolute_error(), score.mean_absolute_error(), of), bias,
                Percent(score.has_wape(), score.wape()),
                Percent(score.has_coverage_80(), score.coverage_80()),
                Percent(score.has_coverage_95(), score.coverage_95())});
  }
}

std::string ScoreTable(const Response& response) {
  Table table({"RULE", "LABELS", "MEASURE", "HORIZON", "SCORED", "OPEN", "MAE", "BIAS", "WAPE",
               "IN 80%", "IN 95%"});
  for (const Accuracy& accuracy : response.instances())
    AddRows(accuracy.rule(), LabelText(accuracy.labels()), accuracy, &table);
  for (const Accuracy& accuracy : response.rules()) {
    int instances = 0;
    for (const Accuracy& each : response.instances()) instances += each.rule() == accuracy.rule();
    // What has one instance would say the same twice.
    if (instances > 1 || response.truncated()) AddRows(accuracy.rule(), "(all)", accuracy, &table);
  }
  if (response.rules_size() > 1) AddRows("(all)", "", response.overall(), &table);
  return table.ToString();
}

std::string RefusalTable(const Response& response) {
  Table table({"RULE", "LABELS", "CANNOT SAY", "OF", "WHY (THE LAST)"});
  for (const Accuracy& accuracy : response.instances()) {
    for (const Response::Reason& reason : accuracy.reasons()) {
      table.Row({accuracy.rule(), LabelText(accuracy.labels()),
                 GroupDigits(static_cast<std::int64_t>(reason.times())),
                 GroupDigits(static_cast<std::int64_t>(accuracy.issued())), reason.reason()});
    }
  }
  return table.ToString();
}

/// What the tables leave out.
std::string Remarks(const Response& response) {
  std::string text;
  const auto remark = [&](std::uint64_t count, const char* what) {
    if (count > 0) text += GroupDigits(static_cast<std::int64_t>(count)) + what;
  };
  std::uint64_t scored = 0, without_samples = 0;
  for (const Score& score : response.overall().scores()) {
    scored += score.scored();
    without_samples += score.without_samples();
  }
  if (scored == 0)
    text += "nothing is scored yet: a step is when it is over and the next forecast is made\n";
  remark(response.overall().repeated(),
         " forecasts began within a day of one that is scored, and are not scored again\n");
  remark(without_samples, " steps had no samples to compare with\n");
  remark(response.dropped(), " steps were never scored, because their rule left or changed\n");
  return text;
}

void PrintTables(const Response& response, const std::string& rule) {
  if (response.rules_size() == 0) {
    std::printf(
        "no forecast was issued yet%s; rules with `forecast` or `exhausted` ask for one, "
        "and get it within seconds of their first event, then every hour\n",
        rule.empty() ? "" : (" for rule '" + rule + "'").c_str());
  } else {
    const std::string scores = ScoreTable(response);
    const std::string refusals = RefusalTable(response);
    const char* const between = scores.empty() || refusals.empty() ? "" : "\n";
    const std::string remarks = Remarks(response);
    std::printf("%s%s%s%s%s", scores.c_str(), between, refusals.c_str(),
                remarks.empty() ? "" : "\n", remarks.c_str());
  }
  if (response.truncated()) std::fputs("(more exist; raise --limit)\n", stderr);
}

int RunAccuracy(const AccuracyFlags& flags) {
  auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  v1::GetForecastAccuracyRequest request;
  request.set_rule(flags.rule);
  request.set_page_size(flags.limit);
  Response response;
  const Status called =
      (*client)->Call("barograph.v1.QueryService/GetForecastAccuracy", request, &response);
  if (!called.ok()) return PrintError(called.error());
  if (flags.format == OutputFormat::kJson) {
    std::puts(ToJson(response).c_str());
  } else {
    PrintTables(response, flags.rule);
  }
  return kExitDone;
}

}  // namespace

void AddForecastAccuracyCommand(CLI::App& forecast, int* status) {
  auto flags = std::make_shared<AccuracyFlags>();
  CLI::App& command =
      *forecast.add_subcommand("accuracy", "How good forecasts were: what they said, what came");
  command.footer(R"(Examples:
  barograph forecast accuracy
  barograph forecast accuracy disk-will-fill
  barograph forecast accuracy -o json | jq '.rules[] | {rule, scores}'

Each forecast is scored 1, 6 and 24 hours ahead, or 1, 7 and 30 days if its steps are days, once
these are over. MAE is the mean absolute error, BIAS the mean error (above 0: too high), WAPE the
error as a share of what came. IN 80% and IN 95% say how often what came lay within the intervals:
about 80 and 95 where these are honest. docs/forecasting.md)");
  command.add_option("rule", flags->rule, "Only this rule");
  command.add_option("--limit", flags->limit, "Instances at most")->capture_default_str();
  AddServerOption(command, &flags->server);
  AddOutputOption(command, &flags->format);
  command.callback([flags, status] { *status = RunAccuracy(*flags); });
}

}  // namespace barograph::server
