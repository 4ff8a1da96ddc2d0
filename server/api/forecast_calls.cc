#include <algorithm>
#include <map>
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

using Accuracy = v1::GetForecastAccuracyResponse::Accuracy;

/// `one_unit`: whether errors have a sum.
void SetScore(const rules::Horizon& horizon, const rules::AccuracyScore& score, bool one_unit,
              v1::GetForecastAccuracyResponse::Score* out) {
  out->set_step_seconds(horizon.step.count());
  out->set_steps(horizon.steps);
  out->set_scored(score.scored);
  out->set_open(score.open);
  out->set_without_samples(score.without_samples);
  out->set_inside_80(score.inside_80);
  out->set_inside_95(score.inside_95);
  if (const auto share = score.Coverage80()) out->set_coverage_80(*share);
  if (const auto share = score.Coverage95()) out->set_coverage_95(*share);
  if (!one_unit) return;
  if (const auto error = score.MeanAbsoluteError()) out->set_mean_absolute_error(*error);
  if (const auto bias = score.Bias()) out->set_bias(*bias);
  if (const auto wape = score.Wape()) out->set_wape(*wape);
}

void SetAccuracy(const rules::ForecastAccuracy& accuracy, bool one_unit, Accuracy* out) {
  out->set_rule(accuracy.rule);
  SetLabels(accuracy.labels, out->mutable_labels());
  out->set_measure(accuracy.measure);
  out->set_currency_code(accuracy.currency_code);
  SetTime(accuracy.since, out->mutable_since());
  out->set_issued(accuracy.issued);
  out->set_repeated(accuracy.repeated);
  out->set_cannot_say(accuracy.cannot_say);
  for (const auto& [kind, reason] : accuracy.reasons) {
    auto* const added = out->add_reasons();
    added->set_times(reason.times);
    added->set_reason(reason.last);
  }
  for (const auto& [horizon, score] : accuracy.scores)
    SetScore(horizon, score, one_unit, out->add_scores());
}

void SetAccuracies(const rules::AccuracyReport& report, const std::string& rule, std::size_t limit,
                   v1::GetForecastAccuracyResponse* response) {
  std::map<std::string, rules::ForecastAccuracy> rules;
  rules::ForecastAccuracy overall;
  for (const rules::ForecastAccuracy& accuracy : report.instances) {
    if (!rule.empty() && accuracy.rule != rule) continue;
    rules::ForecastAccuracy& of_rule = rules[accuracy.rule];
    of_rule.rule = accuracy.rule;
    of_rule.measure = accuracy.measure;
    of_rule.currency_code = accuracy.currency_code;
    of_rule += accuracy;
    overall += accuracy;
    if (static_cast<std::size_t>(response->instances_size()) < limit) {
      SetAccuracy(accuracy, true, response->add_instances());
    } else {
      response->set_truncated(true);
    }
  }
  for (const auto& [name, accuracy] : rules) SetAccuracy(accuracy, true, response->add_rules());
  if (!rules.empty()) SetAccuracy(overall, rules.size() == 1, response->mutable_overall());
  response->set_dropped(report.dropped);
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

::grpc::ServerUnaryReactor* QueryService::GetForecastAccuracy(
    ::grpc::CallbackServerContext* context, const v1::GetForecastAccuracyRequest* request,
    v1::GetForecastAccuracyResponse* response) {
  auto* const reactor = context->DefaultReactor();
  const auto tenant = TenantOf(api_, context, reactor);
  if (!tenant) return reactor;
  const std::size_t limit =
      std::min(request->page_size() == 0 ? kPageSizeDefault : request->page_size(), kPageSizeMax);
  const auto step = [=](const Partition::ReadView& view) {
    SetTime(view.now, response->mutable_at());
    SetAccuracies(view.engine.Accuracy(*tenant), request->rule(), limit, response);
    return false;
  };
  ReadAndFinish(api_, reactor, step,
                [response](Sequence seen) { response->set_sequence(seen.value); });
  return reactor;
}

}  // namespace barograph::server
