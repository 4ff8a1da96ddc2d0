#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/config/rule_file.h"

// Method: one threshold as text in, its spec or the message out; places are line:column.
namespace barograph::server {
namespace {

using rules::Bound;
using rules::ThresholdSpec;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Form = ThresholdSpec::Form;
using Side = ThresholdSpec::Side;
using Versus = ThresholdSpec::Versus;

constexpr std::string_view kSlo =
    "slos:\n  - {name: task-success, good: tasks.completed, total: tasks.finished, objective: 99%, "
    "period: 30d}\n";

std::string File(std::string_view when, std::string_view rest = "") {
  return "apiVersion: barograph/v1\n" + std::string(kSlo) +
         "derived:\n"
         "  - {name: profit, minus: [revenue.net, cost]}\n"
         "  - {name: cost-per-success, ratio: {of: cost, to: tasks.completed}}\n"
         "thresholds:\n"
         "  - name: t\n"
         "    when: " +
         std::string(when) + "\n" + std::string(rest);
}

ThresholdSpec Load(std::string_view when, std::string_view rest = "") {
  const Result<rules::RuleSet> rules = LoadRuleSet({{"r.yaml", File(when, rest)}});
  EXPECT_TRUE(rules.ok()) << when << "\n" << (rules.ok() ? "" : rules.error().message());
  if (!rules.ok()) return {};
  const Result<rules::RuleSet> again = rules::DecodeRuleSet(rules::EncodeRuleSet(*rules));
  EXPECT_TRUE(again.ok() && *again == *rules) << when;
  return rules->thresholds.at(0);
}

std::string Refusal(std::string_view when, std::string_view rest = "") {
  const Result<rules::RuleSet> rules = LoadRuleSet({{"r.yaml", File(when, rest)}});
  EXPECT_FALSE(rules.ok()) << when;
  return rules.ok() ? "" : rules.error().message();
}

TEST(ThresholdSectionTest, LevelsOfTheServerAndOfOpenTasksAreReadInTheirUnits) {
  ThresholdSpec spec = Load("{last: disk.free, below: 5%}");
  EXPECT_EQ(spec.bound, (Bound{Bound::Unit::kPercent, "0.05"}));
  EXPECT_EQ(Load("{last: ingest.lag, above: 1m}").bound, (Bound{Bound::Unit::kTime, "60"}));
  EXPECT_EQ(Load("{last: cost.open_tasks, above: 5 EUR}").currency, "EUR");
  EXPECT_EQ(Load("{mean: tasks.open, over: 10m, above: 100}").form, Form::kMean);
  EXPECT_THAT(Refusal("{last: ingest.lag, above: 5%}"), HasSubstr("is a time: write e.g. 500ms"));
  EXPECT_THAT(Refusal("{last: tasks.open, above: 5%}"), HasSubstr("has the wrong unit"));
  EXPECT_THAT(Refusal("{sum: tasks.open, over: 5m, above: 5}"), HasSubstr("tasks.open"));
}

TEST(ThresholdSectionTest, ARuleMayBeInForceForATimeAndInTheShadow) {
  constexpr std::string_view kWhen = "{sum: errors, over: 5m, above: 5}";
  const ThresholdSpec spec = Load(
      kWhen, "    active: {from: 2026-11-27, to: 2026-12-01T00:00:00-05:00}\n    shadow: true\n");
  EXPECT_EQ(FormatTime(spec.common.active_from), "2026-11-27T00:00:00Z");
  EXPECT_EQ(FormatTime(spec.common.active_to), "2026-12-01T05:00:00Z");
  EXPECT_TRUE(spec.common.shadow);
  EXPECT_TRUE(spec.common.InForce(ParseTime("2026-11-30T00:00:00Z").value()));
  EXPECT_FALSE(spec.common.InForce(ParseTime("2026-12-02T00:00:00Z").value()));
  EXPECT_EQ(Load(kWhen, "    active: {to: 2026-12-01}\n").common.active_from, Time::min());
  EXPECT_THAT(Refusal(kWhen, "    active: {from: tomorrow}\n"),
              StartsWith("r.yaml:10:20: `from`: \"tomorrow\" is no time; write e.g. 2026-01-31"));
  EXPECT_THAT(Refusal(kWhen, "    active: {from: 2026-12-01, to: 2026-11-01}\n"),
              HasSubstr("ends before it begins"));
  EXPECT_THAT(Refusal(kWhen, "    active: {}\n"), HasSubstr("from when or until when"));
  EXPECT_THAT(Refusal(kWhen, "    labels: {shadow: \"true\"}\n"),
              HasSubstr("every alert carries this label itself"));
}

TEST(ThresholdSectionTest, TheFormsOfTheContractAreRead) {
  ThresholdSpec spec = Load("{ratio: {of: errors, to: operations}, over: 15m, above: 5%}",
                            "    for: 2m\n    severity: critical\n");
  EXPECT_EQ(spec.form, Form::kRatio);
  EXPECT_EQ(spec.measure, "errors");
  EXPECT_EQ(spec.whole, "operations");
  EXPECT_EQ(spec.over, minutes(15));
  EXPECT_EQ(spec.bound, (Bound{Bound::Unit::kPercent, "0.05"}));
  EXPECT_EQ(spec.common.for_duration, minutes(2));

  spec = Load("{quantile: 95%, of: request.duration, over: 5m, above: 500ms}", "    by: [route]\n");
  EXPECT_EQ(spec.quantile_ppb, 950'000'000);
  EXPECT_EQ(spec.bound, (Bound{Bound::Unit::kTime, "0.5"}));

  spec = Load("{rate: tasks.completed, per: 1h, over: 1h, below: 80%, of_baseline: 7d}");
  EXPECT_EQ(spec.versus, Versus::kBaseline);
  EXPECT_EQ(spec.side, Side::kBelow);
  EXPECT_EQ(spec.span, days(7));

  spec = Load("{sum: cost, over: 1h, anomaly: 4}", "    by: [agent]\n");
  EXPECT_EQ(spec.versus, Versus::kAnomaly);
  EXPECT_EQ(spec.side, Side::kBoth);
  EXPECT_EQ(spec.span, days(14));

  spec = Load("{sum: revenue.net, over: 7d, below: 90%, of_previous: 7d}");
  EXPECT_EQ(spec.versus, Versus::kPrevious);

  spec = Load("{new: errors}", "    by: [fingerprint]\n");
  EXPECT_EQ(spec.form, Form::kNew);
  EXPECT_EQ(spec.span, hours(24));

  spec = Load("{slo: task-success, budget_remaining: {below: 10%}}");
  EXPECT_EQ(spec.form, Form::kBudget);
  EXPECT_EQ(spec.bound.number, "0.1");
}

TEST(ThresholdSectionTest, TheOtherFormsAreReadToo) {
  EXPECT_EQ(Load("{sum: cost, over: 1h, above: 50 USD}").currency, "USD");
  EXPECT_EQ(Load("{sum: profit, over: 1d, below: -12.5 EUR}").bound.number, "-12.5");
  EXPECT_EQ(Load("{count: request.duration, over: 10m, below: 20}").form, Form::kCount);
  EXPECT_EQ(Load("{mean: sample:cpu, over: 10m, above: 90%}").form, Form::kMean);
  EXPECT_EQ(Load("{last: sample:disk_free, below: 5%}").over, hours(1));
  EXPECT_EQ(Load("{distinct: customers, over: 1d, below: 3}").form, Form::kDistinct);
  EXPECT_EQ(Load("{increase: sample:handled, over: 5m, above: 1000.5}").form, Form::kIncrease);
  EXPECT_EQ(Load("{ratio: cost-per-success, over: 1h, above: 2 USD}").measure, "cost-per-success");
  EXPECT_EQ(Load("{sum: cost, over: 1h, anomaly: 3.5, direction: up, of_baseline: 28d}").side,
            Side::kAbove);
}

TEST(ThresholdSectionTest, RulesMayAskAForecast) {
  ThresholdSpec spec =
      Load("{forecast: sample:disk_used, reaches: 95, within: 3d, probability: 80%}");
  EXPECT_EQ(spec.form, Form::kForecast);
  EXPECT_EQ(spec.measure, "sample:disk_used");
  EXPECT_EQ(spec.per, Duration(0)) << "a level";
  EXPECT_EQ(spec.side, Side::kAbove);
  EXPECT_EQ(spec.span, days(3));
  EXPECT_EQ(spec.probability_ppb, 800'000'000);
  spec = Load("{forecast: disk.free, falls_below: 5%, within: 2d, probability: 90%}");
  EXPECT_EQ(spec.side, Side::kBelow);
  spec = Load("{forecast: revenue.net, reaches: 300 USD, within: 90d, probability: 50%}");
  EXPECT_EQ(spec.per, days(1)) << "sums are of days";
  EXPECT_EQ(spec.bound, (Bound{Bound::Unit::kMoney, "300"}));
  EXPECT_EQ(
      Load("{forecast: profit, per: 1h, falls_below: -5 USD, within: 1d, probability: 60%}").per,
      hours(1));
  const std::string budget =
      "budgets:\n  - {name: spend, measure: cost, limit: 50 USD, period: month, alert_at: "
      "{critical: 100%}}\n";
  spec = Load("{budget: spend, exhausted: {probability: 80%}}", budget);
  EXPECT_EQ(spec.form, Form::kExhausted);
  EXPECT_EQ(spec.budget, "spend");
}

TEST(ThresholdSectionTest, ForecastsThatCannotBeMadeAreRefused) {
  EXPECT_THAT(Refusal("{forecast: sample:disk_used, within: 3d, probability: 80%}"),
              HasSubstr("exactly one of `reaches` and `falls_below`"));
  EXPECT_THAT(Refusal("{forecast: request.duration, reaches: 5s, within: 3d, probability: 80%}"),
              HasSubstr("neither a level nor a sum"));
  EXPECT_THAT(Refusal("{forecast: cost, reaches: 5, within: 3d, probability: 80%}"),
              HasSubstr("money: write e.g. 50 USD"));
  EXPECT_THAT(Refusal("{forecast: cost, reaches: 5 USD, within: 36h, probability: 80%}"),
              HasSubstr("not a whole number of steps of 1d"));
  EXPECT_THAT(Refusal("{forecast: sample:a, reaches: 5, within: 60d, probability: 80%}"),
              HasSubstr("at most 14d"));
  EXPECT_THAT(Refusal("{forecast: cost, per: 2h, reaches: 5 USD, within: 4h, probability: 80%}"),
              HasSubstr("is no step; write 1h or 1d"));
  EXPECT_THAT(Refusal("{forecast: cost, reaches: 5 USD, within: 3d, probability: 100%}"),
              HasSubstr("from 1% to 99%"));
  EXPECT_THAT(Refusal("{forecast: cost, reaches: 5 USD, within: 3d}"), HasSubstr("probability"));
  EXPECT_THAT(Refusal("{forecast: cost, reaches: 5 USD, within: 3d, probability: 80%}",
                      "    min_events: 5\n"),
              HasSubstr("a forecast counts no events"));
  EXPECT_THAT(Refusal("{forecast: tasks.failed, falls_below: 0, within: 3d, probability: 80%}"),
              HasSubstr("is never reached"));
  EXPECT_THAT(Refusal("{budget: spend, exhausted: {probability: 80%}}"),
              HasSubstr("'spend' is no budget"));
  EXPECT_THAT(Refusal("{budget: spend, exhausted: {probability: 80%}}",
                      "budgets:\n  - {name: spend, measure: cost, limit: 50 USD, rolling: 24h, "
                      "alert_at: {critical: 100%}}\n"),
              HasSubstr("rolling"));
}

void Refuses(std::string_view when, std::string_view place, std::string_view says,
             std::string_view rest = "") {
  const std::string told = Refusal(when, rest);
  EXPECT_THAT(told, StartsWith("r.yaml:" + std::string(place) + ": ")) << when;
  EXPECT_THAT(told, HasSubstr(std::string(says))) << when;
}

TEST(ThresholdSectionTest, NamesAndUnitsAreToldAtTheirPlaceWithWhatIsRight) {
  Refuses("{sum: costs, over: 1h, above: 50 USD}", "9:17", "did you mean 'cost'");
  Refuses("{sum: profits, over: 1h, above: 50 USD}", "9:17", "did you mean 'profit'");
  Refuses("{ratio: {of: errors, to: operation}, over: 15m, above: 5%}", "9:36",
          "did you mean 'operations'");
  Refuses("{slo: task-sucess, budget_remaining: {below: 10%}}", "9:17",
          "did you mean 'task-success'");
  Refuses("{sum: cost, over: 1h, above: 50}", "9:40", "is money: write e.g. 50 USD");
  Refuses("{sum: errors, over: 1h, above: 5%}", "9:42", "is a count: write a plain number");
  Refuses("{ratio: {of: errors, to: operations}, over: 15m, above: 5}", "9:67",
          "is a share: write e.g. 5%");
  Refuses("{quantile: 95%, of: request.duration, over: 5m, above: 500}", "9:66",
          "is a time: write e.g. 500ms");
  Refuses("{ratio: cost-per-success, over: 1h, above: 5%}", "9:54", "is money");
  Refuses("{sum: cost, over: 1h, above: 80, of_previous: 1h}", "9:40", "write e.g. 80%");
  Refuses("{sum: cost, over: 1h, above: much}", "9:40", "is no number");
  Refuses("{sum: cost, over: 1h, currency: EUR, above: 5 USD}", "9:55", "`currency` says EUR");
}

TEST(ThresholdSectionTest, WhatCanNeverFireOrDoesNotFitIsRefused) {
  Refuses("{ratio: {of: tasks.failed, to: tasks.finished}, over: 15m, above: 100%}", "9:77",
          "is never reached");
  Refuses("{sum: errors, over: 1h, below: 0}", "9:42", "is never below 0");
  Refuses("{quantile: 95%, of: task.quality, over: 1h, above: 1}", "9:62", "from 0 to 1");
  Refuses("{sum: errors, over: 1h, below: 5}", "10:17", "can never fire", "    min_events: 5\n");
  Refuses("{quantile: 95%, of: cost, over: 1h, above: 5 USD}", "9:31", "is no distribution");
  Refuses("{sum: request.duration, over: 1h, above: 5s}", "9:17", "has no sum");
  Refuses("{sum: customers, over: 1h, above: 5}", "9:17", "write `distinct: customers`");
  Refuses("{count: cost, over: 1h, above: 5}", "9:19", "does not count events");
  Refuses("{mean: request.duration, over: 1h, above: 5s}", "9:18", "use `quantile: 50%`");
  Refuses("{last: errors, above: 5}", "9:18", "is no level");
  Refuses("{distinct: errors, over: 1h, above: 5}", "9:22", "counts no different values");
  Refuses("{increase: errors, over: 1h, above: 5}", "9:22", "is no counter");
  Refuses("{sum: cost-per-success, over: 1h, above: 5 USD}", "9:17",
          "write `ratio: cost-per-success`");
  Refuses("{ratio: {of: errors, to: cost}, over: 1h, above: 5%}", "9:19", "have no ratio");
  Refuses("{ratio: errors, over: 1h, above: 5%}", "9:19", "is no derived ratio");
}

TEST(ThresholdSectionTest, WindowsAndShapesAreChecked) {
  Refuses("{sum: errors, over: 36d, above: 5}", "9:31", "out of range");
  Refuses("{sum: errors, over: 65s, above: 5}", "9:31", "not a multiple of 10s");
  Refuses("{quantile: 95%, of: request.duration, over: 30s, above: 5s}", "9:55",
          "not a multiple of 1m");
  Refuses("{quantile: 95%, of: request.duration, over: 8d, above: 5s}", "9:55", "at most 7d");
  Refuses("{sum: errors, over: 7d, above: 80%, of_previous: 30d}", "9:60", "that are kept");
  Refuses("{sum: errors, over: 2h, above: 80%, of_previous: 1h}", "9:60", "overlap");
  Refuses("{sum: errors, over: 1h, above: 80%, of_baseline: 36h}", "9:60", "is no baseline");
  Refuses("{sum: errors, over: 2d, above: 80%, of_baseline: 7d}", "9:31", "no part of a day");
  Refuses("{sum: errors, over: 1h, anomaly: 0.5}", "9:44", "from 1 to 20");
  Refuses("{distinct: customers, over: 1h, above: 80%, of_previous: 7d}", "9:50",
          "with a number only");
  Refuses("{rate: errors, per: 2d, over: 1h, above: 5}", "9:31", "outside 1s to 1d");
  Refuses("{quantile: 0%, of: request.duration, over: 1h, above: 5s}", "9:22", "above 0%");
  Refuses("{new: errors, unseen_for: 1m}", "9:37", "not longer than `over`");
  Refuses("{sum: errors, count: errors, over: 1h, above: 5}", "9:11", "exactly one thing");
  Refuses("{sum: errors, over: 1h}", "9:11", "exactly one of `above`");
  Refuses("{sum: errors, over: 1h, above: 5, bellow: 4}", "9:45", "unknown key 'bellow'");
  Refuses("{sum: errors, above: 5}", "9:11", "lacks 'over'");
  Refuses("{sum: errors, over: 1h, above: 5%, of_previous: 1h, of_baseline: 7d}", "9:59",
          "stands beside");
  Refuses("{sum: cost, over: 1h, above: 5 USD}", "10:17", "counts no events",
          "    min_events: 5\n");
  Refuses("{slo: task-success, budget_remaining: {below: 10%}}", "10:9", "is that of the SLO",
          "    by: [agent]\n");
}

std::string DerivedRefusal(std::string_view item) {
  const std::string text = "apiVersion: barograph/v1\nderived:\n  - " + std::string(item) + "\n";
  const Result<rules::RuleSet> rules = LoadRuleSet({{"r.yaml", text}});
  EXPECT_FALSE(rules.ok()) << item;
  return rules.ok() ? "" : rules.error().message();
}

TEST(ThresholdSectionTest, MistakesOfDerivedMeasuresAreTold) {
  EXPECT_THAT(DerivedRefusal("{name: cost, minus: [revenue.net, fees]}"),
              HasSubstr("is a measure already"));
  EXPECT_THAT(DerivedRefusal("{name: x, minus: [revenue.net, costs]}"),
              HasSubstr("did you mean 'cost'"));
  EXPECT_THAT(DerivedRefusal("{name: x, minus: [revenue.net, errors]}"),
              HasSubstr("do not add up"));
  EXPECT_THAT(DerivedRefusal("{name: x, plus: [errors]}"), HasSubstr("at least two"));
  EXPECT_THAT(DerivedRefusal("{name: x, plus: [errors, x]}"), HasSubstr("not itself"));
  EXPECT_THAT(DerivedRefusal("{name: x, ratio: {of: errors, to: cost}}"),
              HasSubstr("have no ratio"));
  EXPECT_THAT(DerivedRefusal("{name: x}"), HasSubstr("exactly one of `plus`"));
  EXPECT_THAT(DerivedRefusal("{name: X y, plus: [errors, changes]}"),
              HasSubstr("is no name of a measure"));
}

}  // namespace
}  // namespace barograph::server
