#include "server/config/budget_section.h"

#include <absl/time/time.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "ingest/formats/severity_words.h"
#include "server/config/rule_section.h"
#include "storage/base/money.h"

namespace barograph::server {
namespace {

using rules::Calendar;
using rules::Quantity;
using rules::ShareAlert;

constexpr std::array<std::string_view, 5> kUnits = {"day", "week", "month", "quarter", "year"};
constexpr std::array<std::string_view, 3> kProrations = {"linear", "profile", "none"};
constexpr int kNanoDigits = 9;

/// "50 USD" for money, "200" for counts; the measure says how many decimals it has.
Quantity ReadQuantity(const YamlNode& node, std::string_view name, const std::string& measure,
                      Diagnostics* diagnostics) {
  const auto text = ReadText(node, name, diagnostics);
  if (!text) return {};
  const std::optional<rules::MeasureTraits> traits = rules::FindMeasure(measure);
  if (text->find(' ') != std::string::npos) {
    const Result<Money> money = ParseMoney(*text);
    if (money.ok()) return {money->nanos, std::string(money->currency.code())};
    diagnostics->Add(node.position, std::string(name) + ": " + money.error().message());
    return {};
  }
  const bool nano = traits && traits->unit != rules::MeasureUnit::kCount;
  const Result<Int128> value = ParseDecimal(*text, nano ? kNanoDigits : 0);
  if (value.ok() && *value <= kMoneyNanosMax) return {*value, ""};
  diagnostics->Add(node.position,
                   std::string(name) + ": '" + *text +
                       "' is no amount; write e.g. 50 USD for money, 200 for counts");
  return {};
}

std::string ReadDate(MapReader& map, std::string_view key) {
  const YamlNode* const node = map.Require(key, "2026-11-01");
  if (node == nullptr) return {};
  const auto text = ReadText(*node, key, &map.diagnostics());
  if (!text || rules::IsDate(*text)) return text.value_or("");
  map.diagnostics().Add(node->position,
                        std::string(key) + ": '" + *text + "' is no date; write e.g. 2026-11-01");
  return {};
}

/// `period: day`, or `period: {from: 2026-11-01, to: 2026-12-31}`, in `timezone`.
Calendar ReadCalendar(MapReader& map, const YamlNode& period, const RuleDraft& draft) {
  Diagnostics* const diagnostics = &map.diagnostics();
  Calendar calendar;
  calendar.timezone = draft.rules.timezone;
  if (const YamlNode* const zone = map.Find("timezone")) {
    calendar.timezone = ReadText(*zone, "timezone", diagnostics).value_or("UTC");
    absl::TimeZone known;
    if (!absl::LoadTimeZone(calendar.timezone, &known)) {
      diagnostics->Add(zone->position,
                       "timezone: '" + calendar.timezone +
                           "' is not a zone of the IANA database; write e.g. America/New_York");
    }
  }
  if (period.kind != YamlNode::Kind::kMap) {
    const auto unit = ReadWord(period, "period", kUnits, diagnostics);
    calendar.unit = static_cast<Calendar::Unit>(unit.value_or(0));
    return calendar;
  }
  MapReader dates(period, "`period`", diagnostics);
  calendar.unit = Calendar::Unit::kDates;
  calendar.from = ReadDate(dates, "from");
  calendar.to = ReadDate(dates, "to");
  dates.Finish();
  if (!calendar.from.empty() && !calendar.to.empty() && calendar.to < calendar.from) {
    diagnostics->Add(period.position,
                     "period: ends " + calendar.to + ", before it begins " + calendar.from);
  }
  return calendar;
}

/// `{warning: 110%, critical: 120%}`, most urgent first.
std::vector<ShareAlert> ReadShares(const YamlNode& node, std::string_view name,
                                   Diagnostics* diagnostics) {
  std::vector<ShareAlert> alerts;
  MapReader map(node, "`" + std::string(name) + "`", diagnostics);
  for (const std::string_view key : {"critical", "warning", "info"}) {
    const YamlNode* const share = map.Find(key);
    if (share == nullptr) continue;
    const auto ppb = ReadPercent(*share, key, diagnostics);
    if (ppb) alerts.push_back({*ingest::FindAlertSeverity(key), *ppb});
  }
  map.Finish();
  return alerts;
}

rules::SpendRow ReadSpendRow(const YamlNode& node, Diagnostics* diagnostics) {
  rules::SpendRow row;
  MapReader map(node, "a burn row", diagnostics);
  if (const auto* span = map.Require("long", "1h")) {
    row.long_window = ReadDuration(*span, "long", diagnostics).value_or(Duration(0));
  }
  if (const auto* span = map.Require("short", "5m")) {
    row.short_window = ReadDuration(*span, "short", diagnostics).value_or(Duration(0));
  }
  if (const auto* share = map.Require("budget", "20%")) {
    row.share_ppb = ReadPercent(*share, "budget", diagnostics).value_or(0);
  }
  if (const auto* severity = map.Require("severity", "critical")) {
    row.severity = ReadSeverity(*severity, diagnostics).value_or(row.severity);
  }
  map.Finish();
  return row;
}

/// Calls `read` for each item of a list.
template <typename Read>
void ReadList(const YamlNode& node, std::string_view name, std::string_view example,
              Diagnostics* diagnostics, const Read& read) {
  if (node.kind != YamlNode::Kind::kSequence) {
    diagnostics->Add(node.position, std::string(name) + ": must be a list such as " +
                                        std::string(example) + ", not " +
                                        std::string(node.KindName()));
    return;
  }
  for (const YamlNode& item : node.items) read(item);
}

std::string ReadMeasure(MapReader& map) {
  const YamlNode* const node = map.Require("measure", "cost");
  if (node == nullptr) return {};
  return ReadText(*node, "measure", &map.diagnostics()).value_or("");
}

void ReadPeriodOfBudget(MapReader& map, const RuleDraft& draft, rules::BudgetSpec* budget) {
  const YamlNode* const period = map.Find("period");
  const YamlNode* const rolling = map.Find("rolling");
  if ((period == nullptr) == (rolling == nullptr)) {
    map.diagnostics().Add(map.node().position,
                          "a budget has either `period: day` (or week, month, quarter, year, "
                          "{from, to}) or `rolling: 24h`");
  }
  if (period != nullptr) budget->period = ReadCalendar(map, *period, draft);
  if (rolling != nullptr) {
    budget->rolling = ReadDuration(*rolling, "rolling", &map.diagnostics()).value_or(Duration(0));
  }
}

}  // namespace

void ReadBudget(const YamlNode& node, RuleDraft* draft, Diagnostics* diagnostics) {
  const std::size_t before = diagnostics->count();
  rules::BudgetSpec budget;
  MapReader map(node, "a budget", diagnostics);
  if (!map.is_map()) return;
  ReadRuleCommon(map, &budget.common);
  budget.measure = ReadMeasure(map);
  if (const auto* limit = map.Require("limit", "50 USD")) {
    budget.limit = ReadQuantity(*limit, "limit", budget.measure, diagnostics);
  }
  ReadPeriodOfBudget(map, *draft, &budget);
  if (const auto* shares = map.Find("alert_at")) {
    budget.alert_at = ReadShares(*shares, "alert_at", diagnostics);
  }
  if (const auto* burn = map.Find("burn")) {
    ReadList(*burn, "burn", "`- {long: 1h, short: 5m, budget: 20%, severity: critical}`",
             diagnostics,
             [&](const YamlNode& item) { budget.burn.push_back(ReadSpendRow(item, diagnostics)); });
  }
  if (const auto* enforce = map.Find("enforce")) {
    budget.enforce = ReadBool(*enforce, "enforce", diagnostics).value_or(false);
  }
  map.Finish();
  if (diagnostics->count() != before) return;
  draft->Place("budgets[" + std::to_string(draft->rules.budgets.size()) + "]", node);
  draft->rules.budgets.push_back(std::move(budget));
}

void ReadGoal(const YamlNode& node, RuleDraft* draft, Diagnostics* diagnostics) {
  const std::size_t before = diagnostics->count();
  rules::GoalSpec goal;
  MapReader map(node, "a goal", diagnostics);
  if (!map.is_map()) return;
  ReadRuleCommon(map, &goal.common);
  goal.measure = ReadMeasure(map);
  if (const auto* target = map.Require("target", "300 USD")) {
    goal.target = ReadQuantity(*target, "target", goal.measure, diagnostics);
  }
  if (const auto* period = map.Require("period", "day")) {
    goal.period = ReadCalendar(map, *period, *draft);
  }
  if (const auto* enforce = map.Find("enforce")) {
    diagnostics->Add(enforce->position,
                     "enforce: a goal is to be reached and limits nothing; only a budget refuses "
                     "leases");
  }
  if (const auto* prorate = map.Find("prorate")) {
    const auto word = ReadWord(*prorate, "prorate", kProrations, diagnostics);
    goal.prorate = static_cast<rules::Proration>(word.value_or(0));
  }
  if (const auto* share = map.Find("not_before")) {
    goal.not_before_ppb = ReadPercent(*share, "not_before", diagnostics).value_or(0);
  }
  const YamlNode* const below = map.Find("alert_below");
  const YamlNode* const above = map.Find("alert_above");
  if (below != nullptr && above != nullptr) {
    diagnostics->Add(above->position,
                     "a goal is reached from below (`alert_below`) or kept from above "
                     "(`alert_above`), not both");
  }
  if (below != nullptr) goal.alerts = ReadShares(*below, "alert_below", diagnostics);
  if (above != nullptr) goal.alerts = ReadShares(*above, "alert_above", diagnostics);
  goal.at_most = above != nullptr;
  if (const auto* milestones = map.Find("milestones")) {
    ReadList(*milestones, "milestones", "[25%, 50%, 100%]", diagnostics, [&](const YamlNode& item) {
      goal.milestones.push_back(ReadPercent(item, "milestones", diagnostics).value_or(0));
    });
  }
  map.Finish();
  if (diagnostics->count() != before) return;
  draft->Place("goals[" + std::to_string(draft->rules.goals.size()) + "]", node);
  draft->rules.goals.push_back(std::move(goal));
}

}  // namespace barograph::server
