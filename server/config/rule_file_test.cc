#include "server/config/rule_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

// Method: rule files as text in, rule sets or messages out. Whole files with their expected
// messages lie in tests/golden/rules: FILE.yaml with FILE.expected must be refused with exactly
// that text, FILE.yaml alone must load.
namespace barograph::server {
namespace {

using testing::HasSubstr;

std::string ReadFile(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::string Refusal(std::string_view text) {
  const Result<rules::RuleSet> rules = LoadRuleSet({{"r.yaml", std::string(text)}});
  EXPECT_FALSE(rules.ok()) << text;
  return rules.ok() ? "" : rules.error().message();
}

// A rule file with one good SLO whose lines can be replaced.
std::string WithSlo(std::string_view lines) {
  return "apiVersion: barograph/v1\nslos:\n  - name: a\n    good: tasks.completed\n    total: "
         "tasks.finished\n"
         "    objective: 99%\n    period: 30d\n" +
         std::string(lines);
}

rules::SloSpec LoadSlo(std::string_view lines) {
  const Result<rules::RuleSet> rules = LoadRuleSet({{"r.yaml", WithSlo(lines)}});
  EXPECT_TRUE(rules.ok()) << (rules.ok() ? "" : rules.error().message());
  return rules.ok() ? rules->slos.at(0) : rules::SloSpec();
}

TEST(RuleFileTest, GoldenFilesLoadOrAreRefusedWithExactlyTheExpectedMessages) {
  const std::filesystem::path folder =
      std::filesystem::path(BAROGRAPH_SOURCE_DIR) / "tests/golden/rules";
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".yaml") continue;
    ++files;
    SCOPED_TRACE(entry.path());
    const std::string name = entry.path().filename();
    const Result<rules::RuleSet> rules = LoadRuleSet({{name, ReadFile(entry.path())}});
    std::filesystem::path expected = entry.path();
    expected.replace_extension(".expected");
    if (std::filesystem::exists(expected)) {
      ASSERT_FALSE(rules.ok());
      const std::string told = rules.error().message() + "\n";
      if (std::getenv("BAROGRAPH_UPDATE_GOLDENS") != nullptr) std::ofstream(expected) << told;
      EXPECT_EQ(told, ReadFile(expected));
    } else {
      EXPECT_TRUE(rules.ok()) << rules.error().message();
    }
  }
  EXPECT_GE(files, 6);
}

TEST(RuleFileTest, AnSloIsReadWithEveryKey) {
  const rules::SloSpec slo = LoadSlo(R"(
    where: {type: [b, a], agent: CMO}
    by: [model, agent]
    severity: page
    labels: {area: x}
    annotations: {summary: s, response: call}
    owner: ops
    for: 90s
    keep_firing_for: 2m
    min_events: 20
    burn: [{long: 6h, short: 30m, budget: 2.5%, severity: ticket}]
    budget_policy: {freeze_below: 10%}
)");
  EXPECT_EQ(slo.common.name, "a");
  EXPECT_EQ(slo.good.measure, "tasks.completed");
  EXPECT_EQ(slo.total.measure, "tasks.finished");
  const std::vector<rules::Projection::Filter> where{{"agent", {"CMO"}}, {"type", {"a", "b"}}};
  EXPECT_EQ(slo.common.where, where);
  EXPECT_THAT(slo.common.by, testing::ElementsAre("agent", "model"));
  EXPECT_EQ(slo.common.severity, rules::Severity::kCritical);
  EXPECT_EQ(slo.common.labels.at("area"), "x");
  EXPECT_EQ(slo.common.annotations.at("response"), "call");
  EXPECT_EQ(slo.common.owner, "ops");
  EXPECT_EQ(slo.common.for_duration, std::chrono::seconds(90));
  EXPECT_EQ(slo.common.keep_firing_for, std::chrono::minutes(2));
  EXPECT_EQ(slo.common.min_events, 20U);
  EXPECT_EQ(slo.objective_ppb, 990'000'000);
  EXPECT_EQ(slo.period, std::chrono::days(30));
  const rules::BurnRow row{std::chrono::hours(6), std::chrono::minutes(30), 0.025,
                           rules::Severity::kWarning};
  EXPECT_THAT(slo.burn, testing::ElementsAre(row));
  EXPECT_EQ(slo.freeze_below, 0.1);
}

TEST(RuleFileTest, DefaultsAreTheWorkbooksRowsAndOneMinuteOfFiringOn) {
  const rules::SloSpec slo = LoadSlo("");
  EXPECT_EQ(slo.burn, rules::DefaultBurnRows());
  EXPECT_EQ(slo.common.keep_firing_for, std::chrono::minutes(1));
  EXPECT_FALSE(slo.freeze_below.has_value());
}

TEST(RuleFileTest, ObjectivesAreExactPartsPerBillion) {
  const auto objective = [](const std::string& text) {
    const auto rules = LoadRuleSet(
        {{"r",
          "apiVersion: barograph/v1\nslos: [{name: a, good: requests.ok, total: requests, "
          "period: 30d, objective: " +
              text + "}]"}});
    return rules.ok() ? rules->slos[0].objective_ppb : -1;
  };
  EXPECT_EQ(objective("99.9%"), 999'000'000);
  EXPECT_EQ(objective("99.9999999%"), 999'999'999);
  EXPECT_EQ(objective("100%"), 1'000'000'000);
  EXPECT_EQ(objective("99.99999999%"), -1);  // finer than a part per billion
  EXPECT_EQ(objective("0%"), -1);
  EXPECT_EQ(objective("101%"), -1);
}

TEST(RuleFileTest, AnObjectiveOfAHundredPercentHasNoRows) {
  const auto rules = LoadRuleSet(
      {{"r",
        "apiVersion: barograph/v1\nslos: [{name: a, good: requests.ok, total: requests, "
        "period: 30d, objective: 100%}]"}});
  ASSERT_TRUE(rules.ok()) << rules.error().message();
  EXPECT_TRUE(rules->slos[0].burn.empty());
}

TEST(RuleFileTest, ASliceKnowsItsBoundAndSide) {
  const auto rules =
      LoadRuleSet({{"r",
                    "apiVersion: barograph/v1\nslos: [{name: a, good_when: {rate: errors, per: 1m, "
                    "below: 0.5}, slice: 5m, period: 30d, objective: 99%}]"}});
  ASSERT_TRUE(rules.ok()) << rules.error().message();
  const rules::TimeSlice& slice = *rules->slos[0].slice;
  EXPECT_EQ(slice.measure, "errors");
  EXPECT_EQ(slice.bound, 0.5);
  EXPECT_FALSE(slice.above);
  EXPECT_EQ(slice.per, std::chrono::minutes(1));
  EXPECT_EQ(slice.slice, std::chrono::minutes(5));
}

TEST(RuleFileTest, AReceiverKeepsAReferenceAndNeverTheSecret) {
  const auto rules = LoadRuleSet(
      {{"r",
        "apiVersion: barograph/v1\nroutes: {receiver: a}\nreceivers: [{name: a, webhook: {url: "
        "'https://example.org', format: barograph, secret: {file: /run/hook}, "
        "send_resolved: false}}]"}});
  ASSERT_TRUE(rules.ok()) << rules.error().message();
  const rules::ReceiverSpec& receiver = rules->receivers[0];
  EXPECT_EQ(receiver.secret_reference, "file:/run/hook");
  EXPECT_EQ(receiver.format, rules::ReceiverSpec::Format::kBarograph);
  EXPECT_FALSE(receiver.send_resolved);
}

TEST(RuleFileTest, ASecretInTheFileIsRefusedWithoutRepeatingIt) {
  const std::string message = Refusal(
      "apiVersion: barograph/v1\nreceivers: [{name: a, webhook: {url: 'http://x', secret: "
      "hunter2}}]");
  EXPECT_THAT(message, HasSubstr("{env: NAME}"));
  EXPECT_THAT(message, testing::Not(HasSubstr("hunter2")));
}

TEST(RuleFileTest, SeveralFilesMakeOneRuleSetAndMistakesNameTheirFile) {
  const std::string slo = WithSlo("");
  const auto both =
      LoadRuleSet({{"a.yaml", slo}, {"b.yaml", "apiVersion: barograph/v1\nlabels: [team]\n"}});
  ASSERT_TRUE(both.ok()) << both.error().message();
  EXPECT_EQ(both->slos.size(), 1U);
  EXPECT_THAT(both->labels, testing::ElementsAre("team"));
  const auto twice = LoadRuleSet({{"a.yaml", slo}, {"b.yaml", slo}});
  ASSERT_FALSE(twice.ok());
  EXPECT_THAT(twice.error().message(), testing::StartsWith("b.yaml:3:"));
}

TEST(RuleFileTest, MistakesAreToldWithTheirPlaceAndWhatWouldBeRight) {
  const auto refuses = [](std::string_view lines, std::string_view told) {
    EXPECT_THAT(Refusal(WithSlo(lines)), HasSubstr(std::string(told)));
  };
  refuses("    by: agent\n", "r.yaml:8:9: by: is text; write a list: `by: [agent]`");
  refuses("    for: soon\n", "r.yaml:8:10: for: 'soon' is not a duration");
  refuses("    min_events: 1.5\n", "r.yaml:8:17: min_events: '1.5' is not a whole number");
  refuses("    sevrity: page\n",
          "r.yaml:8:5: unknown key 'sevrity' in an SLO; did you mean 'severity'?");
  refuses("    shadow: perhaps\n", "r.yaml:8:13: shadow:");
  refuses("    period: 7d\n", "r.yaml:8:5: key 'period' is given twice; first in line 7");
  refuses("    slice: 1m\n", "r.yaml:8:12: `slice` belongs to `good_when`");
  refuses("    where: {agnt: a}\n",
          "r.yaml:8:19: slos[0].where.agnt: 'agnt' is neither a dimension nor among `labels`");
  refuses("    burn: []\n", "r.yaml:8:11: slos[0].burn: has no row");
}

TEST(RuleFileTest, AnSloWithAMistakeDoesNotHideTheOnesAfterIt) {
  const std::string message = Refusal(
      "apiVersion: barograph/v1\nslos:\n  - {name: a}\n"
      "  - {name: b, good: requests.ok, total: request, objective: 99%, period: 30d}\n");
  EXPECT_THAT(message, HasSubstr("r.yaml:3:5: an SLO needs `good` and `total`"));
  EXPECT_THAT(
      message,
      HasSubstr("r.yaml:4:41: slos[0].total: 'request' is no measure; did you mean 'requests'?"));
}

TEST(RuleFileTest, AMissingApiVersionIsToldAtTheTop) {
  EXPECT_THAT(Refusal("slos: []\n"), HasSubstr("lacks 'apiVersion'"));
  EXPECT_THAT(Refusal(""), HasSubstr("must be a map"));
}

}  // namespace
}  // namespace barograph::server
