#include "rules/alert/route_tree.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace barograph::rules {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Op = LabelMatcher::Op;

RouteSpec Node(std::string receiver, std::vector<LabelMatcher> match = {}) {
  RouteSpec route;
  route.receiver = std::move(receiver);
  route.match = std::move(match);
  return route;
}

std::vector<std::string> Receivers(const RouteTree& tree, const storage::Labels& labels) {
  std::vector<std::string> names;
  for (const RouteNode* node : tree.Find(labels)) names.push_back(node->spec.receiver);
  return names;
}

TEST(RouteTreeTest, DeepestFirstSiblingThatFitsTakesAnAlert) {
  Routing routing;
  routing.route = Node("root");
  RouteSpec web = Node("web", {{"team", Op::kEqual, "web"}});
  web.children = {Node("web-critical", {{"severity", Op::kEqual, "critical"}})};
  routing.route.children = {web, Node("critical", {{"severity", Op::kEqual, "critical"}})};
  const RouteTree tree(routing);
  EXPECT_THAT(Receivers(tree, {{"team", "web"}, {"severity", "critical"}}),
              ElementsAre("web-critical"));
  EXPECT_THAT(Receivers(tree, {{"team", "web"}}), ElementsAre("web"));
  EXPECT_THAT(Receivers(tree, {{"severity", "critical"}}), ElementsAre("critical"));
  EXPECT_THAT(Receivers(tree, {}), ElementsAre("root"));
}

TEST(RouteTreeTest, ContinueAsksLaterSiblingsToo) {
  Routing routing;
  routing.route = Node("root");
  routing.route.children = {Node("audit", {{"rule", Op::kMatch, ".+"}}),
                            Node("web", {{"team", Op::kEqual, "web"}}),
                            Node("rest", {{"team", Op::kNotEqual, "data"}})};
  routing.route.children[0].proceeds = true;
  const RouteTree tree(routing);
  EXPECT_THAT(Receivers(tree, {{"rule", "r"}, {"team", "web"}}), ElementsAre("audit", "web"));
  EXPECT_THAT(Receivers(tree, {{"rule", "r"}}), ElementsAre("audit", "rest"));
  EXPECT_THAT(Receivers(tree, {{"rule", "r"}, {"team", "data"}}), ElementsAre("audit"));
}

TEST(RouteTreeTest, NodesHaveAlertmanagersPathsAndTwinsTellThemselvesApart) {
  Routing routing;
  routing.route = Node("root");
  RouteSpec twin = Node("a", {{"severity", Op::kEqual, "info"}});
  twin.proceeds = true;
  routing.route.children = {twin, Node("b", {{"severity", Op::kEqual, "info"}})};
  const RouteTree tree(routing);
  const auto nodes = tree.Find({{"severity", "info"}});
  ASSERT_EQ(nodes.size(), 2U);
  EXPECT_EQ(tree.root()->path, "{}");
  EXPECT_EQ(nodes[0]->path, "{}/{severity=\"info\"}");
  EXPECT_EQ(nodes[1]->path, "{}/{severity=\"info\"}#2");
  EXPECT_EQ(tree.ByPath(nodes[1]->path), nodes[1]);
  EXPECT_EQ(tree.ByPath("{}/{x}"), nullptr);
}

TEST(RouteTreeTest, WithoutARootReceiverNobodyIsTold) {
  EXPECT_THAT(RouteTree(Routing{}).Find({{"a", "b"}}), IsEmpty());
}

TEST(RouteTreeTest, MuteTimesThatTouchOneAnotherAreOneSilence) {
  Routing routing;
  routing.route = Node("root");
  RouteSpec child = Node("a", {{"a", Op::kEqual, "b"}});
  child.mute_times = {"evening", "night"};
  routing.route.children = {child};
  routing.mute_times = {{.name = "evening", .from_minute = 18 * 60, .to_minute = 22 * 60},
                        {.name = "night", .from_minute = 22 * 60, .to_minute = 6 * 60},
                        {.name = "other", .from_minute = 6 * 60, .to_minute = 7 * 60}};
  const RouteTree tree(routing);
  const RouteNode& node = *tree.Find({{"a", "b"}}).front();
  const Time evening = Time(std::chrono::hours(24 * 20'000 + 19));
  EXPECT_TRUE(node.IsMuted(evening));
  EXPECT_EQ(node.Audible(evening), Time(std::chrono::hours(24 * 20'001 + 6)));
  EXPECT_EQ(node.Audible(evening - std::chrono::hours(2)), evening - std::chrono::hours(2));
}

}  // namespace
}  // namespace barograph::rules
