#include "server/api/tail_stream.h"

#include <algorithm>
#include <utility>

#include "ingest/grpc/grpc_status.h"
#include "ingest/grpc/request_bytes.h"
#include "server/api/limits.h"
#include "server/api/wire_time.h"
#include "storage/event/event_view.h"

namespace barograph::server {
namespace {

using storage::EventKind;

std::optional<EventKind> FindKind(std::string_view name) {
  for (int number = 1; number < 100; ++number) {
    const auto kind = static_cast<EventKind>(number);
    if (!name.empty() && storage::EventKindName(kind) == name) return kind;
  }
  return std::nullopt;
}

::grpc::Status Refuse(ErrorCode code, std::string message) {
  return ingest::ToGrpcStatus(Error(code, std::move(message)));
}

}  // namespace

TailStream::TailStream(ApiState& api, ::grpc::CallbackServerContext& context,
                       const v1::TailRequest& request)
    : api_(api), context_(context) {
  const bool entered = api_.Enter(this);
  ::grpc::Status status = entered
                              ? Prepare(request)
                              : Refuse(ErrorCode::kResourceExhausted,
                                       "too many open tails; at most " + std::to_string(kTailsMax));
  const std::lock_guard lock(mutex_);
  if (!status.ok()) {
    End(std::move(status));
    return;
  }
  PostFill();
}

::grpc::Status TailStream::Prepare(const v1::TailRequest& request) {
  auto peer = ingest::AuthenticateCall(context_, api_.authenticator);
  if (!peer.ok()) return ingest::ToGrpcStatus(peer.error());
  tenant_ = peer->tenant;
  agent_ = request.agent();
  for (const std::string& name : request.kinds()) {
    const auto kind = FindKind(name);
    if (!kind.has_value()) {
      return Refuse(
          ErrorCode::kInvalidArgument,
          "kinds: \"" + name + "\" is no kind; e.g. task, cost, payment, alert_transition");
    }
    kinds_.push_back(*kind);
  }
  const storage::EventLog& log = api_.partition.log();
  const std::uint64_t end = log.durable_end().sequence.value, begin = log.begin().value;
  const std::uint64_t backlog = std::min<std::uint64_t>({request.backlog(), kTailBacklogMax, end});
  next_ = request.from_sequence() != 0 ? request.from_sequence() : end + 1 - backlog;
  if (next_ < begin && request.from_sequence() != 0) {
    return Refuse(ErrorCode::kInvalidArgument, "from_sequence: " + std::to_string(next_) +
                                                   " is gone; the log begins at " +
                                                   std::to_string(begin));
  }
  next_ = std::max(next_, begin);
  if (request.until_now()) until_ = end;
  return ::grpc::Status::OK;
}

void TailStream::PostFill() {
  filling_ = true;
  api_.answers->Post([this] { Fill(); });
}

void TailStream::WaitForMore() {
  waiter_ = std::make_shared<std::atomic<TailStream*>>(this);
  api_.partition.WhenDurable({next_ - 1}, [answers = api_.answers, waiter = waiter_] {
    answers->Post([waiter] {
      if (TailStream* const tail = waiter->exchange(nullptr); tail != nullptr) tail->Fill();
    });
  });
}

void TailStream::Fill() {
  {
    const std::lock_guard lock(mutex_);
    if (ending_ || api_.stopping) {
      filling_ = false;
      if (!ending_) End(Refuse(ErrorCode::kUnavailable, "the server is shutting down"));
      EndIfDue();
      return;
    }
  }
  response_.Clear();
  response_bytes_ = 0;
  looked_at_ = 0;
  const std::uint64_t first = next_;
  Status read;
  if (next_ <= std::min(until_, api_.partition.log().durable_end().sequence.value)) {
    auto cursor = api_.partition.log().Read({.from = {next_}});
    for (storage::RecordView record; next_ <= until_ && cursor.Next(&record);) {
      if (!AddRecord(record)) break;
    }
    read = broken_.has_value() ? Status(*broken_) : cursor.status();
  }
  response_.set_seen_sequence(next_ - 1);
  const std::lock_guard lock(mutex_);
  if (!read.ok()) {
    filling_ = false;
    End(ingest::ToGrpcStatus(read.error()));
  } else if (response_.entries_size() != 0) {
    filling_ = false;
    writing_ = true;
    write_started_ = api_.clock.BootNow();
    StartWrite(&response_);
  } else if (next_ > until_) {
    filling_ = false;
    End(::grpc::Status::OK);
  } else if (next_ != first) {
    PostFill();
  } else {
    WaitForMore();
  }
}

bool TailStream::AddRecord(const storage::RecordView& record) {
  if (record.header.tenant != tenant_) {
    next_ = record.header.last_sequence().value + 1;
    return true;
  }
  const auto payload = storage::OpenPayload(record, &payload_buffer_);
  if (!payload.ok()) {
    broken_ = payload.error();
    return false;
  }
  storage::PayloadReader reader(*payload);
  std::uint64_t sequence = record.header.first_sequence.value;
  for (std::string_view wire; reader.Next(&wire); ++sequence) {
    if (sequence < next_) continue;
    const bool full = static_cast<std::size_t>(response_.entries_size()) >= kTailEntriesMax ||
                      response_bytes_ >= kTailBytesMax || looked_at_ >= kTailLookedAtMax;
    if (full || sequence > until_) return false;
    AddEvent(sequence, record.header.log_time, wire);
    next_ = sequence + 1;
    ++looked_at_;
  }
  return true;
}

void TailStream::AddEvent(std::uint64_t sequence, Time log_time, std::string_view wire) {
  storage::EventView view;
  if (!storage::ReadEvent(wire, storage::EventSource::kLog, &view).ok()) return;
  const bool kind =
      kinds_.empty() || std::find(kinds_.begin(), kinds_.end(), view.kind) != kinds_.end();
  if (!kind || (!agent_.empty() && view.agent != agent_)) return;
  auto* const entry = response_.add_entries();
  entry->set_sequence(sequence);
  SetTime(log_time, entry->mutable_log_time());
  (void)entry->mutable_event()->ParseFromArray(wire.data(), static_cast<int>(wire.size()));
  response_bytes_ += wire.size();
}

void TailStream::OnWriteDone(bool ok) {
  const std::lock_guard lock(mutex_);
  writing_ = false;
  if (!ok && !ending_) ending_ = ::grpc::Status::CANCELLED;
  if (ending_) {
    EndIfDue();
  } else {
    PostFill();
  }
}

void TailStream::OnCancel() {
  const std::lock_guard lock(mutex_);
  End(::grpc::Status::CANCELLED);
}

void TailStream::Stop() {
  const std::lock_guard lock(mutex_);
  End(Refuse(ErrorCode::kUnavailable, "the server is shutting down"));
}

void TailStream::CutIfStuck(Duration now) {
  const std::lock_guard lock(mutex_);
  if (!writing_ || ending_ || now - write_started_ < kTailWriteTimeout) return;
  ending_ = ::grpc::Status::CANCELLED;
  context_.TryCancel();
}

void TailStream::End(::grpc::Status status) {
  if (!ending_) ending_ = std::move(status);
  // A wake-up that has not begun will find nobody.
  if (waiter_ != nullptr && waiter_->exchange(nullptr) != nullptr) filling_ = false;
  EndIfDue();
}

void TailStream::EndIfDue() {
  if (finished_ || !ending_ || writing_ || filling_) return;
  finished_ = true;
  Finish(*ending_);
}

void TailStream::OnDone() {
  api_.Leave(this);
  // The thread that called Finish may still be on its way out of the lock.
  { const std::lock_guard lock(mutex_); }
  delete this;
}

}  // namespace barograph::server
