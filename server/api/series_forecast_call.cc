// QueryService.ForecastSeries: reads the history in slices of the writer's time, then lets the
// models run on the thread that scans.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "rules/outlook/history.h"
#include "server/api/call.h"
#include "server/api/query_service.h"
#include "server/api/series_question.h"
#include "server/api/wire_time.h"

namespace barograph::server {
namespace {

/// Steps of history that one slice reads: each may be a look at the disk.
constexpr std::size_t kStepsASlice = 16;

/// One call, alive until it is answered.
struct SeriesCall {
  ApiState& api;
  ::grpc::ServerUnaryReactor* reactor;
  const v1::ForecastSeriesRequest& request;
  v1::ForecastSeriesResponse* response;
  std::string tenant;

  std::optional<Error> refusal;
  std::optional<SeriesQuestion> asked;
  std::optional<rules::SeriesHistory> history;
};

bool Step(SeriesCall& call, const Partition::ReadView& view) {
  const rules::WindowStore* const windows = view.engine.windows(call.tenant);
  if (call.asked) return call.history->ReadMore(*windows, call.asked->cell, kStepsASlice);
  auto asked = ReadSeriesQuestion(call.request, view.engine.rules(), windows, view.now);
  if (!asked.ok()) {
    call.refusal = asked.error();
    return false;
  }
  call.asked = std::move(asked).value();
  call.history.emplace(call.asked->question);
  return true;
}

void SetStep(const storage::ForecastStep& step, v1::ForecastIssued::Step* out) {
  out->set_median(step.median);
  out->set_low_80(step.low_80);
  out->set_high_80(step.high_80);
  out->set_low_95(step.low_95);
  out->set_high_95(step.high_95);
}

void SetLevel(const rules::LevelHeld& held, const rules::ForecastQuestion& question,
              v1::ForecastSeriesResponse::Level* out) {
  out->set_cannot_say(held.cannot_say);
  out->set_probability(held.probability);
  out->set_within_steps(static_cast<std::uint32_t>(held.within));
  // A sum is held from a step's begin on; a level is there when its step is over.
  const std::int64_t late = question.is_level ? 1 : 0;
  const auto time_of = [&](std::size_t step) {
    return question.begin + (static_cast<std::int64_t>(step) + late) * question.step;
  };
  if (held.early) SetTime(time_of(*held.early), out->mutable_early());
  if (held.median) SetTime(time_of(*held.median), out->mutable_median());
  if (held.late) SetTime(time_of(*held.late), out->mutable_late());
}

void Answer(const SeriesCall& call) {
  const rules::ForecastQuestion& question = call.asked->question;
  const std::vector<double> history = call.history->Values();
  const rules::Trajectory trajectory = rules::TrajectoryOf(question, call.asked->level, history);
  v1::ForecastSeriesResponse& out = *call.response;
  out.set_measure(question.measure);
  out.set_currency_code(question.currency);
  SetTime(question.begin, out.mutable_begin());
  out.set_step_seconds(std::chrono::duration_cast<std::chrono::seconds>(question.step).count());
  out.set_history_steps(history.size());
  out.set_cannot_say(trajectory.cannot_say);
  out.set_models(trajectory.models);
  for (const storage::ForecastStep& step : trajectory.steps) SetStep(step, out.add_steps());
  for (const rules::Trajectory::Total& total : trajectory.totals) {
    auto& added = *out.add_totals();
    added.set_steps(static_cast<std::uint32_t>(total.steps));
    SetStep(total.sum, added.mutable_sum());
  }
  if (trajectory.held) SetLevel(*trajectory.held, question, out.mutable_held());
}

void End(const std::shared_ptr<SeriesCall>& call, const Result<Sequence>& seen) {
  if (!seen.ok() || call->refusal) {
    FinishLater(call->api, call->reactor, seen.ok() ? *call->refusal : seen.error());
    return;
  }
  call->response->set_sequence(seen->value);
  const bool started = call->api.StartScan([call] {
    Answer(*call);
    FinishLater(call->api, call->reactor, {});
  });
  if (started) return;
  FinishLater(call->api, call->reactor,
              Error(ErrorCode::kResourceExhausted,
                    "another scan of the log or forecast is under way", /*retryable=*/true));
}

}  // namespace

::grpc::ServerUnaryReactor* QueryService::ForecastSeries(::grpc::CallbackServerContext* context,
                                                         const v1::ForecastSeriesRequest* request,
                                                         v1::ForecastSeriesResponse* response) {
  auto* const reactor = context->DefaultReactor();
  const auto tenant = TenantOf(api_, context, reactor);
  if (!tenant) return reactor;
  auto call = std::make_shared<SeriesCall>(SeriesCall{.api = api_,
                                                      .reactor = reactor,
                                                      .request = *request,
                                                      .response = response,
                                                      .tenant = *tenant,
                                                      .refusal = {},
                                                      .asked = {},
                                                      .history = {}});
  api_.partition.Read(
      [call](const Partition::ReadView& view) { return Step(*call, view); },
      [call](Result<Sequence> seen) {
        call->api.answers->Post([call, seen = std::move(seen)] { End(call, seen); });
      });
  return reactor;
}

}  // namespace barograph::server
