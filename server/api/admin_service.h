#pragma once

#include "barograph/v1/query.grpc.pb.h"
#include "server/api/api_state.h"

namespace barograph::server {

/// The commands of query.proto. Each is answered when what it did is durable.
class AdminService final : public v1::AdminService::CallbackService {
 public:
  explicit AdminService(ApiState& api) : api_(api) {}

  ::grpc::ServerUnaryReactor* ApplyPrices(::grpc::CallbackServerContext* context,
                                          const v1::ApplyPricesRequest* request,
                                          v1::ApplyPricesResponse* response) override;
  ::grpc::ServerUnaryReactor* Checkpoint(::grpc::CallbackServerContext* context,
                                         const v1::CheckpointRequest* request,
                                         v1::CheckpointResponse* response) override;
  ::grpc::ServerUnaryReactor* EndImport(::grpc::CallbackServerContext* context,
                                        const v1::EndImportRequest* request,
                                        v1::EndImportResponse* response) override;

 private:
  ApiState& api_;
};

}  // namespace barograph::server
