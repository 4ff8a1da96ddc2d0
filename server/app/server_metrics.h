#pragma once

#include "ingest/grpc/ingest_door.h"
#include "server/forecast/forecaster.h"
#include "server/notify/outbox_worker.h"
#include "server/partition/partition.h"
#include "server/web/metrics.h"

namespace barograph::server {

/// What the parts of a server count, at one moment.
struct ServerFigures {
  PartitionFigures partition;
  OutboxFigures outbox;
  ingest::IngestDoorFigures door;
  ForecasterFigures forecaster;
};

/// Writes /metrics. Each metric's help text is its documentation.
void AddServerMetrics(const ServerFigures& figures, MetricSink& sink);

}  // namespace barograph::server
