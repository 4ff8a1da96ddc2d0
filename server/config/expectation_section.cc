#include "server/config/expectation_section.h"

#include <algorithm>
#include <utility>

#include "server/config/rule_section.h"

namespace barograph::server {
namespace {

/// `changes`, or `{changes: {type: DEPLOY, state: DONE}}`: a measure, and what its events must be.
rules::EventPattern ReadPattern(const YamlNode& node, std::string_view name,
                                Diagnostics* diagnostics) {
  rules::EventPattern pattern;
  if (node.kind == YamlNode::Kind::kScalar) {
    pattern.measure = node.text;
    return pattern;
  }
  if (node.kind != YamlNode::Kind::kMap || node.keys.size() != 1) {
    diagnostics->Add(node.position, std::string(name) + ": takes one measure; write e.g. `" +
                                        std::string(name) + ": {changes: {type: DEPLOY}}`");
    return pattern;
  }
  pattern.measure = node.keys.front().text;
  const YamlNode& where = node.items.front();
  if (where.kind != YamlNode::Kind::kNull) pattern.where = ReadWhere(where, diagnostics);
  return pattern;
}

}  // namespace

void ReadExpectation(const YamlNode& node, RuleDraft* draft, Diagnostics* diagnostics) {
  const std::size_t before = diagnostics->count();
  rules::ExpectationSpec expectation;
  MapReader map(node, "an expectation", diagnostics);
  if (!map.is_map()) return;
  ReadRuleCommon(map, &expectation.common);
  for (const std::string_view key : {"where", "by"}) {
    const YamlNode* given = map.Find(key);
    if (given == nullptr) continue;
    diagnostics->Add(
        given->position,
        std::string(key) + (key == "by" ? ": what must be equal in both events stands in `same`"
                                        : ": filters stand below `after` and `expect`"));
  }
  const YamlNode* after = map.Require("after", "{changes: {type: DEPLOY, state: DONE}}");
  if (after != nullptr) {
    rules::EventPattern pattern = ReadPattern(*after, "after", diagnostics);
    expectation.measure = std::move(pattern.measure);
    expectation.common.where = std::move(pattern.where);
  }
  if (const auto* expect = map.Require("expect", "{requests.ok: {route: /health}}")) {
    expectation.expect = ReadPattern(*expect, "expect", diagnostics);
  }
  const YamlNode* same = map.Find("same");
  if (same != nullptr) {
    expectation.common.by =
        ReadTextList(*same, "same", diagnostics).value_or(std::vector<std::string>());
    std::sort(expectation.common.by.begin(), expectation.common.by.end());
  }
  if (const auto* within = map.Require("within", "1m")) {
    expectation.within = ReadDuration(*within, "within", diagnostics).value_or(Duration(0));
  }
  map.Finish();
  if (diagnostics->count() != before || after == nullptr) return;
  const std::string path = "expects[" + std::to_string(draft->rules.expects.size()) + "]";
  // What Validate knows as `by` and `where` of the rule stands here under other names.
  if (same != nullptr) draft->Place(path + ".by", *same);
  if (after->kind == YamlNode::Kind::kMap) draft->Place(path + ".where", after->items.front());
  draft->Place(path, node);
  draft->rules.expects.push_back(std::move(expectation));
}

}  // namespace barograph::server
