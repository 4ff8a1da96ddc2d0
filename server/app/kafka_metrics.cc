#include "server/app/kafka_metrics.h"

#include <array>
#include <string>

namespace barograph::server {
namespace {

using ingest::KafkaFigures;
using ingest::KafkaPartitionFigures;
using ingest::KafkaReading;

constexpr std::array kReadings{KafkaReading::kReading, KafkaReading::kVerifying,
                               KafkaReading::kWaiting, KafkaReading::kStopped,
                               KafkaReading::kNotAssigned};

double Count(std::uint64_t value) { return static_cast<double>(value); }

void AddReading(const KafkaPartitionFigures& partition, const MetricSink::Labels& labels,
                MetricSink& sink) {
  for (const KafkaReading reading : kReadings) {
    MetricSink::Labels with_state = labels;
    std::string word(Name(reading));
    for (char& c : word) c = c == ' ' ? '_' : c;
    with_state["state"] = word;
    sink.Gauge("barograph_kafka_partition_state",
               "1 for the state that the partition is in: reading, verifying, waiting, stopped, "
               "not_assigned.",
               partition.reading == reading ? 1 : 0, with_state);
  }
  if (partition.lag_records) {
    sink.Gauge("barograph_kafka_lag_records", "Offsets until the partition's end.",
               Count(*partition.lag_records), labels);
  }
  if (partition.lag_seconds) {
    sink.Gauge("barograph_kafka_lag_seconds",
               "Age of the last record read while there is lag; else 0.", *partition.lag_seconds,
               labels);
  }
  sink.Gauge("barograph_kafka_next_offset",
             "Offset to be read next: all before it was decided and is durable.",
             Count(partition.position.next_offset), labels);
}

void AddCounts(const KafkaPartitionFigures& partition, const MetricSink::Labels& labels,
               MetricSink& sink) {
  const ingest::KafkaPosition& position = partition.position;
  sink.Counter("barograph_kafka_records_total", "Records decided since the first one.",
               Count(position.records), labels);
  sink.Counter("barograph_kafka_events_total", "Events stored from records.",
               Count(position.events), labels);
  sink.Counter("barograph_kafka_duplicates_total",
               "Events of records whose ids were in the log already.", Count(position.duplicates),
               labels);
  sink.Counter("barograph_kafka_set_aside_total", "Records that went to the quarantine.",
               Count(position.set_aside), labels);
  sink.Counter("barograph_kafka_tombstones_total", "Records without a value.",
               Count(position.tombstones), labels);
  sink.Counter("barograph_kafka_holes_total",
               "Offsets without a record: transaction markers, and what compaction removed.",
               Count(position.holes), labels);
}

}  // namespace

void AddKafkaMetrics(const KafkaFigures& figures, MetricSink& sink) {
  sink.Gauge("barograph_kafka_running", "1 while the consumer has its brokers.",
             figures.state == "running" ? 1 : 0);
  sink.Counter("barograph_kafka_rebalances_total", "Rebalances of the group that reached us.",
               Count(figures.rebalances));
  sink.Counter("barograph_kafka_errors_total", "Errors that librdkafka told.",
               Count(figures.errors));
  const std::string help = "Copies of records set aside that went to the dead-letter topic.";
  sink.Counter("barograph_kafka_dead_letters_total", help, Count(figures.dead_letters_sent),
               {{"outcome", "sent"}});
  sink.Counter("barograph_kafka_dead_letters_total", help, Count(figures.dead_letters_failed),
               {{"outcome", "failed"}});
  for (const KafkaPartitionFigures& partition : figures.partitions) {
    const MetricSink::Labels labels = {{"topic", partition.position.topic},
                                       {"partition", std::to_string(partition.position.partition)}};
    AddReading(partition, labels, sink);
    AddCounts(partition, labels, sink);
  }
}

}  // namespace barograph::server
