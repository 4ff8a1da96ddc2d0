#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "ingest/admission/kafka_control.h"
#include "storage/base/clock.h"
#include "storage/event/server_event.h"

namespace barograph::server {

/// Levels of the server are read so often.
inline constexpr Duration kGaugeInterval = std::chrono::minutes(1);

/// `disk.free`, the share of the file system of `data` that is free, 0 to 100; and `ingest.lag`, in
/// seconds how far reading is behind what waits: the worst partition of Kafka, 0 without any.
/// A level that cannot be read is left out. `kafka` may be null.
[[nodiscard]] std::vector<storage::GaugeReading> ReadServerGauges(
    const std::string& data, const ingest::KafkaFigures* kafka);

/// Calls `read` at once and then every so often, until it is destroyed.
/// Threads: `read` runs on a thread of its own; the destructor waits for it.
class GaugeReader {
 public:
  GaugeReader(Duration every, std::function<void()> read);
  ~GaugeReader();
  GaugeReader(const GaugeReader&) = delete;
  GaugeReader& operator=(const GaugeReader&) = delete;

 private:
  void Run();

  const Duration every_;
  const std::function<void()> read_;
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace barograph::server
