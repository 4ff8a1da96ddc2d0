#pragma once

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "ingest/grpc/grpc_status.h"
#include "ingest/grpc/request_bytes.h"
#include "server/api/api_state.h"
#include "storage/base/result.h"

namespace barograph::server {

/// Who gave a command without a key of their own.
inline constexpr const char* kOperator = "operator";

/// Ends a unary call on the answer thread, so that the partition's threads only hand over.
inline void FinishLater(ApiState& api, ::grpc::ServerUnaryReactor* reactor, Status status) {
  api.answers->Post([reactor, status = std::move(status)] {
    reactor->Finish(status.ok() ? ::grpc::Status::OK : ingest::ToGrpcStatus(status.error()));
  });
}

/// Tenant of the call; nothing when it was refused, and then the reactor is finished.
inline std::optional<std::string> TenantOf(ApiState& api, ::grpc::CallbackServerContext* context,
                                           ::grpc::ServerUnaryReactor* reactor) {
  auto peer = ingest::AuthenticateCall(*context, api.authenticator);
  if (peer.ok()) return peer->tenant;
  reactor->Finish(ingest::ToGrpcStatus(peer.error()));
  return std::nullopt;
}

/// Tenant and actor of a command.
struct Caller {
  std::string tenant, actor;
};

/// Nothing when the call was refused, and then the reactor is finished.
inline std::optional<Caller> CallerOf(ApiState& api, ::grpc::CallbackServerContext* context,
                                      ::grpc::ServerUnaryReactor* reactor) {
  auto peer = ingest::AuthenticateCall(*context, api.authenticator);
  if (peer.ok()) return Caller{peer->tenant, peer->principal.empty() ? kOperator : peer->principal};
  reactor->Finish(ingest::ToGrpcStatus(peer.error()));
  return std::nullopt;
}

/// Decides in the writer; `response` gets the sequence once that is durable, and the call ends.
template <typename Response>
void DecideAndFinish(ApiState& api, ::grpc::ServerUnaryReactor* reactor,
                     Partition::Decision&& decide, Response* response) {
  api.partition.Decide(std::move(decide), [&api, reactor, response](Result<Sequence> done) {
    if (done.ok()) response->set_sequence(done->value);
    FinishLater(api, reactor, done.ok() ? Status() : Status(done.error()));
  });
}

/// Runs `step` in the writer until it returns false, then `end(sequence)` on the answer thread,
/// then finishes the call.
inline void ReadAndFinish(ApiState& api, ::grpc::ServerUnaryReactor* reactor,
                          std::function<bool(const Partition::ReadView&)> step,
                          std::function<void(Sequence)> end) {
  api.partition.Read(std::move(step), [&api, reactor, end = std::move(end)](Result<Sequence> seen) {
    api.answers->Post([reactor, end, seen = std::move(seen)] {
      if (seen.ok()) end(*seen);
      reactor->Finish(seen.ok() ? ::grpc::Status::OK : ingest::ToGrpcStatus(seen.error()));
    });
  });
}

}  // namespace barograph::server
