#include "ingest/kafka/dead_letters.h"

#include <utility>

#include "ingest/kafka/limits.h"

namespace barograph::ingest {

Result<std::unique_ptr<DeadLetters>> DeadLetters::Open(const KafkaOptions& options) {
  RecordProducerOptions producer_options;
  producer_options.brokers = options.brokers;
  producer_options.properties = options.properties;
  producer_options.queue_records_max = kKafkaDeadLettersMax;
  BAROGRAPH_ASSIGN(auto producer, RecordProducer::Open(producer_options));
  return std::unique_ptr<DeadLetters>(
      new DeadLetters(options.dead_letter_topic, std::move(producer)));
}

void DeadLetters::Send(const std::string& topic, std::uint32_t partition, const std::string& tenant,
                       const SetAsideRecord& record) {
  const std::uint64_t under_way = queued_ - producer_->delivered() - producer_->failed();
  if (under_way >= kKafkaDeadLettersMax) {  // Reading never waits for a copy.
    ++not_sent_;
    return;
  }
  const std::string partition_text = std::to_string(partition);
  const std::string offset_text = std::to_string(record.offset);
  OutgoingRecord copy{.topic = topic_, .key = record.key, .value = record.value};
  for (const auto& [name, value] : record.headers) {
    copy.headers.emplace_back(name, value ? std::string_view(*value) : std::string_view());
  }
  copy.headers.emplace_back("barograph-reason", record.reason);
  copy.headers.emplace_back("barograph-topic", topic);
  copy.headers.emplace_back("barograph-partition", partition_text);
  copy.headers.emplace_back("barograph-offset", offset_text);
  copy.headers.emplace_back("barograph-tenant", tenant);
  if (producer_->Send(copy).ok()) {
    ++queued_;
  } else {
    ++not_sent_;
  }
}

void DeadLetters::Poll() { producer_->Poll(Duration(0)); }

void DeadLetters::Flush(Duration limit) { (void)producer_->Flush(limit); }

}  // namespace barograph::ingest
