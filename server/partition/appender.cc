#include "server/partition/appender.h"

#include <algorithm>
#include <utility>

#include "storage/base/bytes.h"
#include "storage/base/digest.h"
#include "storage/base/failpoint.h"
#include "storage/base/limits.h"
#include "storage/state/outbox.h"
#include "storage/state/quarantine.h"

namespace barograph::server {
namespace {

using storage::RecordHeader;
using storage::SealedPayload;

void CountLease(const storage::ServerEvent& event, Counters* counters) {
  if (std::holds_alternative<storage::LeaseReserved>(event)) ++counters->leases_granted;
  if (std::holds_alternative<storage::LeaseDenied>(event)) ++counters->leases_denied;
  if (std::holds_alternative<storage::LeaseExpired>(event)) ++counters->leases_expired;
  if (std::holds_alternative<storage::LeaseSettled>(event)) ++counters->leases_settled;
  if (std::holds_alternative<storage::LeaseReleased>(event)) ++counters->leases_released;
}

}  // namespace

SealedPayload SealPlain(std::string_view payload) {
  return {.bytes = std::string(payload),
          .compression = storage::Compression::kNone,
          .uncompressed_bytes = static_cast<std::uint32_t>(payload.size()),
          .crc = Crc32c(payload),
          .digest = Sha256(payload)};
}

Appender::Appender(rules::Engine& engine, storage::EventLog& log, NoticeBook& notices,
                   QuarantineBook& quarantine, Counters& counters)
    : engine_(engine),
      log_(log),
      notices_(notices),
      quarantine_(quarantine),
      counters_(counters),
      next_sequence_(log.staged_end().sequence.Plus(1)),
      last_log_time_(log.staged_end().log_time) {
  counters_.staged = log.staged_end().sequence.value;
}

ingest::Receipt Appender::LastReceipt() const {
  const storage::Position end = log_.staged_end();
  return {end.sequence, end.link};
}

Status Appender::Fold(std::string_view tenant, std::string_view payload, std::uint32_t count,
                      Time log_time) {
  BAROGRAPH_ASSERT(log_time >= last_log_time_, "log time never goes back");
  const rules::RecordContext context{next_sequence_, log_time, tenant};
  if (const Status folded = engine_.Fold(context, payload); !folded.ok()) {
    return folded.error().WithContext("fold of sequence " + std::to_string(next_sequence_.value));
  }
  next_sequence_ = next_sequence_.Plus(count);
  last_log_time_ = log_time;
  counters_.events += count;
  return {};
}

Status Appender::AppendBatch(ingest::Batch batch, SealedPayload sealed, Time log_time,
                             PendingAnswer answer) {
  BAROGRAPH_ASSERT(!held_.has_value(), "the record before is staged first");
  BAROGRAPH_TRY(Fold(batch.tenant, batch.payload, batch.accepted, log_time));
  held_.emplace(HeldRecord{std::move(batch), std::move(sealed), log_time, std::move(answer),
                           group_->effects.size()});
  group_->effects.emplace_back();
  return {};
}

void Appender::StageHeld(bool evaluate) {
  HeldRecord& held = *held_;
  const ingest::Batch& batch = held.batch;
  RecordHeader header;
  header.flags = evaluate ? storage::kRecordEvaluate : 0;
  header.count = batch.accepted;
  header.log_time = held.log_time;
  header.min_event_time = std::min(batch.min_time, held.log_time);
  header.max_event_time = std::max(batch.max_time, held.log_time);
  if (batch.untimed == 0) {
    header.min_event_time = batch.min_time;
    header.max_event_time = batch.max_time;
  }
  header.tenant = batch.tenant;
  header.principal = batch.principal;
  header.producer = batch.producer;
  header.epoch = batch.producer.empty() ? 0 : batch.epoch;
  header.producer_sequence = batch.producer.empty() ? 0 : batch.first_sequence;
  if (const ingest::KafkaSource* source = batch.kafka.get(); source != nullptr) {
    header.flags = static_cast<std::uint16_t>(header.flags | storage::kRecordKafka);
    header.producer = source->topic;
    header.epoch = source->partition;
    header.producer_sequence = source->first_offset;
  }
  Stage(header, std::move(held.sealed));
  held.answer.body.receipt = LastReceipt();
  group_->effects[held.effect] = [answer = std::move(held.answer.answer),
                                  body = std::move(held.answer.body)] { answer(body); };
  ++group_->batches;
  held_.reset();
}

void Appender::Stage(RecordHeader header, SealedPayload sealed) {
  group_->end = log_.StageAppend(header, std::move(sealed), &group_->rows);
  BAROGRAPH_FAILPOINT("stage_after_append");
  group_->events += header.count;
  counters_.staged = group_->end->sequence.value;
  counters_.log_time_nanos = header.log_time.time_since_epoch().count();
}

Status Appender::AppendDecided(const std::vector<rules::Engine::Decided>& decided, Time log_time,
                               bool evaluate) {
  BAROGRAPH_ASSERT(!held_.has_value(), "the record before is staged first");
  for (const rules::Engine::Decided& batch : decided) {
    std::string payload;
    std::size_t first = 0;
    for (std::size_t i = 0; i < batch.events.size(); ++i) {
      ByteWriter(&payload).String(EncodeServerEvent(batch.events[i], log_time));
      const bool last = i + 1 == batch.events.size();
      if (!last && payload.size() < kBatchBytesMax && i + 1 - first < kBatchEventsMax) continue;
      BAROGRAPH_TRY(AppendServerMade(batch.tenant, &batch.events[first], i + 1 - first, payload,
                                     log_time, evaluate && last && &batch == &decided.back()));
      payload.clear();
      first = i + 1;
    }
  }
  return {};
}

Status Appender::AppendServerMade(std::string_view tenant, const storage::ServerEvent* events,
                                  std::size_t count, std::string_view payload, Time log_time,
                                  bool evaluate) {
  const Sequence first = next_sequence_;
  BAROGRAPH_TRY(Fold(tenant, payload, static_cast<std::uint32_t>(count), log_time));
  RecordHeader header;
  header.flags = static_cast<std::uint16_t>(storage::kRecordDecided |
                                            (evaluate ? storage::kRecordEvaluate : 0));
  header.count = static_cast<std::uint32_t>(count);
  header.log_time = header.min_event_time = header.max_event_time = log_time;
  for (std::size_t i = 0; i < count; ++i) {
    if (const auto* cost = std::get_if<storage::LeaseCost>(&events[i]))
      header.min_event_time = std::min(header.min_event_time, cost->time);
  }
  header.tenant = tenant;
  Stage(header, storage::SealPayload(payload));
  for (std::size_t i = 0; i < count; ++i) {
    StageRow(tenant, first.Plus(i), events[i]);
    CountLease(events[i], &counters_);
  }
  counters_.outbox_pending = notices_.pending();
  counters_.quarantine_pending = quarantine_.pending();
  return {};
}

/// Events that stand for work to do have a row in a table of what is pending.
void Appender::StageRow(std::string_view tenant, Sequence sequence,
                        const storage::ServerEvent& event) {
  storage::WriteGroup* quarantine_rows =
      BAROGRAPH_MUTANT("quarantine_outside_batch") ? &group_->late_rows : &group_->rows;
  if (const auto* notice = std::get_if<storage::NoticeDecided>(&event)) {
    storage::OutboxRow row{.tenant = std::string(tenant), .sequence = sequence, .notice = *notice};
    storage::WriteGroup* rows =
        BAROGRAPH_MUTANT("outbox_after_batch") ? &group_->late_rows : &group_->rows;
    storage::Outbox::StageNotice(row, rows);
    notices_.Add(notice->id, row.sequence);
    ++group_->notices;
  } else if (const auto* aside = std::get_if<storage::Quarantined>(&event)) {
    BAROGRAPH_FAILPOINT("quarantine_before_row");
    storage::Quarantine::StageRow(
        storage::QuarantineRowOf(tenant, sequence, *aside, last_log_time_), quarantine_rows);
    quarantine_.Add(std::string(tenant), sequence);
  } else if (const auto* ended = std::get_if<storage::QuarantineEnded>(&event)) {
    BAROGRAPH_FAILPOINT("quarantine_before_end");
    storage::Quarantine::StageEnd(ended->sequence, quarantine_rows);
    quarantine_.Remove(ended->sequence);
  }
}

}  // namespace barograph::server
