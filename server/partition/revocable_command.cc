#include "server/partition/revocable_command.h"

#include <absl/synchronization/notification.h>
#include <absl/time/time.h>

#include <utility>

namespace barograph::server {

CommandEnd AwaitCommand(Duration limit,
                        const std::function<void(std::shared_ptr<Revocation> revocation,
                                                 std::function<void(Status)> done)>& send) {
  struct Outcome {
    absl::Notification done;
    Status status;
  };
  const auto outcome = std::make_shared<Outcome>();
  const auto revocation = std::make_shared<Revocation>();
  send(revocation, [outcome](Status status) {
    outcome->status = std::move(status);
    outcome->done.Notify();
  });
  using How = CommandEnd::How;
  if (outcome->done.WaitForNotificationWithTimeout(absl::FromChrono(limit))) {
    return {How::kEnded, outcome->status};
  }
  if (revocation->Revoke()) {
    return {How::kTakenBack, Error(ErrorCode::kDeadlineExceeded,
                                   "the writer did not come to it within " + FormatDuration(limit),
                                   /*retryable=*/true)};
  }
  return {How::kGoesOn, Error(ErrorCode::kDeadlineExceeded,
                              "the write was not durable within " + FormatDuration(limit))};
}

}  // namespace barograph::server
