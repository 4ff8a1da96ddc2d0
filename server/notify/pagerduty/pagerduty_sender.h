#pragma once

#include <memory>
#include <string>

#include "server/notify/transfer/http_sender.h"
#include "storage/base/result.h"

namespace barograph::server {

/// PagerDuty's Events API v2: puts the routing key into the event that the log holds without it.
/// Errors: kInvalidArgument (URL, or a key that is not 32 visible characters; the message never
///         holds it).
[[nodiscard]] Result<std::unique_ptr<Sender>> MakePagerDutySender(TransferLoop& loop,
                                                                  const std::string& routing_key,
                                                                  HttpOptions options);

}  // namespace barograph::server
