#include <algorithm>
#include <string>

#include "server/api/call.h"
#include "server/api/limits.h"
#include "server/api/query_service.h"
#include "server/api/wire_time.h"

// The calls of QueryService about forecasts.

namespace barograph::server {
namespace {

void SetForecast(const storage::ForecastIssued& forecast, v1::ForecastIssued* out) {
  out->mutable_origin()->set_actor(forecast.origin.actor);
  out->mutable_origin()->set_reason(forecast.origin.reason);
  out->set_rule(forecast.rule);
  SetLabels(forecast.labels, out->mutable_labels());
  out->set_measure(forecast.measure);
  out->set_currency_code(forecast.currency_code);
  SetTime(forecast.at, out->mutable_at());
  SetTime(forecast.history_end, out->mutable_history_end());
  out->set_step_seconds(forecast.step.count());
  out->set_history_steps(forecast.history_steps);
  out->set_model(forecast.model);
  out->set_cannot_say(forecast.cannot_say);
  out->set_question(forecast.question);
  out->set_probability_ppb(forecast.probability_ppb);
  if (forecast.times.early) SetTime(*forecast.times.early, out->mutable_early());
  if (forecast.times.median) SetTime(*forecast.times.median, out->mutable_median());
  if (forecast.times.late) SetTime(*forecast.times.late, out->mutable_late());
}

}  // namespace

::grpc::ServerUnaryReactor* QueryService::ListForecasts(::grpc::CallbackServerContext* context,
                                                        const v1::ListForecastsRequest* request,
                                                        v1::ListForecastsResponse* response) {
  auto* const reactor = context->DefaultReactor();
  const auto tenant = TenantOf(api_, context, reactor);
  if (!tenant) return reactor;
  const std::size_t limit =
      std::min(request->page_size() == 0 ? kPageSizeDefault : request->page_size(), kPageSizeMax);
  const auto step = [=](const Partition::ReadView& view) {
    SetTime(view.now, response->mutable_at());
    for (const storage::ForecastIssued& forecast : view.engine.Forecasts(*tenant)) {
      if (!request->rule().empty() && forecast.rule != request->rule()) continue;
      if (static_cast<std::size_t>(response->forecasts_size()) == limit) {
        response->set_truncated(true);
        break;
      }
      SetForecast(forecast, response->add_forecasts());
    }
    return false;
  };
  ReadAndFinish(api_, reactor, step,
                [response](Sequence seen) { response->set_sequence(seen.value); });
  return reactor;
}

}  // namespace barograph::server
