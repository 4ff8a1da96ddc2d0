#include "server/config/rule_json.h"

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

Json ReceiverJson(const rules::ReceiverSpec& receiver) {
  if (receiver.type == rules::ReceiverSpec::Type::kFile) {
    return {{"name", receiver.name},
            {"file", {{"path", receiver.target}, {"send_resolved", receiver.send_resolved}}}};
  }
  const bool alertmanager = receiver.format == rules::ReceiverSpec::Format::kAlertmanager;
  Json webhook = {{"url", receiver.target},
                  {"format", alertmanager ? "alertmanager" : "barograph"},
                  {"send_resolved", receiver.send_resolved}};
  const std::size_t colon = receiver.secret_reference.find(':');
  if (colon != std::string::npos) {
    webhook["secret"] = {
        {receiver.secret_reference.substr(0, colon), receiver.secret_reference.substr(colon + 1)}};
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
  return Dump(json, indent);
}

}  // namespace barograph::server
