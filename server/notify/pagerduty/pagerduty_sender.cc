#include "server/notify/pagerduty/pagerduty_sender.h"

#include <algorithm>
#include <utility>

#include "server/notify/pagerduty/pagerduty_body.h"

namespace barograph::server {
namespace {

constexpr std::size_t kRoutingKeyLength = 32;

}  // namespace

Result<std::unique_ptr<Sender>> MakePagerDutySender(TransferLoop& loop,
                                                    const std::string& routing_key,
                                                    HttpOptions options) {
  const bool visible = std::all_of(routing_key.begin(), routing_key.end(),
                                   [](unsigned char c) { return c > 0x20 && c < 0x7F; });
  if (routing_key.size() != kRoutingKeyLength || !visible) {
    return Error(ErrorCode::kInvalidArgument,
                 "routing_key: a key of the Events API v2 has 32 characters, this one " +
                     std::to_string(routing_key.size()));
  }
  options.transfer.hidden.push_back(routing_key);
  options.seal = [routing_key](const std::string& body) {
    return WithRoutingKey(body, routing_key);
  };
  return MakeHttpSender(loop, std::move(options));
}

}  // namespace barograph::server
