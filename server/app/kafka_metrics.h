#pragma once

#include "ingest/admission/kafka_control.h"
#include "server/web/metrics.h"

namespace barograph::server {

/// Writes what a Kafka door counts to /metrics. Counters of partitions go on over restarts: the log
/// keeps them.
void AddKafkaMetrics(const ingest::KafkaFigures& figures, MetricSink& sink);

}  // namespace barograph::server
