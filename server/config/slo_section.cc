#include "server/config/slo_section.h"

#include <algorithm>
#include <utility>

#include "server/config/rule_section.h"
#include "storage/base/money.h"

namespace barograph::server {
namespace {

// A bound of values: "300ms" for durations (whose unit is the second), a plain number for other
// distributions.
std::optional<std::int64_t> ReadBound(const YamlNode& node, const std::string& measure,
                                      Diagnostics* diagnostics) {
  if (measure.ends_with(".duration")) {
    const auto span = ReadDuration(node, "at_most", diagnostics);
    if (!span) return std::nullopt;
    return span->count();
  }
  const auto text = ReadText(node, "at_most", diagnostics);
  if (!text) return std::nullopt;
  const Result<Int128> nano = ParseDecimal(*text, 9);
  if (nano.ok() && *nano >= 0 && *nano <= kMoneyNanosMax) return static_cast<std::int64_t>(*nano);
  diagnostics->Add(node.position, "at_most: '" + *text +
                                      "' is not a number in [0, 9.2e9] with at most 9 decimals");
  return std::nullopt;
}

rules::Indicator ReadIndicator(const YamlNode& node, std::string_view name,
                               Diagnostics* diagnostics) {
  rules::Indicator indicator;
  if (node.kind == YamlNode::Kind::kScalar) {
    indicator.measure = node.text;
    return indicator;
  }
  MapReader map(node, "`" + std::string(name) + "`", diagnostics);
  if (const auto* measure = map.Require("measure", "request.duration")) {
    indicator.measure = ReadText(*measure, "measure", diagnostics).value_or("");
  }
  if (const auto* bound = map.Require("at_most", "300ms")) {
    indicator.at_most_nanos = ReadBound(*bound, indicator.measure, diagnostics);
  }
  map.Finish();
  return indicator;
}

rules::TimeSlice ReadGoodWhen(const YamlNode& node, Diagnostics* diagnostics) {
  rules::TimeSlice slice;
  MapReader map(node, "`good_when`", diagnostics);
  if (const auto* rate = map.Require("rate", "tasks.finished")) {
    slice.measure = ReadText(*rate, "rate", diagnostics).value_or("");
  }
  if (const auto* per = map.Require("per", "1s")) {
    slice.per = ReadDuration(*per, "per", diagnostics).value_or(Duration(0));
  }
  const YamlNode* above = map.Find("above");
  const YamlNode* below = map.Find("below");
  if ((above == nullptr) == (below == nullptr)) {
    diagnostics->Add(node.position,
                     "`good_when` takes exactly one bound; write e.g. `above: 20` or `below: 5`");
  }
  if (above != nullptr) slice.bound = ReadNumber(*above, "above", diagnostics).value_or(0);
  if (below != nullptr) slice.bound = ReadNumber(*below, "below", diagnostics).value_or(0);
  slice.above = above != nullptr;
  map.Finish();
  return slice;
}

rules::BurnRow ReadBurnRow(const YamlNode& node, Diagnostics* diagnostics) {
  rules::BurnRow row;
  MapReader map(node, "a burn row", diagnostics);
  if (const auto* span = map.Require("long", "1h")) {
    row.long_window = ReadDuration(*span, "long", diagnostics).value_or(Duration(0));
  }
  if (const auto* span = map.Require("short", "5m")) {
    row.short_window = ReadDuration(*span, "short", diagnostics).value_or(Duration(0));
  }
  if (const auto* budget = map.Require("budget", "2%")) {
    row.budget = ReadShare(*budget, "budget", diagnostics).value_or(0);
  }
  if (const auto* severity = map.Require("severity", "critical")) {
    row.severity = ReadSeverity(*severity, diagnostics).value_or(row.severity);
  }
  map.Finish();
  return row;
}

std::vector<rules::BurnRow> ReadBurn(const YamlNode& node, Diagnostics* diagnostics) {
  std::vector<rules::BurnRow> rows;
  if (node.kind != YamlNode::Kind::kSequence) {
    diagnostics->Add(node.position,
                     "burn: must be a list of rows such as `- {long: 1h, short: 5m, budget: 2%, "
                     "severity: critical}`, not " +
                         std::string(node.KindName()));
    return rows;
  }
  for (const YamlNode& item : node.items) rows.push_back(ReadBurnRow(item, diagnostics));
  return rows;
}

// What is good: either events (`good` and `total`) or slices of time (`good_when` and `slice`).
void ReadObjective(MapReader& map, rules::SloSpec* slo) {
  Diagnostics* diagnostics = &map.diagnostics();
  const YamlNode* good = map.Find("good");
  const YamlNode* total = map.Find("total");
  const YamlNode* good_when = map.Find("good_when");
  const YamlNode* slice = map.Find("slice");
  if (good_when != nullptr) {
    slo->slice = ReadGoodWhen(*good_when, diagnostics);
    if (slice != nullptr) {
      slo->slice->slice = ReadDuration(*slice, "slice", diagnostics).value_or(Duration(0));
    } else {
      slo->slice->slice = std::chrono::minutes(1);
    }
    for (const YamlNode* both : {good, total}) {
      if (both == nullptr) continue;
      diagnostics->Add(both->position,
                       "an SLO has either `good` and `total`, or `good_when`, not both");
    }
    return;
  }
  if (slice != nullptr) {
    diagnostics->Add(slice->position,
                     "`slice` belongs to `good_when`; an SLO over events has none");
  }
  if (good == nullptr || total == nullptr) {
    diagnostics->Add(
        map.node().position,
        "an SLO needs `good` and `total` (e.g. tasks.completed of tasks.finished), or `good_when`");
  }
  if (good != nullptr) slo->good = ReadIndicator(*good, "good", diagnostics);
  if (total != nullptr) slo->total = ReadIndicator(*total, "total", diagnostics);
}

}  // namespace

void ReadSlo(const YamlNode& node, RuleDraft* draft, Diagnostics* diagnostics) {
  const std::size_t before = diagnostics->count();
  rules::SloSpec slo;
  MapReader map(node, "an SLO", diagnostics);
  if (!map.is_map()) return;
  ReadRuleCommon(map, &slo.common);
  ReadObjective(map, &slo);
  if (const auto* objective = map.Require("objective", "99%")) {
    slo.objective_ppb = ReadPercent(*objective, "objective", diagnostics).value_or(0);
  }
  if (const auto* period = map.Require("period", "30d")) {
    slo.period = ReadDuration(*period, "period", diagnostics).value_or(Duration(0));
  }
  constexpr std::int64_t kNoBudget = 1'000'000'000;
  if (const auto* burn = map.Find("burn")) {
    slo.burn = ReadBurn(*burn, diagnostics);
  } else if (slo.objective_ppb != kNoBudget) {
    slo.burn = rules::DefaultBurnRows();
  }
  if (const auto* policy = map.Find("budget_policy")) {
    MapReader keys(*policy, "`budget_policy`", diagnostics);
    if (const auto* freeze = keys.Require("freeze_below", "10%")) {
      slo.freeze_below = ReadShare(*freeze, "freeze_below", diagnostics);
    }
    keys.Finish();
  }
  map.Finish();
  if (diagnostics->count() != before) return;
  draft->Place("slos[" + std::to_string(draft->rules.slos.size()) + "]", node);
  draft->rules.slos.push_back(std::move(slo));
}

}  // namespace barograph::server
