#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::server {

/// Signs as Standard Webhooks 1.0 says (standard-webhooks/spec): HMAC-SHA-256 over
/// "id.timestamp.body", base64, prefix "v1,". A secret is "whsec_" + base64 of 24 to 64 bytes, or
/// the raw bytes themselves where no prefix is given (then at least 16).
class WebhookSigner {
 public:
  /// Several secrets while a rotation is under way: all of them sign.
  /// Errors: kInvalidArgument; the message never holds the secret.
  [[nodiscard]] static Result<WebhookSigner> Make(const std::vector<std::string>& secrets);

  /// Value of the header `webhook-signature`.
  [[nodiscard]] std::string Sign(std::string_view id, std::int64_t unix_seconds,
                                 std::string_view body) const;
  /// As a receiver checks: any signature of the header fits any secret, compared in constant time.
  [[nodiscard]] bool Verify(std::string_view id, std::int64_t unix_seconds, std::string_view body,
                            std::string_view header) const;

 private:
  std::vector<std::string> keys_;
};

/// RFC 4648 with padding.
[[nodiscard]] std::string Base64(std::string_view bytes);
[[nodiscard]] Result<std::string> DecodeBase64(std::string_view text);

}  // namespace barograph::server
