#include "server/config/threshold_section.h"

#include <algorithm>
#include <array>
#include <utility>

#include "server/config/rule_section.h"
#include "storage/base/money.h"

namespace barograph::server {
namespace {

using rules::Bound;
using rules::ThresholdSpec;
using Form = ThresholdSpec::Form;
using Side = ThresholdSpec::Side;
using Versus = ThresholdSpec::Versus;

constexpr int kDecimals = 9;
/// A bound is at most this, so that products with it stay exact.
constexpr Int128 kBoundMax = Int128{1'000'000'000'000'000'000} * 1'000'000'000;
constexpr std::array<Form, 13> kForms = {
    Form::kSum,      Form::kCount,    Form::kRate,     Form::kRatio,    Form::kMean,
    Form::kQuantile, Form::kDistinct, Form::kLast,     Form::kIncrease, Form::kNew,
    Form::kBudget,   Form::kForecast, Form::kExhausted};

/// The key that says what a rule measures.
std::string_view KeyOf(Form form) {
  if (form == Form::kBudget) return "slo";
  return form == Form::kExhausted ? "budget" : rules::Name(form);
}

bool Holds(const Result<Int128>& nanos, std::string* out) {
  if (!nanos.ok() || *nanos > kBoundMax || *nanos < -kBoundMax) return false;
  *out = FormatDecimal(*nanos, kDecimals);
  return true;
}

// "20", "5%", "500ms", "50 USD", each with or without a minus. The currency goes to `currency`.
bool ParseBound(std::string_view text, Bound* bound, std::string* currency) {
  if (Holds(ParseDecimal(text, kDecimals), &bound->number)) {
    bound->unit = Bound::Unit::kNumber;
    return true;
  }
  const bool negative = text.starts_with('-');
  std::string_view rest = text.substr(negative ? 1 : 0);
  const std::string sign = negative ? "-" : "";
  if (rest.ends_with('%')) {
    rest.remove_suffix(1);
    while (rest.ends_with(' ')) rest.remove_suffix(1);
    bound->unit = Bound::Unit::kPercent;
    // 1 % is 1e7 parts of 1e-9, so integers of 1e-7 percent are integers of 1e-9.
    return Holds(ParseDecimal(sign + std::string(rest), kDecimals - 2), &bound->number);
  }
  if (const Result<Money> money = ParseMoney(rest); money.ok()) {
    bound->unit = Bound::Unit::kMoney;
    *currency = money->currency.code();
    bound->number = FormatDecimal(negative ? -Int128{money->nanos} : money->nanos, kDecimals);
    return true;
  }
  const Result<Duration> span = ParseDuration(rest);
  if (!span.ok()) return false;
  bound->unit = Bound::Unit::kTime;
  bound->number = FormatDecimal(negative ? -span->count() : span->count(), kDecimals);
  return true;
}

void ReadBound(const YamlNode& node, std::string_view name, ThresholdSpec* spec,
               Diagnostics* diagnostics) {
  const auto text = ReadText(node, name, diagnostics);
  if (!text) return;
  std::string currency;
  if (!ParseBound(*text, &spec->bound, &currency)) {
    diagnostics->Add(node.position, std::string(name) + ": '" + *text +
                                        "' is no number with at most 9 decimals; write e.g. 20, "
                                        "5%, 500ms or 50 USD");
    return;
  }
  if (currency.empty()) return;
  if (!spec->currency.empty() && spec->currency != currency) {
    diagnostics->Add(node.position, std::string(name) + ": is in " + currency +
                                        ", but `currency` says " + spec->currency);
  }
  spec->currency = std::move(currency);
}

Duration ReadSpan(MapReader& map, std::string_view key, Duration otherwise) {
  const YamlNode* node = map.Find(key);
  if (node == nullptr) return otherwise;
  return ReadDuration(*node, key, &map.diagnostics()).value_or(otherwise);
}

std::string RequireText(MapReader& map, std::string_view key, std::string_view example) {
  const YamlNode* node = map.Require(key, example);
  return node == nullptr ? "" : ReadText(*node, key, &map.diagnostics()).value_or("");
}

Duration RequireSpan(MapReader& map, std::string_view key, std::string_view example) {
  const YamlNode* node = map.Require(key, example);
  if (node == nullptr) return Duration(0);
  return ReadDuration(*node, key, &map.diagnostics()).value_or(Duration(0));
}

// `ratio: {of: errors, to: operations}`, or `ratio:` with the name of a derived one.
void ReadRatio(const YamlNode& node, ThresholdSpec* spec, Diagnostics* diagnostics) {
  if (node.kind == YamlNode::Kind::kScalar) {
    spec->measure = node.text;
    return;
  }
  MapReader map(node, "`ratio`", diagnostics);
  spec->measure = RequireText(map, "of", "errors");
  spec->whole = RequireText(map, "to", "operations");
  map.Finish();
}

// The key that says what is measured, and what belongs to it.
void ReadForm(MapReader& map, Form form, const YamlNode& node, ThresholdSpec* spec) {
  Diagnostics* diagnostics = &map.diagnostics();
  spec->form = form;
  switch (form) {
    case Form::kRatio:
      ReadRatio(node, spec, diagnostics);
      break;
    case Form::kQuantile:
      spec->quantile_ppb = ReadPercent(node, "quantile", diagnostics).value_or(0);
      spec->measure = RequireText(map, "of", "request.duration");
      break;
    case Form::kRate:
      spec->measure = ReadText(node, "rate", diagnostics).value_or("");
      spec->per = RequireSpan(map, "per", "1s");
      break;
    default:
      spec->measure = ReadText(node, rules::Name(form), diagnostics).value_or("");
      break;
  }
  constexpr Duration kNewFor = std::chrono::minutes(5), kLastSeen = std::chrono::hours(1);
  if (form == Form::kNew) {
    spec->over = ReadSpan(map, "over", kNewFor);
    spec->span = ReadSpan(map, "unseen_for", std::chrono::hours(24));
  } else if (form == Form::kLast) {
    spec->over = ReadSpan(map, "over", kLastSeen);
  } else {
    spec->over = RequireSpan(map, "over", "15m");
  }
}

void ReadAnomaly(MapReader& map, const YamlNode& node, ThresholdSpec* spec) {
  spec->versus = Versus::kAnomaly;
  spec->side = Side::kBoth;
  ReadBound(node, "anomaly", spec, &map.diagnostics());
  spec->span = ReadSpan(map, "of_baseline", rules::kAnomalySpan);
  if (const YamlNode* side = map.Find("direction")) {
    constexpr std::array<std::string_view, 3> kSides = {"up", "down", "both"};
    const auto word = ReadWord(*side, "direction", kSides, &map.diagnostics());
    if (word) spec->side = *word == 0 ? Side::kAbove : (*word == 1 ? Side::kBelow : Side::kBoth);
  }
}

// `above` or `below`, with what the bound is a share of; or `anomaly`.
void ReadComparison(MapReader& map, ThresholdSpec* spec) {
  Diagnostics* diagnostics = &map.diagnostics();
  if (const YamlNode* currency = map.Find("currency")) {
    spec->currency = ReadText(*currency, "currency", diagnostics).value_or("");
    if (!Currency::Parse(spec->currency).ok()) {
      diagnostics->Add(currency->position, "currency: '" + spec->currency +
                                               "' is no code of three capitals; write e.g. USD");
    }
  }
  const YamlNode* above = map.Find("above");
  const YamlNode* below = map.Find("below");
  const YamlNode* anomaly = map.Find("anomaly");
  const int given =
      (above != nullptr ? 1 : 0) + (below != nullptr ? 1 : 0) + (anomaly != nullptr ? 1 : 0);
  if (given != 1) {
    diagnostics->Add(map.node().position,
                     "`when` takes exactly one of `above`, `below` and `anomaly`; write e.g. "
                     "`above: 5%`");
  }
  if (anomaly != nullptr) return ReadAnomaly(map, *anomaly, spec);
  spec->side = below != nullptr ? Side::kBelow : Side::kAbove;
  if (above != nullptr) ReadBound(*above, "above", spec, diagnostics);
  if (below != nullptr) ReadBound(*below, "below", spec, diagnostics);
  const YamlNode* baseline = map.Find("of_baseline");
  const YamlNode* previous = map.Find("of_previous");
  if (baseline != nullptr && previous != nullptr) {
    diagnostics->Add(previous->position,
                     "stands beside `of_baseline`; a rule has one of the two to compare with");
  }
  if (baseline != nullptr) {
    spec->versus = Versus::kBaseline;
    spec->span = ReadDuration(*baseline, "of_baseline", diagnostics).value_or(Duration(0));
  } else if (previous != nullptr) {
    spec->versus = Versus::kPrevious;
    spec->span = ReadDuration(*previous, "of_previous", diagnostics).value_or(Duration(0));
  }
}

// `{slo: NAME, budget_remaining: {below: 10%}}`.
void ReadBudget(MapReader& map, const YamlNode& slo, ThresholdSpec* spec) {
  Diagnostics* diagnostics = &map.diagnostics();
  spec->form = Form::kBudget;
  spec->side = Side::kBelow;
  spec->slo = ReadText(slo, "slo", diagnostics).value_or("");
  const YamlNode* left = map.Require("budget_remaining", "{below: 10%}");
  if (left == nullptr) return;
  MapReader keys(*left, "`budget_remaining`", diagnostics);
  if (const YamlNode* below = keys.Require("below", "10%")) {
    const auto share = ReadPercent(*below, "below", diagnostics);
    spec->bound = {Bound::Unit::kPercent, FormatDecimal(share.value_or(0), kDecimals)};
  }
  keys.Finish();
}

std::int64_t RequireProbability(MapReader& map) {
  const YamlNode* node = map.Require("probability", "80%");
  return node == nullptr ? 0 : ReadPercent(*node, "probability", &map.diagnostics()).value_or(0);
}

// `{forecast: sample:disk_used, reaches: 95, within: 3d, probability: 80%}`; of a sum with `per`.
void ReadForecast(MapReader& map, const YamlNode& measure, ThresholdSpec* spec) {
  Diagnostics* diagnostics = &map.diagnostics();
  spec->form = Form::kForecast;
  spec->measure = ReadText(measure, "forecast", diagnostics).value_or("");
  const auto traits = rules::FindMeasure(spec->measure);
  const bool is_level = spec->measure.starts_with("sample:") ||
                        (traits && traits->type == rules::MeasureType::kGauge);
  spec->per = ReadSpan(map, "per", is_level ? Duration(0) : Duration(std::chrono::days(1)));
  spec->span = RequireSpan(map, "within", "3d");
  spec->probability_ppb = RequireProbability(map);
  const YamlNode* reaches = map.Find("reaches");
  const YamlNode* falls = map.Find("falls_below");
  if ((reaches == nullptr) == (falls == nullptr)) {
    diagnostics->Add(map.node().position,
                     "a forecast takes exactly one of `reaches` and `falls_below`; write e.g. "
                     "`reaches: 95`");
    return;
  }
  spec->side = reaches != nullptr ? Side::kAbove : Side::kBelow;
  ReadBound(reaches != nullptr ? *reaches : *falls, reaches != nullptr ? "reaches" : "falls_below",
            spec, diagnostics);
}

// `{budget: monthly-spend, exhausted: {probability: 80%}}`.
void ReadExhausted(MapReader& map, const YamlNode& budget, ThresholdSpec* spec) {
  spec->form = Form::kExhausted;
  spec->budget = ReadText(budget, "budget", &map.diagnostics()).value_or("");
  const YamlNode* exhausted = map.Require("exhausted", "{probability: 80%}");
  if (exhausted == nullptr) return;
  MapReader keys(*exhausted, "`exhausted`", &map.diagnostics());
  spec->probability_ppb = RequireProbability(keys);
  keys.Finish();
}

void ReadWhen(const YamlNode& node, ThresholdSpec* spec, Diagnostics* diagnostics) {
  MapReader map(node, "`when`", diagnostics);
  if (!map.is_map()) return;
  std::vector<std::pair<Form, const YamlNode*>> given;
  for (const Form form : kForms) {
    if (const YamlNode* found = map.Find(KeyOf(form))) given.emplace_back(form, found);
  }
  if (given.size() != 1) {
    diagnostics->Add(node.position,
                     "`when` says exactly one thing to measure: sum, count, rate, ratio, mean, "
                     "quantile, distinct, last, increase, new, forecast, slo with "
                     "budget_remaining, or budget with exhausted");
    return;
  }
  if (given[0].first == Form::kBudget) {
    ReadBudget(map, *given[0].second, spec);
  } else if (given[0].first == Form::kForecast) {
    ReadForecast(map, *given[0].second, spec);
  } else if (given[0].first == Form::kExhausted) {
    ReadExhausted(map, *given[0].second, spec);
  } else {
    ReadForm(map, given[0].first, *given[0].second, spec);
    if (given[0].first != Form::kNew) ReadComparison(map, spec);
  }
  map.Finish();
}

}  // namespace

void ReadThreshold(const YamlNode& node, RuleDraft* draft, Diagnostics* diagnostics) {
  const std::size_t before = diagnostics->count();
  ThresholdSpec spec;
  MapReader map(node, "a threshold", diagnostics);
  if (!map.is_map()) return;
  ReadRuleCommon(map, &spec.common);
  if (const YamlNode* when = map.Require("when", "{sum: cost, over: 1h, above: 50 USD}"))
    ReadWhen(*when, &spec, diagnostics);
  map.Finish();
  if (diagnostics->count() != before) return;
  draft->Place("thresholds[" + std::to_string(draft->rules.thresholds.size()) + "]", node);
  draft->rules.thresholds.push_back(std::move(spec));
}

void ReadDerived(const YamlNode& node, RuleDraft* draft, Diagnostics* diagnostics) {
  using Type = rules::DerivedSpec::Type;
  const std::size_t before = diagnostics->count();
  rules::DerivedSpec derived;
  MapReader map(node, "a derived measure", diagnostics);
  if (!map.is_map()) return;
  derived.name = RequireText(map, "name", "profit");
  const YamlNode* plus = map.Find("plus");
  const YamlNode* minus = map.Find("minus");
  const YamlNode* ratio = map.Find("ratio");
  if ((plus != nullptr ? 1 : 0) + (minus != nullptr ? 1 : 0) + (ratio != nullptr ? 1 : 0) != 1) {
    diagnostics->Add(node.position,
                     "a derived measure has exactly one of `plus`, `minus` and `ratio`; write e.g. "
                     "`minus: [revenue.net, cost]`");
  }
  if (ratio != nullptr) {
    derived.type = Type::kRatio;
    MapReader parts(*ratio, "`ratio`", diagnostics);
    derived.parts = {RequireText(parts, "of", "cost"), RequireText(parts, "to", "tasks.completed")};
    parts.Finish();
  } else if (plus != nullptr || minus != nullptr) {
    derived.type = plus != nullptr ? Type::kPlus : Type::kMinus;
    derived.parts = ReadTextList(plus != nullptr ? *plus : *minus,
                                 plus != nullptr ? "plus" : "minus", diagnostics)
                        .value_or(std::vector<std::string>());
  }
  map.Finish();
  if (diagnostics->count() != before) return;
  draft->Place("derived[" + std::to_string(draft->rules.derived.size()) + "]", node);
  draft->rules.derived.push_back(std::move(derived));
}

}  // namespace barograph::server
