#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/notify/transfer/http_sender.h"
#include "storage/base/result.h"

namespace barograph::server {

/// A webhook as Standard Webhooks 1.0 has it: `webhook-id` and `webhook-timestamp` at every try,
/// and `webhook-signature` where there are secrets.
struct WebhookOptions {
  HttpOptions http;  ///< without `sign` and `seal`
  /// Signing secrets, newest first; empty: unsigned. See WebhookSigner.
  std::vector<std::string> secrets;
};

/// Errors: kInvalidArgument (URL or secret).
[[nodiscard]] Result<std::unique_ptr<Sender>> MakeWebhookSender(TransferLoop& loop,
                                                                WebhookOptions options);

}  // namespace barograph::server
