#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "server/config/configuration.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::server {

struct ServerOptions {
  ConfigSources sources;
  /// Rebuild all state from the log instead of the last checkpoint.
  bool replay_from_start = false;
};

/// A whole Barograph in one object: partition, doors, outbox worker, HTTP port. `serve` and `demo`
/// run one.
///
/// Threads: methods from one thread; `on_failure` comes from another.
class Server {
 public:
  /// Starts everything in order: configuration, log, rules, prices, receivers, HTTP, and gRPC last,
  /// so that nobody is let in before all is ready.
  /// Errors: kInvalidArgument (configuration), kLocked, kDataLoss, kCorruption, kUnavailable (a
  ///         port).
  [[nodiscard]] static Result<std::unique_ptr<Server>> Start(
      const ServerOptions& options, Clock& clock, std::function<void(const Error&)> on_failure);
  ~Server();

  /// Reads rules and receivers again. On an error the old ones stay in force.
  [[nodiscard]] Status Reload();
  /// Health turns first, then the doors close, what was taken is committed and acknowledged,
  /// notices under way end.
  [[nodiscard]] Status Stop(Duration limit);

  /// "127.0.0.1:7171".
  [[nodiscard]] std::string grpc_address() const;
  [[nodiscard]] std::string http_address() const;

 private:
  Server();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace barograph::server
