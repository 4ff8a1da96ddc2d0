#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/config/rule_file.h"

// Absences, expectations and notices as they are written; whole files with their mistakes lie in
// tests/golden/rules.
namespace barograph::server {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

rules::RuleSet Load(const std::string& text) {
  const Result<rules::RuleSet> rules =
      LoadRuleSet({{"r.yaml", "apiVersion: barograph/v1\n" + text}});
  EXPECT_TRUE(rules.ok()) << (rules.ok() ? "" : rules.error().message());
  return rules.ok() ? *rules : rules::RuleSet();
}

std::string Refusal(const std::string& text) {
  const Result<rules::RuleSet> rules =
      LoadRuleSet({{"r.yaml", "apiVersion: barograph/v1\n" + text}});
  EXPECT_FALSE(rules.ok()) << text;
  return rules.ok() ? "" : rules.error().message();
}

TEST(EventRulesSectionTest, AbsenceOfTheContractLoads) {
  const rules::RuleSet rules = Load(
      "absences:\n  - {name: agent-silent, measure: tasks.started, by: [agent], for: 30m, "
      "expected: [CMO, CFO], seen_within: 12h}\n");
  ASSERT_EQ(rules.absences.size(), 1U);
  const rules::AbsenceSpec& absence = rules.absences[0];
  EXPECT_EQ(absence.silence, 30min);
  EXPECT_EQ(absence.common.for_duration, 0s) << "`for` is the silence, not a wait after it";
  EXPECT_EQ(absence.seen_within, 12h);
  EXPECT_THAT(absence.expected, ElementsAre("CMO", "CFO"));
}

TEST(EventRulesSectionTest, ExpectationOfTheContractLoads) {
  const rules::RuleSet rules = Load(
      "expects:\n  - {name: health-after-deploy, after: {changes: {type: DEPLOY, state: DONE}},"
      " expect: {requests.ok: {route: /health}}, same: [service], within: 1m}\n");
  ASSERT_EQ(rules.expects.size(), 1U);
  const rules::ExpectationSpec& expectation = rules.expects[0];
  EXPECT_EQ(expectation.measure, "changes");
  EXPECT_EQ(expectation.common.where.size(), 2U);
  EXPECT_THAT(expectation.common.by, ElementsAre("service"));
  EXPECT_EQ(expectation.expect.measure, "requests.ok");
  EXPECT_EQ(expectation.within, 1min);
}

TEST(EventRulesSectionTest, NoticeOfTheContractLoads) {
  const rules::RuleSet rules = Load(
      "notices:\n  - {name: revenue-received, each: payments, where: {type: CHARGE}, limit: "
      "20/h, template: \"Revenue: {{event.amount}} from {{event.customer}}\"}\n"
      "  - {name: other, each: errors, limit: 5/10m, severity: P1, template: x}\n");
  ASSERT_EQ(rules.notices.size(), 2U);
  EXPECT_EQ(rules.notices[0].limit, 20U);
  EXPECT_EQ(rules.notices[0].per, 1h);
  EXPECT_EQ(rules.notices[0].common.severity, rules::Severity::kInfo);
  EXPECT_EQ(rules.notices[1].per, 10min);
  EXPECT_EQ(rules.notices[1].common.severity, rules::Severity::kWarning);
}

TEST(EventRulesSectionTest, MistakesStandAtTheirPlace) {
  EXPECT_THAT(Refusal("expects:\n  - name: a\n    after: {changes: {tipe: DEPLOY}}\n    expect: "
                      "requests\n    within: 1m\n"),
              HasSubstr("r.yaml:4:29: expects[0].where.tipe: 'tipe' is neither"));
  EXPECT_THAT(Refusal("notices:\n  - {name: a, each: payments, template: x, limit: often}\n"),
              HasSubstr("r.yaml:3:51: limit: 'often' is no limit; write messages and a window"));
  EXPECT_THAT(Refusal("absences:\n  - {name: a, measure: payments}\n"),
              HasSubstr("r.yaml:3:5: an absence lacks 'for'; write e.g. `for: 30m`"));
}

}  // namespace
}  // namespace barograph::server
