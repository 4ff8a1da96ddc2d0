#include "server/config/rule_json.h"

#include <nlohmann/json.hpp>

#include "server/config/receiver_json.h"
#include "server/config/threshold_json.h"
#include "storage/base/money.h"

namespace barograph::server {
namespace {

using Json = nlohmann::ordered_json;

std::string Percent(std::int64_t parts_per_billion) {
  return FormatDecimal(parts_per_billion, 7) + "%";
}

// Shares were parts per billion when they were read, so nothing is lost on the way back.
std::string Percent(double share) { return Percent(rules::PartsPerBillion(share)); }

std::string_view SeverityWord(rules::Severity severity) {
  switch (severity) {
    case rules::Severity::kCritical:
      return "critical";
    case rules::Severity::kInfo:
      return "info";
    default:
      return "warning";
  }
}

Json WhereJson(const std::vector<rules::Projection::Filter>& where) {
  Json json = Json::object();
  for (const auto& filter : where) json[filter.dimension] = filter.any_of;
  return json;
}

Json IndicatorJson(const rules::Indicator& indicator) {
  if (!indicator.at_most_nanos) return indicator.measure;
  const bool seconds = indicator.measure.ends_with(".duration");
  return Json{{"measure", indicator.measure},
              {"at_most", seconds ? FormatDuration(Duration(*indicator.at_most_nanos))
                                  : FormatDecimal(*indicator.at_most_nanos, 9)}};
}

void AddObjective(const rules::SloSpec& slo, Json* json) {
  if (slo.slice) {
    (*json)["good_when"] = {{"rate", slo.slice->measure},
                            {"per", FormatDuration(slo.slice->per)},
                            {slo.slice->above ? "above" : "below", slo.slice->bound}};
    (*json)["slice"] = FormatDuration(slo.slice->slice);
  } else {
    (*json)["good"] = IndicatorJson(slo.good);
    (*json)["total"] = IndicatorJson(slo.total);
  }
}

/// When it is in force, and whether only in the shadow; nothing where it always is.
void AddForce(const rules::RuleCommon& common, Json* json) {
  if (common.active_from != Time::min()) (*json)["active"]["from"] = FormatTime(common.active_from);
  if (common.active_to != Time::max()) (*json)["active"]["to"] = FormatTime(common.active_to);
  if (common.shadow) (*json)["shadow"] = true;
}

/// What all rules have, beside name and what the kind puts between.
void AddCommon(const rules::RuleCommon& common, Json* json) {
  (*json)["where"] = WhereJson(common.where);
  (*json)["by"] = common.by;
  (*json)["min_events"] = common.min_events;
  (*json)["severity"] = SeverityWord(common.severity);
  (*json)["for"] = FormatDuration(common.for_duration);
  (*json)["keep_firing_for"] = FormatDuration(common.keep_firing_for);
  (*json)["labels"] = common.labels;
  (*json)["annotations"] = common.annotations;
  (*json)["owner"] = common.owner;
  AddForce(common, json);
}

std::string AmountText(const std::string& measure, const rules::Quantity& amount) {
  return rules::QuantityText(measure, amount.currency, amount.value);
}

void AddCalendar(const rules::Calendar& calendar, Json* json) {
  if (calendar.unit == rules::Calendar::Unit::kDates) {
    (*json)["period"] = {{"from", calendar.from}, {"to", calendar.to}};
  } else {
    (*json)["period"] = Name(calendar.unit);
  }
  (*json)["timezone"] = calendar.timezone;
}

Json SharesJson(const std::vector<rules::ShareAlert>& alerts) {
  Json json = Json::object();
  for (const rules::ShareAlert& alert : alerts) {
    json[std::string(SeverityWord(alert.severity))] = Percent(alert.share_ppb);
  }
  return json;
}

Json BudgetJson(const rules::BudgetSpec& budget) {
  Json json{{"name", budget.common.name},
            {"measure", budget.measure},
            {"limit", AmountText(budget.measure, budget.limit)}};
  if (budget.period) {
    AddCalendar(*budget.period, &json);
  } else {
    json["rolling"] = FormatDuration(budget.rolling);
  }
  json["alert_at"] = SharesJson(budget.alert_at);
  json["burn"] = Json::array();
  for (const rules::SpendRow& row : budget.burn) {
    json["burn"].push_back({{"long", FormatDuration(row.long_window)},
                            {"short", FormatDuration(row.short_window)},
                            {"budget", Percent(row.share_ppb)},
                            {"severity", SeverityWord(row.severity)}});
  }
  if (budget.enforce) json["enforce"] = true;
  AddCommon(budget.common, &json);
  return json;
}

Json GoalJson(const rules::GoalSpec& goal) {
  constexpr std::string_view kProrations[] = {"linear", "profile", "none"};
  Json json{{"name", goal.common.name},
            {"measure", goal.measure},
            {"target", AmountText(goal.measure, goal.target)}};
  AddCalendar(goal.period, &json);
  json["prorate"] = kProrations[static_cast<std::size_t>(goal.prorate)];
  json["not_before"] = Percent(goal.not_before_ppb);
  if (!goal.alerts.empty()) {
    json[goal.at_most ? "alert_above" : "alert_below"] = SharesJson(goal.alerts);
  }
  json["milestones"] = Json::array();
  for (const std::int64_t share : goal.milestones) json["milestones"].push_back(Percent(share));
  AddCommon(goal.common, &json);
  return json;
}

Json SloJson(const rules::SloSpec& slo) {
  const rules::RuleCommon& common = slo.common;
  Json json;
  json["name"] = common.name;
  AddObjective(slo, &json);
  json["where"] = WhereJson(common.where);
  json["by"] = common.by;
  json["objective"] = Percent(slo.objective_ppb);
  json["period"] = FormatDuration(slo.period);
  json["min_events"] = common.min_events;
  json["severity"] = SeverityWord(common.severity);
  json["for"] = FormatDuration(common.for_duration);
  json["keep_firing_for"] = FormatDuration(common.keep_firing_for);
  json["burn"] = Json::array();
  for (const rules::BurnRow& row : slo.burn) {
    json["burn"].push_back({{"long", FormatDuration(row.long_window)},
                            {"short", FormatDuration(row.short_window)},
                            {"budget", Percent(row.budget)},
                            {"severity", SeverityWord(row.severity)}});
  }
  if (slo.freeze_below) json["budget_policy"] = {{"freeze_below", Percent(*slo.freeze_below)}};
  json["labels"] = common.labels;
  json["annotations"] = common.annotations;
  json["owner"] = common.owner;
  AddForce(common, &json);
  return json;
}

Json AbsenceJson(const rules::AbsenceSpec& absence) {
  Json json{{"name", absence.common.name}, {"measure", absence.measure}};
  AddCommon(absence.common, &json);
  json.erase("min_events");
  json["for"] = FormatDuration(absence.silence);
  json["expected"] = absence.expected;
  json["seen_within"] = FormatDuration(absence.seen_within);
  return json;
}

Json ExpectationJson(const rules::ExpectationSpec& expectation) {
  Json json{{"name", expectation.common.name}};
  AddCommon(expectation.common, &json);
  for (const char* other : {"where", "by", "min_events", "for"}) json.erase(other);
  json["after"] = {{expectation.measure, WhereJson(expectation.common.where)}};
  json["expect"] = {{expectation.expect.measure, WhereJson(expectation.expect.where)}};
  json["same"] = expectation.common.by;
  json["within"] = FormatDuration(expectation.within);
  return json;
}

Json NoticeJson(const rules::NoticeSpec& notice) {
  Json json{{"name", notice.common.name}, {"each", notice.each}};
  AddCommon(notice.common, &json);
  for (const char* other : {"min_events", "for", "keep_firing_for"}) json.erase(other);
  json["limit"] = std::to_string(notice.limit) + "/" + FormatDuration(notice.per);
  json["template"] = notice.text;
  return json;
}

/// Rules over single events; sections that nothing stands in are left out.
void AddEventRules(const rules::RuleSet& rules, Json* json) {
  for (const auto& each : rules.absences) (*json)["absences"].push_back(AbsenceJson(each));
  for (const auto& each : rules.expects) (*json)["expects"].push_back(ExpectationJson(each));
  for (const auto& each : rules.notices) (*json)["notices"].push_back(NoticeJson(each));
}

Json MatchersJson(const std::vector<rules::LabelMatcher>& matchers) {
  Json json = Json::array();
  for (const rules::LabelMatcher& matcher : matchers) json.push_back(rules::MatcherText(matcher));
  return json;
}

Json RouteJson(const rules::RouteSpec& route) {
  Json json = {{"receiver", route.receiver},
               {"group_by", route.group_by},
               {"group_wait", FormatDuration(route.group_wait)},
               {"group_interval", FormatDuration(route.group_interval)},
               {"repeat_interval", FormatDuration(route.repeat_interval)}};
  if (!route.match.empty()) json["match"] = MatchersJson(route.match);
  if (route.proceeds) json["continue"] = true;
  if (!route.mute_times.empty()) json["mute_times"] = route.mute_times;
  if (!route.escalation.empty()) json["escalation"] = route.escalation;
  for (const rules::RouteSpec& child : route.children) json["children"].push_back(RouteJson(child));
  return json;
}

std::string MinuteText(std::int32_t minute) {
  const auto two = [](std::int32_t number) {
    return (number < 10 ? "0" : "") + std::to_string(number);
  };
  return two(minute / 60) + ":" + two(minute % 60);
}

Json MuteTimeJson(const rules::MuteTimeSpec& mute) {
  constexpr std::string_view kDays[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
  Json days = Json::array();
  for (unsigned day = 0; day < std::size(kDays); ++day) {
    if ((static_cast<unsigned>(mute.weekdays) >> day & 1U) != 0) days.push_back(kDays[day]);
  }
  return {{"name", mute.name},
          {"days", days},
          {"from", MinuteText(mute.from_minute)},
          {"to", MinuteText(mute.to_minute)},
          {"timezone", mute.timezone}};
}

/// What happens to alerts beside their routes; sections that nothing stands in are left out.
void AddLife(const rules::RuleSet& rules, Json* json) {
  for (const rules::InhibitionSpec& inhibition : rules.inhibitions) {
    (*json)["inhibitions"].push_back({{"source", MatchersJson(inhibition.source)},
                                      {"target", MatchersJson(inhibition.target)},
                                      {"equal", inhibition.equal}});
  }
  for (const rules::MuteTimeSpec& mute : rules.mute_times)
    (*json)["mute_times"].push_back(MuteTimeJson(mute));
  for (const rules::EscalationSpec& escalation : rules.escalations) {
    Json steps = Json::array();
    for (const auto& step : escalation.steps)
      steps.push_back({{"after", FormatDuration(step.after)}, {"receiver", step.receiver}});
    (*json)["escalations"].push_back({{"name", escalation.name}, {"steps", steps}});
  }
  if (rules.flapping == rules::FlapSpec{}) return;
  (*json)["flapping"] = {{"fires", rules.flapping.fires},
                         {"within", FormatDuration(rules.flapping.within)},
                         {"settled_after", FormatDuration(rules.flapping.settled_after)}};
}

Json RulesJson(const rules::RuleSet& rules) {
  Json json;
  json["apiVersion"] = "barograph/v1";
  json["timezone"] = rules.timezone;
  json["labels"] = rules.labels;
  json["series"] = Json::array();
  for (const rules::Projection& series : rules.series) {
    json["series"].push_back({{"by", series.by}, {"where", WhereJson(series.where)}});
  }
  json["slos"] = Json::array();
  for (const rules::SloSpec& slo : rules.slos) json["slos"].push_back(SloJson(slo));
  json["derived"] = Json::array();
  for (const rules::DerivedSpec& derived : rules.derived)
    json["derived"].push_back(DerivedJson(derived));
  json["thresholds"] = Json::array();
  for (const rules::ThresholdSpec& spec : rules.thresholds) {
    Json threshold{{"name", spec.common.name}, {"when", WhenJson(spec)}};
    AddCommon(spec.common, &threshold);
    json["thresholds"].push_back(std::move(threshold));
  }
  json["budgets"] = Json::array();
  for (const rules::BudgetSpec& budget : rules.budgets)
    json["budgets"].push_back(BudgetJson(budget));
  json["goals"] = Json::array();
  for (const rules::GoalSpec& goal : rules.goals) json["goals"].push_back(GoalJson(goal));
  AddEventRules(rules, &json);
  if (!rules.route.receiver.empty()) {
    json["routes"] = RouteJson(rules.route);
  }
  json["receivers"] = Json::array();
  for (const rules::ReceiverSpec& receiver : rules.receivers)
    json["receivers"].push_back(ReceiverJson(receiver));
  AddLife(rules, &json);
  if (!rules.allow_private.empty()) json["allow_private"] = rules.allow_private;
  return json;
}

Json TopicJson(const ingest::KafkaTopicOptions& topic, const std::string& timezone) {
  Json json{{topic.pattern ? "pattern" : "topic", topic.topic},
            {"tenant", topic.tenant},
            {"format", Name(topic.format)},
            {"timezone", timezone}};
  if (!topic.record.text.currency.empty()) json["currency"] = topic.record.text.currency;
  if (!topic.record.cloud_events) return json;
  for (const ingest::CloudEventType& type : topic.record.cloud_events->types) {
    json["types"][type.type] =
        type.mapping ? Json{{"mapping", type.mapping->spec().source}} : Json(type.as);
  }
  json["labels"] = topic.record.cloud_events->labels;
  return json;
}

Json KafkaJson(const KafkaSection& kafka) {
  Json json{{"topics", Json::array()}, {"properties", Json::object()}};
  for (std::size_t i = 0; i < kafka.options.topics.size(); ++i) {
    json["topics"].push_back(TopicJson(kafka.options.topics[i], kafka.timezones[i]));
  }
  for (const auto& [name, value] : kafka.options.properties) json["properties"][name] = value;
  for (const auto& [name, reference] : kafka.secrets) {
    json["properties"][name] = ReferenceJson(reference);
  }
  return json;
}

// Text in files may be any bytes; what is no UTF-8 is shown as the replacement character.
std::string Dump(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string RuleSetToJson(const rules::RuleSet& rules, int indent) {
  return Dump(RulesJson(rules), indent);
}

std::string ConfigurationToJson(const Configuration& configuration, int indent) {
  Json json;
  json["settings"] = Json::object();
  for (const Setting& setting : configuration.settings) {
    json["settings"][setting.path] = {{"value", setting.value}, {"source", setting.source}};
  }
  json["files"] = configuration.files;
  json["rules"] = RulesJson(configuration.rules);
  if (configuration.kafka) json["kafka"] = KafkaJson(*configuration.kafka);
  return Dump(json, indent);
}

}  // namespace barograph::server
