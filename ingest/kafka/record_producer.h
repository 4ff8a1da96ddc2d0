#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::ingest {

struct RecordProducerOptions {
  std::string brokers;  ///< host:port, several with commas
  /// Handed to librdkafka over the producer's own settings.
  std::vector<std::pair<std::string, std::string>> properties;
  /// Records that wait for their delivery; Send waits beyond. [1, 1e7].
  std::size_t queue_records_max = 200'000;
};

/// A record on its way to Kafka.
/// Lifetime: views until Send returns.
struct OutgoingRecord {
  std::string_view topic;
  std::int32_t partition = -1;  ///< -1: by key, or any without one
  std::string_view key;         ///< empty: none
  std::string_view value;
  std::vector<std::pair<std::string, std::string_view>> headers;
};

/// Writes records to Kafka: idempotent and acknowledged by all replicas, so that each is in its
/// partition once and in order. What the demo and the benchmark send with.
///
/// Threads:  methods by one thread; librdkafka has its own.
/// Errors:   Open: kInvalidArgument (settings). Send: kUnavailable when a broker has not taken
///           anything for `kRoomMax`; kInvalidArgument for a record that no broker would take. A
///           record that was given up later is counted in failed(), and Flush says why.
class RecordProducer {
 public:
  /// How long Send waits for room.
  static constexpr std::chrono::seconds kRoomMax{30};

  [[nodiscard]] static Result<std::unique_ptr<RecordProducer>> Open(
      const RecordProducerOptions& options);
  /// Gives up what is not delivered; Flush first.
  ~RecordProducer();
  RecordProducer(const RecordProducer&) = delete;
  RecordProducer& operator=(const RecordProducer&) = delete;

  /// Queues the record; its bytes are copied.
  [[nodiscard]] Status Send(const OutgoingRecord& record);
  /// Serves deliveries that have come, waiting at most `wait` for the first.
  void Poll(Duration wait);
  /// Waits until everything is delivered.
  /// Errors: kDeadlineExceeded; kUnavailable with the reason of the first record given up since the
  ///         last Flush.
  [[nodiscard]] Status Flush(Duration limit);

  /// Records that all replicas have, and records given up. As far as Send, Poll and Flush served.
  [[nodiscard]] std::uint64_t delivered() const;
  [[nodiscard]] std::uint64_t failed() const;

 private:
  RecordProducer();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace barograph::ingest
