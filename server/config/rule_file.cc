#include "server/config/rule_file.h"

#include <algorithm>
#include <utility>

#include "server/config/absence_section.h"
#include "server/config/budget_section.h"
#include "server/config/expectation_section.h"
#include "server/config/life_section.h"
#include "server/config/notice_section.h"
#include "server/config/receiver_section.h"
#include "server/config/route_section.h"
#include "server/config/rule_section.h"
#include "server/config/slo_section.h"
#include "server/config/threshold_section.h"

namespace barograph::server {
namespace {

// Natural dimensions and labels of a `where:` or `series:` line.
std::vector<rules::Projection::Filter> SortedFilters(
    std::vector<rules::Projection::Filter> filters) {
  std::sort(filters.begin(), filters.end());
  return filters;
}

void ReadSeries(const YamlNode& node, RuleDraft* draft, Diagnostics* diagnostics) {
  const std::size_t before = diagnostics->count();
  MapReader map(node, "a series line", diagnostics);
  rules::Projection projection;
  if (const YamlNode* by = map.Find("by")) {
    projection.by = ReadTextList(*by, "by", diagnostics).value_or(std::vector<std::string>());
    std::sort(projection.by.begin(), projection.by.end());
  }
  if (const YamlNode* where = map.Find("where")) {
    projection.where = SortedFilters(ReadWhere(*where, diagnostics));
  }
  map.Finish();
  if (diagnostics->count() != before) return;
  draft->Place("series[" + std::to_string(draft->rules.series.size()) + "]", node);
  draft->rules.series.push_back(std::move(projection));
}

// Calls `read` for each item of a list section.
template <typename Read>
void ReadItems(MapReader& map, std::string_view key, const Read& read) {
  const YamlNode* node = map.Find(key);
  if (node == nullptr) return;
  if (node->kind != YamlNode::Kind::kSequence) {
    map.diagnostics().Add(node->position, std::string(key) +
                                              ": must be a list whose items start with `- `, not " +
                                              std::string(node->KindName()));
    return;
  }
  for (const YamlNode& item : node->items) read(item);
}

void ReadLabels(const YamlNode& node, RuleDraft* draft, Diagnostics* diagnostics) {
  const auto labels = ReadTextList(node, "labels", diagnostics);
  if (!labels) return;
  for (std::size_t i = 0; i < labels->size(); ++i) {
    std::vector<std::string>& all = draft->rules.labels;
    if (std::find(all.begin(), all.end(), (*labels)[i]) != all.end()) continue;
    draft->Place("labels[" + std::to_string(all.size()) + "]", node.items[i]);
    all.push_back((*labels)[i]);
  }
}

}  // namespace

void RuleDraft::Place(const std::string& path, const YamlNode& node) {
  places_.emplace(path, node.position);
  for (std::size_t i = 0; i < node.items.size(); ++i) {
    Place(node.kind == YamlNode::Kind::kMap ? path + "." + node.keys[i].text
                                            : path + "[" + std::to_string(i) + "]",
          node.items[i]);
  }
}

Position RuleDraft::Find(std::string_view path) const {
  while (!path.empty()) {
    if (const auto found = places_.find(path); found != places_.end()) return found->second;
    const std::size_t cut = path.find_last_of(".[");
    path = path.substr(0, cut == std::string_view::npos ? 0 : cut);
  }
  return {};
}

bool RuleDraft::IsBroken(std::string_view path) const {
  return std::any_of(broken_.begin(), broken_.end(), [&](const std::string& prefix) {
    return path.starts_with(prefix) && (path.size() == prefix.size() ||
                                        path[prefix.size()] == '.' || path[prefix.size()] == '[');
  });
}

void ReadApiVersion(MapReader& map) {
  const YamlNode* version = map.Require("apiVersion", kApiVersion);
  if (version == nullptr) return;
  const auto text = ReadText(*version, "apiVersion", &map.diagnostics());
  if (!text || *text == kApiVersion) return;
  map.diagnostics().Add(version->position, "apiVersion: '" + *text + "' is not supported; write " +
                                               std::string(kApiVersion));
}

void ReadSharedSections(MapReader& map, RuleDraft* draft) {
  Diagnostics* diagnostics = &map.diagnostics();
  if (const YamlNode* labels = map.Find("labels")) ReadLabels(*labels, draft, diagnostics);
  ReadItems(map, "series", [&](const YamlNode& item) { ReadSeries(item, draft, diagnostics); });
  if (const YamlNode* routes = map.Find("routes")) ReadRoute(*routes, draft, diagnostics);
  ReadItems(map, "receivers",
            [&](const YamlNode& item) { ReadReceiver(item, draft, diagnostics); });
  ReadItems(map, "inhibitions",
            [&](const YamlNode& item) { ReadInhibition(item, draft, diagnostics); });
  ReadItems(map, "mute_times",
            [&](const YamlNode& item) { ReadMuteTime(item, draft, diagnostics); });
  ReadItems(map, "escalations",
            [&](const YamlNode& item) { ReadEscalation(item, draft, diagnostics); });
  if (const YamlNode* flapping = map.Find("flapping")) ReadFlapping(*flapping, draft, diagnostics);
  if (const YamlNode* allowed = map.Find("allow_private")) {
    ReadAllowPrivate(*allowed, draft, diagnostics);
  }
}

void ReadRuleSections(MapReader& map, RuleDraft* draft) {
  Diagnostics* diagnostics = &map.diagnostics();
  ReadSharedSections(map, draft);
  ReadItems(map, "slos", [&](const YamlNode& item) { ReadSlo(item, draft, diagnostics); });
  ReadItems(map, "budgets", [&](const YamlNode& item) { ReadBudget(item, draft, diagnostics); });
  ReadItems(map, "goals", [&](const YamlNode& item) { ReadGoal(item, draft, diagnostics); });
  ReadItems(map, "derived", [&](const YamlNode& item) { ReadDerived(item, draft, diagnostics); });
  ReadItems(map, "thresholds",
            [&](const YamlNode& item) { ReadThreshold(item, draft, diagnostics); });
  ReadItems(map, "absences", [&](const YamlNode& item) { ReadAbsence(item, draft, diagnostics); });
  ReadItems(map, "expects",
            [&](const YamlNode& item) { ReadExpectation(item, draft, diagnostics); });
  ReadItems(map, "notices", [&](const YamlNode& item) { ReadNotice(item, draft, diagnostics); });
}

void ReadRuleFile(const RuleSource& source, RuleDraft* draft, Diagnostics* diagnostics) {
  std::optional<YamlNode> tree = ParseYaml(source.text, source.name, diagnostics);
  if (!tree) return;
  FillFigures(draft->figures, &*tree, &draft->inert, diagnostics);
  MapReader map(*tree, "a rule file", diagnostics);
  ReadApiVersion(map);
  ReadRuleSections(map, draft);
  map.Finish();
}

void CheckRules(const RuleDraft& draft, Diagnostics* diagnostics) {
  for (const rules::SpecError& error : rules::Validate(draft.rules)) {
    if (draft.IsBroken(error.path)) continue;
    Position position = draft.Find(error.path);
    // Absent routes have no place of their own: the receivers that wait for them do.
    if (!position.file && error.path.starts_with("routes")) position = draft.Find("receivers[0]");
    diagnostics->Add(std::move(position), error.path + ": " + error.message);
  }
}

Result<rules::RuleSet> LoadRuleSet(const std::vector<RuleSource>& sources,
                                   std::string_view timezone, std::vector<InertRule>* inert) {
  RuleDraft draft;
  Diagnostics diagnostics;
  draft.rules.timezone = timezone;
  for (const RuleSource& source : sources) ReadRuleFile(source, &draft, &diagnostics);
  FinishMuteTimes(&draft);
  CheckRules(draft, &diagnostics);
  if (!diagnostics.empty()) return diagnostics.ToError();
  if (inert != nullptr) *inert = std::move(draft.inert);
  return std::move(draft.rules);
}

}  // namespace barograph::server
