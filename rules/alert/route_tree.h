#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rules/spec/label_matcher.h"
#include "rules/spec/rule_spec.h"
#include "storage/base/clock.h"
#include "storage/event/server_event.h"

namespace barograph::rules {

/// Rule of the synthetic alerts that try a receiver; the label `receiver` says which. Each goes to
/// its receiver alone, at once and by no route, so that no mute time hides a mistake.
inline constexpr std::string_view kTestRule = "server.test";

/// Whom alerts are told to, and what holds them back: the part of the rule set that groups need.
struct Routing {
  RouteSpec route;  ///< nobody is told without a receiver at its root
  std::vector<ReceiverSpec> receivers;
  std::vector<InhibitionSpec> inhibitions;
  std::vector<MuteTimeSpec> mute_times;
  std::vector<EscalationSpec> escalations;
  FlapSpec flapping;
  friend bool operator==(const Routing&, const Routing&) = default;
};
[[nodiscard]] Routing RoutingOf(const RuleSet& rules);

/// A node of the routing tree, ready to use.
struct RouteNode {
  RouteSpec spec;  ///< without its children
  /// The matchers from the root down, as Alertmanager writes them: `{}/{severity="info"}`. Tells
  /// nodes apart: a second one with the same matchers has `#2` behind them.
  std::string path;
  MatcherSet match;
  std::vector<const RouteNode*> children;
  std::vector<MuteTimeSpec> mute_times;
  std::vector<EscalationSpec::Step> ladder;

  [[nodiscard]] bool IsMuted(Time at) const;
  /// First moment at or after `at` that no mute time covers.
  [[nodiscard]] Time Audible(Time at) const;
};

/// The routing tree with all names looked up.
///
/// Threads:  any; immutable.
/// Lifetime: nodes live as long as the tree.
class RouteTree {
 public:
  explicit RouteTree(const Routing& routing);

  /// The nodes that take an alert, in the order of the file: as in Alertmanager the deepest ones
  /// that fit, and of siblings the first, and later ones while that says `continue`. Empty without
  /// a root receiver, and for alerts of shadow rules. An alert of kTestRule has a node of its own.
  [[nodiscard]] std::vector<const RouteNode*> Find(const storage::Labels& labels) const;
  /// Null when there is none.
  [[nodiscard]] const RouteNode* ByPath(std::string_view path) const;
  /// Null when it is not configured.
  [[nodiscard]] const ReceiverSpec* Receiver(std::string_view name) const;
  [[nodiscard]] const RouteNode* root() const { return root_; }

 private:
  const RouteNode* Add(const RouteSpec& spec, const std::string& above, const Routing& routing);
  static void Collect(const RouteNode& node, const storage::Labels& labels,
                      std::vector<const RouteNode*>* found);

  std::vector<std::unique_ptr<RouteNode>> nodes_;
  std::map<std::string, const RouteNode*, std::less<>> by_path_;
  std::map<std::string, ReceiverSpec, std::less<>> receivers_;
  std::map<std::string, const RouteNode*, std::less<>> tests_;  ///< by receiver
  const RouteNode* root_ = nullptr;
};

}  // namespace barograph::rules
