#include "server/cli/rule_test_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace barograph::server {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;
using Kind = rules::ScenarioDifference::Kind;

RuleTestReport Report() {
  TestedScenario good{"told <at> once", "s.yaml:5:5",    {}, {}, {}, 1'200,
                      hours(2),         milliseconds(12)};
  TestedScenario bad{"resolves", "s.yaml:15:5", {}, {}, {}, 1, hours(1), milliseconds(3)};
  bad.differences = {{Kind::kOther,
                      "s.yaml:20:9",
                      "{at: 42m, rule: a, state: firing}",
                      "{at: 41m50s, rule: a, state: firing}",
                      {"at: 41m50s, not 42m"}}};
  return {{{"s.yaml", "", {good, bad}}, {"broken.yaml", "broken.yaml:3:1: unknown key", {}}}};
}

TEST(RuleTestReportTest, ATableNamesWhatDiffersAndWhere) {
  const std::string text = TableText(Report());
  EXPECT_THAT(text, HasSubstr("  ok    told <at> once"));
  EXPECT_THAT(text, HasSubstr("1,200 events, 2h in 12 ms"));
  EXPECT_THAT(text, HasSubstr("  FAIL  resolves"));
  EXPECT_THAT(text, HasSubstr("        s.yaml:20:9: other\n"
                              "          expected  {at: 42m, rule: a, state: firing}\n"
                              "          came      {at: 41m50s, rule: a, state: firing}\n"
                              "                    at: 41m50s, not 42m\n"));
  EXPECT_THAT(text, HasSubstr("broken.yaml: refused\n"));
  EXPECT_THAT(text, HasSubstr("1 passed, 1 failed, 1 file refused: 1,201 events, 3h in 15 ms\n"));
}

TEST(RuleTestReportTest, JsonIsReadBack) {
  const auto json = nlohmann::json::parse(JsonText(Report()));
  EXPECT_EQ(json["passed"], 1);
  EXPECT_EQ(json["failed"], 1);
  EXPECT_EQ(json["files_refused"], 1);
  EXPECT_EQ(json["files"][0]["scenarios"][1]["differences"][0]["place"], "s.yaml:20:9");
  EXPECT_EQ(json["files"][1]["refused"], "broken.yaml:3:1: unknown key");
}

TEST(RuleTestReportTest, JunitCountsFailuresAndErrorsAndEscapes) {
  const std::string xml = JunitText(Report());
  EXPECT_THAT(xml, HasSubstr("<testsuites tests=\"3\" failures=\"1\" errors=\"1\""));
  EXPECT_THAT(xml, HasSubstr("name=\"told &lt;at&gt; once\" time=\"0.012000\"/>"));
  EXPECT_THAT(xml, HasSubstr("<failure type=\"difference\" message=\"1 difference\">"));
  EXPECT_THAT(xml, HasSubstr("<error type=\"refused\""));
  EXPECT_THAT(xml, Not(HasSubstr("told <at>")));
}

}  // namespace
}  // namespace barograph::server
