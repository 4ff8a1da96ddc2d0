#include "ingest/grpc/publish_stream.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "ingest/grpc/answer_encoding.h"
#include "ingest/grpc/grpc_status.h"
#include "ingest/grpc/limits.h"
#include "ingest/grpc/request_bytes.h"
#include "storage/base/limits.h"

namespace barograph::ingest {

PublishStream::PublishStream(DoorState& door, ::grpc::CallbackServerContext& context)
    : door_(door), context_(context) {
  ++door_.counters.streams;
  auto peer = AuthenticateCall(context, door.authenticator);
  const bool entered =
      door_.Enter(this);  // before the lock: the door's comes first where both are held
  const std::lock_guard lock(mutex_);
  if (!entered) {
    Fail(ToGrpcStatus(
        Error(ErrorCode::kResourceExhausted,
              "too many open streams; at most " + std::to_string(door_.options.streams_max),
              /*retryable=*/true)));
  } else if (!peer.ok()) {
    Fail(ToGrpcStatus(peer.error()));
  } else {
    peer_ = std::move(peer).value();
  }
  draining_ = door_.draining;
  Proceed();
}

// --- The way in ---------------------------------------------------------------------------------

void PublishStream::OnReadDone(bool ok) {
  {
    const std::lock_guard lock(mutex_);
    reading_ = false;
    admitting_ = ok && !failure_ && !finished_;
    half_closed_ = !ok;
    if (!admitting_) {
      Proceed();
      return;
    }
  }
  std::optional<Receipt> last_receipt;
  auto batch = Admit(&last_receipt);
  if (!batch.ok()) {
    const std::lock_guard lock(mutex_);
    admitting_ = false;
    Fail(ToGrpcStatus(batch.error()));
    Proceed();
    return;
  }
  held_ = std::move(batch).value();
  if (introduced_) {
    Submit();
  } else {
    LookUp(last_receipt);
  }
}

Result<Batch> PublishStream::Admit(std::optional<Receipt>* last_receipt) {
  const RequestBytes request(request_, door_);
  held_bytes_ = request.view().size();
  auto batch =
      AdmitRequest(request.view(), peer_, door_.port.LogTimeNow() + kFutureMax, last_receipt);
  request_.Clear();
  if (!batch.ok()) return batch.error();
  BAROGRAPH_TRY(Inherit(*batch));
  ++door_.counters.batches;
  door_.counters.bytes += held_bytes_;
  return batch;
}

Status PublishStream::Inherit(Batch& batch) {
  if (!introduced_) {
    producer_ = batch.producer;
    epoch_ = batch.epoch;
    return {};
  }
  if (!batch.producer.empty() && batch.producer != producer_) {
    return Error(ErrorCode::kInvalidArgument, "producer_id: \"" + batch.producer +
                                                  "\" is not this stream's \"" + producer_ +
                                                  "\"; open one stream per producer");
  }
  batch.producer = producer_;
  if (batch.epoch == 0) batch.epoch = epoch_;
  if (!producer_.empty() && batch.first_sequence == 0 && batch.offered != 0) {
    return Error(ErrorCode::kInvalidArgument,
                 "first_sequence: 0 is below 1; it is the producer's sequence of events[0]");
  }
  return {};
}

void PublishStream::LookUp(const std::optional<Receipt>& last_receipt) {
  introduced_ = true;
  if (producer_.empty() && !last_receipt.has_value()) {
    OnStanding(ProducerStanding{});
    return;
  }
  door_.port.LookUpProducer(
      peer_.tenant, producer_, last_receipt, [this](Result<ProducerStanding> standing) {
        door_.answers.Post([this, standing = std::move(standing)] { OnStanding(standing); });
      });
}

void PublishStream::OnStanding(const Result<ProducerStanding>& standing) {
  {
    const std::lock_guard lock(mutex_);
    if (!standing.ok()) {
      admitting_ = false;
      Fail(ToGrpcStatus(standing.error()));
      Proceed();
      return;
    }
    v1::ProducerState& state = *pending_.mutable_producer();
    state.set_acked_sequence(standing->acked_sequence);
    state.set_epoch(standing->epoch);
    state.set_known(standing->known);
    pending_.set_acked_sequence(standing->acked_sequence);
    has_pending_ = true;
    Proceed();
  }
  Submit();
}

void PublishStream::Submit() {
  const Ticket ticket{.first = producer_.empty() ? position_ + 1 : held_->first_sequence,
                      .offered = held_->offered,
                      .bytes = held_bytes_};
  {
    const std::lock_guard lock(mutex_);
    if (ticket.offered == 0 || failure_ || cancelled_) {
      held_.reset();
      admitting_ = false;
      Proceed();
      return;
    }
    ++batches_;
    bytes_ += ticket.bytes;
    ++in_partition_;
  }
  const bool taken = door_.port.TrySubmit(*held_, [this, ticket](Result<BatchAnswer> answer) {
    door_.answers.Post([this, ticket, answer = std::move(answer)] { OnAnswer(answer, ticket); });
  });
  if (taken) {
    position_ += ticket.offered;
    held_.reset();
    const std::lock_guard lock(mutex_);
    admitting_ = false;
    Proceed();
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    --batches_;
    bytes_ -= ticket.bytes;
    --in_partition_;
  }
  ++door_.counters.waits_for_room;
  // The alarm moves the retry, and with it the sealing of the batch, onto one of gRPC's threads.
  door_.port.WhenRoom([this] {
    room_alarm_.Set(std::chrono::system_clock::time_point{}, [this](bool) { Submit(); });
  });
}

// --- The way out --------------------------------------------------------------------------------

void PublishStream::OnAnswer(const Result<BatchAnswer>& answer, const Ticket& ticket) {
  const std::lock_guard lock(mutex_);
  --in_partition_;
  pending_bytes_ += ticket.bytes;
  ++pending_batches_;
  if (!answer.ok()) {
    Fail(ToGrpcStatus(answer.error()));
  } else {
    const std::uint64_t acked =
        producer_.empty() ? ticket.first + ticket.offered - 1 : answer->acked_sequence;
    pending_.set_acked_sequence(std::max(pending_.acked_sequence(), acked));
    AddVerdicts(answer->verdicts, ticket.first, &pending_);
    SetReceipt(answer->receipt, pending_.mutable_receipt());
    SetIdsKnownSince(answer->ids_known_since, &pending_);
    has_pending_ = true;
  }
  if (!std::exchange(flush_due_, true)) door_.to_flush.push_back(this);
}

void PublishStream::Flush() {
  const std::lock_guard lock(mutex_);
  flush_due_ = false;
  Proceed();
}

void PublishStream::OnWriteDone(bool ok) {
  const std::lock_guard lock(mutex_);
  writing_ = false;
  batches_ -= std::exchange(writing_batches_, 0);
  bytes_ -= std::exchange(writing_bytes_, 0);
  if (!ok) cancelled_ = true;
  Proceed();
}

void PublishStream::StartResponse() {
  std::string bytes;
  pending_.SerializeToString(&bytes);
  const std::uint64_t acked = pending_.acked_sequence();
  pending_.Clear();
  pending_.set_acked_sequence(acked);  // cumulative: a response never says less than the one before
  has_pending_ = false;
  writing_batches_ = std::exchange(pending_batches_, 0);
  writing_bytes_ = std::exchange(pending_bytes_, 0);
  const ::grpc::Slice slice(bytes);
  response_bytes_ = ::grpc::ByteBuffer(&slice, 1);
  writing_ = true;
  write_started_ = door_.clock.BootNow();
  ++door_.counters.responses;
  StartWrite(&response_bytes_);
}

// --- The call's life ----------------------------------------------------------------------------

bool PublishStream::MayRead() const {
  return !reading_ && !admitting_ && !half_closed_ && !draining_ && !cancelled_ && !failure_ &&
         batches_ < kBatchesPerStreamMax && bytes_ < kBytesPerStreamMax;
}

bool PublishStream::MayFinish() const {
  const bool ending = half_closed_ || draining_ || cancelled_ || failure_.has_value();
  return ending && !admitting_ && !writing_ && !flush_due_ && in_partition_ == 0 &&
         (!has_pending_ || cancelled_);
}

void PublishStream::Proceed() {
  if (finished_) return;
  if (has_pending_ && !writing_ && !cancelled_) StartResponse();
  if (MayRead()) {
    reading_ = true;
    StartRead(&request_);
  }
  if (!MayFinish()) return;
  finished_ = true;
  if (failure_) {
    Finish(*failure_);
  } else if (draining_ && !half_closed_) {
    Finish(ToGrpcStatus(Error(ErrorCode::kUnavailable, "the server is shutting down")));
  } else {
    Finish(::grpc::Status::OK);
  }
}

void PublishStream::Fail(::grpc::Status status) {
  if (!failure_) failure_ = std::move(status);
}

void PublishStream::Drain() {
  const std::lock_guard lock(mutex_);
  draining_ = true;
  Proceed();
}

void PublishStream::CutIfStuck(Duration now) {
  const std::lock_guard lock(mutex_);
  if (!writing_ || cancelled_ || now - write_started_ < door_.options.write_timeout) return;
  ++door_.counters.cut_slow;
  cancelled_ = true;
  context_.TryCancel();
}

void PublishStream::OnCancel() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  Proceed();
}

void PublishStream::OnDone() {
  door_.Leave(this);
  // The thread that called Finish may still be on its way out of the lock.
  { const std::lock_guard lock(mutex_); }
  delete this;
}

}  // namespace barograph::ingest
