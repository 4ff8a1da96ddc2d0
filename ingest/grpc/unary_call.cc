#include "ingest/grpc/unary_call.h"

#include <memory>
#include <string>
#include <utility>

#include "barograph/v1/ingest.pb.h"
#include "ingest/admission/admission.h"
#include "ingest/grpc/answer_encoding.h"
#include "ingest/grpc/grpc_status.h"
#include "ingest/grpc/limits.h"
#include "ingest/grpc/request_bytes.h"
#include "storage/base/limits.h"

namespace barograph::ingest {
namespace {

/// What one call needs until it is answered.
struct UnaryCall {
  DoorState* door;
  ::grpc::ServerUnaryReactor* reactor;
  ::grpc::ByteBuffer* response;
  std::uint64_t first_sequence = 0;
};

void End(const UnaryCall& call, const ::grpc::Status& status) {
  --call.door->unary_calls_open;
  call.reactor->Finish(status);
}

::grpc::ByteBuffer EncodeAnswer(const BatchAnswer& answer, std::uint64_t first_sequence) {
  v1::PublishBatchResponse response;
  response.set_acked_sequence(answer.acked_sequence);
  AddVerdicts(answer.verdicts, first_sequence, &response);
  SetReceipt(answer.receipt, response.mutable_receipt());
  response.set_accepted(answer.accepted);
  SetIdsKnownSince(answer.ids_known_since, &response);
  const ::grpc::Slice slice(response.SerializeAsString());
  return {&slice, 1};
}

void OnAnswer(const UnaryCall& call, const Result<BatchAnswer>& answer) {
  if (!answer.ok()) {
    End(call, ToGrpcStatus(answer.error()));
    return;
  }
  *call.response = EncodeAnswer(*answer, call.first_sequence);
  End(call, ::grpc::Status::OK);
}

Error Busy(DoorState& door, std::string what) {
  ++door.counters.refused_busy;
  return {ErrorCode::kResourceExhausted,
          std::move(what) + "; nothing of the batch was stored, send it again", /*retryable=*/true};
}

void Submit(const UnaryCall& call, Batch& batch) {
  DoorState& door = *call.door;
  const bool taken = door.port.TrySubmit(batch, [call](Result<BatchAnswer> answer) {
    call.door->answers.Post([call, answer = std::move(answer)] { OnAnswer(call, answer); });
  });
  if (!taken) End(call, ToGrpcStatus(Busy(door, "the queue to the log is full")));
}

/// Checks the producer's last receipt first, as a stream does when it opens.
void CheckReceipt(const UnaryCall& call, Batch batch, Receipt last) {
  // Callbacks are copied, batches are not.
  const auto kept = std::make_shared<Batch>(std::move(batch));
  call.door->port.LookUpProducer(
      kept->tenant, kept->producer, last, [call, kept](Result<ProducerStanding> standing) {
        call.door->answers.Post([call, kept, standing = std::move(standing)] {
          if (standing.ok()) {
            Submit(call, *kept);
          } else {
            End(call, ToGrpcStatus(standing.error()));
          }
        });
      });
}

}  // namespace

::grpc::ServerUnaryReactor* StartPublishBatch(DoorState& door,
                                              ::grpc::CallbackServerContext& context,
                                              const ::grpc::ByteBuffer& request,
                                              ::grpc::ByteBuffer* response) {
  UnaryCall call{.door = &door, .reactor = context.DefaultReactor(), .response = response};
  ++door.counters.unary_calls;
  if (++door.unary_calls_open > kUnaryCallsMax) {
    End(call, ToGrpcStatus(Busy(
                  door, "too many calls under way; at most " + std::to_string(kUnaryCallsMax))));
    return call.reactor;
  }
  auto peer = AuthenticateCall(context, door.authenticator);
  if (!peer.ok()) {
    End(call, ToGrpcStatus(peer.error()));
    return call.reactor;
  }
  ::grpc::ByteBuffer message = request;  // shares the slices
  const RequestBytes bytes(message, door);
  std::optional<Receipt> last_receipt;
  auto batch =
      AdmitRequest(bytes.view(), *peer, door.port.LogTimeNow() + kFutureMax, &last_receipt);
  if (!batch.ok()) {
    End(call, ToGrpcStatus(batch.error()));
    return call.reactor;
  }
  ++door.counters.batches;
  door.counters.bytes += bytes.view().size();
  call.first_sequence = batch->first_sequence;
  if (last_receipt.has_value()) {
    CheckReceipt(call, std::move(batch).value(), *last_receipt);
  } else {
    Submit(call, *batch);
  }
  return call.reactor;
}

}  // namespace barograph::ingest
