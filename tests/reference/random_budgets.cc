#include "tests/reference/random_budgets.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "server/partition/calendar_zones.h"

namespace barograph::reference {
namespace {

using rules::BudgetSpec;
using rules::Calendar;
using rules::GoalSpec;
using rules::Proration;
using rules::Quantity;
using rules::Severity;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using Names = std::vector<std::string>;

constexpr std::int64_t kMillion = 1'000'000;
constexpr std::int64_t kBillion = 1'000'000'000;

/// Whole and half hours ahead of UTC, with clocks that change at midnight, by half an hour, never.
const Names& Zones() {
  static const Names zones = {
      "UTC",          "America/New_York", "Asia/Kolkata", "America/Havana",
      "Europe/Paris", "Asia/Kathmandu",   "Pacific/Apia", "Australia/Lord_Howe"};
  return zones;
}

/// Days near which clocks change, and months and years end.
const Names& Days() {
  static const Names found = {"2023-11-04", "2023-11-14", "2023-12-31", "2024-02-29",
                              "2024-03-09", "2024-03-31", "2024-11-02", "2024-10-26"};
  return found;
}

/// `zone` is what most rules of a set share, so that their days begin together.
Calendar RandomCalendar(Dice* dice, const std::string& zone) {
  using Unit = Calendar::Unit;
  Calendar calendar;
  calendar.unit = dice->Of(std::vector<Unit>{Unit::kDay, Unit::kDay, Unit::kDay, Unit::kDay,
                                             Unit::kDay, Unit::kWeek, Unit::kMonth, Unit::kQuarter,
                                             Unit::kYear, Unit::kDates});
  calendar.timezone = dice->Percent(80) ? zone : dice->Of(Zones());
  if (calendar.unit == Unit::kDates) {
    calendar.from = "2023-10-0" + std::to_string(1 + dice->Below(9));
    calendar.to = dice->Of(Days());
  }
  return calendar;
}

struct Choice {
  std::string measure, currency;
  std::int64_t a_minute;  ///< about so much comes in a minute, in the measure's integer unit
};

const std::vector<Choice>& Choices() {
  static const std::vector<Choice> choices = {{"cost", "USD", 100 * kBillion},
                                              {"cost", "EUR", 100 * kBillion},
                                              {"tokens", "", 15'000},
                                              {"tasks.failed", "", 5},
                                              {"requests", "", 30},
                                              {"tasks.completed", "", 15}};
  return choices;
}

/// What comes in 20 s up to half an hour.
std::int64_t Amount(Dice* dice, const Choice& choice) {
  return choice.a_minute * dice->Of(std::vector<std::int64_t>{1, 3, 6, 15, 90}) / 3 + 1;
}

void SetCommon(Dice* dice, std::string name, rules::RuleCommon* common) {
  common->name = std::move(name);
  common->by = dice->Of(std::vector<Names>{{}, {"agent"}, {"agent", "team"}, {"type"}});
  if (dice->Percent(30)) common->where = {{"environment", {"production"}}};
  common->for_duration = dice->Of(std::vector<Duration>{Duration(0), Duration(0), seconds(10)});
  common->keep_firing_for = dice->Of(std::vector<Duration>{Duration(0), seconds(15), minutes(1)});
}

std::vector<rules::ShareAlert> RandomShares(Dice* dice, std::int64_t most_ppb) {
  std::vector<rules::ShareAlert> shares;
  for (const Severity severity : {Severity::kCritical, Severity::kWarning, Severity::kInfo}) {
    if (dice->Percent(60)) shares.push_back({severity, (1 + dice->Below(40)) * most_ppb / 40});
  }
  return shares;
}

/// From what was drawn already, so that the streams of seeds stay what they were without it.
std::uint64_t MinEvents(const Quantity& amount, Int128 most) {
  if (!amount.currency.empty() || amount.value % 2 != 0) return 0;
  return static_cast<std::uint64_t>(amount.value % std::max<Int128>(most, 1));
}

BudgetSpec RandomBudget(Dice* dice, const std::string& zone, std::string name) {
  BudgetSpec budget;
  SetCommon(dice, std::move(name), &budget.common);
  const Choice& choice = dice->Of(Choices());
  budget.measure = choice.measure;
  budget.limit = {Amount(dice, choice), choice.currency};
  if (dice->Percent(70)) {
    budget.period = RandomCalendar(dice, zone);
  } else {
    budget.rolling = dice->Of(std::vector<Duration>{minutes(5), hours(1), hours(24)});
  }
  budget.alert_at = RandomShares(dice, 1500 * kMillion);
  budget.common.min_events = MinEvents(budget.limit, 97);
  const std::vector<std::pair<Duration, Duration>> windows = {{minutes(5), minutes(1)},
                                                              {minutes(4), seconds(90)},
                                                              {hours(1), minutes(5)},
                                                              {hours(1), minutes(25)}};
  for (const auto& [long_window, short_window] : windows) {
    if (!dice->Percent(30) || (!budget.period && long_window > budget.rolling)) continue;
    budget.burn.push_back({long_window, short_window, (1 + dice->Below(100)) * kMillion * 10,
                           dice->Percent(50) ? Severity::kCritical : Severity::kWarning});
  }
  if (budget.alert_at.empty() && budget.burn.empty())
    budget.alert_at.push_back({Severity::kWarning, 800 * kMillion});
  return budget;
}

GoalSpec RandomGoal(Dice* dice, const std::string& zone, std::string name) {
  GoalSpec goal;
  SetCommon(dice, std::move(name), &goal.common);
  static const Choice revenue = {"revenue.net", "USD", 30 * kBillion};
  const Choice& choice = dice->Percent(30) ? revenue : dice->Of(Choices());
  goal.measure = choice.measure;
  goal.period = RandomCalendar(dice, zone);
  goal.prorate =
      dice->Of(std::vector<Proration>{Proration::kLinear, Proration::kLinear, Proration::kProfile,
                                      Proration::kProfile, Proration::kNone});
  if (goal.prorate == Proration::kProfile) goal.period.unit = Calendar::Unit::kDay;
  if (goal.period.unit != Calendar::Unit::kDates) goal.period.from = goal.period.to = "";
  // Of a day, some minutes expect a few thousandths.
  const std::int64_t scale = dice->Of(std::vector<std::int64_t>{1, 60, 300, 300});
  goal.target = {Amount(dice, choice) * scale, choice.currency};
  goal.at_most = dice->Percent(30);
  goal.alerts = RandomShares(dice, goal.at_most ? 2 * kBillion : kBillion);
  if (dice->Percent(40)) goal.not_before_ppb = dice->Below(4) * kMillion;
  for (std::int64_t share = dice->Below(200); goal.milestones.size() < 6 && dice->Percent(60);
       share += 1 + dice->Below(400))
    goal.milestones.push_back((1 + share) * 5 * kMillion / scale);
  if (goal.alerts.empty() && goal.milestones.empty())
    goal.alerts.push_back({Severity::kWarning, 750 * kMillion});
  Int128 most = 97;  // no more than what every alert can be below
  for (const rules::ShareAlert& alert : goal.alerts)
    if (!goal.at_most) most = std::min(most, goal.target.value * alert.share_ppb / kBillion);
  goal.common.min_events = MinEvents(goal.target, most);
  return goal;
}

}  // namespace

void AddBudgets(Dice* dice, rules::RuleSet* rules) {
  const std::string zone = dice->Of(Zones());
  for (std::int64_t i = 1 + dice->Below(3); i > 0; --i)
    rules->budgets.push_back(RandomBudget(dice, zone, "spend-" + std::to_string(i)));
  for (std::int64_t i = 1 + dice->Below(3); i > 0; --i)
    rules->goals.push_back(RandomGoal(dice, zone, "goal-" + std::to_string(i)));
}

Time ShortlyBeforeAPeriod(Dice* dice, const rules::RuleSet& rules) {
  const std::vector<Calendar> calendars = CalendarsOf(rules);
  Calendar day;
  day.unit = Calendar::Unit::kDates;
  day.from = day.to = dice->Of(Days());
  const Time noon = server::PeriodOf(day, Time{})->start + hours(12);
  const auto period = server::PeriodOf(calendars.empty() ? day : dice->Of(calendars), noon);
  return std::chrono::floor<seconds>(period->end - dice->Span(minutes(6)));
}

}  // namespace barograph::reference
