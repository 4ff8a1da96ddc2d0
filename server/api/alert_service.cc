#include "server/api/alert_service.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include "server/api/alert_wire.h"
#include "server/api/call.h"
#include "server/api/limits.h"
#include "server/api/wire_time.h"

namespace barograph::server {
namespace {

using Decided = std::vector<rules::Engine::Decided>;

std::vector<rules::LabelMatcher> ToMatchers(
    const google::protobuf::RepeatedPtrField<v1::LabelMatcher>& wire) {
  std::vector<rules::LabelMatcher> matchers;
  for (const v1::LabelMatcher& matcher : wire) {
    const bool known = v1::LabelMatcher::Op_IsValid(matcher.op());
    matchers.push_back({matcher.name(),
                        static_cast<rules::LabelMatcher::Op>(
                            known ? matcher.op() : v1::LabelMatcher::OP_UNSPECIFIED),
                        matcher.value()});
  }
  return matchers;
}

void SetSilence(const rules::SilenceView& silence, v1::Silence* out) {
  out->set_id(silence.said.id);
  out->set_state(static_cast<v1::Silence::State>(silence.state));
  for (const rules::LabelMatcher& matcher : silence.said.matchers) {
    v1::LabelMatcher* copy = out->add_matchers();
    copy->set_name(matcher.name);
    copy->set_op(static_cast<v1::LabelMatcher::Op>(matcher.op));
    copy->set_value(matcher.value);
  }
  out->set_comment(silence.said.comment);
  out->set_author(silence.said.author);
  SetTime(silence.said.starts_at, out->mutable_starts_at());
  SetTime(silence.said.ends_at, out->mutable_ends_at());
  SetTime(silence.said.at, out->mutable_created_at());
  if (silence.ended_at != Time{}) SetTime(silence.ended_at, out->mutable_ended_at());
  out->set_ended_by(silence.ended_by);
}

void SetStanding(const rules::ReceiverStanding& standing, v1::ShowAlertResponse::Receiver* out) {
  out->set_receiver(standing.receiver);
  out->set_group_key(standing.group_key);
  out->set_escalated(standing.escalated);
  out->set_told(static_cast<v1::AlertTransition::State>(standing.told));
  out->set_notices(standing.notices);
  if (standing.told_at != Time{}) SetTime(standing.told_at, out->mutable_told_at());
  if (standing.next_at) SetTime(*standing.next_at, out->mutable_next_at());
  out->set_steps(standing.steps);
  if (standing.climb_at) SetTime(*standing.climb_at, out->mutable_escalates_at());
  if (standing.muted_until) SetTime(*standing.muted_until, out->mutable_muted_until());
}

void SetView(const rules::AlertView& view, v1::ShowAlertResponse* out) {
  SetAlert(view.status, out->mutable_alert());
  if (view.pending_from != Time{}) SetTime(view.pending_from, out->mutable_pending_from());
  if (view.calm_from) SetTime(*view.calm_from, out->mutable_calm_from());
  for (const Time fired : view.fires) SetTime(fired, out->add_fires());
  if (view.flapping_since != Time{}) SetTime(view.flapping_since, out->mutable_flapping_since());
  for (const rules::SilenceView& silence : view.silences) SetSilence(silence, out->add_silences());
  for (const auto& [row, by] : view.inhibited_by) {
    auto* const inhibition = out->add_inhibitions();
    inhibition->set_row(static_cast<std::uint32_t>(row));
    inhibition->set_by(by);
  }
  for (const rules::ReceiverStanding& standing : view.receivers)
    SetStanding(standing, out->add_receivers());
}

/// What the outbox knows of notices about an episode, oldest first.
Status AddNotices(const storage::Outbox& outbox, const std::string& tenant,
                  const std::string& episode_id, v1::ShowAlertResponse* out) {
  BAROGRAPH_ASSIGN(auto rows, outbox.ListPending({0}, kPageSizeMax));
  BAROGRAPH_ASSIGN(auto ended, outbox.ListEnded(kPageSizeMax));
  rows.insert(rows.end(), std::make_move_iterator(ended.begin()),
              std::make_move_iterator(ended.end()));
  std::sort(rows.begin(), rows.end(),
            [](const auto& a, const auto& b) { return a.sequence < b.sequence; });
  for (const storage::OutboxRow& row : rows) {
    const auto& episodes = row.notice.episode_ids;
    const bool about = std::find(episodes.begin(), episodes.end(), episode_id) != episodes.end();
    if (row.tenant == tenant && about) SetNotice(row, /*with_body=*/false, out->add_notices());
  }
  return {};
}

/// Errors: kInvalidArgument naming the field.
Result<storage::Silenced> ToWish(const v1::AddSilenceRequest& request, const Caller& caller) {
  storage::Silenced wish;
  wish.origin = {caller.actor, "command"};
  wish.matchers = ToMatchers(request.matchers());
  wish.comment = request.comment();
  wish.author = request.author().empty() ? caller.actor : request.author();
  if (request.has_starts_at()) {
    BAROGRAPH_ASSIGN(wish.starts_at, ToLogTime(request.starts_at(), "starts_at"));
  }
  BAROGRAPH_ASSIGN(wish.ends_at, ToLogTime(request.ends_at(), "ends_at"));
  return wish;
}

int Rank(rules::SilenceState state) {
  if (state == rules::SilenceState::kActive) return 0;
  return state == rules::SilenceState::kPending ? 1 : 2;
}

}  // namespace

::grpc::ServerUnaryReactor* AlertService::AckAlerts(::grpc::CallbackServerContext* context,
                                                    const v1::AckAlertsRequest* request,
                                                    v1::AckAlertsResponse* response) {
  auto* const reactor = context->DefaultReactor();
  const auto caller = CallerOf(api_, context, reactor);
  if (!caller) return reactor;
  rules::AckWish wish;
  wish.origin = {caller->actor, "command"};
  wish.names.assign(request->alerts().begin(), request->alerts().end());
  wish.matchers = ToMatchers(request->matchers());
  wish.note = request->note();
  wish.author = request->author().empty() ? caller->actor : request->author();
  DecideAndFinish(
      api_, reactor,
      [wish, response, tenant = caller->tenant](const rules::Engine& engine,
                                                Time now) -> Result<Decided> {
        BAROGRAPH_ASSIGN(Decided decided, engine.Acknowledge(tenant, wish, now));
        if (!decided.empty())
          response->set_acknowledged(static_cast<std::uint32_t>(decided[0].events.size()));
        return decided;
      },
      response);
  return reactor;
}

::grpc::ServerUnaryReactor* AlertService::ShowAlert(::grpc::CallbackServerContext* context,
                                                    const v1::ShowAlertRequest* request,
                                                    v1::ShowAlertResponse* response) {
  auto* const reactor = context->DefaultReactor();
  const auto tenant = TenantOf(api_, context, reactor);
  if (!tenant) return reactor;
  const auto view = std::make_shared<std::optional<rules::AlertView>>();
  const auto step = [view, tenant, request](const Partition::ReadView& seen) {
    *view = seen.engine.ViewAlert(*tenant, request->alert(), seen.now);
    return false;
  };
  const auto end = [this, reactor, request, response, view, tenant](const Result<Sequence>& seen) {
    if (!seen.ok()) return FinishLater(api_, reactor, seen.error());
    if (!view->has_value()) {
      return FinishLater(api_, reactor,
                         Error(ErrorCode::kNotFound, "no alert '" + request->alert() +
                                                         "'; `alerts list` shows fingerprints"));
    }
    response->set_sequence(seen->value);
    SetView(**view, response);
    FinishLater(api_, reactor,
                AddNotices(api_.partition.outbox(), *tenant, (*view)->status.episode_id, response));
  };
  api_.partition.Read(step, [this, end](Result<Sequence> seen) {
    api_.answers->Post([end, seen = std::move(seen)] { end(seen); });
  });
  return reactor;
}

::grpc::ServerUnaryReactor* AlertService::AddSilence(::grpc::CallbackServerContext* context,
                                                     const v1::AddSilenceRequest* request,
                                                     v1::AddSilenceResponse* response) {
  auto* const reactor = context->DefaultReactor();
  const auto caller = CallerOf(api_, context, reactor);
  if (!caller) return reactor;
  Result<storage::Silenced> wish = ToWish(*request, *caller);
  if (!wish.ok()) {
    FinishLater(api_, reactor, wish.error());
    return reactor;
  }
  DecideAndFinish(
      api_, reactor,
      [wish = std::move(wish).value(), response, tenant = caller->tenant](
          const rules::Engine& engine, Time now) -> Result<Decided> {
        BAROGRAPH_ASSIGN(Decided decided, engine.AddSilence(tenant, wish, now));
        response->set_id(std::get<storage::Silenced>(decided.at(0).events.at(0)).id);
        return decided;
      },
      response);
  return reactor;
}

::grpc::ServerUnaryReactor* AlertService::ListSilences(::grpc::CallbackServerContext* context,
                                                       const v1::ListSilencesRequest* request,
                                                       v1::ListSilencesResponse* response) {
  auto* const reactor = context->DefaultReactor();
  const auto tenant = TenantOf(api_, context, reactor);
  if (!tenant) return reactor;
  const auto views = std::make_shared<std::vector<rules::SilenceView>>();
  const auto step = [views, tenant](const Partition::ReadView& seen) {
    *views = seen.engine.Silences(*tenant);
    return false;
  };
  ReadAndFinish(api_, reactor, step, [views, request, response](Sequence seen) {
    response->set_sequence(seen.value);
    const auto order = [](const rules::SilenceView& view) {
      return std::tuple(Rank(view.state), view.said.ends_at, view.said.id);
    };
    std::sort(views->begin(), views->end(),
              [&](const auto& a, const auto& b) { return order(a) < order(b); });
    for (const rules::SilenceView& view : *views) {
      if (view.state == rules::SilenceState::kEnded && !request->ended()) break;
      SetSilence(view, response->add_silences());
    }
  });
  return reactor;
}

::grpc::ServerUnaryReactor* AlertService::ExpireSilence(::grpc::CallbackServerContext* context,
                                                        const v1::ExpireSilenceRequest* request,
                                                        v1::ExpireSilenceResponse* response) {
  auto* const reactor = context->DefaultReactor();
  const auto caller = CallerOf(api_, context, reactor);
  if (!caller) return reactor;
  DecideAndFinish(
      api_, reactor,
      [id = request->id(), caller = *caller](const rules::Engine& engine, Time now) {
        return engine.EndSilence(caller.tenant, id, {caller.actor, "command"}, now);
      },
      response);
  return reactor;
}

}  // namespace barograph::server
