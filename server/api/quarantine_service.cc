#include "server/api/quarantine_service.h"

#include <algorithm>
#include <string>
#include <utility>

#include "server/api/call.h"
#include "server/api/limits.h"
#include "server/api/wire_time.h"
#include "storage/state/quarantine.h"

namespace barograph::server {
namespace {

void SetRow(const storage::QuarantineRow& row, v1::QuarantinedRow* out) {
  out->set_sequence(row.sequence.value);
  out->set_tenant(row.tenant);
  out->set_topic(row.topic);
  out->set_partition(row.partition);
  out->set_offset(row.offset);
  SetTime(row.set_aside_at, out->mutable_set_aside_at());
  out->set_value_bytes(row.value_bytes);
  out->set_reason(row.reason);
}

void SetRecord(const storage::Quarantined& record, v1::Quarantined* out) {
  out->mutable_origin()->set_actor(record.origin.actor);
  out->mutable_origin()->set_reason(record.origin.reason);
  out->set_topic(record.topic);
  out->set_partition(record.partition);
  out->set_offset(record.offset);
  if (record.record_time) SetTime(*record.record_time, out->mutable_record_time());
  out->set_key(record.key);
  for (const auto& header : record.headers) {
    auto* const added = out->add_headers();
    added->set_name(header.name);
    if (header.value) added->set_value(*header.value);
  }
  out->set_value(record.value);
  out->set_value_bytes(record.value_bytes);
  out->set_value_digest(record.value_digest);
  out->set_reason(record.reason);
  for (const std::uint32_t event : record.rejected_events) out->add_rejected_events(event);
}

}  // namespace

::grpc::ServerUnaryReactor* QuarantineService::ListQuarantined(
    ::grpc::CallbackServerContext* context, const v1::ListQuarantinedRequest* request,
    v1::ListQuarantinedResponse* response) {
  auto* const reactor = context->DefaultReactor();
  if (!TenantOf(api_, context, reactor)) return reactor;
  const std::size_t limit = request->page_size() == 0
                                ? kQuarantinedDefault
                                : std::min(request->page_size(), kPageSizeMax);
  // One more than asked for tells whether there are more.
  const auto rows =
      api_.partition.ListQuarantined(request->topic(), Sequence{request->after()}, limit + 1);
  if (!rows.ok()) {
    FinishLater(api_, reactor, rows.error());
    return reactor;
  }
  for (std::size_t i = 0; i < std::min(limit, rows->size()); ++i) {
    SetRow((*rows)[i], response->add_rows());
  }
  response->set_truncated(rows->size() > limit);
  FinishLater(api_, reactor, {});
  return reactor;
}

::grpc::ServerUnaryReactor* QuarantineService::GetQuarantined(
    ::grpc::CallbackServerContext* context, const v1::GetQuarantinedRequest* request,
    v1::GetQuarantinedResponse* response) {
  auto* const reactor = context->DefaultReactor();
  if (!TenantOf(api_, context, reactor)) return reactor;
  const auto found = api_.partition.ReadQuarantined(Sequence{request->sequence()});
  if (found.ok()) {
    SetRow(found->row, response->mutable_row());
    SetRecord(found->record, response->mutable_record());
  }
  FinishLater(api_, reactor, found.ok() ? Status() : Status(found.error()));
  return reactor;
}

::grpc::ServerUnaryReactor* QuarantineService::RetryQuarantined(
    ::grpc::CallbackServerContext* context, const v1::RetryQuarantinedRequest* request,
    v1::RetryQuarantinedResponse* response) {
  auto* const reactor = context->DefaultReactor();
  if (!TenantOf(api_, context, reactor)) return reactor;
  const Sequence sequence{request->sequence()};
  auto found = api_.partition.ReadQuarantined(sequence);
  if (!found.ok()) {
    FinishLater(api_, reactor, found.error());
    return reactor;
  }
  const auto done = [this, reactor, response](Result<ingest::BatchAnswer> answer) {
    if (answer.ok()) {
      const auto duplicates = std::count_if(
          answer->verdicts.begin(), answer->verdicts.end(), [](const ingest::Verdict& verdict) {
            return verdict.outcome == ingest::Verdict::Outcome::kDuplicate;
          });
      response->set_accepted(answer->accepted);
      response->set_duplicates(static_cast<std::uint32_t>(duplicates));
    }
    FinishLater(api_, reactor, answer.ok() ? Status() : Status(answer.error()));
  };
  const bool open = api_.kafka.With([&](ingest::KafkaControl& door) {
    door.Retry(found->row.tenant, sequence, std::move(found->record), done);
  });
  if (!open) FinishLater(api_, reactor, api_.kafka.Absent());
  return reactor;
}

::grpc::ServerUnaryReactor* QuarantineService::DropQuarantined(
    ::grpc::CallbackServerContext* context, const v1::DropQuarantinedRequest* request,
    v1::DropQuarantinedResponse* /*response*/) {
  auto* const reactor = context->DefaultReactor();
  auto peer = ingest::AuthenticateCall(*context, api_.authenticator);
  if (!peer.ok()) {
    FinishLater(api_, reactor, peer.error());
    return reactor;
  }
  const std::string actor = peer->principal.empty() ? kOperator : peer->principal;
  api_.partition.DropQuarantined(
      Sequence{request->sequence()}, actor,
      [this, reactor](Status done) { FinishLater(api_, reactor, std::move(done)); });
  return reactor;
}

}  // namespace barograph::server
