#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <utility>

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

/// Part of the fleet, sending over Kafka: each event is a record of format `event` on a topic that
/// is made for it and removed with it.
/// Threads: as LiveFleet.
class KafkaFleet {
 public:
  /// Makes the topic. `start` the fleet once a server reads it.
  /// Errors: kUnavailable (no broker answers), and what the broker says.
  [[nodiscard]] static Result<std::unique_ptr<KafkaFleet>> Make(const std::string& brokers,
                                                                const Clock& clock);
  ~KafkaFleet();
  KafkaFleet(const KafkaFleet&) = delete;
  KafkaFleet& operator=(const KafkaFleet&) = delete;

  [[nodiscard]] const std::string& topic() const { return topic_; }
  void Start(const ingest::FleetOptions& fleet);
  /// Delivers what is under way and says how it went.
  [[nodiscard]] Status Stop();

 private:
  KafkaFleet(std::string brokers, std::string topic, const Clock& clock)
      : brokers_(std::move(brokers)), topic_(std::move(topic)), clock_(clock) {}
  [[nodiscard]] Status Stream(const ingest::FleetOptions& options);

  const std::string brokers_, topic_;
  const Clock& clock_;
  std::atomic<bool> stop_{false};
  Status status_;
  std::thread thread_;
};

}  // namespace barograph::server
