#pragma once

#include <memory>
#include <string>
#include <vector>

#include "server/notify/sender.h"
#include "storage/base/result.h"

namespace barograph::server {

struct WebhookOptions {
  std::string url;
  /// Signing secrets, newest first; empty: unsigned. See WebhookSigner.
  std::vector<std::string> secrets;
  /// From the start of a try to its last byte. Range [100 ms, 60 s].
  Duration timeout = std::chrono::seconds(15);
};

/// All HTTP that notices need, on one thread with libcurl's multi interface: connections are kept
/// and shared, redirects are not followed, answers are read up to 64 KiB, and the address guard
/// looks at every socket before it is opened.
///
/// Threads: any; results are called on its thread.
/// Lifetime: must outlive the senders that it made.
class WebhookClient {
 public:
  WebhookClient();
  /// Cancels what is under way: each gets a kRetry result.
  ~WebhookClient();

  /// Errors: kInvalidArgument (URL or secret).
  [[nodiscard]] Result<std::unique_ptr<Sender>> MakeSender(const WebhookOptions& options);

 private:
  class Loop;
  class WebhookSender;
  std::unique_ptr<Loop> loop_;
};

}  // namespace barograph::server
