#pragma once

#include "barograph/v1/guard.grpc.pb.h"
#include "server/api/api_state.h"

namespace barograph::server {

/// Spend leases and gates: guard.proto. Each command is one decision in the writer, answered once
/// it is durable.
class GuardService final : public v1::GuardService::CallbackService {
 public:
  explicit GuardService(ApiState& api) : api_(api) {}

  ::grpc::ServerUnaryReactor* Reserve(::grpc::CallbackServerContext* context,
                                      const v1::ReserveRequest* request,
                                      v1::ReserveResponse* response) override;
  ::grpc::ServerUnaryReactor* Settle(::grpc::CallbackServerContext* context,
                                     const v1::SettleRequest* request,
                                     v1::SettleResponse* response) override;
  ::grpc::ServerUnaryReactor* Extend(::grpc::CallbackServerContext* context,
                                     const v1::ExtendRequest* request,
                                     v1::ExtendResponse* response) override;
  ::grpc::ServerUnaryReactor* Release(::grpc::CallbackServerContext* context,
                                      const v1::ReleaseRequest* request,
                                      v1::ReleaseResponse* response) override;
  ::grpc::ServerUnaryReactor* ListLeases(::grpc::CallbackServerContext* context,
                                         const v1::ListLeasesRequest* request,
                                         v1::ListLeasesResponse* response) override;
  ::grpc::ServerUnaryReactor* CheckGate(::grpc::CallbackServerContext* context,
                                        const v1::CheckGateRequest* request,
                                        v1::CheckGateResponse* response) override;
  ::grpc::ServerUnaryReactor* OverrideGate(::grpc::CallbackServerContext* context,
                                           const v1::OverrideGateRequest* request,
                                           v1::OverrideGateResponse* response) override;

 private:
  ApiState& api_;
};

}  // namespace barograph::server
