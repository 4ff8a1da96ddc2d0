#include "server/notify/webhook/webhook_sender.h"

#include <utility>

#include "server/notify/webhook/signature.h"

namespace barograph::server {

Result<std::unique_ptr<Sender>> MakeWebhookSender(TransferLoop& loop, WebhookOptions options) {
  BAROGRAPH_ASSIGN(WebhookSigner signer, WebhookSigner::Make(options.secrets));
  options.http.sign = [signer = std::move(signer)](const Attempt& attempt) {
    const auto at = std::chrono::floor<std::chrono::seconds>(attempt.at);
    const std::int64_t seconds = at.time_since_epoch().count();
    HttpHeaders headers{{"webhook-id", attempt.notice_id},
                        {"webhook-timestamp", std::to_string(seconds)}};
    std::string signature = signer.Sign(attempt.notice_id, seconds, attempt.body);
    if (!signature.empty()) headers.emplace_back("webhook-signature", std::move(signature));
    return headers;
  };
  for (const std::string& secret : options.secrets) options.http.transfer.hidden.push_back(secret);
  return MakeHttpSender(loop, std::move(options.http));
}

}  // namespace barograph::server
