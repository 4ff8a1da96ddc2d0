#include "rules/alert/route_tree.h"

#include <algorithm>
#include <utility>

#include "rules/alert/mute_clock.h"

namespace barograph::rules {
namespace {

/// Mute times that touch one another are walked through one by one; so many without an end stand
/// for hours that never end.
constexpr int kMuteStepsMax = 1'000;

}  // namespace

Routing RoutingOf(const RuleSet& rules) {
  return {rules.route,      rules.receivers,   rules.inhibitions,
          rules.mute_times, rules.escalations, rules.flapping};
}

bool RouteNode::IsMuted(Time at) const {
  return std::any_of(mute_times.begin(), mute_times.end(),
                     [&](const MuteTimeSpec& mute) { return rules::IsMuted(mute, at); });
}

Time RouteNode::Audible(Time at) const {
  for (int step = 0; step < kMuteStepsMax; ++step) {
    const auto muting =
        std::find_if(mute_times.begin(), mute_times.end(),
                     [&](const MuteTimeSpec& mute) { return rules::IsMuted(mute, at); });
    if (muting == mute_times.end()) break;
    at = MuteEnd(*muting, at);
  }
  return at;
}

RouteTree::RouteTree(const Routing& routing) {
  for (const ReceiverSpec& receiver : routing.receivers)
    receivers_.emplace(receiver.name, receiver);
  if (!routing.route.receiver.empty()) root_ = Add(routing.route, "", routing);
  for (const ReceiverSpec& receiver : routing.receivers) {
    RouteSpec spec;
    spec.receiver = receiver.name;
    spec.group_by = {"rule", "receiver"};
    spec.group_interval = Duration{0};
    spec.match = {{.name = "rule", .value = std::string(kTestRule)},
                  {.name = "receiver", .value = receiver.name}};
    tests_.emplace(receiver.name, Add(spec, "", routing));
  }
}

const RouteNode* RouteTree::Add(const RouteSpec& spec, const std::string& above,
                                const Routing& routing) {
  RouteNode& node = *nodes_.emplace_back(std::make_unique<RouteNode>());
  node.spec = spec;
  node.spec.children.clear();
  const std::string path = (above.empty() ? "" : above + "/") + MatchersText(spec.match);
  node.path = path;
  for (int twin = 2; by_path_.contains(node.path); ++twin)
    node.path = path + "#" + std::to_string(twin);
  by_path_.emplace(node.path, &node);
  node.match = MatcherSet(spec.match);
  for (const MuteTimeSpec& mute : routing.mute_times) {
    const auto& named = spec.mute_times;
    if (std::find(named.begin(), named.end(), mute.name) != named.end())
      node.mute_times.push_back(mute);
  }
  for (const EscalationSpec& escalation : routing.escalations) {
    if (escalation.name == spec.escalation) node.ladder = escalation.steps;
  }
  for (const RouteSpec& child : spec.children)
    node.children.push_back(Add(child, node.path, routing));
  return &node;
}

void RouteTree::Collect(const RouteNode& node, const storage::Labels& labels,
                        std::vector<const RouteNode*>* found) {
  const std::size_t before = found->size();
  for (const RouteNode* child : node.children) {
    if (!child->match.Fits(labels)) continue;
    Collect(*child, labels, found);
    if (!child->spec.proceeds) break;
  }
  if (found->size() == before) found->push_back(&node);
}

std::vector<const RouteNode*> RouteTree::Find(const storage::Labels& labels) const {
  std::vector<const RouteNode*> found;
  if (const auto rule = labels.find("rule"); rule != labels.end() && rule->second == kTestRule) {
    const auto receiver = labels.find("receiver");
    const auto test = receiver == labels.end() ? tests_.end() : tests_.find(receiver->second);
    if (test != tests_.end()) found.push_back(test->second);
    return found;
  }
  if (root_ != nullptr && !IsShadow(labels)) Collect(*root_, labels, &found);
  return found;
}

const RouteNode* RouteTree::ByPath(std::string_view path) const {
  const auto found = by_path_.find(path);
  return found == by_path_.end() ? nullptr : found->second;
}

const ReceiverSpec* RouteTree::Receiver(std::string_view name) const {
  const auto found = receivers_.find(name);
  return found == receivers_.end() ? nullptr : &found->second;
}

}  // namespace barograph::rules
