#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rules/scenario/compare.h"
#include "storage/base/clock.h"

namespace barograph::server {

/// What became of one scenario.
struct TestedScenario {
  std::string name, place;
  std::vector<rules::ScenarioDifference> differences;
  std::string error;               ///< the run itself failed
  std::vector<std::string> shown;  ///< with --show: all that came, in the file's notation
  std::uint64_t events = 0;
  Duration simulated{}, took{};
  [[nodiscard]] bool passed() const { return differences.empty() && error.empty(); }
};

/// What became of one file.
struct TestedFile {
  std::string name;
  std::string refused;  ///< its mistakes, one a line, each with its place; then no scenario ran
  std::vector<TestedScenario> scenarios;
};

/// Everything that `rules test` has to say.
struct RuleTestReport {
  std::vector<TestedFile> files;
  struct Totals {
    std::size_t passed = 0, failed = 0, refused = 0;  ///< scenarios, scenarios, files
    std::uint64_t events = 0;
    Duration simulated{}, took{};
  };
  [[nodiscard]] Totals totals() const;
};

/// For people: a line for each scenario, and what differs below it.
[[nodiscard]] std::string TableText(const RuleTestReport& report);
/// For programs: docs/rule-tests.md.
[[nodiscard]] std::string JsonText(const RuleTestReport& report);
/// JUnit's XML as CI systems read it (Jenkins' junit-10.xsd): a suite a file, a case a scenario; a
/// refused file is a case with an error.
[[nodiscard]] std::string JunitText(const RuleTestReport& report);

}  // namespace barograph::server
