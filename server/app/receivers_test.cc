#include "server/app/receivers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace barograph::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

rules::ReceiverSpec Webhook(std::string url, std::string secret = "") {
  rules::ReceiverSpec receiver;
  receiver.name = "ops";
  receiver.target = std::move(url);
  receiver.secret_reference = std::move(secret);
  return receiver;
}

TEST(MakeSendersTest, MakesOneSenderPerReceiver) {
  TransferLoop loop;
  ::setenv("RECEIVERS_TEST_SECRET", "whsec_ZmFrZS1zZWNyZXQtZm9yLXRlc3RzLW9ubHk=", 1);
  rules::ReceiverSpec file;
  file.name = "digest";
  file.type = rules::ReceiverSpec::Type::kFile;
  file.target = "alerts.jsonl";
  const auto senders =
      MakeSenders({Webhook("http://127.0.0.1:1/", "env:RECEIVERS_TEST_SECRET"), file}, {}, loop);
  ASSERT_TRUE(senders.ok()) << senders.error().message();
  EXPECT_EQ(senders->size(), 2U);
}

TEST(MakeSendersTest, NamesTheReceiverAndNeverTheSecret) {
  TransferLoop loop;
  ::setenv("RECEIVERS_TEST_SHORT", "fake", 1);
  const auto refuses = [&](const rules::ReceiverSpec& receiver, const std::string& why) {
    const auto senders = MakeSenders({receiver}, {}, loop);
    ASSERT_FALSE(senders.ok());
    EXPECT_THAT(senders.error().message(),
                AllOf(HasSubstr("receiver \"ops\""), HasSubstr(why), Not(HasSubstr("fake"))));
  };
  refuses(Webhook("http://169.254.169.254/"), "never a receiver");
  refuses(Webhook("http://127.0.0.1:1/", "env:RECEIVERS_TEST_ABSENT"), "RECEIVERS_TEST_ABSENT");
  refuses(Webhook("http://127.0.0.1:1/", "env:RECEIVERS_TEST_SHORT"), "bytes");
}

TEST(MakeSendersTest, EveryTypeGetsItsSecrets) {
  using Type = rules::ReceiverSpec::Type;
  TransferLoop loop;
  ::setenv("RECEIVERS_TEST_URL", "https://hooks.example.org/services/fake", 1);
  ::setenv("RECEIVERS_TEST_KEY", "0123456789abcdef0123456789abcdef", 1);
  const auto of = [](Type type, const std::string& target, const std::string& secret) {
    rules::ReceiverSpec receiver;
    receiver.name = Name(type);
    receiver.type = type;
    receiver.target = target;
    receiver.secret_reference = secret;
    return receiver;
  };
  std::vector<rules::ReceiverSpec> all = {
      of(Type::kSlack, "", ""), of(Type::kConsole, "stderr", ""),
      of(Type::kPagerDuty, std::string(rules::kPagerDutyUrl), "env:RECEIVERS_TEST_KEY"),
      of(Type::kAlertmanager, "http://127.0.0.1:9093", ""),
      of(Type::kEmail, "smtp://127.0.0.1:25", "env:RECEIVERS_TEST_KEY")};
  all[0].url_reference = "env:RECEIVERS_TEST_URL";
  all[3].secret_headers = {{"Authorization", "env:RECEIVERS_TEST_KEY"}};
  const auto senders = MakeSenders(all, {"10.0.0.0/8"}, loop);
  ASSERT_TRUE(senders.ok()) << senders.error().message();
  EXPECT_EQ(senders->size(), 5U);
  EXPECT_FALSE(MakeSenders(all, {"10.0.0.0/99"}, loop).ok());
}

TEST(MakeSendersTest, ASecretUrlOrKeyThatIsWrongIsNotRepeated) {
  TransferLoop loop;
  ::setenv("RECEIVERS_TEST_BAD", "ftp://fake.example.org/fake", 1);
  rules::ReceiverSpec slack;
  slack.name = "ops";
  slack.type = rules::ReceiverSpec::Type::kSlack;
  slack.url_reference = "env:RECEIVERS_TEST_BAD";
  rules::ReceiverSpec pagerduty;
  pagerduty.name = "ops";
  pagerduty.type = rules::ReceiverSpec::Type::kPagerDuty;
  pagerduty.target = rules::kPagerDutyUrl;
  pagerduty.secret_reference = "env:RECEIVERS_TEST_BAD";
  for (const rules::ReceiverSpec& receiver : {slack, pagerduty}) {
    const auto senders = MakeSenders({receiver}, {}, loop);
    ASSERT_FALSE(senders.ok());
    EXPECT_THAT(senders.error().message(), AllOf(HasSubstr("ops"), Not(HasSubstr("fake"))));
  }
}

}  // namespace
}  // namespace barograph::server
