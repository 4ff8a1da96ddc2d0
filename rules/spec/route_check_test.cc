#include "rules/spec/route_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace barograph::rules {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Op = LabelMatcher::Op;

RuleSet Routed() {
  RuleSet rules;
  for (const char* name : {"ops", "pager", "lead"}) {
    ReceiverSpec receiver;
    receiver.name = name;
    receiver.target = "http://127.0.0.1:9000/hook";
    rules.receivers.push_back(std::move(receiver));
  }
  rules.route.receiver = "ops";
  return rules;
}

RouteSpec Child(std::vector<LabelMatcher> match) {
  RouteSpec child;
  child.receiver = "pager";
  child.match = std::move(match);
  return child;
}

auto Tells(const std::string& path, const std::string& message) {
  return AllOf(Field(&SpecError::path, path), Field(&SpecError::message, HasSubstr(message)));
}

TEST(RouteCheckTest, ATreeWithAllItsPartsIsFine) {
  RuleSet rules = Routed();
  RouteSpec child = Child({{"severity", Op::kEqual, "critical"}});
  child.mute_times = {"nights"};
  child.escalation = "oncall";
  rules.route.children = {child, Child({{"severity", Op::kEqual, "info"}})};
  rules.mute_times.push_back({.name = "nights", .from_minute = 22 * 60, .to_minute = 6 * 60});
  rules.escalations.push_back({"oncall", {{minutes(15), "lead"}, {hours(1), "pager"}}});
  rules.inhibitions.push_back(
      {{{"severity", Op::kEqual, "critical"}}, {{"severity", Op::kEqual, "warning"}}, {"rule"}});
  EXPECT_THAT(Validate(rules), IsEmpty());
  const Result<RuleSet> back = DecodeRuleSet(EncodeRuleSet(rules));
  ASSERT_TRUE(back.ok()) << back.error().message();
  EXPECT_EQ(*back, rules);
}

TEST(RouteCheckTest, WhatIsNotUsedLeavesTheTextAsEarlierVersionsWroteIt) {
  const std::string text = EncodeRuleSet(Routed());
  for (const char* added : {"match=", "children=", "inhibitions=", "flapping=", "mute"})
    EXPECT_EQ(text.find(added), std::string::npos) << added;
}

TEST(RouteCheckTest, RouteThatNoAlertReachesIsTold) {
  RuleSet rules = Routed();
  const LabelMatcher critical = {"severity", Op::kEqual, "critical"};
  rules.route.children = {Child({critical}), Child({{"agent", Op::kEqual, "a"}, critical})};
  EXPECT_THAT(Validate(rules), ElementsAre(Tells("routes.children[1]", "no alert can reach")));
  rules.route.children[0].proceeds = true;
  EXPECT_THAT(Validate(rules), IsEmpty());
}

TEST(RouteCheckTest, NamesThatNothingBearsAreToldWithTheNearestOne) {
  RuleSet rules = Routed();
  RouteSpec child = Child({{"severity", Op::kEqual, "critical"}});
  child.receiver = "pagr";
  child.mute_times = {"nights"};
  child.escalation = "oncall";
  rules.route.children = {child};
  EXPECT_THAT(Validate(rules),
              ElementsAre(Tells("routes.children[0].receiver", "did you mean 'pager'?"),
                          Tells("routes.children[0].mute_times[0]", "is not among `mute_times`"),
                          Tells("routes.children[0].escalation", "is not among `escalations`")));
}

TEST(RouteCheckTest, RootTakesEveryAlertAndNeverFallsSilent) {
  RuleSet rules = Routed();
  rules.mute_times.push_back({.name = "nights", .from_minute = 22 * 60, .to_minute = 6 * 60});
  rules.route.match = {{"a", Op::kEqual, "b"}};
  rules.route.proceeds = true;
  rules.route.mute_times = {"nights"};
  EXPECT_THAT(Validate(rules), ElementsAre(Tells("routes.match", "every alert"),
                                           Tells("routes.continue", "no siblings"),
                                           Tells("routes.mute_times", "may not fall silent")));
}

TEST(RouteCheckTest, BrokenMatchersInhibitionsMuteTimesAndLaddersAreTold) {
  RuleSet rules = Routed();
  rules.route.children = {Child({{"a", Op::kMatch, "("}})};
  rules.inhibitions = {{{}, {{"severity", Op::kEqual, "info"}}, {}},
                       {{{"a", Op::kEqual, "b"}}, {{"a", Op::kEqual, "b"}}, {}}};
  rules.mute_times = {{.name = "always"}, {.name = "never", .weekdays = 0}};
  rules.escalations = {{"falls", {{hours(1), "lead"}, {minutes(1), "nobody"}}}, {"empty", {}}};
  rules.flapping.fires = 1;
  EXPECT_THAT(
      Validate(rules),
      ElementsAre(Tells("mute_times[0]", "never ends"), Tells("mute_times[1].days", "no day"),
                  Tells("escalations[0].steps[1].receiver", "'nobody' is not among"),
                  Tells("escalations[0].steps[1].after", "not later"),
                  Tells("escalations[1].steps", "has 1 to 10"),
                  Tells("routes.children[0].match", "no regular expression"),
                  Tells("inhibitions[0].source", "fits every alert"),
                  Tells("inhibitions[1].target", "is what `source` is"),
                  Tells("flapping.fires", "outside 2 to 20")));
}

}  // namespace
}  // namespace barograph::rules
