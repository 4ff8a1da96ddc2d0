#include "server/config/threshold_json.h"

#include "storage/base/clock.h"
#include "storage/base/money.h"

namespace barograph::server {

using Json = nlohmann::ordered_json;

namespace {

void AddMeasured(const rules::ThresholdSpec& spec, Json* when) {
  using Form = rules::ThresholdSpec::Form;
  const std::string key(rules::Name(spec.form));
  if (spec.form == Form::kQuantile) {
    (*when)[key] = FormatDecimal(spec.quantile_ppb, 7) + "%";
    (*when)["of"] = spec.measure;
  } else if (spec.form == Form::kRatio && !spec.whole.empty()) {
    (*when)[key] = {{"of", spec.measure}, {"to", spec.whole}};
  } else {
    (*when)[key] = spec.measure;
  }
  if (spec.form == Form::kRate) (*when)["per"] = FormatDuration(spec.per);
  (*when)["over"] = FormatDuration(spec.over);
}

}  // namespace

Json DerivedJson(const rules::DerivedSpec& derived) {
  using Type = rules::DerivedSpec::Type;
  if (derived.type == Type::kRatio) {
    return {{"name", derived.name},
            {"ratio", {{"of", derived.parts.at(0)}, {"to", derived.parts.at(1)}}}};
  }
  return {{"name", derived.name}, {derived.type == Type::kPlus ? "plus" : "minus", derived.parts}};
}

Json WhenJson(const rules::ThresholdSpec& spec) {
  using Form = rules::ThresholdSpec::Form;
  using Side = rules::ThresholdSpec::Side;
  using Versus = rules::ThresholdSpec::Versus;
  const std::string bound = rules::BoundText(spec.bound, rules::CurrencyOf(spec));
  if (spec.form == Form::kBudget)
    return {{"slo", spec.slo}, {"budget_remaining", {{"below", bound}}}};
  const std::string probability = FormatDecimal(spec.probability_ppb, 7) + "%";
  if (spec.form == Form::kExhausted)
    return {{"budget", spec.budget}, {"exhausted", {{"probability", probability}}}};
  Json when;
  if (spec.form == Form::kForecast) {
    when["forecast"] = spec.measure;
    if (spec.per != Duration{0}) when["per"] = FormatDuration(spec.per);
    when[spec.side == Side::kAbove ? "reaches" : "falls_below"] = bound;
    when["within"] = FormatDuration(spec.span);
    when["probability"] = probability;
    return when;
  }
  AddMeasured(spec, &when);
  if (spec.form == Form::kNew) {
    when["unseen_for"] = FormatDuration(spec.span);
    return when;
  }
  if (!spec.currency.empty()) when["currency"] = spec.currency;
  if (spec.versus == Versus::kAnomaly) {
    when["anomaly"] = bound;
    when["direction"] =
        spec.side == Side::kBoth ? "both" : (spec.side == Side::kAbove ? "up" : "down");
  } else {
    when[spec.side == Side::kAbove ? "above" : "below"] = bound;
  }
  if (spec.versus == Versus::kPrevious) when["of_previous"] = FormatDuration(spec.span);
  if (spec.versus == Versus::kBaseline || spec.versus == Versus::kAnomaly)
    when["of_baseline"] = FormatDuration(spec.span);
  return when;
}

}  // namespace barograph::server
