#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ingest/admission/batch.h"
#include "storage/base/result.h"

namespace barograph::ingest {

/// Who is speaking; every door fills it in before anything is read.
struct Peer {
  std::string tenant = "default";
  std::string principal;  ///< key id; empty without authentication
};

/// Reads a PublishRequest or PublishBatchRequest (same field numbers) from its wire bytes in one
/// walk, without an object per event: size and count limits, then ReadEvent on each; good events go
/// into the payload unchanged, bad ones get a verdict by name. A stream names its producer in the
/// first request only: the door fills it into the later batches.
///
/// Threads: any. `max_time` is log time + kFutureMax.
/// Errors: kInvalidArgument or kResourceExhausted for the request as a whole (broken framing, too
/// many events, too large, no first_sequence with a producer_id); a bad event is a verdict, not an
/// error.
[[nodiscard]] Result<Batch> AdmitRequest(std::string_view wire, const Peer& peer, Time max_time,
                                         std::optional<Receipt>* last_receipt);

/// Builds a batch event by event for doors that make events themselves (import, Kafka, JSON).
class BatchBuilder {
 public:
  BatchBuilder(Peer peer, Time max_time);
  /// Events may be so late from here on.
  void SetMaxTime(Time max_time) { max_time_ = max_time; }
  /// Adds one event's encoding, or notes its rejection; `index` counts up by itself.
  void Add(std::string_view event_wire);
  /// Adds one event's encoding, or says why not: then nothing of it is kept.
  /// Errors: kInvalidArgument, the path below the event.
  [[nodiscard]] Status TryAdd(std::string_view event_wire);
  /// Notes an event that could not even be built.
  void Reject(std::string reason);
  /// The events have producer sequences: their ids need no check, and are not hashed.
  void WithoutIds() { with_ids_ = false; }
  /// Room for so many bytes of events, so that the payload grows in one piece.
  void Reserve(std::size_t bytes) { batch_.payload.reserve(bytes); }
  [[nodiscard]] std::uint32_t offered() const { return batch_.offered; }
  [[nodiscard]] std::size_t bytes() const { return batch_.payload.size(); }
  /// The batch so far, without producer and sequence; the builder starts anew.
  [[nodiscard]] Batch Take();

 private:
  void RejectOffered(std::string_view event_wire, std::string reason);

  Peer peer_;
  Time max_time_;
  Batch batch_;
  bool with_ids_ = true;
  /// All offered bytes, once one event was rejected: until then the payload is the same.
  std::string offered_;
};

}  // namespace barograph::ingest
