// Hours that SLOs do not count.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/api/alert_service.h"
#include "server/api/call.h"
#include "server/api/wire_time.h"

namespace barograph::server {
namespace {

using Decided = std::vector<rules::Engine::Decided>;

void SetExclusion(const storage::Exclusion& exclusion, v1::Exclusion* out) {
  out->mutable_origin()->set_actor(exclusion.origin.actor);
  out->mutable_origin()->set_reason(exclusion.origin.reason);
  out->set_id(exclusion.id);
  out->set_slo(exclusion.slo);
  SetTime(exclusion.from, out->mutable_from());
  SetTime(exclusion.to, out->mutable_to());
  out->set_note(exclusion.note);
  out->set_author(exclusion.author);
  SetTime(exclusion.at, out->mutable_at());
}

/// Errors: kInvalidArgument naming the field.
Result<storage::Exclusion> ToWish(const v1::AddExclusionRequest& request, const Caller& caller) {
  storage::Exclusion wish;
  wish.origin = {caller.actor, "command"};
  wish.slo = request.slo();
  BAROGRAPH_ASSIGN(wish.from, ToLogTime(request.from(), "from"));
  BAROGRAPH_ASSIGN(wish.to, ToLogTime(request.to(), "to"));
  wish.note = request.note();
  wish.author = request.author().empty() ? caller.actor : request.author();
  return wish;
}

}  // namespace

::grpc::ServerUnaryReactor* AlertService::AddExclusion(::grpc::CallbackServerContext* context,
                                                       const v1::AddExclusionRequest* request,
                                                       v1::AddExclusionResponse* response) {
  auto* const reactor = context->DefaultReactor();
  const auto caller = CallerOf(api_, context, reactor);
  if (!caller) return reactor;
  Result<storage::Exclusion> wish = ToWish(*request, *caller);
  if (!wish.ok()) {
    FinishLater(api_, reactor, wish.error());
    return reactor;
  }
  DecideAndFinish(
      api_, reactor,
      [wish = std::move(wish).value(), response, tenant = caller->tenant](
          const rules::Engine& engine, Time now) -> Result<Decided> {
        BAROGRAPH_ASSIGN(Decided decided, engine.Exclude(tenant, wish, now));
        SetExclusion(std::get<storage::Exclusion>(decided.at(0).events.at(0)),
                     response->mutable_exclusion());
        return decided;
      },
      response);
  return reactor;
}

::grpc::ServerUnaryReactor* AlertService::ListExclusions(::grpc::CallbackServerContext* context,
                                                         const v1::ListExclusionsRequest* request,
                                                         v1::ListExclusionsResponse* response) {
  auto* const reactor = context->DefaultReactor();
  const auto tenant = TenantOf(api_, context, reactor);
  if (!tenant) return reactor;
  const auto all = std::make_shared<std::vector<storage::Exclusion>>();
  const auto step = [all, tenant](const Partition::ReadView& seen) {
    *all = seen.engine.Exclusions(*tenant);
    return false;
  };
  ReadAndFinish(api_, reactor, step, [all, request, response](Sequence seen) {
    response->set_sequence(seen.value);
    for (const storage::Exclusion& exclusion : *all) {
      if (request->slo().empty() || request->slo() == exclusion.slo)
        SetExclusion(exclusion, response->add_exclusions());
    }
  });
  return reactor;
}

::grpc::ServerUnaryReactor* AlertService::WithdrawExclusion(
    ::grpc::CallbackServerContext* context, const v1::WithdrawExclusionRequest* request,
    v1::WithdrawExclusionResponse* response) {
  auto* const reactor = context->DefaultReactor();
  const auto caller = CallerOf(api_, context, reactor);
  if (!caller) return reactor;
  DecideAndFinish(
      api_, reactor,
      [id = request->id(), caller = *caller](const rules::Engine& engine, Time now) {
        return engine.WithdrawExclusion(caller.tenant, id, {caller.actor, "command"}, now);
      },
      response);
  return reactor;
}

}  // namespace barograph::server
