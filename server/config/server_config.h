#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::server {

/// What the server is told besides rules: plain data, from which server/app fills the modules'
/// option structs. Needs a restart to change. Every field is a setting (`limits.queue_bytes`),
/// documented in kSettings and in docs/configuration.md.
struct ServerConfig {
  std::string data = "barograph-data";
  std::string listen = "127.0.0.1:7171";
  std::string http = "127.0.0.1:7172";
  bool channelz = false;
  std::string timezone = "UTC";
  std::vector<std::string> rules = {"default"};
  /// The figures that the default rules ask for, as written; empty: not set.
  std::string budget, goal, conversion;
  std::string prices;

  struct Limits {
    std::uint64_t queue_batches = 1024;
    std::uint64_t queue_bytes = 64U << 20U;
    std::uint64_t group_events = 65'536;
    std::uint64_t group_bytes = 8U << 20U;
    std::uint64_t streams = 1024;
  } limits;

  struct Checkpoint {
    Duration interval = std::chrono::seconds(3);
    std::uint64_t events = 1'500'000;
  } checkpoint;

  struct Kafka {
    std::string brokers;
    std::string group = "barograph";
    std::string dead_letter_topic;
  } kafka;

  struct Log {
    std::string level = "info";
    std::string format = "text";
    std::string file;
    std::uint64_t file_bytes = 64U << 20U;
    std::uint64_t files = 5;
  } log;
};

/// One setting: how it is called, what it means, how it is read from text and shown.
struct SettingSpec {
  std::string_view
      path;  ///< "limits.queue_bytes"; in the environment BAROGRAPH_LIMITS__QUEUE_BYTES
  std::string_view meaning;  ///< with unit and range
  bool list = false;  ///< several values: a YAML list; in environment and flags split at commas
  bool file =
      false;  ///< a path: in a file relative to that file's folder, else to the working directory
  /// Errors: kInvalidArgument saying what is wrong with the value and what would be right.
  Status (*apply)(const std::vector<std::string>& values, ServerConfig* config);
  std::string (*show)(const ServerConfig& config);
};

/// All settings, in the order in which they are printed.
[[nodiscard]] std::span<const SettingSpec> Settings();
/// Null for a path that is no setting.
[[nodiscard]] const SettingSpec* FindSetting(std::string_view path);
/// "limits.queue_bytes" -> "BAROGRAPH_LIMITS__QUEUE_BYTES".
[[nodiscard]] std::string EnvironmentName(std::string_view path);

/// "50 USD/day": an amount of money above 0, and day, week, month, quarter or year.
struct AmountPerPeriod {
  std::string amount, period;
};
/// Errors: kInvalidArgument.
[[nodiscard]] Result<AmountPerPeriod> ParseAmountPerPeriod(std::string_view text);

/// Reads a number of bytes: "1048576", "64MiB", "2GiB", "512KiB".
/// Errors: kInvalidArgument.
[[nodiscard]] Result<std::uint64_t> ParseBytes(std::string_view text);

}  // namespace barograph::server
