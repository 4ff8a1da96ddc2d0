#pragma once

#include <memory>

#include "ingest/kafka/kafka_door.h"
#include "server/config/kafka_section.h"
#include "server/partition/partition.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::server {

/// Opens the door that the section describes: fetches its secrets, and sends its lines to the
/// program's log.
/// Lifetime: partition and clock must outlive the door.
/// Errors: those of ResolveKafka and KafkaDoor::Open.
[[nodiscard]] Result<std::unique_ptr<ingest::KafkaDoor>> OpenKafka(const KafkaSection& section,
                                                                   Partition& partition,
                                                                   const Clock& clock);

}  // namespace barograph::server
