#include "rules/spec/rule_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

namespace barograph::rules {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

RuleSet Valid() {
  RuleSet rules;
  rules.labels = {"team"};
  SloSpec slo;
  slo.common.name = "task-success";
  slo.common.by = {"team", "agent"};
  slo.common.where = {{"type", {"review", "development"}}};
  slo.common.labels = {{"page", "yes"}};
  slo.common.annotations = {{"summary", "line one\nline two = 7:"}};
  slo.common.min_events = 20;
  slo.good.measure = "tasks.completed";
  slo.total.measure = "tasks.finished";
  slo.objective_ppb = 990'000'000;
  slo.period = days(30);
  slo.burn = DefaultBurnRows();
  slo.freeze_below = 0.1;
  rules.slos.push_back(slo);
  slo.common.name = "fast-tiles";
  slo.good = {"request.duration", 300'000'000};
  slo.total.measure = "requests";
  rules.slos.push_back(slo);
  slo.common.name = "throughput";
  slo.good = slo.total = {};
  slo.slice = TimeSlice{"tasks.finished", seconds(1), 20, true, minutes(1)};
  rules.slos.push_back(slo);
  BudgetSpec budget;
  budget.common.name = "daily-spend";
  budget.measure = "cost";
  budget.limit = {Int128{50} * 1'000'000'000, "USD"};
  budget.period = Calendar{Calendar::Unit::kDay, "America/New_York", "", ""};
  budget.alert_at = {{Severity::kWarning, 1'100'000'000}};
  budget.burn = {{hours(1), minutes(5), 200'000'000, Severity::kCritical}};
  rules.budgets.push_back(budget);
  budget.common.name = "kept";
  budget.enforce = true;
  rules.budgets.push_back(budget);
  budget.enforce = false;
  budget.common.name = "rolling-spend";
  budget.period.reset();
  budget.rolling = hours(24);
  rules.budgets.push_back(budget);
  GoalSpec goal;
  goal.common.name = "launch";
  goal.measure = "tasks.completed";
  goal.target = {400, ""};
  goal.period = {Calendar::Unit::kDates, "UTC", "2026-11-01", "2026-12-31"};
  goal.alerts = {{Severity::kCritical, 500'000'000}};
  goal.milestones = {250'000'000, 1'000'000'000};
  rules.goals.push_back(goal);
  rules.series.push_back({{"team"}, {}});
  rules.receivers.push_back({"ops", ReceiverSpec::Type::kWebhook, ReceiverSpec::Format::kBarograph,
                             "https://example.org/hook", "env:HOOK_SECRET", false});
  rules.route.receiver = "ops";
  return rules;
}

TEST(RuleSpecTest, WorkbookRowsHaveTheWorkbooksFactors) {
  SloSpec slo = Valid().slos[0];
  const auto share = [&](std::size_t row) { return ToleratedShare(slo, slo.burn[row]); };
  // Factors 14.4, 6, 3 and 1, each times 1 %.
  EXPECT_EQ(share(0), (ExactRatio{18, 125}));
  EXPECT_EQ(share(1), (ExactRatio{3, 50}));
  EXPECT_EQ(share(2), (ExactRatio{3, 100}));
  EXPECT_EQ(share(3), (ExactRatio{1, 100}));
  slo.period = days(28);
  EXPECT_EQ(share(0), (ExactRatio{84, 625})) << "13.44 x 1 %";
}

TEST(RuleSpecTest, SharesAreReadAsTheyWereWritten) {
  EXPECT_EQ(PartsPerBillion(0.02), 20'000'000);
  EXPECT_EQ(PartsPerBillion(0.1), 100'000'000);
  EXPECT_EQ(PartsPerBillion(1.0 / 3), 333'333'333);
  EXPECT_EQ(PartsPerBillion(1e-12), 0);
}

TEST(ValidateTest, AcceptsTheContractsExamples) {
  for (const SpecError& error : Validate(Valid()))
    ADD_FAILURE() << error.path << ": " << error.message;
}

TEST(ValidateTest, NamesThePlaceTheMistakeAndTheWayOut) {
  const auto rejects = [](const std::function<void(RuleSet*)>& edit, const std::string& path,
                          const std::string& says) {
    RuleSet rules = Valid();
    edit(&rules);
    const std::vector<SpecError> errors = Validate(rules);
    EXPECT_THAT(errors, Contains(AllOf(Field(&SpecError::path, path),
                                       Field(&SpecError::message, HasSubstr(says)))));
  };
  rejects([](RuleSet* r) { r->slos[0].common.name = "Task Success"; }, "slos[0].name",
          "is no rule name");
  rejects([](RuleSet* r) { r->slos[1].common.name = "task-success"; }, "slos[1].name",
          "names two rules");
  rejects([](RuleSet* r) { r->slos[0].good.measure = "tasks.complete"; }, "slos[0].good",
          "did you mean 'tasks.completed'?");
  rejects([](RuleSet* r) { r->slos[0].good.measure = "task.duration"; }, "slos[0].good",
          "at_most: 300ms");
  rejects([](RuleSet* r) { r->slos[0].good.measure = "cost"; }, "slos[0].good",
          "does not count events");
  rejects([](RuleSet* r) { r->slos[0].good.at_most_nanos = 1; }, "slos[0].good",
          "leave `at_most` out");
  rejects([](RuleSet* r) { r->slos[0].good = r->slos[0].total; }, "slos[0].good",
          "nothing is ever bad");
  rejects([](RuleSet* r) { r->slos[0].common.by = {"agents"}; }, "slos[0].by[0]",
          "did you mean 'agent'?");
  rejects([](RuleSet* r) { r->slos[0].common.by = {"severity"}; }, "slos[0].by[0]",
          "label of every alert");
  rejects(
      [](RuleSet* r) {
        r->slos[0].common.labels = {{"severity", "x"}};
      },
      "slos[0].labels.severity", "choose another name");
  rejects([](RuleSet* r) { r->slos[0].common.where[0].any_of.clear(); }, "slos[0].where.type",
          "no value");
  rejects([](RuleSet* r) { r->slos[0].common.for_duration = milliseconds(1'500); }, "slos[0].for",
          "no whole number of seconds");
  rejects([](RuleSet* r) { r->slos[0].objective_ppb = 0; }, "slos[0].objective", "above 0 %");
  rejects([](RuleSet* r) { r->slos[0].objective_ppb = 1'000'000'000; }, "slos[0].burn",
          "no error budget to burn");
  rejects([](RuleSet* r) { r->slos[0].period = days(36); }, "slos[0].period", "outside 1d to 35d");
  rejects([](RuleSet* r) { r->slos[0].burn.clear(); }, "slos[0].burn", "workbook's four rows");
  rejects([](RuleSet* r) { r->slos[0].burn[0].budget = 1.5; }, "slos[0].burn[0].budget",
          "at most 100 %");
  rejects([](RuleSet* r) { r->slos[0].burn[0].short_window = hours(1); }, "slos[0].burn[0].short",
          "not shorter");
  rejects([](RuleSet* r) { r->slos[0].burn[0].long_window = seconds(3'605); },
          "slos[0].burn[0].long", "");
  rejects([](RuleSet* r) { r->slos[0].freeze_below = 1.0; }, "slos[0].budget_policy.freeze_below",
          "e.g. 10%");
  rejects([](RuleSet* r) { r->slos[2].good.measure = "tasks.completed"; }, "slos[2].good_when",
          "either events or");
  rejects([](RuleSet* r) { r->slos[2].slice->slice = seconds(90); }, "slos[2].slice",
          "multiple of 1m");
  rejects([](RuleSet* r) { r->slos[2].slice->slice = seconds(0); }, "slos[2].slice",
          "0s is no slice");
  rejects([](RuleSet* r) { r->slos[2].slice->slice = minutes(7); }, "slos[2].burn[0].long",
          "no multiple of the slice");
  rejects([](RuleSet* r) { r->slos[2].slice->measure = "cost"; }, "slos[2].good_when.rate",
          "no rate of one unit");
  rejects([](RuleSet* r) { r->route.receiver = "opz"; }, "routes.receiver", "did you mean 'ops'?");
  rejects([](RuleSet* r) { r->route.receiver.clear(); }, "routes.receiver", "'ops'");
  rejects([](RuleSet* r) { r->route.repeat_interval = seconds(0); }, "routes.repeat_interval",
          "below 1m");
  rejects([](RuleSet* r) { r->receivers.push_back(r->receivers[0]); }, "receivers[1].name",
          "names two receivers");
  rejects([](RuleSet* r) { r->receivers[0].target = "hook"; }, "receivers[0].webhook.url",
          "http://");
  rejects([](RuleSet* r) { r->labels = {"agent"}; }, "labels[0]", "dimension already");
}

TEST(ValidateTest, RowThatCanNeverFireIsRefusedWithItsNumbers) {
  RuleSet rules = Valid();
  rules.slos.resize(1);
  rules.slos[0].objective_ppb = 930'000'000;
  const std::vector<SpecError> errors = Validate(rules);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].path, "slos[0].burn[0]");
  EXPECT_THAT(errors[0].message,
              AllOf(HasSubstr("can never fire"), HasSubstr("factor 14.4 x allowed 7 % = 1.008")));
  rules.slos[0].objective_ppb = 930'600'000;
  EXPECT_THAT(Validate(rules), IsEmpty()) << "14.4 x 6.94 % is 0.99936";
}

TEST(PlanWindowsTest, HoldsWhatTheRulesRead) {
  const WindowPlan plan = PlanWindows(Valid());
  const Projection by_team{{"agent", "team"}, {{"type", {"development", "review"}}}};
  EXPECT_THAT(plan.projections, ElementsAre(Projection{}, by_team, Projection{{"team"}, {}}));
  EXPECT_THAT(plan.calendar_sums,
              ElementsAre(WindowPlan::CalendarSum{{}, {"cost", "USD"}, "day@America/New_York"},
                          WindowPlan::CalendarSum{
                              {}, {"tasks.completed", ""}, "2026-11-01..2026-12-31@UTC"}));
  EXPECT_THAT(plan.at_most,
              ElementsAre(std::pair(std::string("request.duration"), std::int64_t{300'000'000})));
  ASSERT_EQ(plan.slices.size(), 1U);
  EXPECT_EQ(plan.slices[0].bound, 1'200) << "20 a second over a minute";
  EXPECT_EQ(MeasuresOf(Valid().slos[1]).good, (MeasureName{"request.duration", "<=300000000"}));
  EXPECT_EQ(MeasuresOf(Valid().slos[2]).total, (MeasureName{"slice.total:throughput", ""}));
}

TEST(PlanWindowsTest, BoundBetweenTwoSumsDoesNotMoveTheComparison) {
  RuleSet rules = Valid();
  const auto bound = [&](double rate, bool above) {
    rules.slos[2].slice->bound = rate;
    rules.slos[2].slice->above = above;
    return PlanWindows(rules).slices[0].bound;
  };
  EXPECT_EQ(bound(0.01, true), 0) << "more than 0.6 is 1 or more";
  EXPECT_EQ(bound(0.01, false), 1) << "less than 0.6 is 0";
  EXPECT_EQ(bound(0.1, true), 6);
  EXPECT_EQ(bound(0.1, false), 6);
}

TEST(RuleCodecTest, DecodesWhatItEncodes) {
  const RuleSet rules = Valid();
  const std::string text = EncodeRuleSet(rules);
  const Result<RuleSet> decoded = DecodeRuleSet(text);
  ASSERT_TRUE(decoded.ok()) << decoded.error().ToString();
  EXPECT_EQ(*decoded, rules);
  EXPECT_EQ(EncodeRuleSet(*decoded), text);
  EXPECT_EQ(*DecodeRuleSet(EncodeRuleSet(RuleSet{})), RuleSet{});
}

TEST(RuleCodecTest, FieldsThatCameLaterStandOnlyWhenTheyAreUsed) {
  RuleSet rules = Valid();
  rules.budgets.clear();
  rules.goals.clear();
  const std::string text = EncodeRuleSet(rules);
  EXPECT_EQ(text.find("budgets="), std::string::npos) << "as the first version wrote it";
  const Result<RuleSet> decoded = DecodeRuleSet(text);
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(*decoded, rules);
}

TEST(RuleCodecTest, RefusesEveryPrefixAndAnyOtherVersion) {
  const std::string text = EncodeRuleSet(Valid());
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(DecodeRuleSet(std::string_view(text).substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(DecodeRuleSet(text + "\n").ok());
  const Result<RuleSet> other = DecodeRuleSet("barograph-rules 2\n");
  ASSERT_FALSE(other.ok());
  EXPECT_EQ(other.error().code(), ErrorCode::kFailedPrecondition);
  EXPECT_FALSE(DecodeRuleSet("barograph-rules 1\nlabels=99999999999\n").ok());
}

}  // namespace
}  // namespace barograph::rules
