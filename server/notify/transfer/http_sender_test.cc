#include "server/notify/transfer/http_sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "server/notify/pagerduty/pagerduty_sender.h"
#include "server/notify/slack/slack_sender.h"
#include "server/notify/transfer/scripted_receiver.h"

namespace barograph::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using Outcome = TryResult::Outcome;

constexpr const char* kKey = "fake5678fake5678fake5678fake5678";

TryResult Send(Sender& sender, const std::string& body) {
  std::promise<TryResult> promise;
  sender.Send({.notice_id = "ntc_1", .content_type = "application/json", .body = body},
              [&promise](TryResult result) { promise.set_value(std::move(result)); });
  return promise.get_future().get();
}

HttpOptions To(const std::string& url) {
  HttpOptions options;
  options.transfer.url = url;
  return options;
}

std::string Answer(int status, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" +
         body;
}

TEST(HttpSenderTest, TellsWhatTheReceiverAnsweredWithoutTheSecretsInIt) {
  ScriptedReceiver receiver({Answer(400, "bad\r\nurl /services/fakepath\x1B")});
  TransferLoop loop;
  auto sender = MakeSlackSender(loop, To(receiver.url() + "/services/fakepath"));
  ASSERT_TRUE(sender.ok());
  const TryResult result = Send(**sender, "{}");
  EXPECT_EQ(result.outcome, Outcome::kRefused);
  EXPECT_EQ(result.status_code, 400U);
  EXPECT_THAT(result.detail, AllOf(HasSubstr("HTTP 400: bad  url"), Not(HasSubstr("\x1B"))));
}

TEST(HttpSenderTest, NoResultRepeatsASecretUrl) {
  std::string url;
  {
    ScriptedReceiver receiver({Answer(404, "no /hook/fakepath here, nor hook/fakepath")});
    url = receiver.url() + "/fakepath";
    TransferLoop loop;
    auto sender = MakeSlackSender(loop, To(url));
    EXPECT_EQ(Send(**sender, "{}").detail, "HTTP 404: no /*** here, nor ***");
  }
  TransferLoop loop;
  auto sender = MakeSlackSender(loop, To(url));
  EXPECT_THAT(Send(**sender, "{}").detail, Not(HasSubstr("fakepath")));
}

TEST(HttpSenderTest, TheRoutingKeyIsSentAndNeverTold) {
  ScriptedReceiver receiver({Answer(400, std::string("no key ") + kKey), Answer(202, "{}")});
  TransferLoop loop;
  auto sender = MakePagerDutySender(loop, kKey, To(receiver.url()));
  ASSERT_TRUE(sender.ok());
  EXPECT_EQ(Send(**sender, R"({"event_action":"resolve"})").detail, "HTTP 400: no key ***");
  EXPECT_EQ(Send(**sender, R"({"event_action":"resolve"})").outcome, Outcome::kDelivered);
  EXPECT_EQ(receiver.requests().at(1).body,
            std::string(R"({"routing_key":")") + kKey + R"(","event_action":"resolve"})");
  const auto wrong = MakePagerDutySender(loop, "fake", To(receiver.url()));
  EXPECT_THAT(wrong.error().message(), Not(HasSubstr("fake")));
}

TEST(HttpSenderTest, FurtherHeadersAreSentAlsoEmptyOnes) {
  ScriptedReceiver receiver({ScriptedReceiver::Status(200)});
  TransferLoop loop;
  HttpOptions options = To(receiver.url());
  options.headers = {{"Authorization", "Bearer fake"}, {"X-Empty", ""}};
  auto sender = MakeHttpSender(loop, options);
  EXPECT_EQ(Send(**sender, "{}").outcome, Outcome::kDelivered);
  EXPECT_EQ(receiver.requests().at(0).headers.at("authorization"), "Bearer fake");
}

TEST(HttpSenderTest, AReloadMayEndASenderWhileItsTryIsUnderWay) {
  ScriptedReceiver receiver({"hang"});
  std::promise<TryResult> promise;
  TransferLoop loop;
  HttpOptions options = To(receiver.url());
  options.transfer.timeout = std::chrono::milliseconds(300);
  auto sender = MakeHttpSender(loop, options);
  (*sender)->Send({.notice_id = "n", .content_type = "t", .body = "b"},
                  [&promise](TryResult result) { promise.set_value(std::move(result)); });
  sender->reset();
  EXPECT_EQ(promise.get_future().get().outcome, Outcome::kRetry);
}

}  // namespace
}  // namespace barograph::server
