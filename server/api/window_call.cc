// QueryService.QueryWindows: which of three ways answers it (a series, a finer series, a scan of
// the log).
#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "server/api/call.h"
#include "server/api/limits.h"
#include "server/api/log_scan.h"
#include "server/api/query_service.h"
#include "server/api/window_query.h"

namespace barograph::server {
namespace {

/// One call, alive until it is answered.
struct WindowCall {
  ApiState& api;
  ::grpc::ServerUnaryReactor* reactor;
  const v1::QueryWindowsRequest& request;
  v1::QueryWindowsResponse* response;
  std::string tenant;

  std::optional<Error> refusal;
  std::optional<WindowQuery> query;
  std::optional<WindowAnswer> answer;
  bool needs_scan = false;
  std::vector<std::string> labels;
  Time now{};
};

/// First step in the writer: understands the request against the rules in force.
void Begin(WindowCall& call, const Partition::ReadView& view) {
  const rules::RuleSet& rules = view.engine.rules();
  call.now = view.now;
  call.labels = rules.labels;
  auto query = ParseWindowQuery(call.request, rules.labels);
  if (!query.ok()) {
    call.refusal = query.error();
    return;
  }
  call.query = std::move(query).value();
  auto source = ChooseProjection(*call.query, AvailableProjections(rules));
  call.needs_scan = !source.has_value();
  if (source.has_value()) call.answer.emplace(*call.query, std::move(*source), view.now);
}

bool Step(WindowCall& call, const Partition::ReadView& view) {
  const rules::WindowStore* const windows = view.engine.windows(call.tenant);
  if (!call.query && !call.refusal) {
    Begin(call, view);
    return call.answer.has_value() && windows != nullptr;
  }
  return windows != nullptr && call.answer->Step(*windows);
}

Error ScanRefused(const WindowQuery& query) {
  return {ErrorCode::kFailedPrecondition,
          "no series holds this; add " + ProjectionText(query.projection) +
              " to `series:` in the rules, or allow a scan of the log"};
}

void Scan(const std::shared_ptr<WindowCall>& call) {
  if (call->query->refuse_scan) {
    FinishLater(call->api, call->reactor, ScanRefused(*call->query));
    return;
  }
  const bool started = call->api.StartScan([call] {
    auto scanned = ScanLog(call->api.partition.log(), *call->query,
                           {.tenant = call->tenant,
                            .labels = call->labels,
                            .now = call->now,
                            .events_max = kScanEventsMax,
                            .time_max = kScanTimeMax},
                           call->api.clock, call->api.stopping);
    Status ended;
    if (scanned.ok()) {
      *call->response = std::move(scanned).value();
    } else {
      ended = scanned.error();
    }
    FinishLater(call->api, call->reactor, std::move(ended));
  });
  if (!started) {
    FinishLater(
        call->api, call->reactor,
        Error(ErrorCode::kResourceExhausted, "another scan of the log or forecast is under way",
              /*retryable=*/true));
  }
}

void End(const std::shared_ptr<WindowCall>& call, const Result<Sequence>& seen) {
  if (!seen.ok() || call->refusal) {
    FinishLater(call->api, call->reactor, seen.ok() ? *call->refusal : seen.error());
  } else if (call->needs_scan) {
    Scan(call);
  } else {
    *call->response = call->answer->Take();
    call->response->set_sequence(seen->value);
    FinishLater(call->api, call->reactor, {});
  }
}

}  // namespace

::grpc::ServerUnaryReactor* QueryService::QueryWindows(::grpc::CallbackServerContext* context,
                                                       const v1::QueryWindowsRequest* request,
                                                       v1::QueryWindowsResponse* response) {
  auto* const reactor = context->DefaultReactor();
  const auto tenant = TenantOf(api_, context, reactor);
  if (!tenant) return reactor;
  auto call = std::make_shared<WindowCall>(WindowCall{.api = api_,
                                                      .reactor = reactor,
                                                      .request = *request,
                                                      .response = response,
                                                      .tenant = *tenant,
                                                      .refusal = {},
                                                      .query = {},
                                                      .answer = {},
                                                      .needs_scan = false,
                                                      .labels = {},
                                                      .now = {}});
  api_.partition.Read(
      [call](const Partition::ReadView& view) { return Step(*call, view); },
      [call](Result<Sequence> seen) {
        call->api.answers->Post([call, seen = std::move(seen)] { End(call, seen); });
      });
  return reactor;
}

}  // namespace barograph::server
