#include <algorithm>
#include <chrono>
#include <set>

#include "rules/spec/rule_checks.h"

namespace barograph::rules {
namespace {

using std::chrono::days;

constexpr std::int64_t kBillion = 1'000'000'000;
/// Ten times a limit or target: beyond, a share is surely a slip of the pen.
constexpr std::int64_t kShareMax = 10 * kBillion;

std::string Item(const std::string& list, std::size_t i) {
  return list + "[" + std::to_string(i) + "]";
}

std::string Percent(std::int64_t share_ppb) {
  return FormatDecimal(Int128{share_ppb} * 100, 9) + " %";
}

/// The shortest period of a calendar; windows of a budget must fit into it.
Duration ShortestPeriod(const Calendar& calendar) {
  switch (calendar.unit) {
    case Calendar::Unit::kDay:
      return days(1);
    case Calendar::Unit::kWeek:
      return days(7);
    case Calendar::Unit::kMonth:
      return days(28);
    case Calendar::Unit::kQuarter:
    case Calendar::Unit::kYear:
    case Calendar::Unit::kDates:
      return days(35);
  }
  return days(1);
}

void CheckAmount(const std::string& path, const std::string& measure, const std::string& amount_key,
                 const Quantity& amount, RuleChecks* checks) {
  std::optional<MeasureTraits> traits;
  if (!checks->Measure(path + ".measure", measure, &traits)) return;
  if (traits->type != MeasureType::kSum) {
    checks->Report(path + ".measure", "'" + measure +
                                          "' has no sum over a period; use a sum such as cost, " +
                                          "revenue.net or tasks.completed");
    return;
  }
  const std::string place = path + "." + amount_key;
  const bool money = traits->unit == MeasureUnit::kMoney;
  if (money && amount.currency.empty()) {
    checks->Report(place, "'" + measure + "' is money, kept per currency; write e.g. 50 USD");
  } else if (!money && !amount.currency.empty()) {
    checks->Report(place,
                   "'" + measure + "' is no money; write the number without " + amount.currency);
  }
  if (amount.value <= 0) checks->Report(place, "must be above 0");
}

/// What min_events counts must be there. False when there is nothing more to be said of it.
bool CheckMinEvents(const std::string& path, const RuleCommon& rule, const std::string& measure,
                    RuleChecks* checks) {
  const std::optional<MeasureTraits> traits = FindMeasure(measure);
  if (rule.min_events == 0 || !traits) return false;
  if (traits->unit == MeasureUnit::kCount) return true;
  checks->Report(path + ".min_events", "'" + measure +
                                           "' counts no events, so nothing can be fewer; leave it "
                                           "out, or use a measure that counts, e.g. payments");
  return false;
}

/// A sum that must reach so much before it is judged is never below less.
void CheckReachable(const std::string& path, const GoalSpec& goal, RuleChecks* checks) {
  const Int128 least = static_cast<Int128>(goal.common.min_events) * kBillion;
  if (goal.at_most) return;
  for (const ShareAlert& alert : goal.alerts) {
    if (goal.target.value * alert.share_ppb > least) continue;
    checks->Report(path + ".min_events", "with at least " + std::to_string(goal.common.min_events) +
                                             " events the sum is never below " +
                                             Percent(alert.share_ppb) +
                                             " of the target: that alert can never fire");
  }
}

void CheckShares(const std::string& path, const std::vector<ShareAlert>& alerts,
                 RuleChecks* checks) {
  std::set<Severity> seen;
  for (const ShareAlert& alert : alerts) {
    if (alert.share_ppb <= 0 || alert.share_ppb > kShareMax) {
      checks->Report(path, Percent(alert.share_ppb) + " is outside 0 % to 1000 %");
    }
    if (!seen.insert(alert.severity).second) {
      checks->Report(path, "has one share for each severity; a second one would be the same alert");
    }
  }
}

void CheckSpendRow(const std::string& path, const BudgetSpec& budget, const SpendRow& row,
                   RuleChecks* checks) {
  const Duration most = budget.period ? ShortestPeriod(*budget.period) : budget.rolling;
  const auto window = [&](const char* key, Duration length) {
    const Status status = WindowStore::ValidateWindow(length);
    if (!status.ok()) checks->Report(path + "." + key, status.error().message());
  };
  window("long", row.long_window);
  window("short", row.short_window);
  if (row.short_window >= row.long_window) {
    checks->Report(path + ".short", FormatDuration(row.short_window) +
                                        " is not shorter than the long window of " +
                                        FormatDuration(row.long_window));
  }
  if (row.long_window > most) {
    checks->Report(path + ".long", FormatDuration(row.long_window) +
                                       " is longer than the period, which may have only " +
                                       FormatDuration(most));
  }
  if (row.share_ppb <= 0 || row.share_ppb > kBillion) {
    checks->Report(path + ".budget", "the share of the limit must be above 0 % and at most 100 %");
  }
}

/// A lease is an amount of money that is spent in a period and counted nowhere else.
void CheckEnforced(const std::string& path, const BudgetSpec& budget, RuleChecks* checks) {
  const std::string place = path + ".enforce";
  if (budget.measure != "cost") {
    checks->Report(place, "a lease is money to be spent, and '" + budget.measure +
                              "' is not; use `measure: cost`, or leave `enforce` out");
  }
  if (!budget.period) {
    checks->Report(place,
                   "a rolling budget has no period in which a lease could count; use "
                   "`period: day`, or leave `enforce` out");
  }
}

}  // namespace

void CheckBudget(const std::string& path, const BudgetSpec& budget, RuleChecks* checks) {
  checks->Common(path, budget.common);
  CheckAmount(path, budget.measure, "limit", budget.limit, checks);
  if (!budget.period) {
    const Status status = WindowStore::ValidateWindow(budget.rolling);
    if (!status.ok()) checks->Report(path + ".rolling", status.error().message());
  }
  static_cast<void>(CheckMinEvents(path, budget.common, budget.measure, checks));
  CheckShares(path + ".alert_at", budget.alert_at, checks);
  if (budget.alert_at.empty() && budget.burn.empty() && !budget.enforce) {
    checks->Report(path, "never does anything; give it `alert_at`, `burn` or `enforce: true`");
  }
  if (budget.enforce) CheckEnforced(path, budget, checks);
  if (budget.burn.size() > kSpendRowsMax) {
    checks->Report(path + ".burn", "has at most " + std::to_string(kSpendRowsMax) + " rows");
  }
  for (std::size_t i = 0; i < budget.burn.size(); ++i) {
    CheckSpendRow(Item(path + ".burn", i), budget, budget.burn[i], checks);
  }
}

void CheckGoal(const std::string& path, const GoalSpec& goal, RuleChecks* checks) {
  checks->Common(path, goal.common);
  CheckAmount(path, goal.measure, "target", goal.target, checks);
  if (CheckMinEvents(path, goal.common, goal.measure, checks)) CheckReachable(path, goal, checks);
  CheckShares(path + (goal.at_most ? ".alert_above" : ".alert_below"), goal.alerts, checks);
  for (const ShareAlert& alert : goal.alerts) {
    if (!goal.at_most && alert.share_ppb > kBillion) {
      checks->Report(path + ".alert_below", Percent(alert.share_ppb) +
                                                " of what is expected is more than expected; " +
                                                "write at most 100 %, or raise the target");
    }
  }
  if (goal.alerts.empty() && goal.milestones.empty()) {
    checks->Report(path,
                   "never does anything; give it `alert_below`, `alert_above` or `milestones`");
  }
  if (goal.not_before_ppb < 0 || goal.not_before_ppb >= kBillion) {
    checks->Report(path + ".not_before", "must be from 0 % to below 100 % of the period");
  }
  if (goal.prorate == Proration::kProfile && goal.period.unit != Calendar::Unit::kDay) {
    checks->Report(path + ".prorate",
                   "a profile goes over the hours of a day; use `period: day`, or `linear`");
  }
  if (goal.milestones.size() > kMilestonesMax) {
    checks->Report(path + ".milestones",
                   "has at most " + std::to_string(kMilestonesMax) + " shares");
  }
  for (std::size_t i = 0; i < goal.milestones.size(); ++i) {
    const std::int64_t share = goal.milestones[i];
    const std::string place = Item(path + ".milestones", i);
    if (share <= 0 || share > kShareMax) {
      checks->Report(place, Percent(share) + " is outside 0 % to 1000 %");
    } else if (i > 0 && share <= goal.milestones[i - 1]) {
      checks->Report(place, "milestones ascend; " + Percent(share) + " does not follow " +
                                Percent(goal.milestones[i - 1]));
    }
  }
}

}  // namespace barograph::rules
