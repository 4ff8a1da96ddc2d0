#include "tests/reference/random_thresholds.h"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "storage/base/money.h"

namespace barograph::reference {
namespace {

using rules::Bound;
using rules::ThresholdSpec;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using Form = ThresholdSpec::Form;
using Side = ThresholdSpec::Side;
using Versus = ThresholdSpec::Versus;
using Names = std::vector<std::string>;

constexpr std::int64_t kNano = 1'000'000'000;

/// What a form can be asked of, with a bound of a size that the streams cross.
struct Choice {
  Form form;
  std::string measure, whole;
  Bound::Unit unit;
  double size;
};

const std::vector<Choice>& Choices() {
  static const std::vector<Choice> choices = {
      {Form::kSum, "tasks.failed", "", Bound::Unit::kNumber, 20},
      {Form::kSum, "cost", "", Bound::Unit::kMoney, 300},
      {Form::kSum, "profit", "", Bound::Unit::kMoney, -100},
      {Form::kSum, "bad-ends", "", Bound::Unit::kNumber, 10},
      {Form::kCount, "requests", "", Bound::Unit::kNumber, 40},
      {Form::kCount, "request.duration", "", Bound::Unit::kNumber, 30},
      {Form::kRate, "tasks.finished", "", Bound::Unit::kNumber, 300},
      {Form::kRatio, "requests.failed", "requests", Bound::Unit::kPercent, 0.3},
      {Form::kRatio, "errors", "operations", Bound::Unit::kPercent, 0.02},
      {Form::kRatio, "cost-per-success", "", Bound::Unit::kMoney, 20},
      {Form::kMean, "sample:queue", "", Bound::Unit::kNumber, 50},
      {Form::kLast, "sample:queue", "", Bound::Unit::kNumber, 50},
      {Form::kQuantile, "request.duration", "", Bound::Unit::kTime, 0.3},
      {Form::kDistinct, "customers", "", Bound::Unit::kNumber, 3},
      {Form::kIncrease, "sample:handled", "", Bound::Unit::kNumber, 50},
  };
  return choices;
}

std::string Text(double value) { return FormatDecimal(static_cast<Int128>(value * 1000), 3); }

bool Compares(const Choice& choice) {
  return choice.form != Form::kLast && choice.form != Form::kDistinct &&
         choice.measure != "bad-ends" &&
         !(choice.form == Form::kCount && choice.measure == "request.duration");
}

void AgainstThePast(Dice* dice, ThresholdSpec* spec) {
  const bool is_sum = spec->form != Form::kMean && spec->form != Form::kQuantile;
  spec->bound = {Bound::Unit::kPercent, Text(static_cast<double>(20 + dice->Below(200)) / 100)};
  spec->versus =
      dice->Of(std::vector<Versus>{Versus::kPrevious, Versus::kBaseline, Versus::kAnomaly});
  if (spec->versus == Versus::kPrevious) {
    spec->span = is_sum ? spec->over * (1 + dice->Below(3)) : days(2);
  } else if (spec->versus == Versus::kBaseline) {
    spec->span = dice->Of(std::vector<Duration>{days(3), days(7)});
  } else {
    spec->span = dice->Of(std::vector<Duration>{days(5), days(14)});
    spec->bound = {Bound::Unit::kNumber, Text(static_cast<double>(10 + dice->Below(40)) / 10)};
    spec->side = dice->Of(std::vector<Side>{Side::kAbove, Side::kBelow, Side::kBoth});
  }
}

ThresholdSpec Start(Dice* dice, std::string name) {
  ThresholdSpec spec;
  spec.common.name = std::move(name);
  spec.common.by = dice->Of(std::vector<Names>{{}, {}, {"agent"}, {"service"}, {"agent", "team"}});
  spec.common.severity = dice->Percent(50) ? rules::Severity::kCritical : rules::Severity::kInfo;
  spec.common.for_duration =
      dice->Of(std::vector<Duration>{Duration(0), Duration(0), seconds(10), seconds(25)});
  spec.common.keep_firing_for =
      dice->Of(std::vector<Duration>{Duration(0), seconds(5), seconds(30), minutes(1)});
  return spec;
}

ThresholdSpec Measured(Dice* dice, std::string name) {
  ThresholdSpec spec = Start(dice, std::move(name));
  const Choice& choice = dice->Of(Choices());
  spec.form = choice.form;
  spec.measure = choice.measure;
  spec.whole = choice.whole;
  spec.side = dice->Percent(60) ? Side::kAbove : Side::kBelow;
  const bool is_merged = choice.form == Form::kDistinct;
  spec.over = is_merged ? dice->Of(std::vector<Duration>{minutes(10), hours(1), days(1)})
                        : dice->Of(std::vector<Duration>{minutes(1), minutes(5), minutes(15),
                                                         hours(1), hours(6), hours(24)});
  if (choice.form == Form::kRate) spec.per = dice->Percent(50) ? Duration(minutes(1)) : hours(1);
  spec.quantile_ppb = dice->Of(std::vector<std::int64_t>{kNano / 2, kNano / 100 * 95, kNano});
  if (choice.unit == Bound::Unit::kMoney) spec.currency = dice->Percent(70) ? "USD" : "EUR";
  const double factor = dice->Of(std::vector<double>{0.05, 0.3, 1, 3});
  spec.bound = {choice.unit, Text(choice.size * factor)};
  const bool counts = choice.form == Form::kRatio ? choice.unit == Bound::Unit::kPercent
                                                  : choice.form == Form::kQuantile;
  if (counts) spec.common.min_events = static_cast<std::uint64_t>(dice->Of(std::vector<int>{0, 5}));
  if (Compares(choice) && dice->Percent(45)) AgainstThePast(dice, &spec);
  return spec;
}

ThresholdSpec New(Dice* dice) {
  ThresholdSpec spec = Start(dice, "new-error");
  spec.form = Form::kNew;
  spec.measure = dice->Percent(50) ? "errors" : "requests.failed";
  spec.common.by = dice->Percent(50) ? Names{"service", "code"} : Names{"agent"};
  spec.over = minutes(1);
  spec.span = dice->Of(std::vector<Duration>{minutes(3), hours(1), hours(24)});
  return spec;
}

ThresholdSpec Budget(Dice* dice, const rules::SloSpec& slo) {
  ThresholdSpec spec = Start(dice, "budget-left");
  spec.form = Form::kBudget;
  spec.common.by.clear();
  spec.side = Side::kBelow;
  spec.slo = slo.common.name;
  spec.bound = {Bound::Unit::kPercent, Text(static_cast<double>(dice->Below(11)) / 10)};
  return spec;
}

}  // namespace

void AddThresholds(Dice* dice, rules::RuleSet* rules) {
  using Type = rules::DerivedSpec::Type;
  rules->derived = {{"profit", Type::kMinus, {"revenue.net", "cost"}},
                    {"bad-ends", Type::kPlus, {"tasks.failed", "tasks.cancelled"}},
                    {"cost-per-success", Type::kRatio, {"cost", "tasks.completed"}}};
  for (std::int64_t i = 2 + dice->Below(5); i > 0; --i)
    rules->thresholds.push_back(Measured(dice, "threshold-" + std::to_string(i)));
  if (dice->Percent(50)) rules->thresholds.push_back(New(dice));
  for (const rules::SloSpec& slo : rules->slos) {
    if (slo.objective_ppb == kNano || !dice->Percent(40)) continue;
    rules->thresholds.push_back(Budget(dice, slo));
    break;
  }
}

}  // namespace barograph::reference
