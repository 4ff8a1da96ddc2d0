#pragma once

#include <chrono>
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

/// A reload waits so long for the writer and the disk; then whoever asked gets an error.
inline constexpr Duration kReloadMax = std::chrono::seconds(5);

/// A whole Barograph in one object: partition, doors, outbox worker, HTTP port. `serve` and `demo`
/// run one.
///
/// Threads: methods from one thread; `on_failure` comes from another.
class Server {
 public:
  /// Starts everything in order: configuration, log, rules, prices, receivers, gRPC, Kafka, and
  /// HTTP last, so that nobody calls it ready before all is.
  /// Errors: kInvalidArgument (configuration), kLocked, kDataLoss, kCorruption, kUnavailable (a
  ///         port), kFailedPrecondition (another Barograph reads as this Kafka group).
  [[nodiscard]] static Result<std::unique_ptr<Server>> Start(
      const ServerOptions& options, Clock& clock, std::function<void(const Error&)> on_failure);
  ~Server();

  /// Reads rules, receivers and the price file again. On an error the old rules and receivers stay
  /// in force, also when the writer does not come to the new ones within kReloadMax. Only when it
  /// has and the disk then takes longer do they hold in spite of the error, which says so.
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
