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
  WebhookClient client;
  ::setenv("RECEIVERS_TEST_SECRET", "whsec_ZmFrZS1zZWNyZXQtZm9yLXRlc3RzLW9ubHk=", 1);
  rules::ReceiverSpec file;
  file.name = "digest";
  file.type = rules::ReceiverSpec::Type::kFile;
  file.target = "alerts.jsonl";
  const auto senders =
      MakeSenders({Webhook("http://127.0.0.1:1/", "env:RECEIVERS_TEST_SECRET"), file}, client);
  ASSERT_TRUE(senders.ok()) << senders.error().message();
  EXPECT_EQ(senders->size(), 2U);
}

TEST(MakeSendersTest, NamesTheReceiverAndNeverTheSecret) {
  WebhookClient client;
  ::setenv("RECEIVERS_TEST_SHORT", "fake", 1);
  const auto refuses = [&](const rules::ReceiverSpec& receiver, const std::string& why) {
    const auto senders = MakeSenders({receiver}, client);
    ASSERT_FALSE(senders.ok());
    EXPECT_THAT(senders.error().message(),
                AllOf(HasSubstr("receiver \"ops\""), HasSubstr(why), Not(HasSubstr("fake"))));
  };
  refuses(Webhook("http://169.254.169.254/"), "never a receiver");
  refuses(Webhook("http://127.0.0.1:1/", "env:RECEIVERS_TEST_ABSENT"), "RECEIVERS_TEST_ABSENT");
  refuses(Webhook("http://127.0.0.1:1/", "env:RECEIVERS_TEST_SHORT"), "bytes");
}

}  // namespace
}  // namespace barograph::server
