#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <unordered_set>
#include <vector>

#include "ingest/admission/batch.h"
#include "ingest/grpc/answer_thread.h"
#include "ingest/grpc/authenticator.h"
#include "ingest/grpc/ingest_door.h"

namespace barograph::ingest {

class PublishStream;

/// What all calls of one door share. Internal to ingest/grpc.
struct DoorState {
  DoorState(const IngestDoorOptions& door_options, PartitionPort& partition,
            const Authenticator& door_authenticator, const Clock& door_clock);

  /// Streams that have something to write after this round of answers; touched by the answer thread
  /// alone.
  std::vector<PublishStream*> to_flush;

  const IngestDoorOptions options;
  PartitionPort& port;
  const Authenticator& authenticator;
  const Clock& clock;
  std::atomic<bool> draining{false};

  struct Counters {
    std::atomic<std::uint64_t> streams{0}, unary_calls{0}, batches{0}, bytes{0}, refused_busy{0},
        waits_for_room{0}, cut_slow{0}, copied_messages{0}, responses{0};
  } counters;
  std::atomic<std::uint64_t> unary_calls_open{0};

  /// False when options.streams_max are open.
  [[nodiscard]] bool Enter(PublishStream* stream);
  void Leave(PublishStream* stream);
  [[nodiscard]] std::size_t open_streams() const;
  /// Calls `visit` on every open stream; none can leave meanwhile.
  template <typename Visit>
  void ForEachStream(Visit visit) {
    const std::lock_guard lock(streams_mutex_);
    for (PublishStream* stream : streams_) visit(*stream);
  }

 private:
  mutable std::mutex streams_mutex_;
  std::unordered_set<PublishStream*> streams_;

 public:
  AnswerThread answers;  ///< last: its thread uses everything above
};

}  // namespace barograph::ingest
