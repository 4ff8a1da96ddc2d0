#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "barograph/v1/query.pb.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/cli/wire_text.h"
#include "storage/base/clock.h"

namespace barograph::server {
namespace {

struct QueryFlags {
  std::string server, measure, currency, by, over, at, from, to, every;
  std::vector<std::string> where;
  double quantile = 0;
  std::uint32_t limit = 1000;
  bool no_scan = false;
  OutputFormat format = OutputFormat::kTable;
};

constexpr const char* kExamples = R"(Examples:
  barograph query tasks.completed --by agent --over 1h
  barograph query cost --by model --over 24h
  barograph query request.duration --where service=tiles --quantile 0.95 --over 5m
  barograph query revenue.net --from 2026-11-01T00:00:00Z --to 2026-12-01T00:00:00Z --every day

Windows up to 1h take steps of 10s, up to 6h of 1m, up to 3d of 10m, up to 35d of 1h. A
projection that no rule and no `series:` line keeps is answered by a scan of the log.)";

Result<v1::QueryWindowsRequest> BuildRequest(const QueryFlags& flags) {
  v1::QueryWindowsRequest request;
  request.set_measure(flags.measure);
  request.set_currency_code(flags.currency);
  for (const std::string& name : SplitList(flags.by)) request.add_by(name);
  for (const std::string& text : flags.where) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Error(ErrorCode::kInvalidArgument,
                   "--where " + text + ": write dimension=value[,value]");
    }
    auto& filter = *request.add_where();
    filter.set_dimension(text.substr(0, equals));
    for (const std::string& value : SplitList(text.substr(equals + 1))) filter.add_values(value);
  }
  const auto set_time = [](const std::string& text, auto* out) -> Status {
    BAROGRAPH_ASSIGN(const Time time, ParseTime(text));
    SetTime(time, out);
    return {};
  };
  if (!flags.from.empty()) BAROGRAPH_TRY(set_time(flags.from, request.mutable_from()));
  if (!flags.to.empty()) BAROGRAPH_TRY(set_time(flags.to, request.mutable_to()));
  if (!flags.at.empty()) BAROGRAPH_TRY(set_time(flags.at, request.mutable_at()));
  const bool spans = !flags.from.empty() || !flags.to.empty();
  if (!flags.over.empty() || !spans) {
    BAROGRAPH_ASSIGN(const Duration over, ParseDuration(flags.over.empty() ? "1h" : flags.over));
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(over);
    request.mutable_over()->set_seconds(seconds.count());
    request.mutable_over()->set_nanos(static_cast<std::int32_t>((over - seconds).count()));
  }
  static const std::map<std::string, v1::QueryWindowsRequest::Every> kEvery{
      {"hour", v1::QueryWindowsRequest::EVERY_HOUR},
      {"day", v1::QueryWindowsRequest::EVERY_DAY},
      {"month", v1::QueryWindowsRequest::EVERY_MONTH}};
  if (!flags.every.empty()) request.set_every(kEvery.at(flags.every));
  if (flags.quantile != 0) request.set_quantile(flags.quantile);
  request.set_page_size(flags.limit);
  request.set_refuse_scan(flags.no_scan);
  return request;
}

void PrintTable(const v1::QueryWindowsRequest& request, const v1::QueryWindowsResponse& response) {
  bool units = false, quantiles = false, gauges = false;
  for (const auto& row : response.rows()) {
    units |= !row.unit().empty();
    quantiles |= row.quantile() != 0;
    gauges |= !row.mean().empty();
  }
  std::vector<std::string> headings(request.by().begin(), request.by().end());
  if (request.every() != 0) headings.emplace_back("start");
  if (quantiles) headings.emplace_back("quantile");
  headings.push_back(gauges ? "last" : request.measure());
  if (units) headings.emplace_back("unit");
  if (quantiles || gauges) headings.emplace_back("count");
  if (gauges) headings.insert(headings.end(), {"min", "max", "mean"});
  for (std::string& heading : headings) {
    for (char& c : heading) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  Table table(headings);
  for (const auto& row : response.rows()) {
    std::vector<std::string> cells;
    for (const std::string& name : request.by()) {
      const auto label = row.labels().find(name);
      cells.push_back(label == row.labels().end() ? "" : label->second);
    }
    if (request.every() != 0) cells.push_back(TimeText(row.start()));
    if (quantiles) cells.push_back(NumberText(row.quantile()));
    cells.push_back(row.value());
    if (units) cells.push_back(row.unit());
    if (quantiles || gauges) cells.push_back(GroupDigits(static_cast<std::int64_t>(row.count())));
    if (gauges) cells.insert(cells.end(), {row.min(), row.max(), row.mean()});
    table.Row(cells);
  }
  const std::string text = table.ToString();
  std::fputs(text.empty() ? "nothing in this window\n" : text.c_str(), stdout);
  if (response.truncated()) std::fputs("(more rows exist; raise --limit)\n", stderr);
  if (response.scanned()) {
    std::fputs(
        "(answered by a scan of the log; add this projection to `series:` to keep it ready)\n",
        stderr);
  }
  if (response.since_sequence() > 1) {
    std::fprintf(stderr, "(kept since log sequence %llu; what came before is missing)\n",
                 static_cast<unsigned long long>(response.since_sequence()));
  }
}

int RunQuery(const QueryFlags& flags) {
  auto request = BuildRequest(flags);
  if (!request.ok()) {
    PrintError(request.error());
    return kExitUsage;
  }
  auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  v1::QueryWindowsResponse response;
  const Status called =
      (*client)->Call("barograph.v1.QueryService/QueryWindows", *request, &response);
  if (!called.ok()) return PrintError(called.error());
  if (flags.format == OutputFormat::kJson) {
    std::puts(ToJson(response).c_str());
  } else {
    PrintTable(*request, response);
  }
  return kExitDone;
}

}  // namespace

void AddQueryCommand(CLI::App& root, int* status) {
  auto flags = std::make_shared<QueryFlags>();
  CLI::App& command = *root.add_subcommand("query", "Numbers over a window or a span of history");
  command.footer(kExamples);
  command.add_option("measure", flags->measure, "E.g. tasks.completed, cost, request.duration")
      ->required();
  command.add_option("--by", flags->by, "Dimensions that tell rows apart, e.g. agent,type");
  command.add_option("--where", flags->where, "dimension=value[,value]; may be repeated");
  command.add_option("--over", flags->over, "Length of the window (default 1h)");
  command.add_option("--at", flags->at, "End of the window, RFC 3339 (default: now)");
  command.add_option("--from", flags->from, "Begin of a span of history, a whole hour");
  command.add_option("--to", flags->to, "End of the span, a whole hour");
  command.add_option("--every", flags->every, "Cut the span")
      ->check(CLI::IsMember({"hour", "day", "month"}));
  command.add_option("--currency", flags->currency, "Only this currency, e.g. USD");
  command.add_option("--quantile", flags->quantile, "Of a distribution (default 0.5, 0.95, 0.99)");
  command.add_option("--limit", flags->limit, "Rows at most")->capture_default_str();
  command.add_flag("--no-scan", flags->no_scan, "Refuse rather than scan the log");
  AddServerOption(command, &flags->server);
  AddOutputOption(command, &flags->format);
  command.callback([flags, status] { *status = RunQuery(*flags); });
}

}  // namespace barograph::server
