#include "rules/spec/receiver_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "rules/spec/rule_spec.h"

namespace barograph::rules {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using Type = ReceiverSpec::Type;

ReceiverSpec Mail() {
  ReceiverSpec receiver;
  receiver.name = "mail";
  receiver.type = Type::kEmail;
  receiver.target = "smtp://mail.example.org:587";
  receiver.secret_reference = "env:MAIL";
  receiver.mail = {{"ops@example.org", "b@example.org"}, "barograph@example.org", "user"};
  return receiver;
}

RuleSet AllTypes() {
  RuleSet rules;
  ReceiverSpec hook;
  hook.name = "hook";
  hook.target = "https://example.org/hook";
  hook.format = ReceiverSpec::Format::kTemplate;
  hook.body_template = "{{title}}\n";
  hook.content_type = "text/plain";
  hook.headers = {{"X-A", "b"}};
  hook.secret_headers = {{"Authorization", "env:TOKEN"}};
  hook.rate_limit = Rate{20, std::chrono::hours(1)};
  hook.timeout = std::chrono::seconds(3);
  ReceiverSpec slack;
  slack.name = "slack";
  slack.type = Type::kSlack;
  slack.url_reference = "env:SLACK_URL";
  slack.rate_limit = kSlackRate;
  ReceiverSpec pager;
  pager.name = "pager";
  pager.type = Type::kPagerDuty;
  pager.target = kPagerDutyUrl;
  pager.secret_reference = "file:/run/key";
  ReceiverSpec am;
  am.name = "am";
  am.type = Type::kAlertmanager;
  am.target = "http://127.0.0.1:9093";
  am.resend = std::chrono::seconds(30);
  am.ca_file = "ca.pem";
  ReceiverSpec console;
  console.name = "console";
  console.type = Type::kConsole;
  console.target = "stdout";
  rules.receivers = {hook, slack, pager, am, Mail(), console};
  rules.route.receiver = "hook";
  rules.allow_private = {"10.0.0.0/8"};
  return rules;
}

TEST(ReceiverSpecTest, EveryTypeIsValidAndComesBackFromItsText) {
  const RuleSet rules = AllTypes();
  for (const SpecError& error : Validate(rules)) ADD_FAILURE() << error.path << error.message;
  const auto back = DecodeRuleSet(EncodeRuleSet(rules));
  ASSERT_TRUE(back.ok()) << back.error().message();
  EXPECT_EQ(*back, rules);
}

TEST(ReceiverSpecTest, AReceiverWithoutTheLaterKeysHasTheTextThatItAlwaysHad) {
  RuleSet rules;
  ReceiverSpec hook;
  hook.name = "hook";
  hook.target = "https://example.org/hook";
  rules.receivers = {hook};
  EXPECT_THAT(EncodeRuleSet(rules), testing::EndsWith("receivers=1\nname=4:hook\ntype=0\nformat=0\n"
                                                      "target=24:https://example.org/hook\n"
                                                      "secret=0:\nsend_resolved=1\n"));
}

TEST(ReceiverSpecTest, MistakesAreToldAtTheirKey) {
  const auto rejects = [](ReceiverSpec receiver, const std::function<void(ReceiverSpec*)>& edit,
                          const std::string& path, const std::string& says) {
    edit(&receiver);
    EXPECT_THAT(ValidateReceivers({receiver}),
                Contains(AllOf(Field(&SpecError::path, "receivers[0]." + path),
                               Field(&SpecError::message, HasSubstr(says)))));
  };
  const RuleSet all = AllTypes();
  rejects(
      Mail(), [](auto* r) { r->mail.to[1] = "a@b\r\nBcc: c@d"; }, "email.to[1]", "no mail address");
  rejects(
      Mail(), [](auto* r) { r->mail.from = "ops"; }, "email.from", "no mail address");
  rejects(
      Mail(), [](auto* r) { r->mail.to.clear(); }, "email.to", "1 to 50");
  rejects(
      Mail(), [](auto* r) { r->mail.username = ""; }, "email.password", "belong together");
  rejects(
      Mail(), [](auto* r) { r->mail.tls = MailSpec::Tls::kNone; }, "email.tls", "plain text");
  rejects(
      Mail(), [](auto* r) { r->target = "smtps://x"; }, "email.tls", "first byte");
  rejects(
      Mail(), [](auto* r) { r->target = "http://x"; }, "email.smtp", "smtp://");
  rejects(
      all.receivers[0],
      [](auto* r) {
        r->headers = {{"Host", "x"}};
      },
      "webhook.headers.Host", "itself");
  rejects(
      all.receivers[0],
      [](auto* r) {
        r->headers = {{"A B", "x"}};
      },
      "webhook.headers.A B", "no name of a header");
  rejects(
      all.receivers[0],
      [](auto* r) {
        r->headers = {{"A", "x\r\ny"}};
      },
      "webhook.headers.A", "one line");
  rejects(
      all.receivers[0], [](auto* r) { r->body_template = ""; }, "webhook.template", "is empty");
  rejects(
      all.receivers[0], [](auto* r) { r->timeout = Duration(1); }, "webhook.timeout",
      "100ms to 1m");
  rejects(
      all.receivers[0], [](auto* r) { r->rate_limit->count = 0; }, "webhook.rate_limit", "count");
  rejects(
      all.receivers[1], [](auto* r) { r->url_reference = ""; }, "slack.url", "secret");
  rejects(
      all.receivers[2], [](auto* r) { r->secret_reference = ""; }, "pagerduty.routing_key",
      "secret");
  rejects(
      all.receivers[3], [](auto* r) { r->resend = std::chrono::seconds(1); }, "alertmanager.resend",
      "10s to 1h");
}

TEST(ReceiverSpecTest, ANetworkIsAnAddressWithOrWithoutItsPrefix) {
  for (const char* good : {"10.0.0.0/8", "10.1.2.3", "fd00::/8", "::1", "0.0.0.0/0"}) {
    EXPECT_EQ(NetworkMistake(good), "") << good;
  }
  for (const char* bad :
       {"10.0.0/8", "10.0.0.0/33", "fd00::/129", "x", "10.0.0.0/", "10.0.0.0/8x"}) {
    EXPECT_NE(NetworkMistake(bad), "") << bad;
  }
}

TEST(ReceiverSpecTest, OnlyAlertmanagerHearsOfWhatStandsStillMoreOftenThanTheRouteSays) {
  const RuleSet all = AllTypes();
  EXPECT_EQ(RepeatInterval(all.receivers[3], std::chrono::hours(4)), std::chrono::seconds(30));
  EXPECT_EQ(RepeatInterval(all.receivers[0], std::chrono::hours(4)), std::chrono::hours(4));
}

}  // namespace
}  // namespace barograph::rules
