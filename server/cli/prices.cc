#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "barograph/v1/query.pb.h"
#include "ingest/formats/price_table.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/config/shipped_prices.h"
#include "storage/base/money.h"

namespace barograph::server {
namespace {

using Json = nlohmann::ordered_json;

struct PricesFlags {
  std::string server, file, from, version, model;
  OutputFormat output = OutputFormat::kTable;
};

constexpr int kPriceScale = 15;
constexpr int kPerMillionScale = 9;  ///< 1e-15 a token is 1e-9 a million tokens

Result<ingest::PriceTable> ReadTable(const PricesFlags& flags) {
  if (flags.file == "shipped")
    return ingest::ReadPriceTable(ShippedPriceTable(), ShippedPriceVersion());
  std::ifstream file(flags.file, std::ios::binary);
  if (!file) return Error(ErrorCode::kNotFound, "cannot read " + flags.file);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  return ingest::ReadPriceTable(text, flags.version.empty() ? flags.file : flags.version);
}

void SetSeconds(Time time, google::protobuf::Timestamp* out) {
  const std::int64_t nanos = time.time_since_epoch().count();
  out->set_seconds(nanos / kNanosPerUnit);
  out->set_nanos(static_cast<std::int32_t>(nanos % kNanosPerUnit));
}

void ToProto(const storage::ModelPrice& price, v1::ModelPrice* out) {
  out->set_model(price.model);
  out->set_provider(price.provider);
  if (price.input) out->set_input(*price.input);
  if (price.output) out->set_output(*price.output);
  if (price.cache_read) out->set_cache_read(*price.cache_read);
  if (price.cache_write) out->set_cache_write(*price.cache_write);
  if (price.reasoning) out->set_reasoning(*price.reasoning);
}

int RunCheck(const PricesFlags& flags) {
  const auto table = ReadTable(flags);
  if (!table.ok()) {
    std::fprintf(stderr, "%s\n", table.error().message().c_str());
    return kExitFailed;
  }
  if (flags.output == OutputFormat::kJson) {
    std::puts(
        Json{{"models", table->prices.prices.size()}, {"skipped", table->skipped}}.dump(2).c_str());
  } else {
    std::printf("ok: %zu models with prices, %zu entries without a price per token\n",
                table->prices.prices.size(), table->skipped);
  }
  return kExitDone;
}

Status Apply(const PricesFlags& flags, std::size_t* models) {
  BAROGRAPH_ASSIGN(const ingest::PriceTable table, ReadTable(flags));
  Time from = SystemClock().WallNow();
  if (!flags.from.empty()) {
    BAROGRAPH_ASSIGN(from, ParseTime(flags.from));
  }
  v1::ApplyPricesRequest request;
  v1::PricesApplied* applied = request.mutable_table();
  SetSeconds(from, applied->mutable_effective_from());
  applied->set_version(table.prices.version);
  applied->set_currency_code(table.prices.currency_code);
  for (const storage::ModelPrice& price : table.prices.prices)
    ToProto(price, applied->add_prices());
  *models = table.prices.prices.size();
  BAROGRAPH_ASSIGN(const auto client, Client::Connect(flags.server));
  v1::ApplyPricesResponse response;
  return client->Call("barograph.v1.AdminService/ApplyPrices", request, &response);
}

int RunApply(const PricesFlags& flags) {
  std::size_t models = 0;
  const Status status = Apply(flags, &models);
  if (!status.ok()) return PrintError(status.error());
  if (flags.output == OutputFormat::kJson) {
    std::puts(Json{{"models", models}}.dump(2).c_str());
  } else {
    std::printf("applied the prices of %zu models\n", models);
  }
  return kExitDone;
}

std::string Rate(bool present, std::int64_t price) {
  return present ? FormatDecimal(price, kPerMillionScale) : "-";
}

Json PriceJson(const v1::ListPricesResponse::Price& row) {
  const v1::ModelPrice& price = row.price();
  Json json = {
      {"version", row.version()},
      {"effective_from", FormatTime(Time(std::chrono::seconds(row.effective_from().seconds())))},
      {"currency_code", row.currency_code()},
      {"model", price.model()},
      {"provider", price.provider()}};
  const auto add = [&](const char* name, bool present, std::int64_t value) {
    if (present) json[name] = FormatDecimal(value, kPriceScale);
  };
  add("input_per_token", price.has_input(), price.input());
  add("output_per_token", price.has_output(), price.output());
  add("cache_read_per_token", price.has_cache_read(), price.cache_read());
  add("cache_write_per_token", price.has_cache_write(), price.cache_write());
  add("reasoning_per_token", price.has_reasoning(), price.reasoning());
  return json;
}

void PrintPrices(const v1::ListPricesResponse& response, OutputFormat format) {
  if (format == OutputFormat::kJson) {
    Json json = Json::array();
    for (const auto& row : response.prices()) json.push_back(PriceJson(row));
    std::puts(json.dump(2, ' ', false, Json::error_handler_t::replace).c_str());
    return;
  }
  Table table(
      {"model", "provider", "input", "output", "cache read", "cache write", "from", "version"});
  for (const auto& row : response.prices()) {
    const v1::ModelPrice& price = row.price();
    table.Row(
        {price.model(), price.provider(), Rate(price.has_input(), price.input()),
         Rate(price.has_output(), price.output()), Rate(price.has_cache_read(), price.cache_read()),
         Rate(price.has_cache_write(), price.cache_write()),
         FormatTime(Time(std::chrono::seconds(row.effective_from().seconds()))), row.version()});
  }
  std::fputs(table.ToString().c_str(), stdout);
  const char* currency =
      response.prices_size() > 0 ? response.prices(0).currency_code().c_str() : "USD";
  std::printf("%d prices, in %s per million tokens%s\n", response.prices_size(), currency,
              response.truncated() ? "; there are more, name a model" : "");
}

int RunList(const PricesFlags& flags) {
  const auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  v1::ListPricesRequest request;
  request.set_model(flags.model);
  v1::ListPricesResponse response;
  const Status status =
      client.value()->Call("barograph.v1.QueryService/ListPrices", request, &response);
  if (!status.ok()) return PrintError(status.error());
  PrintPrices(response, flags.output);
  return kExitDone;
}

}  // namespace

void AddPricesCommand(CLI::App& root, int* status) {
  auto flags = std::make_shared<PricesFlags>();
  CLI::App* prices = root.add_subcommand(
      "prices", "Show, apply and check tables of model prices (LiteLLM's format)");
  prices->require_subcommand(1);

  CLI::App* list =
      prices->add_subcommand("list", "Prices in force and to come, per million tokens");
  list->add_option("model", flags->model, "only models whose name contains this");
  list->callback([flags, status] { *status = RunList(*flags); });

  CLI::App* apply = prices->add_subcommand("apply", "Put a table in force");
  apply
      ->add_option("file", flags->file,
                   "price table; `shipped` for the one that came with this version")
      ->required();
  apply->add_option("--from", flags->from,
                    "in force for events from then on (RFC 3339); default: now");
  apply->add_option("--version", flags->version,
                    "what the table is called; default: the file's name");
  apply->callback([flags, status] { *status = RunApply(*flags); });

  CLI::App* check =
      prices->add_subcommand("check", "Say what is malformed in a table, without a server");
  check
      ->add_option("file", flags->file,
                   "price table; `shipped` for the one that came with this version")
      ->required();
  check->callback([flags, status] { *status = RunCheck(*flags); });

  for (CLI::App* command : {list, apply}) AddServerOption(*command, &flags->server);
  for (CLI::App* command : {list, apply, check}) AddOutputOption(*command, &flags->output);
}

}  // namespace barograph::server
