#include "server/api/guard_service.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "server/api/call.h"
#include "server/api/lease_wire.h"
#include "server/api/limits.h"
#include "server/api/wire_time.h"

namespace barograph::server {
namespace {

using Decided = std::vector<rules::Engine::Decided>;
using Reactor = ::grpc::ServerUnaryReactor;

Reactor* Refuse(Reactor* reactor, const Error& error) {
  reactor->Finish(ingest::ToGrpcStatus(error));
  return reactor;
}

/// Decides in the writer and answers once that is durable; `response` gets what `tell` says of the
/// answer.
template <typename Response, typename Decide, typename Tell>
void DecideLease(ApiState& api, Reactor* reactor, Response* response, Decide decide, Tell tell) {
  const auto answer = std::make_shared<rules::LeaseAnswer>();
  api.partition.Decide(
      [decide = std::move(decide), answer](const rules::Engine& engine, Time now) {
        return decide(engine, now, answer.get());
      },
      [&api, reactor, response, answer, tell = std::move(tell)](Result<Sequence> done) {
        if (done.ok()) {
          tell(*answer);
          response->set_sequence(done->value);
        }
        FinishLater(api, reactor, done.ok() ? Status() : Status(done.error()));
      });
}

/// Settle, Extend and Release.
template <typename Response>
Reactor* EndLease(ApiState& api, ::grpc::CallbackServerContext* context,
                  rules::LeaseCommand command, Response* response) {
  auto* const reactor = context->DefaultReactor();
  const auto caller = CallerOf(api, context, reactor);
  if (!caller) return reactor;
  command.origin = {caller->actor, "command"};
  DecideLease(
      api, reactor, response,
      [command = std::move(command), tenant = caller->tenant](const rules::Engine& engine, Time now,
                                                              rules::LeaseAnswer* answer) {
        return engine.EndLease(tenant, command, now, answer);
      },
      [response](const rules::LeaseAnswer& answer) {
        SetLease(answer.lease, response->mutable_lease());
        if constexpr (requires { response->mutable_written(); }) {
          SetMoney(answer.written.nanos, std::string(answer.written.currency.code()),
                   response->mutable_written());
        }
      });
  return reactor;
}

/// Errors: kInvalidArgument unless exactly one rule is named.
template <typename Request>
Result<rules::GateQuestion> ToQuestion(const Request& request) {
  if (request.slo().empty() == request.budget().empty())
    return Error(ErrorCode::kInvalidArgument, "slo, budget: name one of them");
  rules::GateQuestion question;
  question.of_slo = !request.slo().empty();
  question.rule = question.of_slo ? request.slo() : request.budget();
  if constexpr (requires { request.min_remaining(); }) {
    question.by.insert(request.by().begin(), request.by().end());
    const double share = request.min_remaining();
    if (!(share >= 0 && share <= 1))
      return Error(ErrorCode::kInvalidArgument, "min_remaining: must be from 0 to 1");
    question.min_remaining_ppb = rules::PartsPerBillion(share);
  }
  return question;
}

void SetGate(const rules::GateAnswer& answer, v1::CheckGateResponse* out) {
  out->set_passed(answer.passed);
  out->set_criterion(answer.criterion);
  out->set_actual(answer.actual);
  out->set_advice(answer.advice);
  out->set_remaining(answer.remaining);
  SetLabels(answer.labels, out->mutable_labels());
  if (answer.overridden) SetOverride(*answer.overridden, out->mutable_override());
}

bool IsWanted(const rules::Lease& lease, const v1::ListLeasesRequest& request) {
  if (!request.agent().empty() && lease.said.wish.agent != request.agent()) return false;
  if (request.states().empty()) return lease.holds();
  return std::find(request.states().begin(), request.states().end(),
                   static_cast<int>(lease.state)) != request.states().end();
}

/// Copies the leases that are asked for out of the writer, some at a time.
class LeaseListing {
 public:
  LeaseListing(std::string tenant, const v1::ListLeasesRequest& request)
      : tenant_(std::move(tenant)), request_(request) {}

  /// True while there is more to copy.
  bool Step(const rules::Engine& engine) {
    const rules::LeaseBook* const book = engine.leases(tenant_);
    if (book == nullptr) return false;
    if (!request_.lease_id().empty()) {
      const rules::Lease* const lease = book->Find(request_.lease_id());
      if (lease != nullptr) leases_.push_back(*lease);
      return false;
    }
    auto lease = book->leases().upper_bound(last_);
    for (std::size_t seen = 0; lease != book->leases().end(); ++lease, ++seen) {
      if (seen == kLeasesPerStep) return true;
      last_ = lease->first;
      if (IsWanted(lease->second, request_)) leases_.push_back(lease->second);
    }
    return false;
  }
  /// Errors: kNotFound for the one lease that was asked for.
  [[nodiscard]] Status Tell(v1::ListLeasesResponse* out) {
    if (!request_.lease_id().empty() && leases_.empty())
      return Error(ErrorCode::kNotFound, "no lease '" + request_.lease_id() + "'");
    std::sort(leases_.begin(), leases_.end(), [](const auto& a, const auto& b) {
      return std::pair(b.said.at, b.said.id) < std::pair(a.said.at, a.said.id);
    });
    const std::size_t most = request_.page_size() == 0 ? kPageSizeDefault : request_.page_size();
    out->set_truncated(leases_.size() > most);
    leases_.resize(std::min(leases_.size(), most));
    for (const rules::Lease& lease : leases_) SetLease(lease, out->add_leases());
    return {};
  }

 private:
  const std::string tenant_;
  const v1::ListLeasesRequest& request_;
  std::string last_;
  std::vector<rules::Lease> leases_;
};

}  // namespace

Reactor* GuardService::Reserve(::grpc::CallbackServerContext* context,
                               const v1::ReserveRequest* request, v1::ReserveResponse* response) {
  auto* const reactor = context->DefaultReactor();
  const auto caller = CallerOf(api_, context, reactor);
  if (!caller) return reactor;
  auto wish = ToWish(*request);
  if (!wish.ok()) return Refuse(reactor, wish.error());
  DecideLease(
      api_, reactor, response,
      [wish = std::move(wish).value(), caller = *caller](const rules::Engine& engine, Time now,
                                                         rules::LeaseAnswer* answer) {
        return engine.Reserve(caller.tenant, wish, {caller.actor, "command"}, now, answer);
      },
      [response](const rules::LeaseAnswer& answer) { SetReserved(answer, response); });
  return reactor;
}

Reactor* GuardService::Settle(::grpc::CallbackServerContext* context,
                              const v1::SettleRequest* request, v1::SettleResponse* response) {
  rules::LeaseCommand command;
  command.kind = rules::LeaseCommand::Kind::kSettle;
  command.id = request->lease_id();
  if (request->has_actual()) {
    auto actual = ToMoney(request->actual(), "actual");
    if (!actual.ok()) return Refuse(context->DefaultReactor(), actual.error());
    command.actual = *actual;
  }
  return EndLease(api_, context, std::move(command), response);
}

Reactor* GuardService::Extend(::grpc::CallbackServerContext* context,
                              const v1::ExtendRequest* request, v1::ExtendResponse* response) {
  rules::LeaseCommand command;
  command.kind = rules::LeaseCommand::Kind::kExtend;
  command.id = request->lease_id();
  command.ttl = std::chrono::seconds(request->ttl().seconds());
  return EndLease(api_, context, std::move(command), response);
}

Reactor* GuardService::Release(::grpc::CallbackServerContext* context,
                               const v1::ReleaseRequest* request, v1::ReleaseResponse* response) {
  rules::LeaseCommand command;
  command.kind = rules::LeaseCommand::Kind::kRelease;
  command.id = request->lease_id();
  return EndLease(api_, context, std::move(command), response);
}

Reactor* GuardService::ListLeases(::grpc::CallbackServerContext* context,
                                  const v1::ListLeasesRequest* request,
                                  v1::ListLeasesResponse* response) {
  auto* const reactor = context->DefaultReactor();
  const auto tenant = TenantOf(api_, context, reactor);
  if (!tenant) return reactor;
  if (request->page_size() > kPageSizeMax) {
    return Refuse(reactor, Error(ErrorCode::kInvalidArgument,
                                 "page_size: at most " + std::to_string(kPageSizeMax)));
  }
  const auto listing = std::make_shared<LeaseListing>(*tenant, *request);
  api_.partition.Read(
      [listing](const Partition::ReadView& view) { return listing->Step(view.engine); },
      [this, reactor, response, listing](const Result<Sequence>& seen) {
        Status status = seen.ok() ? listing->Tell(response) : Status(seen.error());
        if (status.ok()) response->set_sequence(seen->value);
        FinishLater(api_, reactor, std::move(status));
      });
  return reactor;
}

Reactor* GuardService::CheckGate(::grpc::CallbackServerContext* context,
                                 const v1::CheckGateRequest* request,
                                 v1::CheckGateResponse* response) {
  auto* const reactor = context->DefaultReactor();
  const auto tenant = TenantOf(api_, context, reactor);
  if (!tenant) return reactor;
  auto question = ToQuestion(*request);
  if (!question.ok()) return Refuse(reactor, question.error());
  const auto answer = std::make_shared<Result<rules::GateAnswer>>(rules::GateAnswer());
  api_.partition.Read(
      [answer, tenant = *tenant, question = *question](const Partition::ReadView& view) {
        *answer = view.engine.CheckGate(tenant, question, view.now);
        return false;
      },
      [this, reactor, response, answer](const Result<Sequence>& seen) {
        Status status = seen.ok() ? Status() : Status(seen.error());
        if (status.ok() && !answer->ok()) status = answer->error();
        if (status.ok()) {
          SetGate(answer->value(), response);
          response->set_sequence(seen->value);
        }
        FinishLater(api_, reactor, status);
      });
  return reactor;
}

Reactor* GuardService::OverrideGate(::grpc::CallbackServerContext* context,
                                    const v1::OverrideGateRequest* request,
                                    v1::OverrideGateResponse* response) {
  auto* const reactor = context->DefaultReactor();
  const auto caller = CallerOf(api_, context, reactor);
  if (!caller) return reactor;
  auto question = ToQuestion(*request);
  if (!question.ok()) return Refuse(reactor, question.error());
  storage::GateOverridden wish;
  wish.origin = {caller->actor, "command"};
  wish.note = request->note();
  wish.author = request->author().empty() ? caller->actor : request->author();
  const std::chrono::seconds length(request->length().seconds());
  DecideAndFinish(
      api_, reactor,
      [wish, length, response, question = *question, tenant = caller->tenant](
          const rules::Engine& engine, Time now) -> Result<Decided> {
        BAROGRAPH_ASSIGN(Decided decided, engine.OverrideGate(tenant, question, wish, length, now));
        SetOverride(std::get<storage::GateOverridden>(decided[0].events[0]),
                    response->mutable_override());
        return decided;
      },
      response);
  return reactor;
}

}  // namespace barograph::server
