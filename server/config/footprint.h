#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "rules/spec/rule_spec.h"
#include "server/config/server_config.h"

namespace barograph::server {

/// What a configuration will take, told before it runs: `barograph config check`.
struct Footprint {
  std::size_t slos = 0;
  std::size_t burn_rows = 0;
  std::size_t thresholds = 0, budgets = 0, goals = 0, absences = 0, expectations = 0, notices = 0;
  std::size_t projections =
      0;  ///< sets of dimensions and filters that rules add to the six that are built in
  std::size_t exact_counters = 0;  ///< made for `at_most`
  std::size_t receivers = 0;
  /// A series with events in every bucket of every level; quiet ones take a fraction.
  std::uint64_t bytes_per_series = 0;
  /// At most: all kSeriesMax series dense, the queue full, and two groups on their way to the disk.
  std::uint64_t bytes_max = 0;

  /// "3 SLOs with 10 burn rows, ...; at most 2.1 GiB of memory (...)".
  [[nodiscard]] std::string ToString() const;
};

[[nodiscard]] Footprint EstimateFootprint(const rules::RuleSet& rules, const ServerConfig& server);

}  // namespace barograph::server
