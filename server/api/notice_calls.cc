// What an operator does about notices: sending one again, trying a receiver.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/api/alert_service.h"
#include "server/api/call.h"

namespace barograph::server {
namespace {

using Decided = std::vector<rules::Engine::Decided>;

/// The row to send again.
/// Errors: kNotFound; kFailedPrecondition when the receiver knows better by now.
Result<storage::OutboxRow> FindToResend(const storage::Outbox& outbox, const std::string& tenant,
                                        const v1::ResendNoticeRequest& request) {
  BAROGRAPH_ASSIGN(storage::OutboxRow row, outbox.FindNotice(tenant, request.notice_id()));
  if (request.force()) return row;
  BAROGRAPH_ASSIGN(const std::string newer, outbox.FindNewer(row));
  if (newer.empty()) return row;
  return Error(ErrorCode::kFailedPrecondition,
               "notice " + row.notice.id + " is older than " + newer +
                   " of the same group, which was delivered or waits; what it says may no longer "
                   "hold (force sends it all the same)");
}

}  // namespace

::grpc::ServerUnaryReactor* AlertService::ResendNotice(::grpc::CallbackServerContext* context,
                                                       const v1::ResendNoticeRequest* request,
                                                       v1::ResendNoticeResponse* /*response*/) {
  auto* const reactor = context->DefaultReactor();
  const auto caller = CallerOf(api_, context, reactor);
  if (!caller) return reactor;
  const auto row = FindToResend(api_.partition.outbox(), caller->tenant, *request);
  if (!row.ok()) {
    FinishLater(api_, reactor, row.error());
    return reactor;
  }
  api_.partition.ResendNotice(
      caller->tenant, row->sequence, caller->actor,
      [this, reactor](Status done) { FinishLater(api_, reactor, std::move(done)); });
  return reactor;
}

::grpc::ServerUnaryReactor* AlertService::FireTest(::grpc::CallbackServerContext* context,
                                                   const v1::FireTestRequest* request,
                                                   v1::FireTestResponse* response) {
  auto* const reactor = context->DefaultReactor();
  const auto caller = CallerOf(api_, context, reactor);
  if (!caller) return reactor;
  DecideAndFinish(
      api_, reactor,
      [receiver = request->receiver(), response, caller = *caller](const rules::Engine& engine,
                                                                   Time now) -> Result<Decided> {
        BAROGRAPH_ASSIGN(Decided decided,
                         engine.FireTest(caller.tenant, receiver, {caller.actor, "command"}, now));
        const auto& fired = std::get<storage::AlertTransition>(decided.at(0).events.at(0));
        response->set_fingerprint(rules::Fingerprint(fired.labels));
        response->set_episode_id(fired.episode_id);
        return decided;
      },
      response);
  return reactor;
}

::grpc::ServerUnaryReactor* AlertService::EndTest(::grpc::CallbackServerContext* context,
                                                  const v1::EndTestRequest* request,
                                                  v1::EndTestResponse* response) {
  auto* const reactor = context->DefaultReactor();
  const auto caller = CallerOf(api_, context, reactor);
  if (!caller) return reactor;
  DecideAndFinish(
      api_, reactor,
      [receiver = request->receiver(), caller = *caller](const rules::Engine& engine, Time now) {
        return engine.EndTest(caller.tenant, receiver, {caller.actor, "command"}, now);
      },
      response);
  return reactor;
}

}  // namespace barograph::server
