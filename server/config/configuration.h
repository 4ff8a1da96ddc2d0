#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rules/spec/rule_spec.h"
#include "server/config/diagnostic.h"
#include "server/config/figures.h"
#include "server/config/kafka_section.h"
#include "server/config/server_config.h"
#include "storage/base/result.h"

namespace barograph::server {

/// Where settings come from; later ones win: defaults < file < environment < flags.
struct ConfigSources {
  /// `barograph.yaml`, or "" for none.
  std::string file;
  /// The process's environment. Names with a double underscore (BAROGRAPH_LIMITS__QUEUE_BYTES) must
  /// be settings; other names that start with BAROGRAPH_ are taken when they name one
  /// (BAROGRAPH_LISTEN) and left alone otherwise, because orchestrators make names of their own
  /// (BAROGRAPH_SERVICE_HOST).
  std::map<std::string, std::string> environment;
  /// Setting and value, e.g. {"listen", "127.0.0.1:0"}.
  std::vector<std::pair<std::string, std::string>> flags;
};

/// One effective setting, for `config print`.
struct Setting {
  std::string path;
  std::string value;
  std::string source;  ///< "default", "barograph.yaml:3:9", "BAROGRAPH_LISTEN", "flag"
};

/// Everything that a server starts with.
struct Configuration {
  ServerConfig server;
  rules::RuleSet rules;
  std::optional<KafkaSection> kafka;  ///< absent: Kafka is not read
  /// What is allowed and still breaks a promise, each with its place.
  std::vector<Diagnostic> warnings;
  std::vector<Setting> settings;   ///< in the order of Settings()
  std::vector<InertRule> inert;    ///< rules that wait for a figure
  std::vector<std::string> files;  ///< read, in order: what a reload reads again
};

/// Reads barograph.yaml, environment, flags and the rule files that they name, and checks
/// everything (rules::Validate too). Secrets are references and are not fetched here (secret.h), so
/// a configuration can be checked on another machine.
///
/// Threads: any.
/// Errors: kInvalidArgument with all mistakes, one a line: file:line:column, what is wrong, what
///         would be right.
[[nodiscard]] Result<Configuration> LoadConfiguration(const ConfigSources& sources);

/// The environment as LoadConfiguration takes it.
[[nodiscard]] std::map<std::string, std::string> ReadEnvironment();

/// A configuration file's text, at most kYamlBytesMax.
/// Errors: kNotFound, kInvalidArgument (too large, a folder).
[[nodiscard]] Result<std::string> ReadConfigFile(const std::string& path);

}  // namespace barograph::server
