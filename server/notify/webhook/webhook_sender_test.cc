#include "server/notify/webhook/webhook_sender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>

#include "server/notify/transfer/scripted_receiver.h"
#include "server/notify/webhook/signature.h"

namespace barograph::server {
namespace {

using testing::HasSubstr;
using Outcome = TryResult::Outcome;

constexpr const char* kSecret = "whsec_ZmFrZS1zZWNyZXQtZm9yLXRlc3RzLW9ubHk=";

WebhookOptions To(const std::string& url, Duration timeout = std::chrono::seconds(15)) {
  WebhookOptions options;
  options.http.transfer.url = url;
  options.http.transfer.timeout = timeout;
  return options;
}

TryResult SendOnce(const WebhookOptions& options, const std::string& body = "{}") {
  TransferLoop loop;
  auto sender = MakeWebhookSender(loop, options);
  EXPECT_TRUE(sender.ok());
  std::promise<TryResult> promise;
  sender.value()->Send({.notice_id = "ntc_1",
                        .content_type = "application/json",
                        .body = body,
                        .at = Time(std::chrono::seconds(1614265330))},
                       [&promise](TryResult result) { promise.set_value(std::move(result)); });
  return promise.get_future().get();
}

TEST(WebhookSenderTest, ReceiversCanVerifyWhatTheyGet) {
  ScriptedReceiver receiver({ScriptedReceiver::Status(204)});
  WebhookOptions options = To(receiver.url());
  options.secrets = {kSecret};
  const TryResult result = SendOnce(options, R"({"a":1})");
  EXPECT_EQ(result.outcome, Outcome::kDelivered) << result.detail;
  EXPECT_EQ(result.status_code, 204U);
  const auto requests = receiver.requests();
  ASSERT_EQ(requests.size(), 1U);
  const auto& headers = requests[0].headers;
  EXPECT_EQ(requests[0].body, R"({"a":1})");
  EXPECT_EQ(headers.at("webhook-id"), "ntc_1");
  EXPECT_EQ(headers.at("webhook-timestamp"), "1614265330");
  EXPECT_EQ(headers.at("content-type"), "application/json");
  EXPECT_TRUE(WebhookSigner::Make({kSecret})->Verify("ntc_1", 1614265330, requests[0].body,
                                                     headers.at("webhook-signature")));
}

TEST(WebhookSenderTest, TellsWhatMaySucceedLaterFromWhatNeverWill) {
  const auto answers = [](const std::string& answer, Outcome outcome, std::uint32_t status) {
    ScriptedReceiver receiver({answer});
    const TryResult result = SendOnce(To(receiver.url(), std::chrono::milliseconds(500)));
    EXPECT_EQ(result.outcome, outcome) << answer << result.detail;
    EXPECT_EQ(result.status_code, status) << answer;
  };
  answers(ScriptedReceiver::Status(200), Outcome::kDelivered, 200);
  answers(ScriptedReceiver::Status(500), Outcome::kRetry, 500);
  answers(ScriptedReceiver::Status(503), Outcome::kRetry, 503);
  answers(ScriptedReceiver::Status(429), Outcome::kRetry, 429);
  answers(ScriptedReceiver::Status(408), Outcome::kRetry, 408);
  answers(ScriptedReceiver::Status(400), Outcome::kRefused, 400);
  answers(ScriptedReceiver::Status(410), Outcome::kRefused, 410);
  answers(ScriptedReceiver::Status(302, "Location: http://169.254.169.254/\r\n"), Outcome::kRefused,
          302);
  answers("", Outcome::kRetry, 0);
  answers("hang", Outcome::kRetry, 0);
  answers("SSH-2.0-x\r\n\r\n", Outcome::kRetry, 0);
}

TEST(WebhookSenderTest, HonoursRetryAfter) {
  ScriptedReceiver receiver({ScriptedReceiver::Status(503, "Retry-After: 7\r\n")});
  EXPECT_EQ(SendOnce(To(receiver.url())).retry_after, std::chrono::seconds(7));
}

TEST(WebhookSenderTest, AnEndlessAnswerIsCut) {
  ScriptedReceiver receiver(
      {"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + std::string(200'000, 'x')});
  const TryResult result = SendOnce(To(receiver.url(), std::chrono::seconds(5)));
  EXPECT_EQ(result.outcome, Outcome::kDelivered) << "the status counts: " << result.detail;
}

TEST(WebhookSenderTest, NobodyThereIsRetried) {
  std::string url;
  { url = ScriptedReceiver({""}).url(); }
  const TryResult result = SendOnce(To(url));
  EXPECT_EQ(result.outcome, Outcome::kRetry);
  EXPECT_NE(result.detail, "");
}

TEST(WebhookSenderTest, ShuttingDownEndsEveryTry) {
  ScriptedReceiver receiver({"hang"});
  std::promise<TryResult> promise;
  {
    TransferLoop loop;
    auto sender = MakeWebhookSender(loop, To(receiver.url()));
    ASSERT_TRUE(sender.ok());
    sender.value()->Send({.notice_id = "n", .content_type = "t", .body = "b"},
                         [&promise](TryResult result) { promise.set_value(std::move(result)); });
    ASSERT_TRUE(receiver.Await(1));
  }
  EXPECT_EQ(promise.get_future().get().outcome, Outcome::kRetry);
}

}  // namespace
}  // namespace barograph::server
