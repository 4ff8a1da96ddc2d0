#pragma once

#include <string>

#include "ingest/kafka/handles.h"
#include "ingest/kafka/kafka_options.h"
#include "storage/base/result.h"

namespace barograph::ingest {

/// librdkafka's settings for reading: ours, and over them the properties of the configuration. Each
/// of ours and its reason: settings.cc. `member` is client id and static member of the group.
/// Errors: kInvalidArgument naming the property, with what the library says.
[[nodiscard]] Result<KafkaConfiguration> ConsumerSettings(const KafkaOptions& options,
                                                          const std::string& member);
/// The same for writing: acknowledged by all replicas, idempotent.
[[nodiscard]] Result<KafkaConfiguration> ProducerSettings(const KafkaOptions& options);

}  // namespace barograph::ingest
