#include "tests/reference/describe.h"

#include <array>
#include <charconv>
#include <string>
#include <string_view>

namespace barograph::reference {
namespace {

using nlohmann::json;
using rules::Projection;

std::string Decimal(double value) {
  std::array<char, 64> text{};
  return {
      text.data(),
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed).ptr};
}

json Where(const std::vector<Projection::Filter>& where) {
  json found = json::object();
  for (const Projection::Filter& filter : where) found[filter.dimension] = filter.any_of;
  return found;
}

/// What every kind of rule has.
json Common(const rules::RuleCommon& common) {
  json found = {{"name", common.name},
                {"by", common.by},
                {"where", Where(common.where)},
                {"labels", common.labels},
                {"owner", common.owner},
                {"severity", Name(common.severity)},
                {"for_ns", common.for_duration.count()},
                {"keep_firing_for_ns", common.keep_firing_for.count()},
                {"min_events", common.min_events},
                {"shadow", common.shadow}};
  if (common.active_from != Time::min()) found["active_from_ns"] = Nanos(common.active_from);
  if (common.active_to != Time::max()) found["active_to_ns"] = Nanos(common.active_to);
  return found;
}

json Describe(const rules::Indicator& indicator) {
  json found = {{"measure", indicator.measure}};
  if (indicator.at_most_nanos) found["at_most_nanos"] = *indicator.at_most_nanos;
  return found;
}

std::string Windows(Duration long_window, Duration short_window) {
  return FormatDuration(long_window) + "/" + FormatDuration(short_window);
}

json Describe(const rules::Calendar& calendar) {
  return {{"unit", rules::Name(calendar.unit)},
          {"timezone", calendar.timezone},
          {"from", calendar.from},
          {"to", calendar.to}};
}

json Describe(const rules::ShareAlert& alert) {
  return {{"severity", Name(alert.severity)}, {"share_ppb", alert.share_ppb}};
}

json Describe(const rules::SloSpec& slo) {
  json burn = json::array();
  for (const rules::BurnRow& row : slo.burn) {
    burn.push_back({{"long_ns", row.long_window.count()},
                    {"short_ns", row.short_window.count()},
                    {"budget", Decimal(row.budget)},
                    {"severity", Name(row.severity)},
                    {"condition", Windows(row.long_window, row.short_window)}});
  }
  json found = Common(slo.common);
  found.update({{"good", Describe(slo.good)},
                {"total", Describe(slo.total)},
                {"objective_ppb", slo.objective_ppb},
                {"period_ns", slo.period.count()},
                {"burn", burn}});
  if (slo.freeze_below) found["freeze_below"] = Decimal(*slo.freeze_below);
  if (slo.slice) {
    found["slice"] = {{"measure", slo.slice->measure},
                      {"per_ns", slo.slice->per.count()},
                      {"bound", Decimal(slo.slice->bound)},
                      {"above", slo.slice->above},
                      {"slice_ns", slo.slice->slice.count()}};
  }
  return found;
}

json Describe(const rules::BudgetSpec& budget) {
  json alert_at = json::array();
  for (const rules::ShareAlert& alert : budget.alert_at) alert_at.push_back(Describe(alert));
  json burn = json::array();
  for (const rules::SpendRow& row : budget.burn) {
    burn.push_back({{"long_ns", row.long_window.count()},
                    {"short_ns", row.short_window.count()},
                    {"share_ppb", row.share_ppb},
                    {"severity", Name(row.severity)},
                    {"condition", Windows(row.long_window, row.short_window)}});
  }
  json found = Common(budget.common);
  found.update({{"measure", budget.measure},
                {"currency", budget.limit.currency},
                {"limit", FormatDecimal(budget.limit.value, 0)},
                {"period", budget.period ? Describe(*budget.period) : json()},
                {"rolling_ns", budget.rolling.count()},
                {"alert_at", alert_at},
                {"burn", burn}});
  return found;
}

json Describe(const rules::GoalSpec& goal) {
  constexpr std::array<std::string_view, 3> kProrations = {"linear", "profile", "none"};
  json alerts = json::array();
  for (const rules::ShareAlert& alert : goal.alerts) alerts.push_back(Describe(alert));
  json found = Common(goal.common);
  found.update({{"measure", goal.measure},
                {"currency", goal.target.currency},
                {"target", FormatDecimal(goal.target.value, 0)},
                {"period", Describe(goal.period)},
                {"prorate", kProrations.at(static_cast<std::size_t>(goal.prorate))},
                {"not_before_ppb", goal.not_before_ppb},
                {"at_most", goal.at_most},
                {"alerts", alerts},
                {"milestones", goal.milestones}});
  return found;
}

json Describe(const rules::AbsenceSpec& absence) {
  json found = Common(absence.common);
  found.update({{"measure", absence.measure},
                {"silence_ns", absence.silence.count()},
                {"expected", absence.expected},
                {"seen_within_ns", absence.seen_within.count()}});
  return found;
}

json Describe(const rules::ExpectationSpec& expectation) {
  json found = Common(expectation.common);
  found.update({{"measure", expectation.measure},
                {"expect_measure", expectation.expect.measure},
                {"expect_where", Where(expectation.expect.where)},
                {"within_ns", expectation.within.count()}});
  return found;
}

json Describe(const rules::NoticeSpec& notice) {
  json found = Common(notice.common);
  found.update({{"each", notice.each}, {"limit", notice.limit}, {"per_ns", notice.per.count()}});
  return found;
}

std::string_view Name(rules::ThresholdSpec::Versus versus) {
  constexpr std::array<std::string_view, 4> kNames = {"number", "baseline", "previous", "anomaly"};
  return kNames.at(static_cast<std::size_t>(versus));
}

std::string_view Name(rules::ThresholdSpec::Side side) {
  constexpr std::array<std::string_view, 3> kNames = {"above", "below", "both"};
  return kNames.at(static_cast<std::size_t>(side));
}

json Describe(const rules::ThresholdSpec& spec) {
  json found = Common(spec.common);
  found.update({{"form", rules::Name(spec.form)},
                {"measure", spec.measure},
                {"whole", spec.whole},
                {"per_ns", spec.per.count()},
                {"quantile", FormatDecimal(spec.quantile_ppb, 9)},
                {"over_ns", spec.over.count()},
                {"currency", spec.currency},
                {"versus", Name(spec.versus)},
                {"side", Name(spec.side)},
                {"bound", spec.bound.number},
                {"span_ns", spec.span.count()},
                {"slo", spec.slo},
                {"condition", rules::ConditionText(spec)}});
  return found;
}

json Describe(const rules::DerivedSpec& derived) {
  constexpr std::array<std::string_view, 3> kTypes = {"plus", "minus", "ratio"};
  return {{"name", derived.name},
          {"type", kTypes.at(static_cast<std::size_t>(derived.type))},
          {"parts", derived.parts}};
}

json Describe(const rules::RouteSpec& route) {
  json children = json::array();
  for (const rules::RouteSpec& child : route.children) children.push_back(Describe(child));
  return {{"receiver", route.receiver},
          {"group_by", route.group_by},
          {"group_wait_ns", route.group_wait.count()},
          {"group_interval_ns", route.group_interval.count()},
          {"repeat_interval_ns", route.repeat_interval.count()},
          {"match", DescribeMatchers(route.match)},
          {"continue", route.proceeds},
          {"mute_times", route.mute_times},
          {"escalation", route.escalation},
          {"children", children}};
}

json Describe(const rules::ReceiverSpec& receiver) {
  return {{"name", receiver.name}, {"send_resolved", receiver.send_resolved}};
}

json Describe(const rules::MuteTimeSpec& mute) {
  return {{"name", mute.name},
          {"weekdays", mute.weekdays},
          {"from_minute", mute.from_minute},
          {"to_minute", mute.to_minute},
          {"timezone", mute.timezone}};
}

json Describe(const rules::EscalationSpec& escalation) {
  json steps = json::array();
  for (const rules::EscalationSpec::Step& step : escalation.steps)
    steps.push_back({{"after_ns", step.after.count()}, {"receiver", step.receiver}});
  return {{"name", escalation.name}, {"steps", steps}};
}

json Describe(const rules::FlapSpec& flapping) {
  return {{"fires", flapping.fires},
          {"within_ns", flapping.within.count()},
          {"settled_after_ns", flapping.settled_after.count()}};
}

json Describe(const rules::InhibitionSpec& inhibition) {
  return {{"source", DescribeMatchers(inhibition.source)},
          {"target", DescribeMatchers(inhibition.target)},
          {"equal", inhibition.equal}};
}

template <typename Specs>
json DescribeAll(const Specs& specs) {
  json found = json::array();
  for (const auto& spec : specs) found.push_back(Describe(spec));
  return found;
}

}  // namespace

std::int64_t Nanos(Time time) { return time.time_since_epoch().count(); }

json DescribeMatchers(const std::vector<rules::LabelMatcher>& matchers) {
  constexpr const char* kOps[] = {"", "=", "!=", "=~", "!~"};
  json found = json::array();
  for (const rules::LabelMatcher& matcher : matchers) {
    found.push_back({{"name", matcher.name},
                     {"op", kOps[static_cast<std::size_t>(matcher.op)]},
                     {"value", matcher.value}});
  }
  return found;
}

json DescribeRules(const rules::RuleSet& rules) {
  return {{"slos", DescribeAll(rules.slos)},
          {"budgets", DescribeAll(rules.budgets)},
          {"goals", DescribeAll(rules.goals)},
          {"thresholds", DescribeAll(rules.thresholds)},
          {"derived", DescribeAll(rules.derived)},
          {"absences", DescribeAll(rules.absences)},
          {"expects", DescribeAll(rules.expects)},
          {"notices", DescribeAll(rules.notices)},
          {"routes", Describe(rules.route)},
          {"receivers", DescribeAll(rules.receivers)},
          {"inhibitions", DescribeAll(rules.inhibitions)},
          {"mute_times", DescribeAll(rules.mute_times)},
          {"escalations", DescribeAll(rules.escalations)},
          {"flapping", Describe(rules.flapping)}};
}

}  // namespace barograph::reference
