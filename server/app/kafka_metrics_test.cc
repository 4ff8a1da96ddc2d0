#include "server/app/kafka_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace barograph::server {
namespace {

using testing::HasSubstr;
using testing::Not;

ingest::KafkaFigures TwoPartitions() {
  ingest::KafkaFigures figures;
  figures.state = "running";
  figures.rebalances = 3;
  figures.dead_letters_failed = 1;
  for (std::uint32_t i = 0; i < 2; ++i) {
    ingest::KafkaPartitionFigures partition;
    partition.position.topic = "agents";
    partition.position.partition = i;
    partition.position.next_offset = 100 + i;
    partition.position.records = 90;
    partition.position.holes = 10;
    partition.reading =
        i == 0 ? ingest::KafkaReading::kReading : ingest::KafkaReading::kNotAssigned;
    if (i == 0) {
      partition.lag_records = 7;
      partition.lag_seconds = 0.25;
    }
    figures.partitions.push_back(partition);
  }
  return figures;
}

TEST(KafkaMetricsTest, EveryPartitionHasItsLinesUnderOneFamily) {
  MetricSink sink;
  AddKafkaMetrics(TwoPartitions(), sink);
  const std::string text = sink.ToText();
  const auto has = [&](const std::string& line) { EXPECT_THAT(text, HasSubstr(line + "\n")); };
  has("# TYPE barograph_kafka_records_total counter");
  has("barograph_kafka_running 1");
  has("barograph_kafka_rebalances_total 3");
  has(R"(barograph_kafka_records_total{partition="0",topic="agents"} 90)");
  has(R"(barograph_kafka_records_total{partition="1",topic="agents"} 90)");
  has(R"(barograph_kafka_lag_seconds{partition="0",topic="agents"} 0.25)");
  has(R"(barograph_kafka_dead_letters_total{outcome="failed"} 1)");
  has(R"(barograph_kafka_partition_state{partition="1",state="not_assigned",topic="agents"} 1)");
  has(R"(barograph_kafka_partition_state{partition="1",state="reading",topic="agents"} 0)");
}

TEST(KafkaMetricsTest, ALagThatNobodyKnowsHasNoLine) {
  MetricSink sink;
  AddKafkaMetrics(TwoPartitions(), sink);
  EXPECT_THAT(sink.ToText(),
              Not(HasSubstr(R"(barograph_kafka_lag_records{partition="1",topic="agents"})")));
}

}  // namespace
}  // namespace barograph::server
