#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "ingest/formats/fleet.h"
#include "server/cli/client.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::server {

/// Loads the fleet's history through a publisher, with progress on stderr. Returns the number of
/// events. Stops early, without an error, once `*stop` is set.
[[nodiscard]] Result<std::uint64_t> LoadHistory(const std::string& server,
                                                const ingest::FleetOptions& fleet,
                                                const Clock& clock, const std::atomic<bool>& stop);

/// The fleet as it goes on: sends each event when its time has come, on a thread of its own.
/// Threads: any.
/// Errors: the publisher's; they end the stream and are told by Stop.
class LiveFleet {
 public:
  LiveFleet(std::string server, const ingest::FleetOptions& fleet, const Clock& clock);
  ~LiveFleet();
  LiveFleet(const LiveFleet&) = delete;
  LiveFleet& operator=(const LiveFleet&) = delete;

  [[nodiscard]] std::uint64_t sent() const { return sent_; }
  /// Ends the stream and says how it went.
  [[nodiscard]] Status Stop();

 private:
  [[nodiscard]] Status Stream();

  const std::string server_;
  const Clock& clock_;
  ingest::Fleet fleet_;
  std::atomic<bool> stop_{false};
  std::atomic<std::uint64_t> sent_{0};
  Status status_;
  std::thread thread_;
};

}  // namespace barograph::server
