#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "barograph/v1/guard.pb.h"
#include "server/cli/client.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/cli/wire_text.h"
#include "storage/base/money.h"

namespace barograph::server {
namespace {

constexpr int kNanoDigits = 9;

struct LeaseFlags {
  std::string server, id, amount, ttl;
  std::string key, agent, task, environment, category, provider, model;
  std::vector<std::string> labels, states;
  std::uint32_t limit = 1000;
  OutputFormat format = OutputFormat::kTable;
};

std::string MoneyText(const v1::Money& money) {
  const Int128 nanos = Int128{money.units()} * kNanosPerUnit + money.nanos();
  return FormatDecimal(nanos, kNanoDigits) + " " + money.currency_code();
}

int UsageError(const Error& error) {
  PrintError(error);
  return kExitUsage;
}

Status ReadAmount(const std::string& text, v1::Money* out) {
  BAROGRAPH_ASSIGN(const Money money, ParseMoney(text));
  out->set_currency_code(std::string(money.currency.code()));
  out->set_units(money.nanos / kNanosPerUnit);
  out->set_nanos(static_cast<std::int32_t>(money.nanos % kNanosPerUnit));
  return {};
}

Status ReadTtl(const std::string& text, google::protobuf::Duration* out) {
  BAROGRAPH_ASSIGN(const Duration ttl, ParseDuration(text));
  out->set_seconds(std::chrono::floor<std::chrono::seconds>(ttl).count());
  return {};
}

std::string UpperCase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

Status BuildReserve(const LeaseFlags& flags, v1::ReserveRequest* out) {
  BAROGRAPH_TRY(ReadAmount(flags.amount, out->mutable_amount()));
  if (!flags.ttl.empty()) BAROGRAPH_TRY(ReadTtl(flags.ttl, out->mutable_ttl()));
  for (const std::string& label : flags.labels) {
    const std::size_t equals = label.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Error(ErrorCode::kInvalidArgument,
                   "--label " + label + ": write e.g. --label team=web");
    }
    (*out->mutable_labels())[label.substr(0, equals)] = label.substr(equals + 1);
  }
  if (!flags.category.empty()) {
    v1::Cost::Category category = v1::Cost::CATEGORY_UNSPECIFIED;
    if (!v1::Cost::Category_Parse(UpperCase(flags.category), &category))
      return Error(ErrorCode::kInvalidArgument, "--category " + flags.category + ": no such one");
    out->set_category(category);
  }
  out->set_key(flags.key);
  out->set_agent(flags.agent);
  out->set_task_id(flags.task);
  out->set_environment(flags.environment);
  out->set_provider(flags.provider);
  out->set_model(flags.model);
  return {};
}

std::string BudgetText(const v1::EnforcedBudget& budget) {
  const std::string labels = LabelText(budget.labels());
  return budget.budget() + (labels.empty() ? "" : " (" + labels + ")");
}

void PrintRooms(const v1::ReserveResponse& response) {
  Table table({"BUDGET", "LABELS", "LIMIT", "SPENT", "HELD", "REMAINING", "RESETS"});
  for (const v1::EnforcedBudget& budget : response.budgets()) {
    table.Row({budget.budget(), LabelText(budget.labels()), MoneyText(budget.limit()),
               MoneyText(budget.spent()), MoneyText(budget.held()), MoneyText(budget.remaining()),
               TimeText(budget.resets_at())});
  }
  std::fputs(table.ToString().c_str(), stdout);
}

void PrintReserved(const LeaseFlags& flags, const v1::ReserveResponse& response) {
  if (response.has_lease()) {
    const v1::Lease& lease = response.lease();
    std::printf("%s %s: %s until %s\n", response.repeated() ? "granted before" : "granted",
                lease.id().c_str(), MoneyText(lease.amount()).c_str(),
                TimeText(lease.expires_at()).c_str());
  } else {
    const v1::EnforcedBudget& budget = response.denial().budget();
    std::printf("denied: %s lacks %s of %s; %s of %s is left until %s\n",
                BudgetText(budget).c_str(), MoneyText(response.denial().lacks()).c_str(),
                flags.amount.c_str(), MoneyText(budget.remaining()).c_str(),
                MoneyText(budget.limit()).c_str(), TimeText(budget.resets_at()).c_str());
    if (budget.has_exhausted_at()) {
      std::printf("  at the rate of the last hour it is gone %s\n",
                  TimeText(budget.exhausted_at()).c_str());
    }
  }
  PrintRooms(response);
}

int RunReserve(const LeaseFlags& flags) {
  v1::ReserveRequest request;
  if (const Status built = BuildReserve(flags, &request); !built.ok())
    return UsageError(built.error());
  auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  v1::ReserveResponse response;
  const Status called = (*client)->Call("barograph.v1.GuardService/Reserve", request, &response);
  if (!called.ok()) return PrintError(called.error());
  if (flags.format == OutputFormat::kJson) {
    std::puts(ToJson(response).c_str());
  } else {
    PrintReserved(flags, response);
  }
  return response.has_lease() ? kExitDone : kExitNo;
}

void PrintLeases(const google::protobuf::RepeatedPtrField<v1::Lease>& leases) {
  Table table({"LEASE", "STATE", "AGENT", "TASK", "AMOUNT", "SPENT", "HELD", "OVERRUN", "GRANTED",
               "EXPIRES"});
  for (const v1::Lease& lease : leases) {
    table.Row({lease.id(), Word(v1::Lease::State_Name(lease.state())), lease.agent(),
               lease.task_id(), MoneyText(lease.amount()), MoneyText(lease.spent()),
               MoneyText(lease.held()), MoneyText(lease.overrun()), TimeText(lease.granted_at()),
               TimeText(lease.expires_at())});
  }
  const std::string text = table.ToString();
  std::fputs(text.empty() ? "no leases\n" : text.c_str(), stdout);
}

int RunList(const LeaseFlags& flags) {
  v1::ListLeasesRequest request;
  request.set_lease_id(flags.id);
  request.set_agent(flags.agent);
  request.set_page_size(flags.limit);
  for (const std::string& name : flags.states) {
    v1::Lease::State state = v1::Lease::STATE_UNSPECIFIED;
    static_cast<void>(v1::Lease::State_Parse(UpperCase(name), &state));
    request.add_states(state);
  }
  auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  v1::ListLeasesResponse response;
  const Status called = (*client)->Call("barograph.v1.GuardService/ListLeases", request, &response);
  if (!called.ok()) return PrintError(called.error());
  if (flags.format == OutputFormat::kJson) {
    std::puts(ToJson(flags.id.empty() ? static_cast<const google::protobuf::Message&>(response)
                                      : response.leases(0))
                  .c_str());
    return kExitDone;
  }
  PrintLeases(response.leases());
  if (response.truncated()) std::fputs("(more exist; raise --limit)\n", stderr);
  if (flags.id.empty()) return kExitDone;
  std::fputs("\nwhen it was granted:\n", stdout);
  Table table({"BUDGET", "LABELS", "LIMIT", "SPENT", "HELD", "RESETS"});
  for (const v1::LeaseBudget& budget : response.leases(0).budgets()) {
    table.Row({budget.budget(), LabelText(budget.labels()), budget.limit(), budget.spent(),
               budget.held(), TimeText(budget.end())});
  }
  std::fputs(table.ToString().c_str(), stdout);
  return kExitDone;
}

/// Settle, extend and release end alike.
template <typename Response, typename Request>
int RunCommand(const LeaseFlags& flags, const std::string& method, const Request& request) {
  auto client = Client::Connect(flags.server);
  if (!client.ok()) return PrintError(client.error());
  Response response;
  const Status called = (*client)->Call("barograph.v1.GuardService/" + method, request, &response);
  if (!called.ok()) return PrintError(called.error());
  if (flags.format == OutputFormat::kJson) {
    std::puts(ToJson(response).c_str());
    return kExitDone;
  }
  const v1::Lease& lease = response.lease();
  std::printf("%s %s: %s of %s spent", Word(v1::Lease::State_Name(lease.state())).c_str(),
              lease.id().c_str(), MoneyText(lease.spent()).c_str(),
              MoneyText(lease.amount()).c_str());
  if (lease.overrun().units() > 0 || lease.overrun().nanos() > 0)
    std::printf(", %s above the grant", MoneyText(lease.overrun()).c_str());
  if (lease.state() == v1::Lease::OPEN)
    std::printf(", held until %s", TimeText(lease.expires_at()).c_str());
  std::puts("");
  return kExitDone;
}

int RunSettle(const LeaseFlags& flags) {
  v1::SettleRequest request;
  request.set_lease_id(flags.id);
  if (!flags.amount.empty()) {
    if (const Status read = ReadAmount(flags.amount, request.mutable_actual()); !read.ok())
      return UsageError(read.error());
  }
  return RunCommand<v1::SettleResponse>(flags, "Settle", request);
}

int RunExtend(const LeaseFlags& flags) {
  v1::ExtendRequest request;
  request.set_lease_id(flags.id);
  if (const Status read = ReadTtl(flags.ttl, request.mutable_ttl()); !read.ok())
    return UsageError(read.error());
  return RunCommand<v1::ExtendResponse>(flags, "Extend", request);
}

int RunRelease(const LeaseFlags& flags) {
  v1::ReleaseRequest request;
  request.set_lease_id(flags.id);
  return RunCommand<v1::ReleaseResponse>(flags, "Release", request);
}

using Flags = std::shared_ptr<LeaseFlags>;

void AddReserve(CLI::App& lease, const Flags& flags, int* status) {
  CLI::App& reserve = *lease.add_subcommand("reserve", "Set money aside before it is spent");
  reserve.footer(R"(Examples:
  barograph lease reserve "1.50 USD" --agent CMO
  barograph lease reserve "20 USD" --agent CMO --task t-7 --label team=web --key t-7 --ttl 1h

Held in every budget with `enforce: true` that such a cost counts in, or in none: exit status 3
says that one of them cannot take it. The same --key gets the same lease, also after a crash.)");
  reserve.add_option("amount", flags->amount, "How much, e.g. \"1.50 USD\"")->required();
  reserve.add_option("--agent", flags->agent, "Who spends");
  reserve.add_option("--task", flags->task, "For which task");
  reserve.add_option("--label", flags->labels, "A label of the costs to come, e.g. team=web");
  reserve.add_option("--environment", flags->environment, "Environment of the costs to come");
  reserve.add_option("--category", flags->category,
                     "model, infrastructure, labor, tool, fees, other");
  reserve.add_option("--provider", flags->provider, "Provider of the costs to come");
  reserve.add_option("--model", flags->model, "Model of the costs to come");
  reserve.add_option("--key", flags->key, "Makes asking again harmless");
  reserve.add_option("--ttl", flags->ttl, "How long it is held, 1s to 7d; else 10m");
  AddServerOption(reserve, &flags->server);
  AddOutputOption(reserve, &flags->format);
  reserve.callback([flags, status] { *status = RunReserve(*flags); });
}

void AddList(CLI::App& lease, const Flags& flags, int* status) {
  CLI::App& list = *lease.add_subcommand("list", "Leases that hold something");
  list.footer(R"(Examples:
  barograph lease list
  barograph lease list --state settled,released --agent CMO -o json)");
  list.add_option("--state", flags->states, "open, expired, settled, released; else open, expired")
      ->delimiter(',')
      ->check(CLI::IsMember({"open", "expired", "settled", "released"}));
  list.add_option("--agent", flags->agent, "Only of this agent");
  list.add_option("--limit", flags->limit, "Leases at most")->capture_default_str();
  AddServerOption(list, &flags->server);
  AddOutputOption(list, &flags->format);
  list.callback([flags, status] { *status = RunList(*flags); });
  CLI::App& show = *lease.add_subcommand("show", "One lease, and its budgets when it was granted");
  show.footer("Example:\n  barograph lease show lea_5be277468d3f1c0a");
  show.add_option("lease", flags->id, "Its id")->required();
  AddServerOption(show, &flags->server);
  AddOutputOption(show, &flags->format);
  show.callback([flags, status] { *status = RunList(*flags); });
}

void AddEnds(CLI::App& lease, const Flags& flags, int* status) {
  const auto add = [&](const char* name, const char* what, const char* example) {
    CLI::App& command = *lease.add_subcommand(name, what);
    command.footer(std::string("Example:\n  barograph lease ") + example);
    command.add_option("lease", flags->id, "Its id")->required();
    AddServerOption(command, &flags->server);
    AddOutputOption(command, &flags->format);
    return &command;
  };
  CLI::App* const settle = add("settle", "Say what was spent, and give back the rest",
                               "settle lea_5be277468d3f1c0a \"1.20 USD\"");
  settle->add_option("amount", flags->amount, "All that was spent; else what costs named it say");
  settle->callback([flags, status] { *status = RunSettle(*flags); });
  CLI::App* const extend = add("extend", "Hold a lease for longer, from now on",
                               "extend lea_5be277468d3f1c0a --ttl 30m");
  extend->add_option("--ttl", flags->ttl, "How long, 1s to 7d")->required();
  extend->callback([flags, status] { *status = RunExtend(*flags); });
  add("release", "Give back what was not spent", "release lea_5be277468d3f1c0a")
      ->callback([flags, status] { *status = RunRelease(*flags); });
}

}  // namespace

void AddLeaseCommand(CLI::App& root, int* status) {
  auto flags = std::make_shared<LeaseFlags>();
  CLI::App& lease =
      *root.add_subcommand("lease", "Money that agents set aside before they spend it");
  lease.require_subcommand(1);
  AddReserve(lease, flags, status);
  AddList(lease, flags, status);
  AddEnds(lease, flags, status);
}

}  // namespace barograph::server
