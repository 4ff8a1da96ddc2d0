#pragma once

#include "barograph/v1/kafka.grpc.pb.h"
#include "server/api/api_state.h"

namespace barograph::server {

/// The records that were set aside, of all tenants: topics belong to operators.
class QuarantineService final : public v1::QuarantineService::CallbackService {
 public:
  explicit QuarantineService(ApiState& api) : api_(api) {}

  ::grpc::ServerUnaryReactor* ListQuarantined(::grpc::CallbackServerContext* context,
                                              const v1::ListQuarantinedRequest* request,
                                              v1::ListQuarantinedResponse* response) override;
  ::grpc::ServerUnaryReactor* GetQuarantined(::grpc::CallbackServerContext* context,
                                             const v1::GetQuarantinedRequest* request,
                                             v1::GetQuarantinedResponse* response) override;
  ::grpc::ServerUnaryReactor* RetryQuarantined(::grpc::CallbackServerContext* context,
                                               const v1::RetryQuarantinedRequest* request,
                                               v1::RetryQuarantinedResponse* response) override;
  ::grpc::ServerUnaryReactor* DropQuarantined(::grpc::CallbackServerContext* context,
                                              const v1::DropQuarantinedRequest* request,
                                              v1::DropQuarantinedResponse* response) override;

 private:
  ApiState& api_;
};

}  // namespace barograph::server
