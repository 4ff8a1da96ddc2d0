#pragma once

namespace CLI {
class App;
}

namespace barograph::server {

/// What the process returns; part of the contract with scripts.
enum ExitStatus : int {
  kExitDone = 0,
  kExitFailed = 1,
  kExitUsage = 2,
  kExitNo = 3,              ///< the answer is no: verify, gates
  kExitConfigRefused = 78,  ///< EX_CONFIG of sysexits.h
};

// Each function adds one sub-command to `root`, with its help and examples. When the user gave it,
// its callback runs and leaves
// its ExitStatus in `*status`.
void AddAlertsCommand(CLI::App& root, int* status);
void AddBenchCommand(CLI::App& root, int* status);
void AddConfigCommand(CLI::App& root, int* status);
void AddDlqCommand(CLI::App& root, int* status);
void AddEmitCommand(CLI::App& root, int* status);
void AddForecastCommand(CLI::App& root, int* status);
void AddGateCommand(CLI::App& root, int* status);
void AddImportCommand(CLI::App& root, int* status);
void AddInitCommand(CLI::App& root, int* status);
void AddKafkaCommand(CLI::App& root, int* status);
void AddLeaseCommand(CLI::App& root, int* status);
void AddLogCommand(CLI::App& root, int* status);
void AddPricesCommand(CLI::App& root, int* status);
void AddQueryCommand(CLI::App& root, int* status);
void AddRulesCommand(CLI::App& root, int* status);
void AddSilenceCommand(CLI::App& root, int* status);
void AddSloCommand(CLI::App& root, int* status);
void AddBudgetCommand(CLI::App& root, int* status);
void AddTailCommand(CLI::App& root, int* status);

}  // namespace barograph::server
