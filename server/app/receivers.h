#pragma once

#include <vector>

#include "rules/spec/rule_spec.h"
#include "server/notify/outbox_worker.h"
#include "server/notify/webhook/webhook_sender.h"
#include "storage/base/result.h"

namespace barograph::server {

/// Makes a sender for each receiver of the rules; fetches their secrets.
/// Errors: kInvalidArgument naming the receiver and what is wrong with its target or secret.
[[nodiscard]] Result<OutboxWorker::Senders> MakeSenders(
    const std::vector<rules::ReceiverSpec>& receivers, WebhookClient& client);

}  // namespace barograph::server
