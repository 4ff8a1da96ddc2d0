#pragma once

#include <memory>

#include "server/notify/transfer/http_sender.h"
#include "storage/base/result.h"

namespace barograph::server {

/// An incoming webhook of Slack. Its URL is the secret: no message repeats it.
/// Errors: kInvalidArgument.
[[nodiscard]] Result<std::unique_ptr<Sender>> MakeSlackSender(TransferLoop& loop,
                                                              HttpOptions options);

}  // namespace barograph::server
