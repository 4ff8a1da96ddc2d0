#include "server/config/life_section.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "server/config/rule_json.h"
#include "server/config/zone_table.h"

namespace barograph::server {
namespace {

using rules::LabelMatcher;
using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using Op = LabelMatcher::Op;

constexpr std::string_view kHead = R"(apiVersion: barograph/v1
receivers:
  - {name: ops, file: {path: ops.jsonl}}
  - {name: pager, file: {path: pager.jsonl}}
  - {name: lead, file: {path: lead.jsonl}}
)";

Result<rules::RuleSet> Load(const std::string& text, std::string_view timezone = "UTC") {
  return LoadRuleSet({{"rules.yaml", std::string(kHead) + text}}, timezone);
}

std::string Mistakes(const std::string& text) {
  const Result<rules::RuleSet> rules = Load(text);
  EXPECT_FALSE(rules.ok());
  return rules.ok() ? "" : std::string(rules.error().message());
}

TEST(LifeSectionTest, AChildHasFromItsParentWhatItDoesNotSay) {
  const Result<rules::RuleSet> rules = Load(R"(routes:
  receiver: ops
  group_by: [rule, agent]
  group_interval: 5m
  escalation: oncall
  children:
    - match: {severity: critical, team: [web, "a.b"]}
      receiver: pager
      continue: true
      mute_times: [nights]
      children:
        - {match: ['agent!="CMO"'], group_wait: 30s, escalation: none}
    - {match: ["severity=~\"warn.*\""]}
mute_times:
  - {name: nights, days: [mon-fri, sun], from: "22:00", to: "06:00", timezone: Europe/Berlin}
escalations: [{name: oncall, steps: [{after: 15m, receiver: lead}]}]
inhibitions: [{source: {severity: critical}, target: {severity: warning}, equal: [rule]}]
flapping: {fires: 3}
)");
  ASSERT_TRUE(rules.ok()) << rules.error().message();
  ASSERT_THAT(rules->route.children, SizeIs(2));
  const rules::RouteSpec& child = rules->route.children[0];
  EXPECT_EQ(child.receiver, "pager");
  EXPECT_THAT(child.group_by, ElementsAre("rule", "agent"));
  EXPECT_EQ(child.group_interval, minutes(5));
  EXPECT_EQ(child.escalation, "oncall");
  EXPECT_TRUE(child.proceeds);
  EXPECT_THAT(child.match, ElementsAre(LabelMatcher{"severity", Op::kEqual, "critical"},
                                       LabelMatcher{"team", Op::kMatch, "web|a\\.b"}));
  ASSERT_THAT(child.children, SizeIs(1));
  EXPECT_EQ(child.children[0].receiver, "pager");
  EXPECT_EQ(child.children[0].group_wait, std::chrono::seconds(30));
  EXPECT_EQ(child.children[0].escalation, "");
  EXPECT_FALSE(child.children[0].proceeds);
  EXPECT_THAT(child.children[0].mute_times, SizeIs(0));
  EXPECT_EQ(rules->route.children[1].receiver, "ops");
  EXPECT_EQ(rules->mute_times[0].weekdays, 0x5F);
  EXPECT_EQ(rules->mute_times[0].from_minute, 22 * 60);
  EXPECT_EQ(rules->flapping.fires, 3U);
  const std::string json = RuleSetToJson(*rules, -1);
  for (const char* part : {R"("continue":true)", R"("from":"22:00")", R"("after":"15m")",
                           R"("equal":["rule"])", R"("fires":3)"})
    EXPECT_THAT(json, HasSubstr(part));
}

TEST(LifeSectionTest, MuteTimeWithoutAZoneIsInThatOfTheConfiguration) {
  const std::string text =
      "routes: {receiver: ops}\nmute_times: [{name: nights, from: \"22:00\", to: \"06:00\"}]\n";
  const Result<rules::RuleSet> rules = Load(text, "America/New_York");
  ASSERT_TRUE(rules.ok()) << rules.error().message();
  EXPECT_EQ(rules->mute_times[0].timezone, "America/New_York");
  EXPECT_GT(rules->mute_times[0].offsets.size(), 60U);
  EXPECT_THAT(Load(text)->mute_times[0].offsets, SizeIs(0));
}

TEST(LifeSectionTest, OffsetsOfAZoneAreThoseOfItsClocks) {
  const auto berlin = ZoneOffsets("Europe/Berlin");
  ASSERT_TRUE(berlin.has_value());
  const auto at = [](const char* text) { return ParseTime(text).value(); };
  const auto has = [&](const char* from, std::int32_t seconds) {
    return std::find(berlin->begin(), berlin->end(), rules::ZoneOffset{at(from), seconds}) !=
           berlin->end();
  };
  EXPECT_TRUE(has("2026-03-29T01:00:00Z", 7200));
  EXPECT_TRUE(has("2026-10-25T01:00:00Z", 3600));
  EXPECT_EQ(berlin->front().from, at("2020-01-01T00:00:00Z"));
  EXPECT_LT(berlin->back().from, at("2060-01-01T00:00:00Z"));
  EXPECT_FALSE(ZoneOffsets("Europe/Atlantis").has_value());
}

TEST(LifeSectionTest, MistakesAreToldWithLineAndColumn) {
  EXPECT_THAT(Mistakes("routes: {receiver: ops, children: [{match: {a: b}, receiver: pagr}]}\n"),
              HasSubstr("rules.yaml:6:62: routes.children[0].receiver: 'pagr' is not among "
                        "`receivers`; did you mean 'pager'?"));
  EXPECT_THAT(Mistakes("routes: {receiver: ops, children: [{receiver: pager}]}\n"),
              HasSubstr("match"));
  EXPECT_THAT(Mistakes("routes: {receiver: ops, children: [{match: [severity]}]}\n"),
              HasSubstr("has no operator"));
  EXPECT_THAT(Mistakes("routes: {receiver: ops}\nmute_times: [{name: n, from: 25h}]\n"),
              HasSubstr("rules.yaml:7:30: from: '25h' is no time of day"));
  EXPECT_THAT(Mistakes("routes: {receiver: ops}\nmute_times: [{name: n, days: [someday]}]\n"),
              HasSubstr("'someday' is no day"));
  EXPECT_THAT(
      Mistakes("routes: {receiver: ops}\nmute_times: [{name: n, days: [mon], timezone: Moon}]\n"),
      HasSubstr("'Moon' is not in the zone database"));
  EXPECT_THAT(Mistakes("routes: {receiver: ops}\ninhibitions: [{source: {a: b}}]\n"),
              HasSubstr("target"));
}

}  // namespace
}  // namespace barograph::server
