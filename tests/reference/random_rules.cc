#include "tests/reference/random_rules.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <utility>

#include "rules/alert/mute_clock.h"
#include "server/config/zone_table.h"
#include "tests/reference/random_budgets.h"
#include "tests/reference/random_thresholds.h"

namespace barograph::reference {
namespace {

using rules::BurnRow;
using rules::Indicator;
using rules::RuleSet;
using rules::Severity;
using rules::SloSpec;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr std::int64_t kMillion = 1'000'000;

/// A budget share that makes the row tolerate about `share` of bad events.
double BudgetFor(const SloSpec& slo, Duration long_window, double share) {
  const double allowed = 1 - static_cast<double>(slo.objective_ppb) / 1e9;
  const double budget = share * static_cast<double>(long_window.count()) /
                        (static_cast<double>(slo.period.count()) * allowed);
  return std::clamp(std::round(budget * 1e6) / 1e6, 1e-6, 1.0);
}

void AddRows(Dice* dice, SloSpec* slo) {
  const std::vector<std::pair<Duration, Duration>> windows = {{minutes(10), minutes(1)},
                                                              {hours(1), minutes(5)},
                                                              {hours(6), minutes(30)},
                                                              {hours(24), hours(2)},
                                                              {hours(72), hours(6)}};
  for (const auto& [long_window, short_window] : windows) {
    const bool fits = long_window <= slo->period &&
                      (!slo->slice || short_window % slo->slice->slice == Duration(0));
    if (!fits || !dice->Percent(60)) continue;
    const double share = static_cast<double>(5 + dice->Below(40)) / 100;
    slo->burn.push_back({long_window, short_window, BudgetFor(*slo, long_window, share),
                         dice->Percent(50) ? Severity::kCritical : Severity::kWarning});
  }
  if (slo->burn.empty()) {
    slo->burn.push_back(
        {hours(1), minutes(5), BudgetFor(*slo, hours(1), 0.2), Severity::kCritical});
  }
}

SloSpec Start(Dice* dice, std::string name, std::vector<std::string> by) {
  SloSpec slo;
  slo.common.name = std::move(name);
  slo.common.by = std::move(by);
  slo.common.for_duration =
      dice->Of(std::vector<Duration>{Duration(0), Duration(0), seconds(10), seconds(25)});
  slo.common.keep_firing_for =
      dice->Of(std::vector<Duration>{Duration(0), seconds(5), seconds(30), minutes(1)});
  slo.common.min_events = static_cast<std::uint64_t>(dice->Of(std::vector<int>{0, 0, 3, 10}));
  if (dice->Percent(30)) slo.common.labels["owner"] = "ops";
  slo.objective_ppb = dice->Of(
      std::vector<std::int64_t>{900 * kMillion, 950 * kMillion, 990 * kMillion, 999 * kMillion});
  slo.period = dice->Of(std::vector<Duration>{hours(24), hours(24 * 7), hours(24 * 30)});
  return slo;
}

void Finish(Dice* dice, SloSpec* slo) {
  AddRows(dice, slo);
  if (dice->Percent(30)) slo->freeze_below = static_cast<double>(1 + dice->Below(9)) / 10;
}

SloSpec Tasks(Dice* dice) {
  SloSpec slo = Start(dice, "task-success", {"agent"});
  slo.good.measure = "tasks.completed";
  slo.total.measure = "tasks.finished";
  if (dice->Percent(40)) slo.common.where = {{"type", {"development"}}};
  Finish(dice, &slo);
  return slo;
}

SloSpec Requests(Dice* dice) {
  SloSpec slo = Start(dice, "request-success",
                      dice->Percent(50) ? std::vector<std::string>{"service"}
                                        : std::vector<std::string>{"service", "team"});
  slo.good.measure = "requests.ok";
  slo.total.measure = "requests";
  Finish(dice, &slo);
  return slo;
}

SloSpec Latency(Dice* dice) {
  SloSpec slo = Start(dice, "fast-tiles", {});
  slo.common.where = {{"service", {"tiles", "web"}}};
  slo.good = {"request.duration", 300 * kMillion};
  slo.total.measure = "requests";
  Finish(dice, &slo);
  return slo;
}

SloSpec Slices(Dice* dice) {
  SloSpec slo =
      Start(dice, "throughput",
            dice->Percent(50) ? std::vector<std::string>{"agent"} : std::vector<std::string>{});
  slo.objective_ppb = dice->Of(std::vector<std::int64_t>{500 * kMillion, 800 * kMillion});
  slo.slice =
      rules::TimeSlice{"tasks.finished", seconds(1), static_cast<double>(dice->Below(80)) / 1000,
                       dice->Percent(80), dice->Percent(70) ? minutes(1) : minutes(5)};
  Finish(dice, &slo);
  return slo;
}

SloSpec Perfect(Dice* dice) {
  SloSpec slo = Start(dice, "no-failure", {"route"});
  slo.objective_ppb = 1000 * kMillion;
  slo.good.measure = "requests.ok";
  slo.total.measure = "requests";
  return slo;
}

const std::vector<std::string> kReceivers = {"ops", "pager", "quiet"};

rules::RouteSpec RandomRoute(Dice* dice) {
  rules::RouteSpec route;
  route.receiver = dice->Of(kReceivers);
  route.group_by = dice->Of(std::vector<std::vector<std::string>>{
      {"rule"}, {"rule", "agent"}, {"severity"}, {"agent", "service"}, {}});
  route.group_wait = dice->Of(std::vector<Duration>{Duration(0), Duration(0), seconds(7)});
  route.group_interval =
      dice->Of(std::vector<Duration>{Duration(0), seconds(20), minutes(1), minutes(2)});
  route.repeat_interval = dice->Of(std::vector<Duration>{minutes(1), minutes(2), hours(4)});
  if (dice->Percent(40)) route.escalation = "ladder";
  return route;
}

/// A route below the root, which alone may be muted.
rules::RouteSpec RandomChild(Dice* dice) {
  rules::RouteSpec child = RandomRoute(dice);
  child.match = RandomMatchers(dice);
  if (dice->Percent(30)) child.mute_times.push_back("soon");
  if (dice->Percent(20)) child.mute_times.push_back("later");
  return child;
}

/// Some minutes of the day that follow `now` by the clocks of some zone.
rules::MuteTimeSpec RandomMute(Dice* dice, Time now, std::string name) {
  rules::MuteTimeSpec mute;
  mute.name = std::move(name);
  mute.timezone =
      dice->Of(std::vector<std::string>{"UTC", "America/Havana", "Asia/Kathmandu", "Europe/Paris"});
  mute.offsets = server::ZoneOffsets(mute.timezone).value();
  const Duration local = now.time_since_epoch() + rules::OffsetAt(mute, now);
  const auto begin = std::chrono::floor<minutes>(local % hours(24)).count() + dice->Below(6);
  mute.from_minute = static_cast<std::int32_t>(begin % (24 * 60));
  mute.to_minute =
      static_cast<std::int32_t>((begin + dice->Of(std::vector<int>{0, 1, 4, 300})) % (24 * 60) + 1);
  mute.weekdays = static_cast<std::uint8_t>(dice->Percent(50) ? 0x7F : 1 + dice->Below(0x7F));
  return mute;
}

void AddLife(Dice* dice, Time now, RuleSet* rules) {
  rules->mute_times = {RandomMute(dice, now, "soon"), RandomMute(dice, now, "later")};
  rules::EscalationSpec ladder;
  ladder.name = "ladder";
  Duration after{0};
  for (std::int64_t steps = 1 + dice->Below(3); steps > 0; --steps) {
    after += seconds(1 + dice->Below(60));
    ladder.steps.push_back({after, dice->Of(kReceivers)});
  }
  rules->escalations.push_back(std::move(ladder));
  rules->flapping = {static_cast<std::uint32_t>(dice->Of(std::vector<int>{0, 2, 2, 3})),
                     dice->Of(std::vector<Duration>{minutes(2), hours(1)}),
                     minutes(1) + seconds(dice->Below(60))};
}

rules::AbsenceSpec Silent(Dice* dice, std::string name) {
  rules::AbsenceSpec absence;
  absence.common.name = std::move(name);
  absence.common.keep_firing_for = dice->Of(std::vector<Duration>{Duration(0), seconds(15)});
  absence.measure = dice->Of(std::vector<std::string>{"tasks.started", "payments", "cost"});
  absence.silence = seconds(20 + dice->Below(60));
  absence.seen_within = absence.silence + seconds(30 + dice->Below(300));
  if (dice->Percent(80)) {
    absence.common.by = {"agent"};
    if (dice->Percent(50)) absence.expected = {"ada", "nobody"};
  }
  if (dice->Percent(30)) absence.common.where = {{"environment", {"production"}}};
  return absence;
}

rules::ExpectationSpec Follows(Dice* dice, std::string name) {
  rules::ExpectationSpec expectation;
  expectation.common.name = std::move(name);
  expectation.common.by = dice->Of(std::vector<std::vector<std::string>>{
      {"agent"}, {"agent"}, {"agent", "type"}, {"service"}, {}});
  expectation.common.keep_firing_for =
      dice->Of(std::vector<Duration>{Duration(0), seconds(5), seconds(40)});
  expectation.measure =
      dice->Of(std::vector<std::string>{"tasks.started", "changes", "errors", "tasks.failed"});
  expectation.expect.measure =
      dice->Of(std::vector<std::string>{"tasks.completed", "requests.ok", "cost", "agents"});
  if (dice->Percent(30)) expectation.common.where = {{"environment", {"production"}}};
  if (dice->Percent(30)) expectation.expect.where = {{"type", {"development"}}};
  expectation.within = seconds(2 + dice->Below(60));
  return expectation;
}

rules::NoticeSpec Paid(Dice* dice) {
  rules::NoticeSpec notice;
  notice.common.name = "paid";
  notice.common.severity = Severity::kInfo;
  if (dice->Percent(50)) notice.common.by = {"agent"};
  notice.each = dice->Percent(50) ? "payments" : "customers";
  if (dice->Percent(50)) notice.common.where = {{"type", {"CHARGE", "REVIEW"}}};
  notice.text = "{{event.kind}} of {{event.customer}} by {{event.agent}}";
  notice.limit = static_cast<std::uint32_t>(1 + dice->Below(4));
  notice.per = seconds(10 + dice->Below(60));
  return notice;
}

}  // namespace

std::vector<rules::LabelMatcher> RandomMatchers(Dice* dice) {
  using Op = rules::LabelMatcher::Op;
  const std::vector<rules::LabelMatcher> some = {
      {"severity", Op::kEqual, "critical"},   {"severity", Op::kEqual, "warning"},
      {"severity", Op::kNotEqual, "warning"}, {"agent", Op::kEqual, "ada"},
      {"agent", Op::kMatch, "a.*|b.*"},       {"rule", Op::kMatch, "task-.*|fast-.*"},
      {"rule", Op::kNotMatch, "task-.*"},     {"rule", Op::kEqual, "request-success"},
      {"policy", Op::kEqual, "freeze"},       {"service", Op::kMatch, "tiles|web"}};
  std::vector<rules::LabelMatcher> matchers = {dice->Of(some)};
  if (dice->Percent(30)) matchers.push_back(dice->Of(some));
  // One that wants a value, as silences and inhibitions need.
  matchers.push_back({"alertname", Op::kMatch, ".+"});
  return matchers;
}

void AddRandomRouting(Dice* dice, Time now, RuleSet* rules) {
  for (const std::string& name : kReceivers) {
    rules::ReceiverSpec receiver;
    receiver.name = name;
    receiver.target = "http://127.0.0.1:9/";
    receiver.send_resolved = receiver.name != "quiet";
    rules->receivers.push_back(std::move(receiver));
  }
  AddLife(dice, now, rules);
  rules->route = RandomRoute(dice);
  for (std::int64_t children = dice->Below(3); children > 0; --children) {
    rules::RouteSpec child = RandomChild(dice);
    child.proceeds = dice->Percent(40);
    if (dice->Percent(30)) child.children.push_back(RandomChild(dice));
    rules->route.children.push_back(std::move(child));
    // One that the routes before it leave nothing to is refused.
    if (!rules::Validate(*rules).empty()) rules->route.children.pop_back();
  }
  for (std::int64_t rows = dice->Below(3); rows > 0; --rows) {
    rules::InhibitionSpec inhibition;
    inhibition.source = RandomMatchers(dice);
    inhibition.target = RandomMatchers(dice);
    inhibition.equal =
        dice->Of(std::vector<std::vector<std::string>>{{}, {"agent"}, {"rule", "agent"}});
    // One that fits itself is refused.
    if (inhibition.source != inhibition.target) rules->inhibitions.push_back(std::move(inhibition));
  }
}

namespace {

void Overlay(Dice* dice, Time now, rules::RuleCommon* common) {
  if (dice->Percent(10)) common->owner = "payments";
  common->shadow = dice->Percent(8);
  common->active_from = Time::min();
  common->active_to = Time::max();
  if (!dice->Percent(12)) return;
  if (dice->Percent(70)) common->active_from = now + dice->Span(minutes(4));
  if (dice->Percent(70))
    common->active_to = std::max(now, common->active_from) + dice->Span(minutes(4));
}

}  // namespace

void AddOverlays(Dice* dice, Time now, RuleSet* rules) {
  const auto each = [&](auto& specs) {
    for (auto& spec : specs) Overlay(dice, now, &spec.common);
  };
  each(rules->slos);
  each(rules->budgets);
  each(rules->goals);
  each(rules->thresholds);
  each(rules->absences);
  each(rules->expects);
  each(rules->notices);
}

RuleSet RandomRules(Dice* dice) {
  RuleSet rules;
  rules.labels = {"team"};
  rules.slos = {Tasks(dice), Requests(dice)};
  if (dice->Percent(60)) rules.slos.push_back(Latency(dice));
  if (dice->Percent(60)) rules.slos.push_back(Slices(dice));
  if (dice->Percent(50)) rules.slos.push_back(Perfect(dice));
  AddBudgets(dice, &rules);
  AddThresholds(dice, &rules);
  rules.absences.push_back(Silent(dice, "silent"));
  if (dice->Percent(50)) rules.absences.push_back(Silent(dice, "gone"));
  for (std::int64_t i = dice->Below(3); i > 0; --i)
    rules.expects.push_back(Follows(dice, "follows-" + std::to_string(i)));
  if (dice->Percent(70)) rules.notices.push_back(Paid(dice));
  return rules;
}

RuleSet EditRules(Dice* dice, RuleSet rules) {
  if (dice->Percent(50))
    rules.slos.erase(rules.slos.begin() +
                     dice->Below(static_cast<std::int64_t>(rules.slos.size())));
  SloSpec& changed = rules.slos[static_cast<std::size_t>(
      dice->Below(static_cast<std::int64_t>(rules.slos.size())))];
  if (dice->Percent(50)) {
    changed.common.for_duration = seconds(5);
  } else {
    changed.common.where = {{"environment", {"production"}}};
  }
  SloSpec added = Start(dice, "added-later", {"team"});
  added.good.measure = "tasks.completed";
  added.total.measure = "tasks.finished";
  added.common.where = {{"type", {"development", "research"}}};
  Finish(dice, &added);
  rules.slos.push_back(std::move(added));
  // One of them may have read the budget of the SLO that went.
  rules.thresholds.clear();
  AddThresholds(dice, &rules);
  return rules;
}

}  // namespace barograph::reference
