#include "server/api/kafka_service.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "server/api/call.h"
#include "server/api/wire_time.h"

namespace barograph::server {
namespace {

using ingest::KafkaControl;
using ingest::KafkaFigures;
using ingest::KafkaPartitionFigures;
using ingest::KafkaPosition;
using ingest::KafkaReading;

v1::KafkaPartitionStatus::State ToWire(KafkaReading reading) {
  switch (reading) {
    case KafkaReading::kReading:
      return v1::KafkaPartitionStatus::READING;
    case KafkaReading::kVerifying:
      return v1::KafkaPartitionStatus::VERIFYING;
    case KafkaReading::kWaiting:
      return v1::KafkaPartitionStatus::WAITING;
    case KafkaReading::kStopped:
      return v1::KafkaPartitionStatus::STOPPED;
    case KafkaReading::kNotAssigned:
      return v1::KafkaPartitionStatus::NOT_ASSIGNED;
  }
  return v1::KafkaPartitionStatus::STATE_UNSPECIFIED;
}

void SetPartition(const KafkaPartitionFigures& partition, v1::KafkaPartitionStatus* out) {
  const KafkaPosition& position = partition.position;
  out->set_topic(position.topic);
  out->set_partition(position.partition);
  out->set_state(position.problem.empty() ? ToWire(partition.reading)
                                          : v1::KafkaPartitionStatus::STOPPED);
  out->set_tenant(position.tenant);
  out->set_next_offset(position.next_offset);
  if (partition.end_offset) out->set_end_offset(*partition.end_offset);
  if (partition.lag_records) out->set_lag_records(*partition.lag_records);
  if (partition.lag_seconds) out->set_lag_seconds(*partition.lag_seconds);
  out->set_records(position.records);
  out->set_events(position.events);
  out->set_duplicates(position.duplicates);
  out->set_set_aside(position.set_aside);
  out->set_tombstones(position.tombstones);
  out->set_holes(position.holes);
  out->set_problem(position.problem);
  out->set_unverifiable(partition.unverifiable);
}

void SetConsumer(const KafkaFigures& figures, v1::GetKafkaStatusResponse* out) {
  out->set_state(figures.state);
  out->set_brokers(figures.brokers);
  out->set_group(figures.group);
  out->set_rebalances(figures.rebalances);
  out->set_errors(figures.errors);
  out->set_last_error(figures.last_error);
  if (!figures.last_error.empty()) {
    SetTime(figures.last_error_at, out->mutable_last_error_at());
  }
  out->set_dead_letters_sent(figures.dead_letters_sent);
  out->set_dead_letters_failed(figures.dead_letters_failed);
}

/// What the door knows of a partition beyond its position, which the log knows best.
void AddFigures(const KafkaPartitionFigures& seen, KafkaPartitionFigures* partition) {
  const KafkaPosition stored = partition->position;
  *partition = seen;
  if (stored.topic.empty()) return;
  partition->position = stored;
  if (seen.end_offset && seen.lag_records) {
    partition->lag_records = *seen.end_offset - std::min(*seen.end_offset, stored.next_offset);
    if (partition->lag_records == 0U) partition->lag_seconds = 0;
  }
}

/// The partitions that the log ever stored a batch of, and those that the door has seen.
void SetStatus(KafkaSlot& slot, const std::vector<KafkaPosition>& positions,
               v1::GetKafkaStatusResponse* out) {
  std::map<std::pair<std::string, std::uint32_t>, KafkaPartitionFigures> partitions;
  for (const KafkaPosition& position : positions) {
    partitions[{position.topic, position.partition}].position = position;
  }
  out->set_configured(slot.configured());
  const bool open = slot.With([&](const KafkaControl& door) {
    const KafkaFigures figures = door.figures();
    SetConsumer(figures, out);
    for (const KafkaPartitionFigures& partition : figures.partitions) {
      AddFigures(partition, &partitions[{partition.position.topic, partition.position.partition}]);
    }
  });
  if (!open && slot.configured()) out->set_state("starting");
  for (const auto& [place, partition] : partitions) SetPartition(partition, out->add_partitions());
}

/// Errors: kInvalidArgument when no target was given.
Result<KafkaControl::SkipTarget> TargetOf(const v1::SkipKafkaRequest& request) {
  if (request.topic().empty()) return Error(ErrorCode::kInvalidArgument, "topic: empty");
  if (request.has_offset()) return KafkaControl::SkipTarget(request.offset());
  if (request.earliest()) return KafkaControl::SkipTarget(KafkaControl::End::kEarliest);
  if (request.latest()) return KafkaControl::SkipTarget(KafkaControl::End::kLatest);
  return Error(ErrorCode::kInvalidArgument,
               "to: missing; one of offset, earliest: true, latest: true");
}

}  // namespace

::grpc::ServerUnaryReactor* KafkaService::GetKafkaStatus(
    ::grpc::CallbackServerContext* context, const v1::GetKafkaStatusRequest* /*request*/,
    v1::GetKafkaStatusResponse* response) {
  auto* const reactor = context->DefaultReactor();
  if (!TenantOf(api_, context, reactor)) return reactor;
  api_.partition.LookUpKafka(
      [this, reactor, response](Result<std::vector<KafkaPosition>> positions) {
        api_.answers->Post([this, reactor, response, positions = std::move(positions)] {
          if (positions.ok()) SetStatus(api_.kafka, *positions, response);
          reactor->Finish(positions.ok() ? ::grpc::Status::OK
                                         : ingest::ToGrpcStatus(positions.error()));
        });
      });
  return reactor;
}

::grpc::ServerUnaryReactor* KafkaService::SkipKafka(::grpc::CallbackServerContext* context,
                                                    const v1::SkipKafkaRequest* request,
                                                    v1::SkipKafkaResponse* response) {
  auto* const reactor = context->DefaultReactor();
  auto peer = ingest::AuthenticateCall(*context, api_.authenticator);
  auto target = peer.ok() ? TargetOf(*request) : Result<KafkaControl::SkipTarget>(peer.error());
  if (!target.ok()) {
    FinishLater(api_, reactor, target.error());
    return reactor;
  }
  const std::string actor = peer->principal.empty() ? kOperator : peer->principal;
  const auto done = [this, reactor, response](Result<KafkaControl::Skipped> skipped) {
    if (skipped.ok()) {
      response->set_from_offset(skipped->from);
      response->set_to_offset(skipped->to);
    }
    FinishLater(api_, reactor, skipped.ok() ? Status() : Status(skipped.error()));
  };
  const bool open = api_.kafka.With([&](KafkaControl& door) {
    door.Skip(request->topic(), request->partition(), std::move(target).value(), actor, done);
  });
  if (!open) FinishLater(api_, reactor, api_.kafka.Absent());
  return reactor;
}

}  // namespace barograph::server
