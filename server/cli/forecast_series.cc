#include <CLI/CLI.hpp>
#include <cmath>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "barograph/v1/query.pb.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/forecast_commands.h"
#include "server/cli/output.h"
#include "server/cli/wire_text.h"

namespace barograph::server {
namespace {

struct SeriesFlags {
  std::string server, measure, currency, every = "day";
  std::vector<std::string> where;
  std::uint32_t horizon = 0;
  std::optional<double> reaches, falls_below;
  OutputFormat format = OutputFormat::kTable;
};

/// Models need a second or two for years of days; a server under load gives them less of a core.
constexpr auto kPatience = std::chrono::seconds(120);

Result<v1::ForecastSeriesRequest> BuildRequest(const SeriesFlags& flags) {
  v1::ForecastSeriesRequest request;
  request.set_measure(flags.measure);
  request.set_currency_code(flags.currency);
  for (const std::string& text : flags.where) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
      return Error(ErrorCode::kInvalidArgument, "--where " + text + ": write dimension=value");
    auto& filter = *request.add_where();
    filter.set_dimension(text.substr(0, equals));
    filter.add_values(text.substr(equals + 1));
  }
  request.set_every(flags.every == "hour" ? v1::QueryWindowsRequest::EVERY_HOUR
                                          : v1::QueryWindowsRequest::EVERY_DAY);
  request.set_horizon(flags.horizon);
  if (flags.reaches) request.set_reaches(*flags.reaches);
  if (flags.falls_below) request.set_falls_below(*flags.falls_below);
  return request;
}

bool IsHourly(const v1::ForecastSeriesResponse& response) {
  return response.step_seconds() == 3600;
}

std::string Steps(const v1::ForecastSeriesResponse& response, std::uint64_t count) {
  const std::string unit = IsHourly(response) ? " hour" : " day";
  return std::to_string(count) + unit + (count == 1 ? "" : "s");
}

/// Four digits of what is small; of thousands no fractions.
std::string AmountText(double amount) {
  constexpr double kThousand = 1'000, kMost = 9e18;
  if (std::abs(amount) < kThousand || std::abs(amount) > kMost) return NumberText(amount);
  return GroupDigits(std::llround(amount));
}

std::vector<std::string> Cells(std::string what, const v1::ForecastIssued::Step& step) {
  const auto range = [](double low, double high) {
    return AmountText(low) + " to " + AmountText(high);
  };
  return {std::move(what), AmountText(step.median()), range(step.low_80(), step.high_80()),
          range(step.low_95(), step.high_95())};
}

/// "2026-12-24" for days that begin at midnight, else with the hour.
std::string StepBegin(const v1::ForecastSeriesResponse& response, int step) {
  google::protobuf::Timestamp begin = response.begin();
  begin.set_seconds(begin.seconds() + step * response.step_seconds());
  const std::string text = TimeText(begin);
  const bool midnight = !IsHourly(response) && begin.seconds() % 86'400 == 0;
  return midnight ? text.substr(0, 10) : text;
}

/// Two thousand futures do not make anything impossible or certain.
std::string ChanceText(double probability) {
  if (probability <= 0) return "below 0.1%";
  if (probability >= 1) return "above 99.9%";
  return NumberText(probability * 100, 3) + "%";
}

std::string LevelText(const SeriesFlags& flags, const v1::ForecastSeriesResponse& response) {
  const v1::ForecastSeriesResponse::Level& held = response.held();
  const bool above = flags.reaches.has_value();
  std::string text = flags.measure + (above ? " reaches " : " falls below ") +
                     NumberText(above ? *flags.reaches : *flags.falls_below, 12);
  if (!response.currency_code().empty()) text += " " + response.currency_code();
  if (response.totals_size() > 0 || !response.currency_code().empty())
    text += IsHourly(response) ? " an hour and stays there" : " a day and stays there";
  if (!held.cannot_say().empty()) return text + ": cannot say, " + held.cannot_say() + "\n";
  const std::string within = Steps(response, held.within_steps());
  text += ": " + ChanceText(held.probability()) + " within " + within + "\n";
  if (held.has_late() && held.late().seconds() <= response.begin().seconds())
    return text + "  it is there already\n";
  if (!held.has_early()) return text + "  not within " + within + ", as far as can be said\n";
  text += "  10% of all that may come from " + TimeText(held.early()) + " on\n";
  text += held.has_median() ? "  50% from " + TimeText(held.median()) + " on\n"
                            : "  50% not within " + within + "\n";
  if (held.has_median()) {
    text += held.has_late() ? "  90% from " + TimeText(held.late()) + " on\n"
                            : "  90% not within " + within + "\n";
  }
  return text;
}

void PrintForecast(const SeriesFlags& flags, const v1::ForecastSeriesResponse& response) {
  const std::string unit =
      response.currency_code().empty() ? "" : " in " + response.currency_code();
  std::printf("%s%s by the %s, from %s of history up to %s\n", response.measure().c_str(),
              unit.c_str(), IsHourly(response) ? "hour" : "day",
              Steps(response, response.history_steps()).c_str(),
              TimeText(response.begin()).c_str());
  if (!response.cannot_say().empty()) {
    std::printf("cannot say: %s\n", response.cannot_say().c_str());
    return;
  }
  std::printf("models: %s\n\n", response.models().c_str());
  if (response.has_held()) std::printf("%s\n", LevelText(flags, response).c_str());
  if (response.totals_size() > 0) {
    Table totals({"TOGETHER", "LIKELY", "80% WITHIN", "95% WITHIN"});
    for (const auto& total : response.totals())
      totals.Row(Cells("next " + Steps(response, total.steps()), total.sum()));
    std::printf("%s\n", totals.ToString().c_str());
  }
  Table table({IsHourly(response) ? "HOUR" : "DAY FROM", "LIKELY", "80% WITHIN", "95% WITHIN"});
  for (int i = 0; i < response.steps_size(); ++i)
    table.Row(Cells(StepBegin(response, i), response.steps(i)));
  std::fputs(table.ToString().c_str(), stdout);
}

int RunSeries(const SeriesFlags& flags) {
  const auto request = BuildRequest(flags);
  if (!request.ok()) {
    PrintError(request.error());
    return kExitUsage;
  }
  auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  v1::ForecastSeriesResponse response;
  const Status called =
      (*client)->Call("barograph.v1.QueryService/ForecastSeries", *request, &response, kPatience);
  if (!called.ok()) return PrintError(called.error());
  if (flags.format == OutputFormat::kJson) {
    std::puts(ToJson(response).c_str());
  } else {
    PrintForecast(flags, response);
  }
  return kExitDone;
}

}  // namespace

void AddForecastSeriesCommand(CLI::App& forecast, int* status) {
  auto flags = std::make_shared<SeriesFlags>();
  CLI::App& command = *forecast.add_subcommand(
      "series", "Where a sum or a level is going: next days, next weeks, from when a level holds");
  command.footer(R"(Examples:
  barograph forecast series revenue.net --reaches 300
  barograph forecast series cost --where agent=CMO --horizon 14
  barograph forecast series tasks.completed --every hour
  barograph forecast series sample:disk_used --every hour --reaches 95

Days are of 24 hours and end now. Dates come from simulated futures: a sum stays at a level when
every mean of 7 days that begins within three weeks is there. See docs/forecasting.md.)");
  command.add_option("measure", flags->measure, "E.g. revenue.net, cost, tasks.completed")
      ->required();
  command.add_option("--where", flags->where, "dimension=value; may be repeated");
  command.add_option("--currency", flags->currency, "Of money that comes in several, e.g. USD");
  command.add_option("--every", flags->every, "Length of a step")
      ->check(CLI::IsMember({"day", "hour"}))
      ->capture_default_str();
  command.add_option("--horizon", flags->horizon, "Steps ahead (default 30 days, 48 hours)")
      ->check(CLI::Range(1, 366));
  auto* const reaches = command.add_option("--reaches", flags->reaches,
                                           "From when on it is at least this, each step");
  command.add_option("--falls-below", flags->falls_below, "From when on it is at most this")
      ->excludes(reaches);
  AddServerOption(command, &flags->server);
  AddOutputOption(command, &flags->format);
  command.callback([flags, status] { *status = RunSeries(*flags); });
}

}  // namespace barograph::server
