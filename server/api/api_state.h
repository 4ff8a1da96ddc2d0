#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>

#include "ingest/grpc/answer_thread.h"
#include "ingest/grpc/authenticator.h"
#include "server/api/kafka_slot.h"
#include "server/partition/partition.h"
#include "storage/base/clock.h"

namespace barograph::server {

class TailStream;

/// What all calls of the API share. Internal to server/api.
struct ApiState {
  ApiState(Partition& the_partition, const ingest::Authenticator& the_authenticator,
           const Clock& the_clock, std::string the_version, bool kafka_configured);

  Partition& partition;
  const ingest::Authenticator& authenticator;
  const Clock& clock;
  const std::string version;
  const Duration started;
  std::atomic<bool> stopping{false};
  KafkaSlot kafka;

  /// False when kTailsMax are open or the API stops.
  [[nodiscard]] bool Enter(TailStream* tail);
  void Leave(TailStream* tail);
  /// Ends all tails; waits for the scan.
  void Stop();

  /// Runs `scan`, or models, on the scan thread; false while something runs there.
  [[nodiscard]] bool StartScan(std::function<void()> scan);

 private:
  std::mutex mutex_;
  std::unordered_set<TailStream*> tails_;
  std::thread scan_thread_;
  bool scanning_ = false;

 public:
  /// Last: its thread uses everything above. Shared with wake-ups that the partition may hold
  /// longer than the API lives.
  std::shared_ptr<ingest::AnswerThread> answers;
};

}  // namespace barograph::server
