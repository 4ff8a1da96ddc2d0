#pragma once

#include "barograph/v1/alert.grpc.pb.h"
#include "server/api/api_state.h"

namespace barograph::server {

/// What people do about alerts, and what they see of one: alert.proto.
class AlertService final : public v1::AlertService::CallbackService {
 public:
  explicit AlertService(ApiState& api) : api_(api) {}

  ::grpc::ServerUnaryReactor* AckAlerts(::grpc::CallbackServerContext* context,
                                        const v1::AckAlertsRequest* request,
                                        v1::AckAlertsResponse* response) override;
  ::grpc::ServerUnaryReactor* ShowAlert(::grpc::CallbackServerContext* context,
                                        const v1::ShowAlertRequest* request,
                                        v1::ShowAlertResponse* response) override;
  ::grpc::ServerUnaryReactor* AddSilence(::grpc::CallbackServerContext* context,
                                         const v1::AddSilenceRequest* request,
                                         v1::AddSilenceResponse* response) override;
  ::grpc::ServerUnaryReactor* ListSilences(::grpc::CallbackServerContext* context,
                                           const v1::ListSilencesRequest* request,
                                           v1::ListSilencesResponse* response) override;
  ::grpc::ServerUnaryReactor* ExpireSilence(::grpc::CallbackServerContext* context,
                                            const v1::ExpireSilenceRequest* request,
                                            v1::ExpireSilenceResponse* response) override;

  // exclusion_calls.cc
  ::grpc::ServerUnaryReactor* AddExclusion(::grpc::CallbackServerContext* context,
                                           const v1::AddExclusionRequest* request,
                                           v1::AddExclusionResponse* response) override;
  ::grpc::ServerUnaryReactor* ListExclusions(::grpc::CallbackServerContext* context,
                                             const v1::ListExclusionsRequest* request,
                                             v1::ListExclusionsResponse* response) override;
  ::grpc::ServerUnaryReactor* WithdrawExclusion(::grpc::CallbackServerContext* context,
                                                const v1::WithdrawExclusionRequest* request,
                                                v1::WithdrawExclusionResponse* response) override;

  // notice_calls.cc
  ::grpc::ServerUnaryReactor* ResendNotice(::grpc::CallbackServerContext* context,
                                           const v1::ResendNoticeRequest* request,
                                           v1::ResendNoticeResponse* response) override;
  ::grpc::ServerUnaryReactor* FireTest(::grpc::CallbackServerContext* context,
                                       const v1::FireTestRequest* request,
                                       v1::FireTestResponse* response) override;
  ::grpc::ServerUnaryReactor* EndTest(::grpc::CallbackServerContext* context,
                                      const v1::EndTestRequest* request,
                                      v1::EndTestResponse* response) override;

 private:
  ApiState& api_;
};

}  // namespace barograph::server
