#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/cli/rules_check.h"
#include "server/config/configuration.h"
#include "server/config/footprint.h"
#include "server/config/rule_file.h"
#include "server/config/rule_json.h"

namespace barograph::server {
namespace {

constexpr const char* kMainFile = "barograph.yaml";

struct ConfigFlags {
  std::vector<std::string> files;
  std::string config;
  std::vector<std::string> settings;
  OutputFormat output = OutputFormat::kTable;
};

/// Mistakes stand one a line, each with its place: nothing is put in front that would break
/// `file:line:column`.
int Refuse(const Error& error) {
  std::fprintf(stderr, "%s\n", error.message().c_str());
  return kExitConfigRefused;
}

Result<ConfigSources> Sources(const ConfigFlags& flags) {
  ConfigSources sources;
  sources.file = flags.config;
  if (sources.file.empty() && std::filesystem::exists(kMainFile)) sources.file = kMainFile;
  sources.environment = ReadEnvironment();
  for (const std::string& setting : flags.settings) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos) {
      return Error(ErrorCode::kInvalidArgument,
                   "--set " + setting + ": write setting=value, e.g. listen=127.0.0.1:7171");
    }
    sources.flags.emplace_back(setting.substr(0, equals), setting.substr(equals + 1));
  }
  return sources;
}

/// On stderr, so that JSON on stdout stays JSON.
void PrintWarnings(const Configuration& configuration) {
  for (const Diagnostic& warning : configuration.warnings) {
    std::fprintf(stderr, "%s: warning: %s\n", warning.position.ToString().c_str(),
                 warning.message.c_str());
  }
}

/// What a check found to be right.
struct Checked {
  Footprint footprint;
  std::vector<InertRule> inert;
};

Result<Checked> CheckMain(const std::string& file) {
  BAROGRAPH_ASSIGN(Configuration configuration, LoadConfiguration({.file = file}));
  PrintWarnings(configuration);
  return Checked{EstimateFootprint(configuration.rules, configuration.server),
                 std::move(configuration.inert)};
}

Result<Checked> CheckRuleFiles(const std::vector<std::string>& files) {
  std::vector<RuleSource> sources;
  for (const std::string& file : files) {
    BAROGRAPH_ASSIGN(std::string text, ReadConfigFile(file));
    sources.push_back({file, std::move(text)});
  }
  std::vector<InertRule> inert;
  BAROGRAPH_ASSIGN(const rules::RuleSet rules, LoadRuleSet(sources, "UTC", &inert));
  return Checked{EstimateFootprint(rules, ServerConfig()), std::move(inert)};
}

nlohmann::ordered_json CheckedJson(const Checked& checked) {
  const Footprint& footprint = checked.footprint;
  nlohmann::ordered_json json{{"slos", footprint.slos},
                              {"burn_rows", footprint.burn_rows},
                              {"thresholds", footprint.thresholds},
                              {"budgets", footprint.budgets},
                              {"goals", footprint.goals},
                              {"absences", footprint.absences},
                              {"expectations", footprint.expectations},
                              {"notices", footprint.notices},
                              {"projections", footprint.projections},
                              {"exact_counters", footprint.exact_counters},
                              {"receivers", footprint.receivers},
                              {"bytes_per_series", footprint.bytes_per_series},
                              {"bytes_max", footprint.bytes_max}};
  json["inert"] = nlohmann::ordered_json::array();
  for (const InertRule& rule : checked.inert)
    json["inert"].push_back({{"rule", rule.name}, {"setting", rule.setting}});
  return json;
}

void PrintChecked(const Checked& checked) {
  std::printf("ok: %s\n", checked.footprint.ToString().c_str());
  for (const InertRule& rule : checked.inert) {
    std::printf("asleep: %s waits for `%s` in %s\n", rule.name.c_str(),
                ExampleOfSetting(rule.setting).c_str(), kMainFile);
  }
}

/// Rule files are checked together, as the server reads them; a barograph.yaml with the rule files
/// that it names.
int RunCheck(const ConfigFlags& flags) {
  std::vector<std::string> rule_files;
  std::vector<Result<Checked>> results;
  if (flags.files.empty())
    results.push_back(CheckMain(std::filesystem::exists(kMainFile) ? kMainFile : ""));
  for (const std::string& file : flags.files) {
    if (std::filesystem::path(file).filename() == kMainFile) {
      results.push_back(CheckMain(file));
    } else {
      rule_files.push_back(file);
    }
  }
  if (!rule_files.empty()) results.push_back(CheckRuleFiles(rule_files));
  int status = kExitDone;
  for (const Result<Checked>& result : results) {
    if (!result.ok()) {
      status = Refuse(result.error());
    } else if (flags.output == OutputFormat::kJson) {
      std::puts(CheckedJson(*result).dump(2).c_str());
    } else {
      PrintChecked(*result);
    }
  }
  return status;
}

void PrintKafka(const KafkaSection& kafka) {
  for (std::size_t i = 0; i < kafka.options.topics.size(); ++i) {
    const ingest::KafkaTopicOptions& topic = kafka.options.topics[i];
    const std::size_t types =
        topic.record.cloud_events ? topic.record.cloud_events->types.size() : 0;
    const std::string of_types = types > 0 ? " of " + std::to_string(types) + " types" : "";
    std::printf("kafka %s %s: %s%s, tenant %s, timezone %s\n", topic.pattern ? "pattern" : "topic",
                topic.topic.c_str(), std::string(Name(topic.format)).c_str(), of_types.c_str(),
                topic.tenant.c_str(), kafka.timezones[i].c_str());
  }
  for (const auto& [name, value] : kafka.options.properties) {
    std::printf("kafka property %s: %s\n", name.c_str(), value.c_str());
  }
  for (const auto& [name, reference] : kafka.secrets) {
    std::printf("kafka property %s: *** from %s\n", name.c_str(), reference.c_str());
  }
}

void PrintReceiver(const rules::ReceiverSpec& receiver) {
  const std::string target =
      receiver.url_reference.empty() ? receiver.target : "*** from " + receiver.url_reference;
  std::string secrets;
  if (!receiver.secret_reference.empty()) secrets = " secret *** from " + receiver.secret_reference;
  for (const auto& [name, reference] : receiver.secret_headers) {
    secrets += " " + name + " *** from " + reference;
  }
  std::printf("receiver %s: %s %s%s\n", receiver.name.c_str(),
              std::string(Name(receiver.type)).c_str(), target.c_str(), secrets.c_str());
}

int RunPrint(const ConfigFlags& flags) {
  const auto sources = Sources(flags);
  if (!sources.ok()) return Refuse(sources.error());
  const auto configuration = LoadConfiguration(sources.value());
  if (!configuration.ok()) return Refuse(configuration.error());
  PrintWarnings(configuration.value());
  if (flags.output == OutputFormat::kJson) {
    std::puts(ConfigurationToJson(configuration.value()).c_str());
    return kExitDone;
  }
  Table table({"setting", "value", "source"});
  for (const Setting& setting : configuration->settings)
    table.Row({setting.path, setting.value, setting.source});
  std::fputs(table.ToString().c_str(), stdout);
  const rules::RuleSet& rules = configuration->rules;
  for (const rules::SloSpec& slo : rules.slos) std::printf("slo %s\n", slo.common.name.c_str());
  for (const rules::ThresholdSpec& threshold : rules.thresholds)
    std::printf("threshold %s\n", threshold.common.name.c_str());
  for (const auto& each : rules.absences) std::printf("absence %s\n", each.common.name.c_str());
  for (const auto& each : rules.expects) std::printf("expectation %s\n", each.common.name.c_str());
  for (const auto& each : rules.notices) std::printf("notice %s\n", each.common.name.c_str());
  for (const rules::ReceiverSpec& receiver : rules.receivers) PrintReceiver(receiver);
  if (configuration->kafka) PrintKafka(*configuration->kafka);
  return kExitDone;
}

CLI::App* AddCheck(CLI::App* parent, const std::shared_ptr<ConfigFlags>& flags, int* status) {
  CLI::App* check = parent->add_subcommand(
      "check", "Check rule files, or a barograph.yaml with the rule files it names");
  check->add_option("files", flags->files,
                    "files to check; rule files are checked together; without any barograph.yaml, "
                    "or the defaults where there is none");
  check->footer(
      "Prints `ok` with counts and memory and the rules that wait for a figure, or every mistake "
      "with file, line and column. Exit status 78 on refusal.\n"
      "Examples:\n"
      "  barograph rules check\n"
      "  barograph rules check rules.yaml more-rules.yaml\n"
      "  barograph rules check /etc/barograph/barograph.yaml");
  check->callback([flags, status] { *status = RunCheck(*flags); });
  return check;
}

}  // namespace

void AddRulesCheck(CLI::App& rules, int* status) {
  auto flags = std::make_shared<ConfigFlags>();
  AddOutputOption(*AddCheck(&rules, flags, status), &flags->output);
}

void AddConfigCommand(CLI::App& root, int* status) {
  auto flags = std::make_shared<ConfigFlags>();
  CLI::App* config = root.add_subcommand("config", "Check and show the configuration");
  config->require_subcommand(1);
  CLI::App* check = AddCheck(config, flags, status);

  CLI::App* print = config->add_subcommand("print", "Show every effective setting with its source");
  print->add_option("-c,--config", flags->config,
                    "configuration file; default: barograph.yaml where it exists");
  print->add_option("--set", flags->settings, "setting=value, as a flag of `serve` would set it");
  print->callback([flags, status] { *status = RunPrint(*flags); });

  for (CLI::App* command : {check, print}) AddOutputOption(*command, &flags->output);
}

}  // namespace barograph::server
