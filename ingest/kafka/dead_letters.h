#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "ingest/admission/kafka_source.h"
#include "ingest/kafka/kafka_options.h"
#include "ingest/kafka/record_producer.h"
#include "storage/base/result.h"

namespace barograph::ingest {

/// Copies of set-aside records in a topic of their own, for tools that watch one: key, value and
/// headers as they were, and headers `barograph-reason`, `-topic`, `-partition`, `-offset` and
/// `-tenant`. The log's quarantine is what counts: a copy is made once the record is durable there,
/// is not awaited by anything, and is only counted when it fails.
///
/// Threads: one.
class DeadLetters {
 public:
  /// Errors: kInvalidArgument (settings).
  [[nodiscard]] static Result<std::unique_ptr<DeadLetters>> Open(const KafkaOptions& options);

  void Send(const std::string& topic, std::uint32_t partition, const std::string& tenant,
            const SetAsideRecord& record);
  /// Serves what was delivered.
  void Poll();
  /// Waits for what is under way.
  void Flush(Duration limit);

  [[nodiscard]] std::uint64_t sent() const { return producer_->delivered(); }
  [[nodiscard]] std::uint64_t failed() const { return producer_->failed() + not_sent_; }

 private:
  DeadLetters(std::string topic, std::unique_ptr<RecordProducer> producer)
      : topic_(std::move(topic)), producer_(std::move(producer)) {}

  std::string topic_;
  std::unique_ptr<RecordProducer> producer_;
  std::uint64_t queued_ = 0, not_sent_ = 0;
};

}  // namespace barograph::ingest
