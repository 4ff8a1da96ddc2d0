#include "server/app/command_line.h"

#include <CLI/CLI.hpp>
#include <cstdio>

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
  AddEmitCommand(root, &status);
  AddImportCommand(root, &status);
  AddTailCommand(root, &status);
  AddLogCommand(root, &status);
  AddQueryCommand(root, &status);
  AddSloCommand(root, &status);
  AddAlertsCommand(root, &status);
  AddPricesCommand(root, &status);
  AddConfigCommand(root, &status);
  AddBenchCommand(root, &status);
  AddVersionCommand(root, &status);
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // CLI11 throws for --help too; its own status for that is 0, and every mistake is wrong usage.
    return root.exit(error) == 0 ? kExitDone : kExitUsage;
  }
  return status;
}

}  // namespace barograph::server
