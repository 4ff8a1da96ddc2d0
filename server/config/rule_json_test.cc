#include "server/config/rule_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "server/config/footprint.h"
#include "server/config/rule_file.h"

namespace barograph::server {
namespace {

// JSON is YAML: what is printed can be read as a rule file and gives the same rules.
TEST(RuleJsonTest, WhatIsPrintedReadsBackAsTheSameRules) {
  for (const char* name : {"fleet.yaml", "anchors.yaml", "event_rules.yaml"}) {
    std::ostringstream text;
    text << std::ifstream(std::filesystem::path(BAROGRAPH_SOURCE_DIR) / "tests/golden/rules" / name)
                .rdbuf();
    const auto rules = LoadRuleSet({{name, text.str()}});
    ASSERT_TRUE(rules.ok()) << rules.error().message();
    auto json = nlohmann::ordered_json::parse(RuleSetToJson(*rules));
    json.erase("timezone");  // stands in barograph.yaml
    for (auto& slo : json["slos"]) {
      if (slo["burn"].empty())
        slo.erase("burn");  // an objective of 100 % has no rows, and says so by having none
    }
    const auto again = LoadRuleSet({{"printed", json.dump()}});
    ASSERT_TRUE(again.ok()) << again.error().message() << json.dump(1);
    EXPECT_EQ(*again, *rules) << json.dump(1);
  }
}

TEST(RuleJsonTest, SecretsAppearAsTheirReference) {
  const auto rules =
      LoadRuleSet({{"r",
                    "apiVersion: barograph/v1\nroutes: {receiver: a}\n"
                    "receivers: [{name: a, webhook: {url: 'http://x', secret: {env: HOOK}}}]"}});
  ASSERT_TRUE(rules.ok()) << rules.error().message();
  EXPECT_THAT(RuleSetToJson(*rules, -1), testing::HasSubstr(R"("secret":{"env":"HOOK"})"));
}

TEST(FootprintTest, CountsWhatRulesAdd) {
  const auto rules = LoadRuleSet({{"r",
                                   "apiVersion: barograph/v1\nslos:\n"
                                   "  - {name: a, good: requests.ok, total: requests, by: [agent, "
                                   "model], objective: 99%, period: 30d}\n"
                                   "  - {name: b, good: {measure: request.duration, at_most: 1s}, "
                                   "total: requests, objective: 99%, period: 30d}\n"}});
  ASSERT_TRUE(rules.ok()) << rules.error().message();
  const Footprint footprint = EstimateFootprint(*rules, ServerConfig());
  EXPECT_EQ(footprint.slos, 2U);
  EXPECT_EQ(footprint.burn_rows, 8U);
  EXPECT_EQ(footprint.projections, 2U);
  EXPECT_EQ(footprint.exact_counters, 1U);
  ServerConfig larger;
  larger.limits.queue_bytes += 1000;
  EXPECT_EQ(EstimateFootprint(*rules, larger).bytes_max, footprint.bytes_max + 1000);
  EXPECT_THAT(footprint.ToString(), testing::HasSubstr("2 SLOs with 8 burn rows"));
  EXPECT_THAT(footprint.ToString(), testing::Not(testing::HasSubstr("threshold")))
      << "kinds that are not used are not counted up";
}

}  // namespace
}  // namespace barograph::server
