#include "server/app/command_line.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/formats/nearest_name.h"
#include "server/app/demo.h"
#include "server/app/serve.h"
#include "server/cli/command.h"

namespace barograph::server {

namespace {

void AddVersionCommand(CLI::App& root, int* status) {
  root.add_subcommand("version", "Print the version")->callback([status] {
    std::puts("barograph " BAROGRAPH_VERSION);
    *status = kExitDone;
  });
}

/// What was typed that has no place, in words; "" when that is not what went wrong.
std::string DescribeUnplaced(const CLI::App& root) {
  const CLI::App* command = &root;
  std::string typed = root.get_name();
  while (!command->get_subcommands().empty()) {
    command = command->get_subcommands().front();
    typed += " " + command->get_name();
  }
  const std::vector<std::string> extra = command->remaining();
  if (extra.empty()) return "";
  const bool is_option = extra.front().starts_with('-');
  const bool takes_arguments =
      !command->get_options([](const CLI::Option* option) { return option->get_positional(); })
           .empty();
  std::vector<std::string> names;
  if (is_option) {
    for (const CLI::Option* option : command->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  } else if (!takes_arguments) {
    const auto shown = [](const CLI::App* app) { return !app->get_group().empty(); };
    for (const CLI::App* app : command->get_subcommands(shown)) names.push_back(app->get_name());
  }
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  const std::string what = is_option       ? " is no option"
                           : names.empty() ? " is one argument too many"
                                           : " is no command";
  return typed + ": \"" + extra.front() + "\"" + what +
         ingest::DidYouMean(extra.front(), candidates) + "; `" + typed + " --help` lists them all";
}

}  // namespace

int RunCommandLine(int argc, char** argv) {
  CLI::App root("Barograph: alerts, SLOs, budgets and reports for fleets of AI agents",
                "barograph");
  root.require_subcommand(1);
  root.set_version_flag("--version", "barograph " BAROGRAPH_VERSION);
  root.footer("Try it: barograph demo\nHelp on a command: barograph COMMAND --help");
  int status = kExitDone;
  AddServeCommand(root, &status);
  AddDemoCommand(root, &status);
  AddInitCommand(root, &status);
  AddEmitCommand(root, &status);
  AddImportCommand(root, &status);
  AddTailCommand(root, &status);
  AddLogCommand(root, &status);
  AddQueryCommand(root, &status);
  AddSloCommand(root, &status);
  AddBudgetCommand(root, &status);
  AddForecastCommand(root, &status);
  AddLeaseCommand(root, &status);
  AddGateCommand(root, &status);
  AddAlertsCommand(root, &status);
  AddSilenceCommand(root, &status);
  AddPricesCommand(root, &status);
  AddKafkaCommand(root, &status);
  AddDlqCommand(root, &status);
  AddConfigCommand(root, &status);
  AddRulesCommand(root, &status);
  AddBenchCommand(root, &status);
  AddVersionCommand(root, &status);
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (const std::string unplaced = DescribeUnplaced(root);
        error.get_exit_code() != 0 && !unplaced.empty()) {
      std::fprintf(stderr, "%s\n", unplaced.c_str());
      return kExitUsage;
    }
    // CLI11 throws for --help too; its own status for that is 0, and every mistake is wrong usage.
    return root.exit(error) == 0 ? kExitDone : kExitUsage;
  }
  return status;
}

}  // namespace barograph::server
