#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "rules/scenario/compare.h"
#include "rules/scenario/notation.h"
#include "rules/scenario/run.h"
#include "server/cli/command.h"
#include "server/cli/output.h"
#include "server/cli/rule_test_report.h"
#include "server/cli/rules_check.h"
#include "server/config/configuration.h"
#include "server/config/price_file.h"
#include "server/config/scenario_file.h"
#include "server/notify/console/console_line.h"
#include "server/partition/calendar_zones.h"

namespace barograph::server {
namespace {

/// Files below one folder.
constexpr std::size_t kScenarioFilesMax = 10'000;

struct RulesFlags {
  std::vector<std::string> paths;
  std::string only, junit;
  bool show = false;
  OutputFormat format = OutputFormat::kTable;
};

/// The line that a console receiver prints, without its time: expectations look for words in it.
rules::NoticeBody NoticeLine(const rules::Notice& notice, const rules::ReceiverSpec& /*receiver*/) {
  std::string line = ConsoleLine(notice);
  line.erase(0, line.find(' ') + 1);
  if (line.ends_with('\n')) line.pop_back();
  return {std::move(line), "text/plain"};
}

bool IsYaml(const std::filesystem::path& path) {
  return path.extension() == ".yaml" || path.extension() == ".yml";
}

/// One file that may be a scenario file; those that a folder brought may be rule files.
struct Candidate {
  std::string path;
  bool named = false;
};

Result<std::vector<Candidate>> FindFiles(const std::vector<std::string>& paths) {
  std::vector<Candidate> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!std::filesystem::is_directory(path, error)) {
      files.push_back({path, true});
      continue;
    }
    std::vector<std::string> found;
    for (auto entry = std::filesystem::recursive_directory_iterator(path, error);
         !error && entry != std::filesystem::recursive_directory_iterator();
         entry.increment(error)) {
      if (entry->is_regular_file() && IsYaml(entry->path())) found.push_back(entry->path());
      if (found.size() > kScenarioFilesMax) {
        return Error(ErrorCode::kInvalidArgument, path + ": more than " +
                                                      std::to_string(kScenarioFilesMax) +
                                                      " files; name a smaller folder");
      }
    }
    if (error) return Error(ErrorCode::kIo, path + ": " + error.message());
    std::sort(found.begin(), found.end());
    for (std::string& file : found) files.push_back({std::move(file), false});
  }
  return files;
}

TestedScenario TestOne(const ScenarioFile& file, const rules::Scenario& scenario,
                       const rules::ScenarioWorld& world, bool show) {
  const SystemClock clock;
  const Duration began = clock.BootNow();
  TestedScenario tested{scenario.name, scenario.place, {}, {}, {}, 0, scenario.until, {}};
  const Result<rules::ScenarioRun> run = RunScenario(file.rules, scenario, world);
  if (run.ok()) {
    tested.differences = CompareScenario(scenario, *run);
    tested.events = run->events;
  } else {
    tested.error = run.error().message();
  }
  tested.took = clock.BootNow() - began;
  if (!run.ok() || !show) return tested;
  for (const storage::AlertTransition& step : run->transitions)
    tested.shown.push_back(rules::TransitionText(step, run->start));
  for (const rules::ScenarioNotice& notice : run->notices)
    tested.shown.push_back(rules::NoticeText(notice, run->start));
  return tested;
}

TestedFile TestFile(const ScenarioFile& file, const RulesFlags& flags) {
  TestedFile tested;
  tested.name = file.name;
  Result<storage::PricesApplied> prices = LoadPriceFile(file.prices);
  if (!prices.ok()) {
    tested.refused = prices.error().message();
    return tested;
  }
  const rules::ScenarioWorld world{
      .format = NoticeLine, .periods = PeriodOf, .prices = std::move(prices).value()};
  for (const rules::Scenario& scenario : file.scenarios) {
    if (scenario.name.find(flags.only) == std::string::npos) continue;
    tested.scenarios.push_back(TestOne(file, scenario, world, flags.show));
  }
  return tested;
}

/// Tests every file. One without `scenarios` that a folder brought is passed over when a scenario
/// file names it; any other must be a scenario file, so that a misspelt one does not pass unseen.
RuleTestReport TestAll(const std::vector<Candidate>& files, const RulesFlags& flags) {
  RuleTestReport report;
  std::vector<std::string> others;
  std::set<std::filesystem::path> named;
  const auto test = [&](const std::string& path) {
    const Result<ScenarioFile> file = LoadScenarioFile(path);
    if (!file.ok()) {
      report.files.push_back({path, file.error().message(), {}});
      return;
    }
    for (const std::string& rules : file->rule_files)
      named.insert(std::filesystem::path(rules).lexically_normal());
    report.files.push_back(TestFile(*file, flags));
  };
  for (const Candidate& candidate : files) {
    const Result<std::string> text =
        candidate.named ? Error(ErrorCode::kNotFound, "") : ReadConfigFile(candidate.path);
    if (text.ok() && !IsScenarioText(*text)) {
      others.push_back(candidate.path);
    } else {
      test(candidate.path);
    }
  }
  for (const std::string& path : others) {
    if (!named.contains(std::filesystem::path(path).lexically_normal())) test(path);
  }
  return report;
}

Status WriteJunit(const RuleTestReport& report, const std::string& path) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << JunitText(report);
  file.close();
  return file ? Status() : Error(ErrorCode::kIo, "--junit: cannot write " + path);
}

int RunTest(const RulesFlags& flags) {
  const auto files = FindFiles(flags.paths);
  if (!files.ok()) return PrintError(files.error());
  const RuleTestReport report = TestAll(*files, flags);
  for (const TestedFile& file : report.files) {
    // Places stand first in each line, so that editors find them.
    if (!file.refused.empty()) std::fprintf(stderr, "%s\n", file.refused.c_str());
  }
  std::fputs((flags.format == OutputFormat::kJson ? JsonText(report) : TableText(report)).c_str(),
             stdout);
  if (!flags.junit.empty()) {
    const Status written = WriteJunit(report, flags.junit);
    if (!written.ok()) return PrintError(written.error());
  }
  const RuleTestReport::Totals totals = report.totals();
  if (totals.refused > 0) return kExitConfigRefused;
  if (totals.passed + totals.failed == 0) {
    return PrintError(Error(ErrorCode::kNotFound,
                            flags.only.empty() ? "there is no scenario file"
                                               : "no scenario's name holds '" + flags.only + "'"));
  }
  return totals.failed > 0 ? kExitFailed : kExitDone;
}

}  // namespace

void AddRulesCommand(CLI::App& root, int* status) {
  auto flags = std::make_shared<RulesFlags>();
  CLI::App* rules = root.add_subcommand("rules", "Check and test rules before they are in force");
  rules->require_subcommand(1);
  AddRulesCheck(*rules, status);

  CLI::App* test = rules->add_subcommand(
      "test", "Run scenario files on a simulated clock: events in, transitions and notices out");
  test->add_option("paths", flags->paths, "Scenario files, or folders of them")->required();
  test->add_option("--run", flags->only, "Only scenarios whose name holds this text");
  test->add_flag("--show", flags->show,
                 "Print all that came, in the notation of the file, to paste into it");
  test->add_option("--junit", flags->junit, "Write the results as JUnit's XML")
      ->option_text("FILE");
  AddOutputOption(*test, &flags->format);
  test->footer(
      R"(Exit status: 0 all passed, 1 a scenario failed, 2 wrong usage, 78 a file was refused.

A scenario file:
  apiVersion: barograph/v1
  rules: [rules.yaml]
  scenarios:
    - name: a failing agent is told at once
      events:
        - {at: 0s..30m, every: 10s, agent: CMO, task: {status: FAILED, type: development}}
      expect:
        - {at: 0s..1m, rule: task-success, labels: {agent: CMO}, state: firing}
      never: others

Examples:
  barograph rules test tests/scenario
  barograph rules test fleet.yaml --run "failing agent" --show
  barograph rules test tests/scenario --junit results.xml
  barograph rules test tests/scenario -o json | jq '.files[].scenarios[].differences[]')");
  test->callback([flags, status] { *status = RunTest(*flags); });
}

}  // namespace barograph::server
