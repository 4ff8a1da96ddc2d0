#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "storage/base/clock.h"

namespace barograph::server {

/// One try to hand a notice to its receiver.
struct Attempt {
  std::string notice_id;  ///< the webhook-id: the same at every try
  std::string content_type;
  std::string body;  ///< frozen when the notice was decided
  Time at{};         ///< of this try: signed, so that receivers can refuse replays
};

/// How a try ended.
struct TryResult {
  enum class Outcome : std::uint8_t {
    kDelivered,
    kRetry,       ///< may succeed later: network, timeout, 408, 429, 5xx
    kRefused,     ///< never will: other 4xx, 3xx, forbidden address
    kNoReceiver,  ///< the configuration has no such receiver any more
  };
  Outcome outcome = Outcome::kRetry;
  std::uint32_t status_code = 0;  ///< HTTP status; 0 where there was none
  std::string detail;             ///< for people: "HTTP 503", "connection refused"
  Duration retry_after{0};        ///< what the receiver asked for; 0 = nothing
};

/// Something that can deliver a notice: one per receiver.
/// Threads: Send from one thread; `done` is called exactly once, on any thread, also after Stop.
class Sender {
 public:
  virtual ~Sender() = default;
  virtual void Send(Attempt attempt, std::function<void(TryResult)> done) = 0;
};

}  // namespace barograph::server
