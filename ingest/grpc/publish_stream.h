#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>

#include "barograph/v1/ingest.pb.h"
#include "ingest/admission/admission.h"
#include "ingest/grpc/door_state.h"

namespace barograph::ingest {

/// One Publish call. Requests are read one at a time, admitted where they lie and handed to the
/// partition; answers come back on
/// the answer thread, gather in one pending response and leave together.
///
/// The call ends only when nothing of it is under way any more: no batch in the partition, no
/// wake-up, no write. So everything
/// that may call back finds it alive, also when the client has gone.
///
/// Threads:  gRPC's callbacks, the answer thread and Drain; `mutex_` guards the state. gRPC's
///           Start* and Finish are called
///           with it held, which their callbacks allow: gRPC never runs a callback of ours inside
///           them.
/// Lifetime: owns itself, from the call's start to OnDone.
class PublishStream final
    : public ::grpc::ServerBidiReactor<::grpc::ByteBuffer, ::grpc::ByteBuffer> {
 public:
  PublishStream(DoorState& door, ::grpc::CallbackServerContext& context);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  /// Reads nothing more; ends with UNAVAILABLE once everything taken is acknowledged.
  void Drain();
  /// Cancels the call when a write has been waiting for the reader since before `now -
  /// write_timeout`.
  void CutIfStuck(Duration now);
  /// Writes what the last round of answers brought. Answer thread.
  void Flush();

 private:
  /// Of a batch that the partition holds.
  struct Ticket {
    std::uint64_t first = 0;  ///< sequence of its first event, see EventVerdict.sequence
    std::uint32_t offered = 0;
    std::size_t bytes = 0;  ///< of its request
  };

  ~PublishStream() override = default;

  [[nodiscard]] Result<Batch> Admit(std::optional<Receipt>* last_receipt);
  /// Fills in what only the first request said.
  /// Errors: another producer, no sequence.
  [[nodiscard]] Status Inherit(Batch& batch);
  void LookUp(const std::optional<Receipt>& last_receipt);
  void OnStanding(const Result<ProducerStanding>& standing);
  /// Hands the held batch to the partition, or waits for room.
  void Submit();
  void OnAnswer(const Result<BatchAnswer>& answer, const Ticket& ticket);

  // With mutex_ held:
  void Fail(::grpc::Status status);
  void Proceed();
  void StartResponse();
  [[nodiscard]] bool MayRead() const;
  [[nodiscard]] bool MayFinish() const;

  DoorState& door_;
  ::grpc::CallbackServerContext& context_;
  ::grpc::ByteBuffer request_, response_bytes_;  ///< owned by the read and the write under way
  ::grpc::Alarm room_alarm_;

  // Owned by the read path, of which at most one step is under way:
  Peer peer_;
  std::optional<Batch> held_;  ///< admitted, not yet taken by the partition
  std::size_t held_bytes_ = 0;
  std::string producer_;
  std::uint64_t epoch_ = 0;
  std::uint64_t position_ = 0;  ///< events offered so far
  bool introduced_ = false;

  std::mutex mutex_;
  v1::PublishResponse pending_;  ///< the next response
  bool has_pending_ = false;
  std::size_t pending_batches_ = 0, pending_bytes_ = 0;  ///< that it acknowledges
  std::size_t writing_batches_ = 0, writing_bytes_ = 0;  ///< that the write under way acknowledges
  std::size_t batches_ = 0, bytes_ = 0;                  ///< read, answer not yet written
  std::size_t in_partition_ = 0;
  Duration write_started_{0};
  bool reading_ = false, admitting_ = false, writing_ = false, flush_due_ = false;
  bool half_closed_ = false, draining_ = false, cancelled_ = false, finished_ = false;
  std::optional<::grpc::Status> failure_;
};

}  // namespace barograph::ingest
