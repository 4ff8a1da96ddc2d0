#include <algorithm>
#include <utility>

#include "ingest/admission/admission.h"
#include "ingest/kafka/decoded_events.h"
#include "ingest/kafka/door_loop.h"
#include "storage/base/limits.h"

namespace barograph::ingest {
namespace {

Result<std::uint64_t> Target(const KafkaControl::SkipTarget& to, const KafkaConsumer::Ends& ends) {
  if (const auto* end = std::get_if<KafkaControl::End>(&to)) {
    return *end == KafkaControl::End::kEarliest ? ends.first : ends.end;
  }
  const std::uint64_t offset = std::get<std::uint64_t>(to);
  if (offset >= ends.first && offset <= ends.end) return offset;
  return Error(ErrorCode::kInvalidArgument,
               "offset " + std::to_string(offset) + ": the partition holds " +
                   std::to_string(ends.first) + " to " + std::to_string(ends.end));
}

}  // namespace

void DoorLoop::Skip(const std::string& topic, std::uint32_t partition, KafkaControl::SkipTarget to,
                    const std::string& actor,
                    std::function<void(Result<KafkaControl::Skipped>)> done) {
  const std::string name = topic + "/" + std::to_string(partition);
  const auto refuse = [&done, &name](ErrorCode code, const std::string& why) {
    done(Error(code, name + ": " + why, /*retryable=*/code == ErrorCode::kUnavailable));
  };
  PartitionReader* const reader = FindReader(topic, partition);
  if (reader == nullptr) return refuse(ErrorCode::kNotFound, "was never read");
  if (!reader->stopped()) {
    return refuse(ErrorCode::kFailedPrecondition, "is not stopped: nothing has to be skipped");
  }
  if (!reader->settled()) return refuse(ErrorCode::kUnavailable, "batches are under way");
  const Result<KafkaConsumer::Ends> ends = consumer_->QueryEnds(topic, partition);
  if (!ends.ok()) return done(ends.error());
  const Result<std::uint64_t> target = Target(to, *ends);
  if (!target.ok()) return refuse(target.error().code(), target.error().message());
  if (stopping_) return refuse(ErrorCode::kUnavailable, "the server is stopping");
  ++skips_;
  positions_.SkipKafka(
      topic, partition, *target, actor,
      [this, key = Key(topic, partition), to = *target, done](Result<std::uint64_t> from) {
        PostAnswer([this, key, to, from = std::move(from), done] {
          --skips_;
          if (!from.ok()) return done(from.error());
          KafkaPosition position = readers_.at(key).position();
          position.next_offset = to;
          position.last.reset();
          position.problem.clear();
          Restart(key, std::move(position));
          done(KafkaControl::Skipped{*from, to});
        });
      });
}

void DoorLoop::Retry(const std::string& tenant, Sequence sequence,
                     const storage::Quarantined& record,
                     std::function<void(Result<BatchAnswer>)> done) {
  const auto refuse = [&done](ErrorCode code, const std::string& why) { done(Error(code, why)); };
  if (record.value.size() != record.value_bytes) {
    return refuse(ErrorCode::kFailedPrecondition,
                  "only " + std::to_string(record.value.size()) + " of its " +
                      std::to_string(record.value_bytes) +
                      " bytes were kept: it can be dropped, or sent again by its producer");
  }
  const std::optional<std::size_t> place = OptionsOf(record.topic);
  if (!place) {
    return refuse(ErrorCode::kNotFound, "no topic of the configuration fits " + record.topic);
  }
  std::vector<RecordHeaderView> headers;
  for (const auto& header : record.headers) {
    headers.push_back({header.name,
                       header.value ? std::string_view(*header.value) : std::string_view(),
                       !header.value});
  }
  DecodedEvents events;
  const RawRecord raw{record.key, record.value, headers, record.record_time};
  const Result<RecordContent> content = decoders_[*place].Decode(raw, &events);
  if (!content.ok()) return done(content.error());
  BatchBuilder builder({.tenant = tenant, .principal = {}}, partition_.LogTimeNow() + kFutureMax);
  Status added;
  events.ForEach([&](std::uint32_t index, const DecodedEvents::Item& item) {
    const std::vector<std::uint32_t>& only = record.rejected_events;
    if (!only.empty() && !std::binary_search(only.begin(), only.end(), index)) return;
    if (!added.ok()) return;
    added = item.rejection.empty()
                ? builder.TryAdd(item.event)
                : Status(Error(ErrorCode::kInvalidArgument, std::string(item.rejection)));
    if (!added.ok()) added = added.error().WithContext("event " + std::to_string(index));
  });
  if (!added.ok()) return done(added.error());
  if (builder.offered() == 0) return refuse(ErrorCode::kInvalidArgument, "it holds no event");
  Batch batch = builder.Take();
  batch.quarantined = sequence;
  if (!partition_.TrySubmit(batch, done)) {
    done(Error(ErrorCode::kResourceExhausted, "the server has no room just now",
               /*retryable=*/true));
  }
}

}  // namespace barograph::ingest
