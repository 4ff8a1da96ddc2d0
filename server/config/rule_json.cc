#include "server/config/rule_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

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
  return json;
}

void AddCommon(const rules::RuleCommon& common, Json* json) {
  (*json)["where"] = WhereJson(common.where);
  (*json)["by"] = common.by;
  (*json)["severity"] = SeverityWord(common.severity);
  (*json)["labels"] = common.labels;
  (*json)["annotations"] = common.annotations;
  (*json)["owner"] = common.owner;
}

Json AbsenceJson(const rules::AbsenceSpec& absence) {
  Json json{{"name", absence.common.name}, {"measure", absence.measure}};
  AddCommon(absence.common, &json);
  json["for"] = FormatDuration(absence.silence);
  json["keep_firing_for"] = FormatDuration(absence.common.keep_firing_for);
  json["expected"] = absence.expected;
  json["seen_within"] = FormatDuration(absence.seen_within);
  return json;
}

Json ExpectationJson(const rules::ExpectationSpec& expectation) {
  Json json{{"name", expectation.common.name}};
  AddCommon(expectation.common, &json);
  json.erase("where");
  json.erase("by");
  json["after"] = {{expectation.measure, WhereJson(expectation.common.where)}};
  json["expect"] = {{expectation.expect.measure, WhereJson(expectation.expect.where)}};
  json["same"] = expectation.common.by;
  json["within"] = FormatDuration(expectation.within);
  json["keep_firing_for"] = FormatDuration(expectation.common.keep_firing_for);
  return json;
}

Json NoticeJson(const rules::NoticeSpec& notice) {
  Json json{{"name", notice.common.name}, {"each", notice.each}};
  AddCommon(notice.common, &json);
  json["limit"] = std::to_string(notice.limit) + "/" + FormatDuration(notice.per);
  json["template"] = notice.text;
  return json;
}

// Only what there is: rule sets without them are printed as before.
void AddEventRules(const rules::RuleSet& rules, Json* json) {
  for (const auto& each : rules.absences) (*json)["absences"].push_back(AbsenceJson(each));
  for (const auto& each : rules.expects) (*json)["expects"].push_back(ExpectationJson(each));
  for (const auto& each : rules.notices) (*json)["notices"].push_back(NoticeJson(each));
}

// A reference to a secret, "env:NAME", as it is written.
Json ReferenceJson(const std::string& reference) {
  const std::size_t colon = std::min(reference.find(':'), reference.size());
  return {{reference.substr(0, colon), reference.substr(std::min(colon + 1, reference.size()))}};
}

Json ReceiverJson(const rules::ReceiverSpec& receiver) {
  if (receiver.type == rules::ReceiverSpec::Type::kFile) {
    return {{"name", receiver.name},
            {"file", {{"path", receiver.target}, {"send_resolved", receiver.send_resolved}}}};
  }
  const bool alertmanager = receiver.format == rules::ReceiverSpec::Format::kAlertmanager;
  Json webhook = {{"url", receiver.target},
                  {"format", alertmanager ? "alertmanager" : "barograph"},
                  {"send_resolved", receiver.send_resolved}};
  if (!receiver.secret_reference.empty()) {
    webhook["secret"] = ReferenceJson(receiver.secret_reference);
  }
  return {{"name", receiver.name}, {"webhook", webhook}};
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
  AddEventRules(rules, &json);
  if (!rules.route.receiver.empty()) {
    json["routes"] = {{"receiver", rules.route.receiver},
                      {"group_by", rules.route.group_by},
                      {"group_wait", FormatDuration(rules.route.group_wait)},
                      {"group_interval", FormatDuration(rules.route.group_interval)},
                      {"repeat_interval", FormatDuration(rules.route.repeat_interval)}};
  }
  json["receivers"] = Json::array();
  for (const rules::ReceiverSpec& receiver : rules.receivers)
    json["receivers"].push_back(ReceiverJson(receiver));
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
