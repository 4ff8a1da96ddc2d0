#include "server/notify/webhook/signature.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>

#include "storage/base/digest.h"

namespace barograph::server {

namespace {

constexpr std::string_view kSecretPrefix = "whsec_";
constexpr std::size_t kKeyBytesMin = 24;
constexpr std::size_t kRawKeyBytesMin = 16;
constexpr std::size_t kKeyBytesMax = 64;

}  // namespace

std::string Base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

Result<std::string> DecodeBase64(std::string_view text) {
  if (text.size() % 4 != 0) return Error(ErrorCode::kInvalidArgument, "not base64");
  std::string bytes(text.size() / 4 * 3 + 1, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0) return Error(ErrorCode::kInvalidArgument, "not base64");
  // EVP_DecodeBlock counts padding as zero bytes.
  const auto padding = static_cast<int>(text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0);
  bytes.resize(static_cast<std::size_t>(size - padding));
  return bytes;
}

Result<WebhookSigner> WebhookSigner::Make(const std::vector<std::string>& secrets) {
  WebhookSigner signer;
  for (const std::string& secret : secrets) {
    std::string key = secret;
    std::size_t least = kRawKeyBytesMin;
    if (secret.starts_with(kSecretPrefix)) {
      auto decoded = DecodeBase64(std::string_view(secret).substr(kSecretPrefix.size()));
      if (!decoded.ok()) {
        return Error(ErrorCode::kInvalidArgument,
                     "webhook secret: what follows \"whsec_\" is not base64");
      }
      key = std::move(decoded).value();
      least = kKeyBytesMin;
    }
    if (key.size() < least || key.size() > kKeyBytesMax) {
      return Error(ErrorCode::kInvalidArgument, "webhook secret: " + std::to_string(key.size()) +
                                                    " bytes; from " + std::to_string(least) +
                                                    " to " + std::to_string(kKeyBytesMax) +
                                                    " are wanted");
    }
    signer.keys_.push_back(std::move(key));
  }
  return signer;
}

std::string WebhookSigner::Sign(std::string_view id, std::int64_t unix_seconds,
                                std::string_view body) const {
  std::string content;
  content.reserve(id.size() + body.size() + 24);
  content.append(id).append(".").append(std::to_string(unix_seconds)).append(".").append(body);
  std::string header;
  for (const std::string& key : keys_) {
    if (!header.empty()) header += " ";
    header += "v1," + Base64(Bytes(HmacSha256(key, content)));
  }
  return header;
}

bool WebhookSigner::Verify(std::string_view id, std::int64_t unix_seconds, std::string_view body,
                           std::string_view header) const {
  const std::string expected = Sign(id, unix_seconds, body);
  const auto words = [](std::string_view text, const auto& visit) {
    while (!text.empty()) {
      const std::size_t end = std::min(text.find(' '), text.size());
      if (end > 0) visit(text.substr(0, end));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
  };
  bool fits = false;
  words(header, [&](std::string_view given) {
    words(expected, [&](std::string_view own) {
      fits |=
          given.size() == own.size() && CRYPTO_memcmp(given.data(), own.data(), own.size()) == 0;
    });
  });
  return fits;
}

}  // namespace barograph::server
