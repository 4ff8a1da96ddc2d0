#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/config/configuration.h"
#include "server/config/default_rules.h"

namespace barograph::server {
namespace {

constexpr mode_t kReadable = 0644, kSecret = 0600;

struct InitFlags {
  std::string folder = ".";
  std::string goal, budget, conversion, timezone, slack;
  bool force = false;
};

struct NewFile {
  std::filesystem::path path;
  std::string text;
  mode_t mode = kReadable;
};

/// `key: value`, or the line as a comment with an example where there is no value.
std::string Line(const std::string& key, const std::string& value, const std::string& example,
                 const std::string& meaning) {
  std::string line = value.empty() ? "# " + key + ": " + example : key + ": " + value;
  constexpr std::size_t kMeaningAt = 38;
  line.append(line.size() < kMeaningAt ? kMeaningAt - line.size() : 1, ' ');
  return line + "# " + meaning + "\n";
}

std::string ConfigurationText(const InitFlags& flags, const std::string& slack_file) {
  std::string text =
      "# Barograph's configuration. Every setting: docs/configuration.md; `barograph config print` "
      "shows what holds.\n" +
      Line("data", "barograph-data", "", "folder of the log and all state") +
      Line("listen", "127.0.0.1:7171", "", "gRPC: agents, and the commands of `barograph`") +
      Line("http", "127.0.0.1:7172", "", "metrics and health") +
      Line("timezone", flags.timezone, "America/New_York",
           "of calendar days, and of times without a zone") +
      "\n# The figures that the rules ask for. A rule that waits for one sleeps: `barograph rules "
      "check` lists it.\n" +
      Line("budget", flags.budget, "50 USD/day", "what may be spent") +
      Line("goal", flags.goal, "300 USD/day", "what is to be earned") +
      Line("conversion", flags.conversion, "2%", "share of visits that end with a payment") +
      "\nrules: [rules.yaml]                   # SIGHUP reads them again; a bad file leaves the "
      "old ones in force\n"
      "\n# Who is told: docs/receivers.md, docs/alerting.md.\n";
  if (slack_file.empty()) {
    return text +
           "routes: {receiver: console}\nreceivers:\n  - {name: console, console: {stream: "
           "stdout}}\n"
           "# - {name: chat, slack: {url: {env: SLACK_URL}}}\n";
  }
  return text + "routes: {receiver: chat}\nreceivers:\n  - {name: chat, slack: {url: {file: " +
         slack_file + "}}}\n";
}

Status WriteNew(const NewFile& file, bool force) {
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (force ? O_TRUNC : O_EXCL);
  const int descriptor = ::open(file.path.c_str(), flags, file.mode);
  const auto failed = [&](int error) {
    return Error(ErrorCode::kIo,
                 "cannot write " + file.path.string() + ": " + std::strerror(error));
  };
  if (descriptor < 0 && errno == EEXIST) {
    return Error(ErrorCode::kFailedPrecondition,
                 file.path.string() + " is there already; --force writes over it");
  }
  if (descriptor < 0) return failed(errno);
  int error = 0;
  if (force && ::fchmod(descriptor, file.mode) != 0) error = errno;
  std::string_view rest = file.text;
  while (error == 0 && !rest.empty()) {
    const ssize_t written = ::write(descriptor, rest.data(), rest.size());
    if (written < 0 && errno != EINTR) error = errno;
    if (written > 0) rest.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::close(descriptor) != 0 && error == 0) error = errno;
  if (error != 0) return failed(error);
  return {};
}

/// Refused before anything is written.
Status CheckFlags(const InitFlags& flags) {
  ConfigSources sources;
  sources.flags.emplace_back("rules", "default");
  const auto flag = [&](const char* setting, const std::string& value) {
    if (!value.empty()) sources.flags.emplace_back(setting, value);
  };
  flag("timezone", flags.timezone);
  flag("budget", flags.budget);
  flag("goal", flags.goal);
  flag("conversion", flags.conversion);
  const auto configuration = LoadConfiguration(sources);
  if (!configuration.ok()) return configuration.error();
  if (!flags.slack.empty() && !flags.slack.starts_with("https://")) {
    return Error(ErrorCode::kInvalidArgument,
                 "--slack: an incoming webhook begins with https://hooks.slack.com/services/");
  }
  return {};
}

void PrintNext(const InitFlags& flags, const Configuration& made,
               const std::vector<NewFile>& files) {
  for (const NewFile& file : files) std::printf("wrote %s\n", file.path.c_str());
  const std::string config = (std::filesystem::path(flags.folder) / "barograph.yaml").string();
  for (const InertRule& rule : made.inert) {
    std::printf("asleep: %s waits for `%s`\n", rule.name.c_str(),
                ExampleOfSetting(rule.setting).c_str());
  }
  std::printf(
      "\nStart it:     barograph serve --config %s\n"
      "Send to it:   barograph emit agent=CMO task_id=t-1 task.status=COMPLETED\n"
      "Look at it:   barograph alerts list; barograph budget\n",
      config.c_str());
}

int RunInit(const InitFlags& flags) {
  if (const Status status = CheckFlags(flags); !status.ok()) {
    PrintError(status.error());
    return kExitUsage;
  }
  std::error_code error;
  const std::filesystem::path folder = flags.folder;
  std::filesystem::create_directories(folder, error);
  if (error) {
    return PrintError(
        Error(ErrorCode::kIo, "cannot make " + folder.string() + ": " + error.message()));
  }
  std::vector<NewFile> files = {{folder / "rules.yaml", std::string(DefaultRules())}};
  std::string slack_file;
  if (!flags.slack.empty()) {
    slack_file = std::filesystem::absolute(folder / "slack-url").lexically_normal().string();
    files.push_back({slack_file, flags.slack + "\n", kSecret});
  }
  files.push_back({folder / "barograph.yaml", ConfigurationText(flags, slack_file)});
  if (!flags.force) {
    // All or nothing: none is written when one is there.
    for (const NewFile& file : files) {
      if (!std::filesystem::exists(file.path)) continue;
      return PrintError(Error(ErrorCode::kFailedPrecondition,
                              file.path.string() + " is there already; --force writes over it"));
    }
  }
  for (const NewFile& file : files) {
    if (const Status status = WriteNew(file, flags.force); !status.ok())
      return PrintError(status.error());
  }
  const auto made = LoadConfiguration({.file = (folder / "barograph.yaml").string()});
  if (!made.ok()) {
    PrintError(made.error());
    return kExitConfigRefused;
  }
  PrintNext(flags, *made, files);
  return kExitDone;
}

}  // namespace

void AddInitCommand(CLI::App& root, int* status) {
  auto flags = std::make_shared<InitFlags>();
  CLI::App* command =
      root.add_subcommand("init", "Write a working configuration with the default rules");
  command->add_option("folder", flags->folder, "where to; made when absent")->capture_default_str();
  command->add_option("--goal", flags->goal, "what is to be earned, e.g. \"300 USD/day\"");
  command->add_option("--budget", flags->budget, "what may be spent, e.g. \"50 USD/day\"");
  command->add_option("--conversion", flags->conversion,
                      "share of visits that is to end with a payment, e.g. 2%");
  command->add_option("--timezone", flags->timezone, "of calendar days, e.g. America/New_York");
  command->add_option("--slack", flags->slack,
                      "URL of an incoming webhook; kept in a file of its own, slack-url");
  command->add_flag("--force", flags->force, "Write over files that are there");
  command->footer(
      "Writes barograph.yaml and rules.yaml, both commented, and checks them.\n"
      "Examples:\n"
      "  barograph init\n"
      "  barograph init /etc/barograph --goal \"300 USD/day\" --budget \"50 USD/day\" "
      "--timezone America/New_York\n"
      "  barograph init --slack https://hooks.slack.com/services/T000/B000/EXAMPLE");
  command->callback([flags, status] { *status = RunInit(*flags); });
}

}  // namespace barograph::server
