#pragma once

#include "barograph/v1/kafka.grpc.pb.h"
#include "server/api/api_state.h"

namespace barograph::server {

/// How Kafka's partitions stand, and going on behind a loss. Positions come from the log, so they
/// are told without a Kafka door too.
class KafkaService final : public v1::KafkaService::CallbackService {
 public:
  explicit KafkaService(ApiState& api) : api_(api) {}

  ::grpc::ServerUnaryReactor* GetKafkaStatus(::grpc::CallbackServerContext* context,
                                             const v1::GetKafkaStatusRequest* request,
                                             v1::GetKafkaStatusResponse* response) override;
  ::grpc::ServerUnaryReactor* SkipKafka(::grpc::CallbackServerContext* context,
                                        const v1::SkipKafkaRequest* request,
                                        v1::SkipKafkaResponse* response) override;

 private:
  ApiState& api_;
};

}  // namespace barograph::server
