#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/notify/sender.h"
#include "server/notify/transfer/address_guard.h"
#include "server/notify/transfer/transfer_loop.h"
#include "storage/base/result.h"

namespace barograph::server {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpOptions {
  TransferOptions transfer;
  GuardOptions guard;
  HttpHeaders headers;  ///< at every try
  /// Headers of one try.
  std::function<HttpHeaders(const Attempt&)> sign;
  /// The bytes to send of the frozen body, where a secret belongs into them. Pure.
  std::function<std::string(const std::string&)> seal;
};

/// POSTs a notice's body. 2xx is delivered; 408, 425, 429, 5xx and failures of the network may
/// succeed later, with Retry-After; anything else, redirects too, is refused for good.
/// Errors: kInvalidArgument (URL).
[[nodiscard]] Result<std::unique_ptr<Sender>> MakeHttpSender(TransferLoop& loop,
                                                             HttpOptions options);

}  // namespace barograph::server
