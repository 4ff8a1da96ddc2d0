#include "server/config/receiver_section.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "server/config/rule_json.h"

namespace barograph::server {
namespace {

using testing::HasSubstr;
using testing::Not;
using Type = rules::ReceiverSpec::Type;

Result<rules::RuleSet> Load(const std::string& receiver, const std::string& more = "") {
  return LoadRuleSet({{"r.yaml", "apiVersion: barograph/v1\nroutes: {receiver: a}\n" + more +
                                     "receivers:\n  - {name: a, " + receiver + "}\n"}});
}

rules::ReceiverSpec Loaded(const std::string& receiver) {
  const auto rules = Load(receiver);
  EXPECT_TRUE(rules.ok()) << rules.error().message();
  return rules.ok() ? rules->receivers.at(0) : rules::ReceiverSpec();
}

std::string Refusal(const std::string& receiver, const std::string& more = "") {
  const auto rules = Load(receiver, more);
  EXPECT_FALSE(rules.ok()) << receiver;
  return rules.ok() ? "" : rules.error().message();
}

TEST(ReceiverSectionTest, EveryTypeIsReadWithItsKeys) {
  const auto slack = Loaded("slack: {url: {env: SLACK_URL}}");
  EXPECT_EQ(slack.type, Type::kSlack);
  EXPECT_EQ(slack.url_reference, "env:SLACK_URL");
  EXPECT_EQ(slack.rate_limit, rules::kSlackRate);
  const auto pager = Loaded("pagerduty: {routing_key: {file: key}, rate_limit: 10/30s}");
  EXPECT_EQ(pager.secret_reference, "file:key");
  EXPECT_EQ(pager.target, rules::kPagerDutyUrl);
  EXPECT_EQ(pager.rate_limit, (rules::Rate{10, std::chrono::seconds(30)}));
  const auto am = Loaded("alertmanager: {url: 'http://am.example.org', resend: 30s, timeout: 2s}");
  EXPECT_EQ(am.resend, std::chrono::seconds(30));
  EXPECT_EQ(am.timeout, std::chrono::seconds(2));
  const auto mail = Loaded(
      "email: {to: [x@example.org], from: y@example.org, smtp: 'smtp://h:587', username: u, "
      "password: {env: P}, tls: starttls, ca_file: ca.pem}");
  EXPECT_EQ(mail.mail.tls, rules::MailSpec::Tls::kStartTls);
  EXPECT_EQ(mail.secret_reference, "env:P");
  EXPECT_EQ(mail.ca_file, "ca.pem");
  EXPECT_EQ(Loaded("email: {to: [x@example.org], from: y@example.org, smtp: 'smtps://h'}").mail.tls,
            rules::MailSpec::Tls::kTls);
  EXPECT_EQ(Loaded("console: {}").target, "stdout");
  EXPECT_EQ(Loaded("console: {stream: stderr, send_resolved: false}").target, "stderr");
  const auto hook = Loaded(
      "webhook: {url: {env: URL}, template: '{{title}}', headers: {X-A: b, Authorization: {env: "
      "TOKEN}}}");
  EXPECT_EQ(hook.format, rules::ReceiverSpec::Format::kTemplate);
  EXPECT_EQ(hook.content_type, "application/json");
  EXPECT_EQ(hook.url_reference, "env:URL");
  EXPECT_EQ(hook.secret_headers.at("Authorization"), "env:TOKEN");
}

TEST(ReceiverSectionTest, MistakesAreToldWithTheirPlaceAndTheNearestName) {
  const auto refuses = [](const std::string& receiver, const std::string& told) {
    EXPECT_THAT(Refusal(receiver), HasSubstr(told));
  };
  refuses("slack: {url: {env: A}, chanel: x}", "r.yaml:4:38: unknown key 'chanel' in `slack`");
  refuses("slak: {url: {env: A}}", "did you mean 'slack'?");
  refuses("pagerduty: {}", "lacks 'routing_key'; write e.g. `routing_key: {env: PAGERDUTY_KEY}`");
  refuses("pagerduty: {routing_kee: {env: A}}", "did you mean 'routing_key'?");
  refuses("email: {to: x@example.org, from: y@example.org, smtp: 'smtp://h'}", "[x@example.org]");
  refuses("email: {to: [x], from: y@example.org, smtp: 'smtp://h'}",
          "receivers[0].email.to[0]: 'x' is no mail address");
  refuses("email: {to: [x@e.org], from: y@e.org, smtp: 'smtp://h', tls: startls}",
          "did you mean 'starttls'?");
  refuses("console: {rate_limit: fast}", "rate_limit: 'fast' is no rate");
  refuses("console: {rate_limit: 5/0s}", "is no rate");
  refuses("console: {}, file: {path: x}", "exactly one of");
  refuses("webhook: {url: 'http://x', template: '{{titel}}'}", "did you mean 'title'?");
  refuses("webhook: {url: 'http://x', format: barograph, template: '{{title}}'}",
          "stands beside another `format`");
  refuses("alertmanager: {url: 'http://x', headers: [a]}", "headers: is a list");
}

TEST(ReceiverSectionTest, ASecretThatStandsInTheFileIsRefusedWithoutRepeatingIt) {
  for (const std::string receiver :
       {"slack: {url: 'https://hooks.example.org/hunter2'}", "pagerduty: {routing_key: hunter2}",
        "email: {to: [x@example.org], from: y@example.org, smtp: 'smtp://h', username: u, "
        "password: hunter2}"}) {
    const std::string told = Refusal(receiver);
    EXPECT_THAT(told, HasSubstr("{env: NAME}"));
    EXPECT_THAT(told, Not(HasSubstr("hunter2")));
  }
}

TEST(ReceiverSectionTest, PrivateNetworksAreNamedByTheConfiguration) {
  const auto rules = Load("console: {}", "allow_private: [10.0.0.0/8, 'fd00::/8']\n");
  ASSERT_TRUE(rules.ok()) << rules.error().message();
  EXPECT_THAT(rules->allow_private, testing::ElementsAre("10.0.0.0/8", "fd00::/8"));
  EXPECT_THAT(Refusal("console: {}", "allow_private: [10.0.0.0/40]\n"),
              HasSubstr("r.yaml:3:17: allow_private[0]"));
}

TEST(ReceiverSectionTest, WhatIsPrintedCanBeReadAgainAndHoldsNoSecret) {
  const auto rules = Load("slack: {url: {env: SLACK_URL}}");
  const std::string json = RuleSetToJson(*rules, -1);
  EXPECT_THAT(json, HasSubstr(R"("url":{"env":"SLACK_URL"},"send_resolved":true,)"
                              R"("rate_limit":"60/m","timeout":"15s")"));
  for (const std::string receiver :
       {"email: {to: [x@example.org], from: y@example.org, smtp: 'smtp://h:587', username: u, "
        "password: {env: P}}",
        "pagerduty: {routing_key: {env: K}, rate_limit: 90/h}",
        "alertmanager: {url: 'http://x', headers: {A: b, C: {env: D}}}",
        "webhook: {url: 'http://x', template: '{{title}}', content_type: text/plain}",
        "console: {stream: stderr}", "file: {path: a}"}) {
    const auto first = Load(receiver);
    ASSERT_TRUE(first.ok()) << first.error().message();
    auto printed = nlohmann::ordered_json::parse(RuleSetToJson(*first));
    printed.erase("timezone");  // stands in barograph.yaml
    const auto again = LoadRuleSet({{"again.yaml", printed.dump()}});
    ASSERT_TRUE(again.ok()) << again.error().message();
    EXPECT_EQ(again->receivers, first->receivers);
  }
}

TEST(ReceiverSectionTest, EveryExampleOfTheDocumentationLoads) {
  std::ifstream file(std::string(BAROGRAPH_SOURCE_DIR) + "/docs/receivers.md");
  const std::string page(std::istreambuf_iterator<char>(file), {});
  constexpr std::string_view kBegin = "```yaml\n";
  int examples = 0;
  for (std::size_t at = page.find(kBegin); at != std::string::npos; at = page.find(kBegin, at)) {
    at += kBegin.size();
    const std::string example = page.substr(at, page.find("```", at) - at);
    const auto rules = LoadRuleSet({{"receivers.md", example}});
    EXPECT_TRUE(rules.ok()) << example << rules.error().message();
    ++examples;
  }
  EXPECT_GE(examples, 8);
}

}  // namespace
}  // namespace barograph::server
