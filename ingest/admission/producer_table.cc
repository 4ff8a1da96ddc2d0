#include "ingest/admission/producer_table.h"

#include <algorithm>
#include <iterator>

#include "storage/base/bytes.h"

namespace barograph::ingest {
namespace {

constexpr std::uint8_t kRowFormat = 1;
constexpr std::string_view kForgottenReason =
    "rejected when it first came; the reason is no longer kept";
constexpr std::string_view kOldReason = "decided before the batches whose verdicts are kept";

void EncodeKey(std::string_view tenant, std::string_view producer, std::string* key) {
  key->clear();
  ByteWriter writer(key);
  writer.String(tenant);
  writer.Raw(producer);
}

/// Reasons are kept without "events[17].", because a repetition may have other indexes.
std::string_view BelowEvent(std::string_view reason) {
  const std::size_t end = reason.find("].");
  return end == std::string_view::npos ? reason : reason.substr(end + 2);
}

std::string Quoted(std::string_view producer) { return "producer '" + std::string(producer) + "'"; }

Error Gap(const Batch& batch, std::uint64_t acked, bool known) {
  std::string message = "first_sequence: " + Quoted(batch.producer) + " left a gap: expected " +
                        std::to_string(acked + 1) + ", given " +
                        std::to_string(batch.first_sequence);
  if (!known) message += " (this producer is unknown here: new, or forgotten after 35 idle days)";
  return {ErrorCode::kInvalidArgument, std::move(message)};
}

}  // namespace

std::uint64_t ProducerTable::Producer::first_kept() const {
  std::uint64_t events = 0;
  for (const DecidedBatch& batch : batches) events += batch.count;
  return acked_sequence + 1 - events;
}

const ProducerTable::Producer* ProducerTable::FindProducer(std::string_view tenant,
                                                           std::string_view id) const {
  EncodeKey(tenant, id, &key_buffer_);
  const auto found = producers_.find(key_buffer_);
  return found == producers_.end() ? nullptr : &*found->second;
}

Result<ProducerTable::Decision> ProducerTable::Decide(const Batch& batch) const {
  const Producer* producer = FindProducer(batch.tenant, batch.producer);
  const std::uint64_t acked = producer == nullptr ? 0 : producer->acked_sequence;
  if (producer != nullptr && batch.epoch < producer->epoch) {
    return Error(ErrorCode::kFailedPrecondition,
                 "epoch: " + Quoted(batch.producer) + " is fenced: epoch " +
                     std::to_string(producer->epoch) + " took over, given " +
                     std::to_string(batch.epoch));
  }
  if (batch.offered == 0) return Decision{.acked_sequence = acked};
  if (batch.first_sequence == 0 || batch.first_sequence > acked + 1) {
    return Gap(batch, acked, producer != nullptr);
  }
  if (producer == nullptr) {
    const auto count = of_tenant_.find(batch.tenant);
    if (count != of_tenant_.end() && count->second >= bounds_.producers_max) {
      return Error(ErrorCode::kResourceExhausted, "producer_id: tenant '" + batch.tenant +
                                                      "' has " + std::to_string(count->second) +
                                                      " producers already, which is the most");
    }
    return Decision{.acked_sequence = batch.offered};
  }
  const std::uint64_t last = batch.first_sequence + batch.offered - 1;
  Decision decision{.acked_sequence = std::max(acked, last)};
  if (batch.first_sequence > acked) return decision;
  BAROGRAPH_TRY(CheckBytes(*producer, batch));
  decision.decided_before =
      static_cast<std::uint32_t>(std::min(acked, last) - batch.first_sequence + 1);
  decision.verdicts = RepeatVerdicts(*producer, batch, decision.decided_before);
  return decision;
}

Status ProducerTable::CheckBytes(const Producer& producer, const Batch& batch) {
  std::uint64_t first = producer.first_kept();
  for (const DecidedBatch& kept : producer.batches) {
    const bool same_place = first == batch.first_sequence && kept.count == batch.offered;
    const bool comparable = kept.hash != 0 && batch.offered_hash != 0;
    if (same_place && comparable && kept.hash != batch.offered_hash) {
      return Error(ErrorCode::kAlreadyExists, "first_sequence: " + Quoted(batch.producer) +
                                                  " sent other events as " + std::to_string(first) +
                                                  " to " + std::to_string(first + kept.count - 1) +
                                                  " before");
    }
    first += kept.count;
  }
  return {};
}

std::vector<Verdict> ProducerTable::RepeatVerdicts(const Producer& producer, const Batch& batch,
                                                   std::uint32_t count) {
  std::vector<Verdict> verdicts(count);
  std::uint64_t first = producer.first_kept();
  for (std::uint32_t i = 0; i < count; ++i) {
    verdicts[i].index = i;
    verdicts[i].outcome = Verdict::Outcome::kDuplicate;
    if (batch.first_sequence + i < first) verdicts[i].reason = kOldReason;
  }
  for (const DecidedBatch& kept : producer.batches) {
    for (const Rejection& rejection : kept.rejected) {
      const std::uint64_t sequence = first + rejection.offset;
      if (sequence < batch.first_sequence || sequence - batch.first_sequence >= count) continue;
      Verdict& verdict = verdicts[sequence - batch.first_sequence];
      verdict.outcome = Verdict::Outcome::kRejected;
      verdict.reason = "events[" + std::to_string(verdict.index) + "].";
      verdict.reason += rejection.reason.empty() ? kForgottenReason : rejection.reason;
    }
    first += kept.count;
  }
  return verdicts;
}

void ProducerTable::Apply(const Batch& batch, Time log_time) {
  EncodeKey(batch.tenant, batch.producer, &key_buffer_);
  auto [place, is_new] = producers_.try_emplace(key_buffer_, by_activity_.end());
  if (is_new) {
    place->second = by_activity_.insert(by_activity_.end(), Producer());
    place->second->key = key_buffer_;
    place->second->tenant = batch.tenant;
    ++of_tenant_[batch.tenant];
  } else {
    by_activity_.splice(by_activity_.end(), by_activity_, place->second);
  }
  Producer& producer = *place->second;
  BAROGRAPH_ASSERT(batch.first_sequence == producer.acked_sequence + 1,
                   "only the next part is new");
  producer.epoch = batch.epoch;
  producer.acked_sequence += batch.offered;
  producer.last_active = std::max(producer.last_active, log_time);
  Remember(batch, &producer);
  MarkDirty(&producer);
}

void ProducerTable::Remember(const Batch& batch, Producer* producer) const {
  DecidedBatch kept{.count = batch.offered, .hash = batch.offered_hash};
  std::size_t reason_bytes = 0;
  kept.rejected.reserve(batch.rejected.size());
  for (const Verdict& verdict : batch.rejected) {
    const std::string_view reason = BelowEvent(verdict.reason);
    reason_bytes += reason.size();
    kept.rejected.push_back({verdict.index - batch.cut_before, reason_bytes <= kKeptReasonBytesMax
                                                                   ? std::string(reason)
                                                                   : std::string()});
  }
  producer->batches.push_back(std::move(kept));
  std::size_t verdicts = 0;
  for (const DecidedBatch& decided : producer->batches) verdicts += decided.rejected.size();
  auto first = producer->batches.begin();
  while (
      std::distance(first, producer->batches.end()) > 1 &&
      (verdicts > bounds_.verdicts_kept || std::distance(first, producer->batches.end()) >
                                               static_cast<std::ptrdiff_t>(bounds_.batches_kept))) {
    verdicts -= first->rejected.size();
    ++first;
  }
  producer->batches.erase(producer->batches.begin(), first);
}

void ProducerTable::MarkDirty(Producer* producer) {
  if (producer->dirty) return;
  producer->dirty = true;
  dirty_keys_.push_back(producer->key);
}

ProducerStanding ProducerTable::Find(std::string_view tenant, std::string_view producer) const {
  const Producer* found = FindProducer(tenant, producer);
  if (found == nullptr) return {};
  return {.acked_sequence = found->acked_sequence, .epoch = found->epoch, .known = true};
}

std::vector<ProducerTable::Idle> ProducerTable::FindExpired(Time log_time,
                                                            std::size_t limit) const {
  std::vector<Idle> expired;
  for (const Producer& producer : by_activity_) {
    if (expired.size() == limit || log_time - producer.last_active < kProducerIdleMax) break;
    ByteReader reader(producer.key);
    (void)reader.String();
    expired.push_back({producer.tenant, std::string(reader.rest()), producer.acked_sequence});
  }
  return expired;
}

void ProducerTable::Remove(std::string_view tenant, std::string_view producer) {
  EncodeKey(tenant, producer, &key_buffer_);
  const auto found = producers_.find(key_buffer_);
  if (found == producers_.end()) return;
  MarkDirty(&*found->second);
  by_activity_.erase(found->second);
  producers_.erase(found);
  if (--of_tenant_[std::string(tenant)] == 0) of_tenant_.erase(std::string(tenant));
}

void ProducerTable::EncodeRow(const Producer& producer, std::string* row) {
  row->clear();
  ByteWriter writer(row);
  writer.Fixed(kRowFormat);
  writer.Varint(producer.epoch);
  writer.Varint(producer.acked_sequence);
  writer.Fixed<std::int64_t>(producer.last_active.time_since_epoch().count());
  writer.Varint(producer.batches.size());
  for (const DecidedBatch& batch : producer.batches) {
    writer.Varint(batch.count);
    writer.Fixed(batch.hash);
    writer.Varint(batch.rejected.size());
    for (const Rejection& rejection : batch.rejected) {
      writer.Varint(rejection.offset);
      writer.String(rejection.reason);
    }
  }
}

void ProducerTable::StageRows(const RowSink& sink) {
  std::string row;
  for (const std::string& key : dirty_keys_) {
    const auto found = producers_.find(key);
    if (found == producers_.end()) {
      sink(key, std::nullopt);
      continue;
    }
    found->second->dirty = false;
    EncodeRow(*found->second, &row);
    sink(key, row);
  }
  dirty_keys_.clear();
}

Status ProducerTable::LoadRow(std::string_view key, std::string_view value) {
  ByteReader key_reader(key);
  Producer producer{.key = std::string(key), .tenant = std::string(key_reader.String())};
  ByteReader reader(value);
  const auto format = reader.Fixed<std::uint8_t>();
  producer.epoch = reader.Varint();
  producer.acked_sequence = reader.Varint();
  producer.last_active = Time(Duration(reader.Fixed<std::int64_t>()));
  for (std::uint64_t left = reader.Varint(); left > 0 && reader.ok(); --left) {
    DecidedBatch batch{.count = static_cast<std::uint32_t>(reader.Varint()),
                       .hash = reader.Fixed<std::uint64_t>()};
    for (std::uint64_t more = reader.Varint(); more > 0 && reader.ok(); --more) {
      const auto offset = static_cast<std::uint32_t>(reader.Varint());
      batch.rejected.push_back({offset, std::string(reader.String())});
    }
    producer.batches.push_back(std::move(batch));
  }
  if (!key_reader.ok() || !reader.ok() || !reader.done() || format != kRowFormat) {
    return Error(ErrorCode::kCorruption,
                 "producers: a row cannot be read (format " + std::to_string(format) + ")");
  }
  ++of_tenant_[producer.tenant];
  const auto place = by_activity_.insert(by_activity_.end(), std::move(producer));
  producers_[place->key] = place;
  return {};
}

void ProducerTable::FinishLoad() {
  by_activity_.sort(
      [](const Producer& a, const Producer& b) { return a.last_active < b.last_active; });
}

}  // namespace barograph::ingest
