#pragma once

#include <mutex>
#include <shared_mutex>
#include <utility>

#include "ingest/admission/kafka_control.h"

namespace barograph::server {

/// Where calls find the Kafka door, which opens after the gRPC port and closes before it.
/// Threads: any. Set(nullptr) returns when no call is inside the door any more.
class KafkaSlot {
 public:
  explicit KafkaSlot(bool configured) : configured_(configured) {}

  /// The configuration has a `kafka` section, whether or not the door is open just now.
  [[nodiscard]] bool configured() const { return configured_; }
  /// Lifetime: `door` must live until it is replaced, and answers its callbacks before it dies.
  void Set(ingest::KafkaControl* door) {
    const std::unique_lock lock(mutex_);
    door_ = door;
  }
  /// Calls `use(door)`; false when there is none.
  template <typename Use>
  [[nodiscard]] bool With(Use&& use) {
    const std::shared_lock lock(mutex_);
    if (door_ == nullptr) return false;
    std::forward<Use>(use)(*door_);
    return true;
  }
  /// Why With said no.
  [[nodiscard]] Error Absent() const {
    if (!configured_) {
      return {ErrorCode::kFailedPrecondition,
              "kafka: not configured; the server's configuration has no `kafka` section"};
    }
    return {ErrorCode::kUnavailable, "kafka: the consumer is not open just now", true};
  }

 private:
  const bool configured_;
  std::shared_mutex mutex_;
  ingest::KafkaControl* door_ = nullptr;
};

}  // namespace barograph::server
