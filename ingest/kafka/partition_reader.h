#pragma once

#include <absl/functional/function_ref.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/admission/admission.h"
#include "ingest/admission/batch.h"
#include "ingest/admission/kafka_control.h"
#include "ingest/admission/kafka_source.h"
#include "ingest/formats/record_decoder.h"
#include "ingest/kafka/decoded_events.h"
#include "ingest/kafka/kafka_options.h"
#include "storage/base/clock.h"

namespace barograph::ingest {

/// A record as the consumer brings it; views into librdkafka's message.
struct KafkaRecord {
  std::uint64_t offset = 0;
  std::int64_t timestamp_ms = -1;  ///< since 1970; -1 = none
  std::string_view key;
  std::optional<std::string_view> value;  ///< absent: a tombstone
  /// Reads the headers, which costs; called at most twice.
  absl::FunctionRef<void(std::vector<RecordHeaderView>*)> read_headers;
};

/// Reading of one partition: makes batches of its records, in order, each continuing exactly where
/// the one before ended, and compares the last stored record when it begins.
///
/// Threads:  owned by the door's thread.
/// Lifetime: topic and decoder must outlive it.
class PartitionReader {
 public:
  /// `topic` may be null for a partition that the configuration no longer names.
  PartitionReader(std::string name, std::uint32_t partition, const KafkaTopicOptions* topic,
                  RecordDecoder* decoder);

  /// The consumer will bring records from StartOffset on: the marked one is awaited first.
  void Begin();
  /// The partition went to another member of the group. What was read stays to be submitted.
  void End();
  /// Offset from which to read: of the marked record, else of the next one. Nothing: from the
  /// partition's first record.
  [[nodiscard]] std::optional<std::uint64_t> StartOffset() const;

  enum class Taken : std::uint8_t {
    kRead,
    kVerified,  ///< the marked record: nothing new
    kStale,     ///< before what was asked for: nothing new
    kOther,     ///< another record than the marked one: see problem()
  };
  /// The next record. `max_time` as for BatchBuilder.
  Taken Take(const KafkaRecord& record, Time max_time, Duration now);
  /// The consumer reached the end, at `offset`: a marked record that did not come is gone.
  void ReachEnd(std::uint64_t offset);
  /// The marked record is known to be gone; reading goes on behind it.
  void LoseMark();

  /// Whether records wait that are not in a closed batch.
  [[nodiscard]] bool open() const { return source_ != nullptr; }
  /// Whether they have waited for kKafkaBatchAge, or are many.
  [[nodiscard]] bool due(Duration now) const;
  /// Ends the open batch.
  void Close();
  /// The first closed batch, to be submitted in order; null without one.
  [[nodiscard]] Batch* ready() { return ready_.empty() ? nullptr : &ready_.front(); }
  /// The first closed batch was taken by the partition.
  void Submitted();
  /// A submitted batch was answered: durable up to `next_offset`, or with an error; then
  /// everything that is not durable has to be read again, once all answers are there (settled).
  void Durable(std::uint64_t next_offset);
  void Refused();
  /// What comes cannot be trusted to follow: read again from the log's position.
  void Fail() { failed_ = true; }
  [[nodiscard]] bool failed() const { return failed_; }
  /// While the log is asked for its position.
  void SetRecovering(bool recovering) { recovering_ = recovering; }
  [[nodiscard]] bool recovering() const { return recovering_; }
  [[nodiscard]] bool settled() const { return in_flight_ == 0; }

  /// As the log has it, if it knows the partition: at the start, after a failure, a skip. What was
  /// read and is not durable is forgotten. Requires settled().
  void SetPosition(std::optional<KafkaPosition> position);
  void Stop(std::string problem);

  [[nodiscard]] const KafkaTopicOptions* topic() const { return topic_; }
  [[nodiscard]] const KafkaPosition& position() const { return position_; }
  [[nodiscard]] KafkaReading reading() const { return reading_; }
  [[nodiscard]] bool assigned() const { return reading_ != KafkaReading::kNotAssigned; }
  [[nodiscard]] bool stopped() const { return !position_.problem.empty(); }
  [[nodiscard]] bool unverifiable() const { return unverifiable_; }
  /// Behind the last record read; nothing before the first.
  [[nodiscard]] std::optional<std::uint64_t> next() const { return next_; }
  /// The last record read.
  [[nodiscard]] const std::optional<KafkaMark>& mark() const { return mark_; }
  /// Why Take said kOther.
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  Taken Verify(const KafkaRecord& record, std::uint32_t crc);
  void Decode(const KafkaRecord& record, Time max_time);
  void AddDecoded(const KafkaRecord& record, Time max_time);
  void SetAside(const KafkaRecord& record, std::string reason,
                std::vector<std::uint32_t> rejected_events);
  void Open(std::uint64_t offset, Duration now);

  const KafkaTopicOptions* topic_;
  RecordDecoder* decoder_;
  KafkaPosition position_;  ///< durable
  KafkaReading reading_ = KafkaReading::kNotAssigned;
  std::optional<std::uint64_t> next_;
  std::optional<KafkaMark> mark_;
  bool unverifiable_ = false;
  std::string problem_;

  BatchBuilder builder_;
  std::unique_ptr<KafkaSource> source_;  ///< of the open batch
  std::size_t set_aside_bytes_ = 0;
  Duration opened_at_{0};
  std::deque<Batch> ready_;
  std::size_t in_flight_ = 0;
  bool failed_ = false, recovering_ = false;
  DecodedEvents events_;  ///< of one record; reused
  std::vector<RecordHeaderView> headers_;
};

}  // namespace barograph::ingest
