#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ingest/admission/batch.h"
#include "ingest/grpc/authenticator.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace grpc {
class Service;
}

namespace barograph::ingest {

struct IngestDoorOptions {
  /// Host and port; port 0 takes a free one, see IngestDoor::port().
  std::string listen = "127.0.0.1:7171";
  /// gRPC's own view of its connections (grpc.channelz.v1): who is connected, how many calls and
  /// messages. Costs a little on every call, and shows peers' addresses to whoever may ask. gRPC
  /// keeps the service for the life of the process once a door had it.
  bool channelz = false;
  /// Open Publish streams of all connections; one more is answered RESOURCE_EXHAUSTED.
  std::size_t streams_max = 1024;
  /// A stream that has read none of its answers for so long is cut.
  Duration write_timeout = std::chrono::seconds(30);
};

/// Figures for /metrics; counters since the start unless said otherwise.
struct IngestDoorFigures {
  std::uint64_t streams_open = 0;  ///< a level
  std::uint64_t streams = 0, unary_calls = 0;
  std::uint64_t batches = 0, bytes = 0;  ///< admitted, and their requests' bytes
  std::uint64_t refused_busy = 0;        ///< unary calls answered RESOURCE_EXHAUSTED
  std::uint64_t waits_for_room = 0;  ///< times that a stream stopped because the partition was full
  std::uint64_t cut_slow = 0;        ///< streams cut because nobody read their answers
  std::uint64_t copied_messages = 0;  ///< requests that came in pieces and were joined
  std::uint64_t responses =
      0;  ///< written on streams: batches / responses = batches per acknowledgement
};

/// The gRPC server: IngestService on raw bytes, and on the same port the typed services that it is
/// given, health
/// (grpc.health.v1, per service name), reflection and, when asked for, channelz.
///
/// Requests stay the bytes that came: AdmitRequest walks them where they lie, and no message object
/// is made. Answers are
/// cumulative: everything that became durable while the last response was being written goes into
/// the next one.
/// Back-pressure: when the partition is full, a stream is not read any further (HTTP/2 flow control
/// then stops the sender)
/// and a unary call gets RESOURCE_EXHAUSTED with RetryInfo; nothing of what was refused is stored.
///
/// Threads:  public methods from any thread. Runs gRPC's own threads and one for answers.
/// Lifetime: port, authenticator, clock and services must outlive it. The partition must answer
///           everything it took before
///           the door is destroyed.
/// Errors:   kUnavailable when the address cannot be bound.
class IngestDoor {
 public:
  [[nodiscard]] static Result<std::unique_ptr<IngestDoor>> Open(
      const IngestDoorOptions& options, PartitionPort& port, const Authenticator& authenticator,
      const Clock& clock, const std::vector<::grpc::Service*>& services);
  ~IngestDoor();

  /// The port that it listens on.
  [[nodiscard]] int port() const;
  [[nodiscard]] IngestDoorFigures figures() const;

  /// Health of every service at once; SERVING after Open.
  void SetServing(bool serving);
  /// Ends the door in order: health turns NOT_SERVING, no stream is read any further, what was
  /// taken is acknowledged, streams
  /// end with UNAVAILABLE, connections close. Call it before the partition drains. What still runs
  /// after `limit` is cancelled.
  void Drain(Duration limit);

 private:
  IngestDoor();
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace barograph::ingest
