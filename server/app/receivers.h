#pragma once

#include <string>
#include <vector>

#include "rules/spec/rule_spec.h"
#include "server/notify/outbox_worker.h"
#include "server/notify/transfer/transfer_loop.h"
#include "storage/base/result.h"

namespace barograph::server {

/// Makes a sender for each receiver of the rules; fetches their secrets.
/// Errors: kInvalidArgument naming the receiver and what is wrong with its target or secret.
[[nodiscard]] Result<OutboxWorker::Senders> MakeSenders(
    const std::vector<rules::ReceiverSpec>& receivers,
    const std::vector<std::string>& allow_private, TransferLoop& loop);

/// Their rate limits by name.
[[nodiscard]] OutboxWorker::Limits LimitsOf(const std::vector<rules::ReceiverSpec>& receivers);

}  // namespace barograph::server
