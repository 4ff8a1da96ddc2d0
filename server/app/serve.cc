#include "server/app/serve.h"

#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <memory>

#include "server/app/server.h"
#include "server/app/signals.h"
#include "server/app/stop_guard.h"
#include "server/cli/command.h"
#include "server/cli/output.h"

namespace barograph::server {

namespace {

/// Kubernetes' default grace period is 30 s: what cannot be ended within it would be killed anyway.
/// A signal to stop that comes during a reload waits for that first.
constexpr auto kStopMax = std::chrono::seconds(30) - kReloadMax;

struct ServeFlags {
  std::string config;
  std::string data, listen, http, level, kafka;
  std::vector<std::string> rules;
  bool replay = false;
};

ServerOptions OptionsOf(const ServeFlags& flags) {
  ServerOptions options;
  options.sources.file = flags.config;
  options.sources.environment = ReadEnvironment();
  const auto flag = [&options](const char* setting, const std::string& value) {
    if (!value.empty()) options.sources.flags.emplace_back(setting, value);
  };
  flag("data", flags.data);
  flag("listen", flags.listen);
  flag("http", flags.http);
  flag("log.level", flags.level);
  flag("kafka.brokers", flags.kafka);
  std::string rules;
  for (const std::string& file : flags.rules) rules += (rules.empty() ? "" : ",") + file;
  flag("rules", rules);
  options.replay_from_start = flags.replay;
  return options;
}

int StartStatus(const Error& error) {
  PrintError(error);
  return error.code() == ErrorCode::kInvalidArgument ? kExitConfigRefused : kExitFailed;
}

int Serve(const ServeFlags& flags) {
  Signals signals;
  SystemClock clock;
  auto server = Server::Start(OptionsOf(flags), clock, [](const Error& error) {
    // The tail on disk is unknown: nothing may be acknowledged any more, and nothing is worth
    // waiting for.
    spdlog::critical("a write failed, ending the process: {}", error.message());
    spdlog::shutdown();
    std::_Exit(kExitFailed);
  });
  if (!server.ok()) return StartStatus(server.error());
  while (true) {
    const auto signal = signals.Wait(std::chrono::hours(1));
    if (signal == Signal::kReload) (void)server.value()->Reload();
    if (signal == Signal::kStop) break;
  }
  const StopGuard guard(kStopMax);
  const Status stopped = server.value()->Stop(kStopMax);
  server.value().reset();
  return stopped.ok() ? kExitDone : PrintError(stopped.error());
}

}  // namespace

void AddServeCommand(CLI::App& root, int* status) {
  auto flags = std::make_shared<ServeFlags>();
  CLI::App* command = root.add_subcommand("serve", "Run the server");
  command->add_option("-c,--config", flags->config, "barograph.yaml; without it defaults hold")
      ->check(CLI::ExistingFile);
  command->add_option("--rules", flags->rules, "Rule files, instead of those of the configuration");
  command->add_option("--data", flags->data, "Folder of log and state (default barograph-data)");
  command->add_option("--listen", flags->listen, "gRPC address (default 127.0.0.1:7171)");
  command->add_option("--http", flags->http, "HTTP address (default 127.0.0.1:7172)");
  command->add_option("--kafka-brokers", flags->kafka,
                      "Brokers of Kafka, for the topics of the configuration");
  command->add_option("--log-level", flags->level, "trace, debug, info, warn, error, off");
  command->add_flag("--replay", flags->replay,
                    "Rebuild all state from the log, not from the checkpoint");
  command->footer(
      "Examples:\n"
      "  barograph serve\n"
      "  barograph serve --config /etc/barograph/barograph.yaml\n"
      "  kill -HUP PID     reload rules; a bad file leaves the old ones in force\n"
      "  kill PID          commit, acknowledge and end within 30 s");
  command->callback([flags, status] { *status = Serve(*flags); });
}

}  // namespace barograph::server
