#include "server/config/rule_section.h"

#include <algorithm>
#include <array>
#include <utility>

#include "ingest/formats/nearest_name.h"
#include "ingest/formats/severity_words.h"

namespace barograph::server {
namespace {

constexpr double kPartsPerBillion = 1e9;

std::map<std::string, std::string> ReadAnnotations(const YamlNode& node, Diagnostics* diagnostics) {
  MapReader map(node, "`annotations`", diagnostics);
  for (const std::string_view key :
       {"summary", "description", "runbook_url", "dashboard_url", "response"}) {
    static_cast<void>(map.Find(key));
  }
  map.Finish();
  return node.kind == YamlNode::Kind::kMap ? ReadTextMap(node, "annotations", diagnostics)
                                           : std::map<std::string, std::string>();
}

}  // namespace

std::optional<rules::Severity> ReadSeverity(const YamlNode& node, Diagnostics* diagnostics) {
  const auto text = ReadText(node, "severity", diagnostics);
  if (!text) return std::nullopt;
  const auto severity = ingest::FindAlertSeverity(*text);
  if (!severity) {
    constexpr std::array<std::string_view, 3> kLevels{"critical", "warning", "info"};
    const std::string near = ingest::DidYouMean(*text, kLevels);
    diagnostics->Add(node.position,
                     "severity: '" + *text + "' is no level" + near +
                         (near.empty() ? "; write" : " Write") +
                         " critical, warning or info (P0, SEV-1, page, P1, SEV-2, ticket ... are "
                         "understood too)");
  }
  return severity;
}

std::vector<rules::Projection::Filter> ReadWhere(const YamlNode& node, Diagnostics* diagnostics) {
  std::vector<rules::Projection::Filter> filters;
  MapReader map(node, "`where`", diagnostics);
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const YamlNode& value = node.items[i];
    rules::Projection::Filter filter{node.keys[i].text, {}};
    if (value.kind == YamlNode::Kind::kScalar) {
      filter.any_of = {value.text};
    } else {
      filter.any_of =
          ReadTextList(value, filter.dimension, diagnostics).value_or(std::vector<std::string>());
      std::sort(filter.any_of.begin(), filter.any_of.end());
    }
    filters.push_back(std::move(filter));
  }
  std::sort(filters.begin(), filters.end());
  return filters;
}

std::map<std::string, std::string> ReadTextMap(const YamlNode& node, std::string_view name,
                                               Diagnostics* diagnostics) {
  std::map<std::string, std::string> texts;
  MapReader map(node, "`" + std::string(name) + "`", diagnostics);
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    auto text = ReadText(node.items[i], node.keys[i].text, diagnostics);
    if (text) texts.emplace(node.keys[i].text, std::move(*text));
  }
  return texts;
}

std::optional<double> ReadShare(const YamlNode& node, std::string_view name,
                                Diagnostics* diagnostics) {
  const auto parts = ReadPercent(node, name, diagnostics);
  if (!parts) return std::nullopt;
  return static_cast<double>(*parts) / kPartsPerBillion;
}

std::optional<Time> ReadMoment(const YamlNode& node, std::string_view name,
                               Diagnostics* diagnostics) {
  const auto text = ReadText(node, name, diagnostics);
  if (!text) return std::nullopt;
  constexpr std::size_t kDateBytes = std::string_view("2026-01-31").size();
  const Result<Time> time = ParseTime(text->size() == kDateBytes ? *text + "T00:00:00Z" : *text);
  if (time.ok()) return *time;
  diagnostics->Add(node.position, "`" + std::string(name) + "`: \"" + *text +
                                      "\" is no time; write e.g. 2026-01-31 (its first moment "
                                      "in UTC) or 2026-01-31T09:00:00-05:00");
  return std::nullopt;
}

void ReadActive(const YamlNode& node, rules::RuleCommon* rule, Diagnostics* diagnostics) {
  MapReader map(node, "`active`", diagnostics);
  const auto* from = map.Find("from");
  const auto* to = map.Find("to");
  if (from != nullptr)
    rule->active_from = ReadMoment(*from, "from", diagnostics).value_or(Time::min());
  if (to != nullptr) rule->active_to = ReadMoment(*to, "to", diagnostics).value_or(Time::max());
  if (from == nullptr && to == nullptr)
    diagnostics->Add(node.position, "`active` says from when or until when: {from: 2026-01-31}");
}

void ReadRuleCommon(MapReader& map, rules::RuleCommon* rule) {
  Diagnostics* diagnostics = &map.diagnostics();
  if (const auto* name = map.Require("name", "task-success")) {
    rule->name = ReadText(*name, "name", diagnostics).value_or("");
  }
  if (const auto* where = map.Find("where")) rule->where = ReadWhere(*where, diagnostics);
  if (const auto* by = map.Find("by")) {
    rule->by = ReadTextList(*by, "by", diagnostics).value_or(std::vector<std::string>());
    std::sort(rule->by.begin(), rule->by.end());
  }
  if (const auto* severity = map.Find("severity")) {
    rule->severity = ReadSeverity(*severity, diagnostics).value_or(rule->severity);
  }
  if (const auto* labels = map.Find("labels")) {
    rule->labels = ReadTextMap(*labels, "labels", diagnostics);
  }
  if (const auto* annotations = map.Find("annotations")) {
    rule->annotations = ReadAnnotations(*annotations, diagnostics);
  }
  if (const auto* owner = map.Find("owner")) {
    rule->owner = ReadText(*owner, "owner", diagnostics).value_or("");
  }
  if (const auto* span = map.Find("for")) {
    rule->for_duration = ReadDuration(*span, "for", diagnostics).value_or(Duration(0));
  }
  if (const auto* span = map.Find("keep_firing_for")) {
    rule->keep_firing_for =
        ReadDuration(*span, "keep_firing_for", diagnostics).value_or(Duration(0));
  }
  if (const auto* count = map.Find("min_events")) {
    rule->min_events = ReadCount(*count, "min_events", 0, 1'000'000'000, diagnostics).value_or(0);
  }
  if (const auto* active = map.Find("active")) ReadActive(*active, rule, diagnostics);
  if (const auto* shadow = map.Find("shadow")) {
    rule->shadow = ReadBool(*shadow, "shadow", diagnostics).value_or(false);
  }
}

}  // namespace barograph::server
