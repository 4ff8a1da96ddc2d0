#include "server/notify/webhook/signature.h"

#include <gtest/gtest.h>

namespace barograph::server {
namespace {

// Test vector of the Standard Webhooks reference libraries.
constexpr std::string_view kVectorSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr std::string_view kVectorId = "msg_p5jXN8AQM9LWM0D4loKWxJek";
constexpr std::int64_t kVectorTime = 1614265330;
constexpr std::string_view kVectorBody = R"({"test": 2432232314})";
constexpr std::string_view kVectorSignature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

TEST(WebhookSignerTest, SignsLikeTheReferenceLibraries) {
  const auto signer = WebhookSigner::Make({std::string(kVectorSecret)});
  ASSERT_TRUE(signer.ok());
  EXPECT_EQ(signer->Sign(kVectorId, kVectorTime, kVectorBody), kVectorSignature);
}

TEST(WebhookSignerTest, EveryFlippedBitIsNoticed) {
  const auto signer = WebhookSigner::Make({std::string(kVectorSecret)});
  ASSERT_TRUE(signer.ok());
  ASSERT_TRUE(signer->Verify(kVectorId, kVectorTime, kVectorBody, kVectorSignature));
  for (std::size_t bit = 0; bit < kVectorBody.size() * 8; ++bit) {
    std::string body(kVectorBody);
    body[bit / 8] = static_cast<char>(body[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(signer->Verify(kVectorId, kVectorTime, body, kVectorSignature)) << bit;
  }
  EXPECT_FALSE(signer->Verify(kVectorId, kVectorTime + 1, kVectorBody, kVectorSignature));
  EXPECT_FALSE(signer->Verify("msg_other", kVectorTime, kVectorBody, kVectorSignature));
  EXPECT_FALSE(signer->Verify(kVectorId, kVectorTime, kVectorBody, ""));
}

TEST(WebhookSignerTest, BothSecretsOfARotationSign) {
  const std::string old_secret(kVectorSecret);
  const std::string new_secret = "whsec_ZmFrZS1zZWNyZXQtZm9yLXRlc3RzLW9ubHk=";
  const auto rotating = WebhookSigner::Make({new_secret, old_secret});
  const auto old_only = WebhookSigner::Make({old_secret});
  const auto new_only = WebhookSigner::Make({new_secret});
  ASSERT_TRUE(rotating.ok() && old_only.ok() && new_only.ok());
  const std::string header = rotating->Sign("id", 1, "body");
  EXPECT_TRUE(old_only->Verify("id", 1, "body", header));
  EXPECT_TRUE(new_only->Verify("id", 1, "body", header));
}

TEST(WebhookSignerTest, RefusesSecretsThatAreTooShortWithoutShowingThem) {
  const auto refuses = [](const std::string& secret) {
    const auto signer = WebhookSigner::Make({secret});
    ASSERT_FALSE(signer.ok()) << secret;
    EXPECT_EQ(signer.error().message().find(secret), std::string::npos);
  };
  refuses("short");
  refuses("whsec_c2hvcnQ=");
  refuses("whsec_not base64");
}

TEST(Base64Test, IsTheInverseOfItself) {
  for (std::size_t size = 0; size < 70; ++size) {
    std::string bytes;
    for (std::size_t i = 0; i < size; ++i) bytes.push_back(static_cast<char>(i * 37));
    const auto decoded = DecodeBase64(Base64(bytes));
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ(decoded.value(), bytes);
  }
}

}  // namespace
}  // namespace barograph::server
