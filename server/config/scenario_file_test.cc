#include "server/config/scenario_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "storage/event/event_view.h"

// Method: scenario files as text in, typed scenarios or messages out. Whole files with their
// expected messages lie in tests/golden/scenarios.
namespace barograph::server {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr std::string_view kHead = R"(apiVersion: barograph/v1
timezone: America/New_York
slos:
  - {name: task-success, good: tasks.completed, total: tasks.finished, by: [agent],
     objective: 99%, period: 30d}
receivers: [{name: ops, file: {path: alerts.jsonl}}]
routes: {receiver: ops}
scenarios:
)";

constexpr std::string_view kRules = R"(apiVersion: barograph/v1
slos:
  - {name: from-file, good: tasks.completed, total: tasks.finished, objective: 99%, period: 30d}
)";

class ScenarioFileTest : public ::testing::Test {
 protected:
  ScenarioFileTest() : folder_(std::filesystem::temp_directory_path() / "scenario_file_test") {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~ScenarioFileTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, std::string_view text) {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  /// The first scenario of a file with the usual rules.
  rules::Scenario Load(std::string_view scenario) {
    const Result<ScenarioFile> file =
        LoadScenarioFile(Write("s.yaml", std::string(kHead) + std::string(scenario)));
    EXPECT_TRUE(file.ok()) << (file.ok() ? "" : file.error().message());
    return file.ok() ? file->scenarios.at(0) : rules::Scenario();
  }
  std::string Refusal(std::string_view scenario) {
    const Result<ScenarioFile> file =
        LoadScenarioFile(Write("s.yaml", std::string(kHead) + std::string(scenario)));
    EXPECT_FALSE(file.ok()) << scenario;
    return file.ok() ? "" : file.error().message();
  }
  static storage::EventView View(const std::string& wire) {
    storage::EventView view;
    EXPECT_TRUE(storage::ReadEvent(wire, storage::EventSource::kOutside, &view).ok());
    return view;
  }

  std::filesystem::path folder_;
};

std::string ReadFile(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

TEST_F(ScenarioFileTest, GoldenFilesLoadOrAreRefusedWithExactlyTheExpectedMessages) {
  const std::filesystem::path golden =
      std::filesystem::path(BAROGRAPH_SOURCE_DIR) / "tests/golden/scenarios";
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(golden)) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    SCOPED_TRACE(entry.path());
    const Result<ScenarioFile> file = LoadScenarioFile(entry.path());
    std::filesystem::path expected = entry.path();
    expected.replace_extension(".expected");
    ASSERT_FALSE(file.ok());
    // The folder in front of each place is that of this machine.
    std::string told = file.error().message() + "\n";
    for (std::size_t at = 0; (at = told.find(golden.string() + "/")) != std::string::npos;)
      told.erase(at, golden.string().size() + 1);
    if (std::getenv("BAROGRAPH_UPDATE_GOLDENS") != nullptr) std::ofstream(expected) << told;
    EXPECT_EQ(told, ReadFile(expected));
  }
  EXPECT_GE(files, 2);
}

TEST_F(ScenarioFileTest, ASeriesIsUnfoldedUpToItsEndAndSharesOneEncoding) {
  const rules::Scenario scenario = Load(R"(
  - name: a
    start: 2026-03-08 00:00
    events:
      - {at: 10s..1m, every: 20s, agent: a, task: {status: FAILED}}
      - {at: 5s, agent: b, task: {status: COMPLETED}}
    never: [task-success]
)");
  EXPECT_EQ(FormatTime(scenario.start), "2026-03-08T05:00:00Z") << "in the zone of the file";
  std::vector<Duration> at;
  for (const rules::ScenarioArrival& arrival : scenario.arrivals) at.push_back(arrival.at);
  EXPECT_THAT(at, ElementsAre(seconds(5), seconds(10), seconds(30), seconds(50)));
  EXPECT_THAT(scenario.events, SizeIs(2));
  EXPECT_EQ(scenario.until, seconds(50));
  EXPECT_FALSE(View(scenario.events[0]).has_time) << "it happens when it arrives";
}

TEST_F(ScenarioFileTest, EachAgentOfAListHasEventsOfItsOwn) {
  const rules::Scenario scenario = Load(R"(
  - name: a
    never: others
    events: [{at: 0s..1m, every: 30s, agent: [a, b, c], task: {status: FAILED}}]
)");
  EXPECT_THAT(scenario.arrivals, SizeIs(6));
  ASSERT_THAT(scenario.events, SizeIs(3));
  EXPECT_EQ(View(scenario.events[2]).agent, "c");
}

TEST_F(ScenarioFileTest, NumbersRampAndNamesCount) {
  const rules::Scenario scenario = Load(R"(
  - name: a
    never: others
    events:
      - {at: 0s..3s, every: 1s, task_id: "t-{n}", cost: {category: MODEL, amount: 1..2 USD}}
      - {at: 3s, labels: {version: 1..2}, cost: {category: MODEL, amount: 7..9 USD}}
      - {at: 4s, agent: "x{n}", labels: {version: "1..2"}, cost: {category: TOOL, amount: 2 USD}}
)");
  ASSERT_THAT(scenario.events, SizeIs(5));
  EXPECT_EQ(View(scenario.events[1]).task_id, "t-2");
  EXPECT_EQ(View(scenario.events[1]).cost.amount.nanos, 1'500'000'000);
  EXPECT_EQ(View(scenario.events[2]).cost.amount.nanos, 2'000'000'000);
  EXPECT_EQ(View(scenario.events[3]).cost.amount.nanos, 7'000'000'000) << "once, the first one";
  EXPECT_EQ(View(scenario.events[4]).agent, "x1");
}

TEST_F(ScenarioFileTest, ALateEventHasItsOwnTime) {
  const rules::Scenario scenario = Load(R"(
  - {name: a, start: "2026-02-01T00:00:00Z", never: others,
     events: [{at: 2h, late: 3h, agent: a, task: {status: STARTED, deadline: +30m}}]}
)");
  ASSERT_THAT(scenario.events, SizeIs(1));
  const storage::EventView view = View(scenario.events[0]);
  EXPECT_EQ(FormatTime(view.time), "2026-01-31T23:00:00Z");
}

TEST_F(ScenarioFileTest, ExpectationsAreTyped) {
  const rules::Scenario scenario = Load(R"(
  - name: a
    stops: [20m..30m, 5m..6m]
    actions:
      - {at: 15m, silence: {agent: a}, for: 2h}
      - {at: 14m, acknowledge: ['agent=~"a|b"']}
    expect:
      - {at: 12m..13m, rule: task-success, severity: page, labels: {agent: a}, from: pending,
         state: firing, value: 20.5}
      - {at: -9d12h, rule: task-success, state: resolved, late: true, value: 1..3}
    notices:
      - {at: 40m, receiver: ops, reason: first notification, firing: 1, resolved: 0,
         rule: task-success, text: [a, b]}
    quiet: [ops]
)");
  EXPECT_EQ(scenario.until, minutes(40));
  EXPECT_THAT(scenario.stops, ElementsAre(rules::ScenarioSpan{minutes(5), minutes(6)},
                                          rules::ScenarioSpan{minutes(20), minutes(30)}));
  ASSERT_THAT(scenario.actions, SizeIs(2));
  EXPECT_EQ(scenario.actions[0].at, minutes(14));
  ASSERT_THAT(scenario.transitions, SizeIs(2));
  const rules::ExpectedTransition& first = scenario.transitions[0];
  EXPECT_EQ(first.labels, (storage::Labels{{"agent", "a"}, {"severity", "critical"}}));
  EXPECT_EQ(first.from, storage::AlertState::kPending);
  EXPECT_EQ(first.to, storage::AlertState::kFiring);
  EXPECT_NEAR(first.value->from, 20.45, 1e-6);
  EXPECT_NEAR(first.value->to, 20.55, 1e-6);
  EXPECT_TRUE(scenario.transitions[1].late);
  EXPECT_EQ(scenario.transitions[1].at.from, -hours(9 * 24 + 12));
  ASSERT_THAT(scenario.notices, SizeIs(1));
  EXPECT_THAT(scenario.notices[0].text, ElementsAre("a", "b"));
  EXPECT_EQ(scenario.notices[0].labels.at("rule"), "task-success");
}

TEST_F(ScenarioFileTest, RuleFilesAreFoundBesideIt) {
  Write("rules.yaml", kRules);
  const std::string path = Write("t.yaml", R"(apiVersion: barograph/v1
rules: [rules.yaml]
receivers: [{name: ops, file: {path: a}}]
routes: {receiver: ops}
scenarios: [{name: a, never: [from-file], quiet: [ops]}]
)");
  const Result<ScenarioFile> file = LoadScenarioFile(path);
  ASSERT_TRUE(file.ok()) << file.error().message();
  EXPECT_THAT(file->rule_files, ElementsAre((folder_ / "rules.yaml").string()));
  EXPECT_EQ(file->rules.receivers.size(), 1U) << "and may be completed by sections of its own";
}

TEST_F(ScenarioFileTest, AConfigurationBringsItsRulesAndZone) {
  Write("rules.yaml", kRules);
  Write("barograph.yaml", "timezone: Asia/Kolkata\nrules: [rules.yaml]\n");
  const std::string path = Write("t.yaml", R"(apiVersion: barograph/v1
config: barograph.yaml
start: 2026-02-01
scenarios: [{name: a, never: [from-file]}]
)");
  const Result<ScenarioFile> file = LoadScenarioFile(path);
  ASSERT_TRUE(file.ok()) << file.error().message();
  EXPECT_EQ(FormatTime(file->scenarios[0].start), "2026-01-31T18:30:00Z");
  Write("rules.yaml", "apiVersion: barograph/v1\nslow: []\n");
  EXPECT_THAT(LoadScenarioFile(path).error().message(), HasSubstr("rules.yaml:2:1"));
}

TEST_F(ScenarioFileTest, AScenarioThatExpectsNothingIsRefused) {
  EXPECT_THAT(Refusal("  - {name: a, events: [{at: 0s, agent: a, task: {status: FAILED}}]}\n"),
              HasSubstr("always passes"));
}

TEST_F(ScenarioFileTest, TooManyEventsAreRefusedBeforeTheyAreMade) {
  EXPECT_THAT(Refusal("  - {name: a, never: others, events: [{at: 0s..12d, every: 1s, agent: a, "
                      "task: {status: FAILED}}]}\n"),
              HasSubstr("to more than 1000000 events"));
}

TEST_F(ScenarioFileTest, WhatIsNoScenarioFileIsTold) {
  EXPECT_FALSE(IsScenarioText("apiVersion: barograph/v1\nslos: []\n"));
  EXPECT_TRUE(IsScenarioText("scenarios: []\n"));
  EXPECT_TRUE(IsScenarioText("a: [\n")) << "so that its mistake is told";
}

}  // namespace
}  // namespace barograph::server
