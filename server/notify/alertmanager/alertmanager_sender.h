#pragma once

#include <memory>

#include "server/notify/transfer/http_sender.h"
#include "storage/base/result.h"

namespace barograph::server {

/// Posts to /api/v2/alerts below the URL that the options hold, which may have a path of its own.
/// Errors: kInvalidArgument.
[[nodiscard]] Result<std::unique_ptr<Sender>> MakeAlertmanagerSender(TransferLoop& loop,
                                                                     HttpOptions options);

}  // namespace barograph::server
