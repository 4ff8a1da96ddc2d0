#pragma once

#include "barograph/v1/query.grpc.pb.h"
#include "server/api/api_state.h"

namespace barograph::server {

/// The reads of query.proto.
class QueryService final : public v1::QueryService::CallbackService {
 public:
  explicit QueryService(ApiState& api) : api_(api) {}

  ::grpc::ServerUnaryReactor* QueryWindows(::grpc::CallbackServerContext* context,
                                           const v1::QueryWindowsRequest* request,
                                           v1::QueryWindowsResponse* response) override;
  ::grpc::ServerUnaryReactor* ListSlos(::grpc::CallbackServerContext* context,
                                       const v1::ListSlosRequest* request,
                                       v1::ListSlosResponse* response) override;
  ::grpc::ServerUnaryReactor* ListBudgets(::grpc::CallbackServerContext* context,
                                          const v1::ListBudgetsRequest* request,
                                          v1::ListBudgetsResponse* response) override;
  ::grpc::ServerUnaryReactor* ListForecasts(::grpc::CallbackServerContext* context,
                                            const v1::ListForecastsRequest* request,
                                            v1::ListForecastsResponse* response) override;
  ::grpc::ServerUnaryReactor* ForecastSeries(::grpc::CallbackServerContext* context,
                                             const v1::ForecastSeriesRequest* request,
                                             v1::ForecastSeriesResponse* response) override;
  ::grpc::ServerUnaryReactor* GetForecastAccuracy(
      ::grpc::CallbackServerContext* context, const v1::GetForecastAccuracyRequest* request,
      v1::GetForecastAccuracyResponse* response) override;
  ::grpc::ServerUnaryReactor* ListAlerts(::grpc::CallbackServerContext* context,
                                         const v1::ListAlertsRequest* request,
                                         v1::ListAlertsResponse* response) override;
  ::grpc::ServerUnaryReactor* ListNotices(::grpc::CallbackServerContext* context,
                                          const v1::ListNoticesRequest* request,
                                          v1::ListNoticesResponse* response) override;
  ::grpc::ServerWriteReactor<v1::TailResponse>* Tail(::grpc::CallbackServerContext* context,
                                                     const v1::TailRequest* request) override;
  ::grpc::ServerUnaryReactor* GetStatus(::grpc::CallbackServerContext* context,
                                        const v1::GetStatusRequest* request,
                                        v1::GetStatusResponse* response) override;
  ::grpc::ServerUnaryReactor* GetDigest(::grpc::CallbackServerContext* context,
                                        const v1::GetDigestRequest* request,
                                        v1::GetDigestResponse* response) override;
  ::grpc::ServerUnaryReactor* ListPrices(::grpc::CallbackServerContext* context,
                                         const v1::ListPricesRequest* request,
                                         v1::ListPricesResponse* response) override;

 private:
  ApiState& api_;
};

}  // namespace barograph::server
