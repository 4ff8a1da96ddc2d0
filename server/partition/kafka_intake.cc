#include "server/partition/kafka_intake.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "ingest/admission/limits.h"
#include "server/partition/limits.h"
#include "storage/base/digest.h"
#include "storage/base/limits.h"

namespace barograph::server {
namespace {

/// Rejections of a quarantined record that an answer repeats.
constexpr std::size_t kReasonsTold = 3;
constexpr std::string_view kDefaultTenant = "default";

std::size_t HeadBytes(const ingest::SetAsideRecord& record) {
  std::size_t bytes = record.key.size();
  for (const auto& [name, value] : record.headers) {
    bytes += name.size() + (value.has_value() ? value->size() : 0);
  }
  return bytes;
}

Error TooMuch(std::uint64_t offset, std::string_view what, std::size_t bytes, std::size_t most) {
  return {ErrorCode::kInvalidArgument, "kafka: the record set aside at offset " +
                                           std::to_string(offset) + " has " + std::string(what) +
                                           " of " + std::to_string(bytes) + " bytes; at most " +
                                           std::to_string(most)};
}

Status CheckSetAside(const ingest::SetAsideRecord& record) {
  if (record.value.size() > ingest::kQuarantinedValueMax) {
    return TooMuch(record.offset, "a value", record.value.size(), ingest::kQuarantinedValueMax);
  }
  if (const std::size_t bytes = HeadBytes(record); bytes > ingest::kQuarantinedHeadBytesMax) {
    return TooMuch(record.offset, "key and headers", bytes, ingest::kQuarantinedHeadBytesMax);
  }
  if (record.reason.size() > kTextBytesMax) {
    return TooMuch(record.offset, "a reason", record.reason.size(), kTextBytesMax);
  }
  if (record.rejected_events.size() > kBatchEventsMax) {
    return Error(ErrorCode::kInvalidArgument,
                 "kafka: the record set aside at offset " + std::to_string(record.offset) +
                     " names " + std::to_string(record.rejected_events.size()) +
                     " events; at most " + std::to_string(kBatchEventsMax));
  }
  return {};
}

storage::Quarantined ToEvent(const ingest::KafkaSource& source, ingest::SetAsideRecord record) {
  storage::Quarantined event;
  event.origin = {.actor = "server", .reason = "kafka"};
  event.topic = source.topic;
  event.partition = source.partition;
  event.offset = record.offset;
  if (record.timestamp_ms >= 0 && record.timestamp_ms <= kEventTimeMaxSeconds * 1000) {
    event.record_time = Time(std::chrono::milliseconds(record.timestamp_ms));
  }
  event.key = std::move(record.key);
  event.headers.reserve(record.headers.size());
  for (auto& [name, value] : record.headers) {
    event.headers.push_back({std::move(name), std::move(value)});
  }
  event.value = std::move(record.value);
  event.value_bytes = record.value_bytes;
  if (record.digest.has_value()) event.value_digest = Bytes(*record.digest);
  event.reason = std::move(record.reason);
  event.rejected_events = std::move(record.rejected_events);
  return event;
}

Error StillRejected(const std::vector<ingest::Verdict>& rejected) {
  std::string message = "the record still has events that cannot be stored: ";
  for (std::size_t i = 0; i < std::min(rejected.size(), kReasonsTold); ++i) {
    message += (i == 0 ? "" : "; ") + rejected[i].reason;
  }
  if (rejected.size() > kReasonsTold) {
    message += "; and " + std::to_string(rejected.size() - kReasonsTold) + " more";
  }
  return {ErrorCode::kInvalidArgument, std::move(message)};
}

Error NotPending(Sequence sequence) {
  return {ErrorCode::kNotFound,
          "no record at sequence " + std::to_string(sequence.value) + " waits in the quarantine"};
}

rules::ServerCondition Stopped(const ingest::KafkaPosition& position) {
  const std::string partition = std::to_string(position.partition);
  return {.rule = rules::kKafkaRule,
          .labels = {{"partition", partition}, {"topic", position.topic}},
          .severity = storage::Severity::kCritical,
          .holds = true,
          .value = 1,
          .threshold = 0,
          .summary = "kafka " + position.topic + "/" + partition + " is stopped at offset " +
                     std::to_string(position.next_offset) + ": " + position.problem,
          .condition = "stopped"};
}

}  // namespace

std::size_t SetAsideBytes(const ingest::Batch& batch) {
  std::size_t bytes = 0;
  if (batch.kafka == nullptr) return bytes;
  for (const ingest::SetAsideRecord& record : batch.kafka->set_aside) {
    bytes += record.value.size() + HeadBytes(record) + record.reason.size();
  }
  return bytes;
}

Status CheckKafkaBatch(const ingest::Batch& batch) {
  const bool of_kafka = batch.kafka != nullptr;
  if (!of_kafka && !batch.quarantined.has_value()) return {};
  if (!batch.producer.empty() || (of_kafka && batch.quarantined.has_value())) {
    return Error(ErrorCode::kInvalidArgument,
                 "batch: more than one of producer, Kafka source and quarantined record");
  }
  if (!of_kafka) return {};
  for (const ingest::SetAsideRecord& record : batch.kafka->set_aside) {
    BAROGRAPH_TRY(CheckSetAside(record));
  }
  if (const std::size_t bytes = SetAsideBytes(batch);
      bytes > kBatchBytesMax || batch.kafka->set_aside.size() > kBatchEventsMax) {
    return Error(ErrorCode::kInvalidArgument,
                 "kafka: " + std::to_string(batch.kafka->set_aside.size()) +
                     " records set aside of " + std::to_string(bytes) + " bytes; at most " +
                     std::to_string(kBatchEventsMax) + " and " + std::to_string(kBatchBytesMax));
  }
  return {};
}

Status KafkaIntake::Check(const ingest::Batch& batch) const {
  if (batch.quarantined.has_value()) {
    if (quarantine_.TenantOf(*batch.quarantined) == nullptr) return NotPending(*batch.quarantined);
    if (!batch.rejected.empty()) return StillRejected(batch.rejected);
    if (batch.accepted == 0) {
      return Error(ErrorCode::kInvalidArgument, "the record still holds no events");
    }
    return {};
  }
  BAROGRAPH_TRY(positions_.Decide(*batch.kafka));
  const std::size_t pending = quarantine_.PendingOf(batch.tenant);
  const std::size_t added = batch.kafka->set_aside.size();
  if (added > 0 && pending + added > ingest::kQuarantinedMax) {
    return Error(ErrorCode::kResourceExhausted,
                 "quarantine: " + std::to_string(pending) + " records of tenant '" + batch.tenant +
                     "' wait already; at most " + std::to_string(ingest::kQuarantinedMax) +
                     " (barograph dlq)",
                 /*retryable=*/true);
  }
  return {};
}

KafkaIntake::Decided KafkaIntake::Take(ingest::Batch* batch, std::uint64_t duplicates) {
  if (batch->quarantined.has_value()) {
    storage::QuarantineEnded ended;
    ended.origin = {.actor = "server", .reason = "retry"};
    ended.sequence = *batch->quarantined;
    ended.outcome = storage::QuarantineOutcome::kRetried;
    return {{*quarantine_.TenantOf(*batch->quarantined), {std::move(ended)}}};
  }
  ingest::KafkaSource& source = *batch->kafka;
  positions_.Apply(source, batch->tenant, batch->accepted, duplicates);
  if (source.set_aside.empty()) return {};
  rules::Engine::Decided decided{batch->tenant, {}};
  for (ingest::SetAsideRecord& record : source.set_aside) {
    decided.events.emplace_back(ToEvent(source, std::move(record)));
  }
  source.set_aside.clear();
  return {std::move(decided)};
}

Result<KafkaIntake::Skip> KafkaIntake::SkipTo(const std::string& topic, std::uint32_t partition,
                                              std::uint64_t to, const std::string& actor) {
  BAROGRAPH_ASSIGN(ingest::KafkaTable::Skipped skipped, positions_.Skip(topic, partition, to));
  storage::GapSkipped event;
  event.origin = {.actor = actor, .reason = "command"};
  event.topic = topic;
  event.partition = partition;
  event.from_offset = skipped.from;
  event.to_offset = to;
  event.problem = std::move(skipped.problem);
  if (skipped.tenant.empty()) skipped.tenant = kDefaultTenant;
  return Skip{skipped.from, {{std::move(skipped.tenant), {std::move(event)}}}};
}

Result<KafkaIntake::Decided> KafkaIntake::Drop(Sequence sequence, const std::string& actor) const {
  const std::string* const tenant = quarantine_.TenantOf(sequence);
  if (tenant == nullptr) return NotPending(sequence);
  storage::QuarantineEnded ended;
  ended.origin = {.actor = actor, .reason = "command"};
  ended.sequence = sequence;
  ended.outcome = storage::QuarantineOutcome::kDropped;
  return Decided{{*tenant, {std::move(ended)}}};
}

void KafkaIntake::AddConditions(std::vector<rules::ServerCondition>* conditions) const {
  for (const ingest::KafkaPosition* position : positions_.Stopped(kKafkaAlertsMax)) {
    conditions->push_back(Stopped(*position));
  }
  if (positions_.stopped() <= kKafkaAlertsMax) return;
  const std::size_t more = positions_.stopped() - kKafkaAlertsMax;
  conditions->push_back({.rule = rules::kKafkaRule,
                         .labels = {{"topic", "_overflow"}},
                         .severity = storage::Severity::kCritical,
                         .holds = true,
                         .value = static_cast<double>(more),
                         .threshold = 0,
                         .summary = std::to_string(more) + " more kafka partitions are stopped",
                         .condition = "stopped"});
}

}  // namespace barograph::server
