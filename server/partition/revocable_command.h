#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::server {

/// Who sent a command and who carries it out agree here whether it is still wanted: exactly one of
/// Begin and Revoke says yes.
///
/// Threads: any.
class Revocation {
 public:
  /// By the writer, before it changes anything. False: the command was taken back.
  [[nodiscard]] bool Begin() { return Claim(); }
  /// By the sender. False: it has begun, and what it decides will hold.
  [[nodiscard]] bool Revoke() { return Claim(); }

 private:
  [[nodiscard]] bool Claim() { return !claimed_.exchange(true); }
  std::atomic<bool> claimed_{false};
};

/// How waiting for a command ended.
struct CommandEnd {
  enum class How : std::uint8_t {
    kEnded,      ///< `status` is its answer
    kTakenBack,  ///< nothing of it will ever happen; `status` is kDeadlineExceeded
    kGoesOn,     ///< it has begun, its write is not durable yet; `status` is kDeadlineExceeded
  };
  How how = How::kEnded;
  Status status;
};

/// Sends a command and waits at most `limit` of real time for its answer. `send` must hand both to
/// the partition; the answer may come at any later time, on any thread.
[[nodiscard]] CommandEnd AwaitCommand(
    Duration limit, const std::function<void(std::shared_ptr<Revocation> revocation,
                                             std::function<void(Status)> done)>& send);

}  // namespace barograph::server
