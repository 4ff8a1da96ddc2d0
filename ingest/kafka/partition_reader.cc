#include "ingest/kafka/partition_reader.h"

#include <algorithm>
#include <utility>

#include "ingest/kafka/limits.h"
#include "storage/base/assert.h"
#include "storage/base/digest.h"
#include "storage/base/limits.h"

namespace barograph::ingest {
namespace {

Peer PeerOf(const KafkaTopicOptions* topic) {
  Peer peer;
  if (topic != nullptr) peer.tenant = topic->tenant;
  return peer;
}

std::string TimeOf(std::int64_t timestamp_ms) {
  if (timestamp_ms < 0) return "no time";
  return "the time " + FormatTime(Time(std::chrono::milliseconds(timestamp_ms)));
}

/// The first reason speaks for all: a record with thousands of broken events needs no more.
std::string Summary(std::string first, std::size_t rejected) {
  if (rejected > 1) first += " (and " + std::to_string(rejected - 1) + " more)";
  return first;
}

}  // namespace

PartitionReader::PartitionReader(std::string name, std::uint32_t partition,
                                 const KafkaTopicOptions* topic, RecordDecoder* decoder)
    : topic_(topic), decoder_(decoder), builder_(PeerOf(topic), Time::max()) {
  position_.topic = std::move(name);
  position_.partition = partition;
  if (topic != nullptr) position_.tenant = topic->tenant;
}

void PartitionReader::SetPosition(std::optional<KafkaPosition> position) {
  BAROGRAPH_ASSERT(settled(), "answers are still to come");
  ready_.clear();
  source_.reset();
  (void)builder_.Take();
  failed_ = false;
  mark_.reset();
  next_.reset();
  if (position.has_value()) {
    position_ = *std::move(position);
    mark_ = position_.last;
    next_ = position_.next_offset;
  }
  if (assigned()) Begin();
}

void PartitionReader::Begin() {
  unverifiable_ = false;
  problem_.clear();
  if (stopped()) {
    reading_ = KafkaReading::kStopped;
  } else {
    reading_ = mark_.has_value() ? KafkaReading::kVerifying : KafkaReading::kReading;
  }
}

void PartitionReader::End() {
  Close();
  reading_ = KafkaReading::kNotAssigned;
}

void PartitionReader::Stop(std::string problem) {
  position_.problem = std::move(problem);
  if (assigned()) reading_ = KafkaReading::kStopped;
}

std::optional<std::uint64_t> PartitionReader::StartOffset() const {
  if (mark_.has_value() && reading_ != KafkaReading::kReading) return mark_->offset;
  return next_;
}

PartitionReader::Taken PartitionReader::Take(const KafkaRecord& record, Time max_time,
                                             Duration now) {
  const std::uint32_t crc = KafkaCrc(record.key, record.value);
  if (reading_ == KafkaReading::kVerifying) {
    const Taken verified = Verify(record, crc);
    if (verified != Taken::kRead) return verified;
  }
  if (failed_ || reading_ != KafkaReading::kReading ||
      (next_.has_value() && record.offset < *next_)) {
    return Taken::kStale;
  }
  if (!next_.has_value()) next_ = record.offset;
  if (!open()) Open(*next_, now);
  builder_.SetMaxTime(max_time);
  Decode(record, max_time);
  next_ = record.offset + 1;
  mark_ = KafkaMark{record.offset, record.timestamp_ms, crc};
  ++source_->records;
  source_->next_offset = *next_;
  source_->last = *mark_;
  if (builder_.offered() >= kKafkaBatchEvents ||
      builder_.bytes() + set_aside_bytes_ >= kKafkaBatchBytes) {
    Close();
  }
  return Taken::kRead;
}

/// kRead: the marked record is behind us, this one is news.
PartitionReader::Taken PartitionReader::Verify(const KafkaRecord& record, std::uint32_t crc) {
  if (record.offset < mark_->offset) return Taken::kStale;
  if (record.offset > mark_->offset) {
    LoseMark();
    return Taken::kRead;
  }
  if (record.timestamp_ms == mark_->timestamp_ms && crc == mark_->crc) {
    reading_ = KafkaReading::kReading;
    return Taken::kVerified;
  }
  problem_ = "the record at offset " + std::to_string(record.offset) +
             " is not the one that was read there (" + TimeOf(record.timestamp_ms) +
             ", then it had " + TimeOf(mark_->timestamp_ms) +
             "): the topic was made anew, or cut off and written again; what came after offset " +
             std::to_string(record.offset) + " before is lost if it was not read";
  return Taken::kOther;
}

void PartitionReader::ReachEnd(std::uint64_t offset) {
  if (reading_ == KafkaReading::kVerifying && offset > mark_->offset) LoseMark();
}

void PartitionReader::LoseMark() {
  unverifiable_ = true;
  if (reading_ == KafkaReading::kVerifying) reading_ = KafkaReading::kReading;
}

void PartitionReader::Open(std::uint64_t offset, Duration now) {
  source_ = std::make_unique<KafkaSource>();
  source_->topic = position_.topic;
  source_->partition = position_.partition;
  source_->first_offset = offset;
  set_aside_bytes_ = 0;
  opened_at_ = now;
}

bool PartitionReader::due(Duration now) const {
  return open() && now - opened_at_ >= kKafkaBatchAge;
}

void PartitionReader::Close() {
  if (!open()) return;
  Batch batch = builder_.Take();
  batch.kafka = std::move(source_);
  ready_.push_back(std::move(batch));
}

void PartitionReader::Submitted() {
  ready_.pop_front();
  ++in_flight_;
}

void PartitionReader::Durable(std::uint64_t next_offset) {
  --in_flight_;
  position_.next_offset = next_offset;
}

void PartitionReader::Refused() {
  --in_flight_;
  Fail();
}

void PartitionReader::Decode(const KafkaRecord& record, Time max_time) {
  headers_.clear();
  if (decoder_->format() == RecordFormat::kCloudEvents) record.read_headers(&headers_);
  events_.Clear();
  const RawRecord raw{record.key, record.value, headers_, RecordTimestamp(record.timestamp_ms)};
  const Result<RecordContent> content = decoder_->Decode(raw, &events_);
  if (!content.ok()) {
    SetAside(record, content.error().message(), {});
  } else if (*content == RecordContent::kTombstone) {
    ++source_->tombstones;
  } else if (*content == RecordContent::kEmpty) {
    SetAside(record, "value: holds no event", {});
  } else {
    AddDecoded(record, max_time);
  }
}

/// A record stays in one batch with its place; so the batch before ends if both do not fit.
void PartitionReader::AddDecoded(const KafkaRecord& record, Time max_time) {
  if (open() && source_->records > 0 &&
      (builder_.offered() + events_.size() > kBatchEventsMax ||
       builder_.bytes() + events_.bytes() > kBatchBytesMax)) {
    const Duration opened_at = opened_at_;
    const std::uint64_t next = *next_;
    Close();
    Open(next, opened_at);
    builder_.SetMaxTime(max_time);
  }
  std::vector<std::uint32_t> rejected;
  std::string reason;
  events_.ForEach([&](std::uint32_t index, const DecodedEvents::Item& item) {
    std::string why(item.rejection);
    if (why.empty()) {
      const Status added = builder_.TryAdd(item.event);
      if (added.ok()) return;
      why = added.error().message();
      if (events_.size() > 1) why.insert(0, "events[" + std::to_string(index) + "].");
    }
    if (rejected.empty()) reason = std::move(why);
    rejected.push_back(index);
  });
  if (rejected.empty()) return;
  std::string summary = Summary(std::move(reason), rejected.size());
  if (rejected.size() == events_.size()) rejected.clear();
  SetAside(record, std::move(summary), std::move(rejected));
}

void PartitionReader::SetAside(const KafkaRecord& record, std::string reason,
                               std::vector<std::uint32_t> rejected_events) {
  SetAsideRecord aside;
  aside.offset = record.offset;
  aside.timestamp_ms = record.timestamp_ms;
  aside.key = std::string(record.key.substr(0, kKafkaKeyBytesKept));
  const std::string_view value = record.value.value_or(std::string_view());
  aside.value = std::string(value.substr(0, kQuarantinedValueMax));
  aside.value_bytes = value.size();
  if (value.size() > kQuarantinedValueMax) aside.digest = Sha256(value);
  aside.reason = std::move(reason);
  aside.rejected_events = std::move(rejected_events);
  headers_.clear();
  record.read_headers(&headers_);
  for (const RecordHeaderView& header : headers_) {
    if (aside.headers.size() == kKafkaHeadersKept) break;
    std::optional<std::string> kept;
    if (!header.null) kept = std::string(header.value.substr(0, kKafkaHeaderBytesKept));
    aside.headers.emplace_back(header.name.substr(0, kKafkaHeaderBytesKept), std::move(kept));
  }
  set_aside_bytes_ += aside.value.size() + aside.key.size();
  source_->set_aside.push_back(std::move(aside));
}

}  // namespace barograph::ingest
