#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/spec/rule_spec.h"

// Absences, expectations and notices: what Validate says of them, and that they survive the log.
namespace barograph::rules {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

AbsenceSpec Absence() {
  AbsenceSpec spec;
  spec.common.name = "agent-silent";
  spec.common.by = {"agent"};
  spec.measure = "tasks.started";
  spec.silence = 30min;
  spec.expected = {"CMO", "CFO"};
  return spec;
}

ExpectationSpec Expectation() {
  ExpectationSpec spec;
  spec.common.name = "health-after-deploy";
  spec.common.by = {"service"};
  spec.common.where = {{"type", {"DEPLOY"}}};
  spec.measure = "changes";
  spec.expect = {"requests.ok", {{"route", {"/health"}}}};
  spec.within = 1min;
  return spec;
}

NoticeSpec Notice() {
  NoticeSpec spec;
  spec.common.name = "revenue-received";
  spec.common.severity = Severity::kInfo;
  spec.each = "payments";
  spec.text = "Revenue: {{event.amount}} from {{event.customer}}";
  return spec;
}

RuleSet All() {
  RuleSet rules;
  rules.absences = {Absence()};
  rules.expects = {Expectation()};
  rules.notices = {Notice()};
  return rules;
}

std::vector<std::string> Mistakes(const RuleSet& rules) {
  std::vector<std::string> told;
  for (const SpecError& error : Validate(rules)) told.push_back(error.path + ": " + error.message);
  return told;
}

template <typename Change>
std::vector<std::string> After(const Change& change) {
  RuleSet rules = All();
  change(rules);
  return Mistakes(rules);
}

TEST(EventRulesTest, SurviveTheLog) {
  const RuleSet rules = All();
  EXPECT_THAT(Mistakes(rules), IsEmpty());
  const Result<RuleSet> read = DecodeRuleSet(EncodeRuleSet(rules));
  ASSERT_TRUE(read.ok()) << read.error().ToString();
  EXPECT_EQ(*read, rules);
}

TEST(EventRulesTest, RulesWithoutThemAreWrittenAsBefore) {
  EXPECT_EQ(EncodeRuleSet(RuleSet()).find("absences"), std::string::npos);
  EXPECT_EQ(EncodeRuleSet(RuleSet()).find("notices"), std::string::npos);
}

TEST(EventRulesTest, PlanHoldsWhatTheyMustKnow) {
  RuleSet rules = All();
  rules.absences[0].common.annotations = {
      {"summary", "{{event.task_id}} {{#event.agent}}x{{/event.agent}}"}};
  const WindowPlan plan = PlanWindows(rules);
  ASSERT_EQ(plan.sightings.size(), 3U);
  EXPECT_EQ(plan.sightings[0].id, "agent-silent");
  EXPECT_THAT(plan.sightings[0].texts, ElementsAre("agent", "task_id"));
  EXPECT_EQ(plan.sightings[1].open_for, rules.expects[0].within);
  EXPECT_EQ(plan.sightings[1].missed_for, rules.expects[0].common.keep_firing_for);
  EXPECT_EQ(plan.sightings[2].answers, "health-after-deploy");
  EXPECT_THAT(plan.sightings[2].projection.where,
              ElementsAre(Projection::Filter{"route", {"/health"}}));
}

TEST(EventRulesTest, RulesOfEveryKindMayNameTheLastEvent) {
  RuleSet rules;
  BudgetSpec budget;
  budget.common.name = "daily-spend";
  budget.common.annotations = {{"summary", "{{event.task_id}} of {{event.model}}"}};
  budget.measure = "cost";
  GoalSpec goal;
  goal.common.name = "revenue";
  goal.common.annotations = {{"summary", "{{value}}"}};
  goal.measure = "revenue.net";
  rules.budgets = {budget};
  rules.goals = {goal};
  const std::vector<WindowPlan::Sighting> sightings = PlanWindows(rules).sightings;
  ASSERT_EQ(sightings.size(), 1U) << "none where no text names an event";
  EXPECT_EQ(sightings[0].id, "daily-spend");
  EXPECT_THAT(sightings[0].measures, ElementsAre("cost"));
  EXPECT_THAT(sightings[0].texts, ElementsAre("model", "task_id"));
}

TEST(EventRulesTest, MistakesOfAbsencesAreTold) {
  EXPECT_THAT(After([](RuleSet& r) { r.absences[0].silence = 0s; }),
              ElementsAre(HasSubstr("absences[0].for: an absence takes time")));
  EXPECT_THAT(After([](RuleSet& r) { r.absences[0].silence = 1500ms; }),
              ElementsAre(HasSubstr("absences[0].for: 1.5s is no whole number")));
  EXPECT_THAT(After([](RuleSet& r) { r.absences[0].seen_within = 30min; }),
              ElementsAre(HasSubstr("is forgotten before the rule can fire")));
  EXPECT_THAT(After([](RuleSet& r) { r.absences[0].measure = "tasks.startd"; }),
              ElementsAre(HasSubstr("did you mean 'tasks.started'?")));
  EXPECT_THAT(After([](RuleSet& r) {
                r.absences[0].common.by = {"agent", "type"};
              }),
              ElementsAre(HasSubstr("expected: names values of one dimension, and `by` has 2")));
  EXPECT_THAT(After([](RuleSet& r) {
                r.absences[0].expected = {"CMO", "CMO", ""};
              }),
              ElementsAre(HasSubstr("expected[1]: 'CMO' stands here twice"),
                          HasSubstr("expected[2]: is empty")));
  EXPECT_THAT(After([](RuleSet& r) { r.absences[0].common.min_events = 3; }),
              ElementsAre(HasSubstr("min_events: an absence counts no events")));
}

TEST(EventRulesTest, MistakesOfExpectationsAreTold) {
  EXPECT_THAT(After([](RuleSet& r) { r.expects[0].within = 0s; }),
              ElementsAre(HasSubstr("within: an answer takes time")));
  EXPECT_THAT(After([](RuleSet& r) {
                r.expects[0].expect = {"changes", r.expects[0].common.where};
              }),
              ElementsAre(HasSubstr("expect: is the same as `after`")));
  EXPECT_THAT(After([](RuleSet& r) {
                r.expects[0].expect.where = {{"rote", {"/"}}};
              }),
              ElementsAre(HasSubstr("did you mean 'route'?")));
  EXPECT_THAT(After([](RuleSet& r) { r.expects[0].expect.measure = "request.ok"; }),
              ElementsAre(HasSubstr("did you mean 'requests.ok'?")));
  EXPECT_THAT(After([](RuleSet& r) { r.expects[0].common.for_duration = 1min; }),
              ElementsAre(HasSubstr("for: an expectation fires when `within` has passed")));
}

TEST(EventRulesTest, MistakesOfNoticesAreTold) {
  EXPECT_THAT(After([](RuleSet& r) { r.notices[0].text = "{{customer}} paid {{event.amout}}"; }),
              ElementsAre(HasSubstr("did you mean 'event.customer'?"),
                          HasSubstr("did you mean 'event.amount'?")));
  EXPECT_THAT(After([](RuleSet& r) { r.notices[0].text = "{{value}}"; }),
              ElementsAre(HasSubstr("did you mean 'event.value'?")));
  EXPECT_THAT(After([](RuleSet& r) { r.notices[0].text = ""; }),
              ElementsAre(HasSubstr("template: is empty")));
  EXPECT_THAT(After([](RuleSet& r) { r.notices[0].text = "{{event.labels.method}}"; }), IsEmpty());
  EXPECT_THAT(After([](RuleSet& r) { r.notices[0].limit = 0; }),
              ElementsAre(HasSubstr("limit: 0 messages are outside 1 to 1000")));
  EXPECT_THAT(After([](RuleSet& r) { r.notices[0].per = 400h; }),
              ElementsAre(HasSubstr("limit: a window of")));
  EXPECT_THAT(After([](RuleSet& r) {
                r.notices[0].common.annotations = {{"summary", "x"}};
              }),
              ElementsAre(HasSubstr("`template` is the summary")));
  EXPECT_THAT(After([](RuleSet& r) { r.notices[0].common.name = "agent-silent"; }),
              ElementsAre(HasSubstr("names two rules")));
}

}  // namespace
}  // namespace barograph::rules
