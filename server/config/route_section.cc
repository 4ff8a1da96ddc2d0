#include "server/config/route_section.h"

#include <algorithm>
#include <array>
#include <utility>

#include "server/config/life_section.h"

namespace barograph::server {
namespace {

/// A child's way to have no escalation where its parent has one.
constexpr std::string_view kNoEscalation = "none";

/// A node with all below it. What it does not say it has from its parent.
rules::RouteSpec ReadRouteNode(const YamlNode& node, const rules::RouteSpec* parent,
                               Diagnostics* diagnostics) {
  rules::RouteSpec route;
  if (parent != nullptr) {
    route = *parent;
    route.match.clear();
    route.proceeds = false;
    route.mute_times.clear();
    route.children.clear();
  }
  MapReader map(node, parent == nullptr ? "`routes`" : "a route", diagnostics);
  const auto* receiver = parent == nullptr ? map.Require("receiver", "ops") : map.Find("receiver");
  if (receiver != nullptr) {
    route.receiver = ReadText(*receiver, "receiver", diagnostics).value_or("");
  }
  const auto* match =
      parent == nullptr ? map.Find("match") : map.Require("match", "{severity: critical}");
  if (match != nullptr) route.match = ReadMatchers(*match, "match", diagnostics);
  if (const auto* proceeds = map.Find("continue")) {
    route.proceeds = ReadBool(*proceeds, "continue", diagnostics).value_or(false);
  }
  if (const auto* group_by = map.Find("group_by")) {
    route.group_by = ReadTextList(*group_by, "group_by", diagnostics).value_or(route.group_by);
  }
  const auto span = [&](std::string_view key, Duration* into) {
    if (const auto* value = map.Find(key)) {
      *into = ReadDuration(*value, key, diagnostics).value_or(*into);
    }
  };
  span("group_wait", &route.group_wait);
  span("group_interval", &route.group_interval);
  span("repeat_interval", &route.repeat_interval);
  if (const auto* mute_times = map.Find("mute_times")) {
    route.mute_times =
        ReadTextList(*mute_times, "mute_times", diagnostics).value_or(route.mute_times);
  }
  if (const auto* escalation = map.Find("escalation")) {
    route.escalation = ReadText(*escalation, "escalation", diagnostics).value_or("");
    if (route.escalation == kNoEscalation) route.escalation.clear();
  }
  const auto* children = map.Find("children");
  map.Finish();
  if (children == nullptr) return route;
  if (children->kind != YamlNode::Kind::kSequence) {
    diagnostics->Add(children->position,
                     "children: must be a list of routes such as `- {match: {severity: critical}, "
                     "receiver: pager}`, not " +
                         std::string(children->KindName()));
    return route;
  }
  const rules::RouteSpec above = route;
  for (const YamlNode& child : children->items)
    route.children.push_back(ReadRouteNode(child, &above, diagnostics));
  return route;
}

}  // namespace

void ReadRoute(const YamlNode& node, RuleDraft* draft, Diagnostics* diagnostics) {
  if (draft->route_position.line > 0) {
    diagnostics->Add(node.position,
                     "`routes` is given twice; first at " + draft->route_position.ToString());
    return;
  }
  draft->route_position = node.position;
  const std::size_t before = diagnostics->count();
  draft->rules.route = ReadRouteNode(node, nullptr, diagnostics);
  draft->Place("routes", node);
  if (diagnostics->count() != before) draft->MarkBroken("routes");
}

}  // namespace barograph::server
