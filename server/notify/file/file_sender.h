#pragma once

#include <memory>
#include <string>

#include "server/notify/sender.h"
#include "storage/base/result.h"

namespace barograph::server {

/// Appends each notice as one line of JSON to a file: {"webhook_id", "at", "body"}. A body that is
/// no JSON is kept as text. The file is opened anew for every line, so that it may be rotated.
/// Created with mode 0600.
/// Errors: kInvalidArgument for an empty path; a write that fails is retried by the caller.
[[nodiscard]] Result<std::unique_ptr<Sender>> MakeFileSender(const std::string& path);

}  // namespace barograph::server
