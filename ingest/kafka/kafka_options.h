#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/formats/record_decoder.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::ingest {

/// Topics that are read alike.
struct KafkaTopicOptions {
  /// A topic's name; or, when `pattern`, an RE2 expression that must match the whole name.
  std::string topic;
  bool pattern = false;
  std::string tenant = "default";
  RecordFormat format = RecordFormat::kEvent;
  RecordOptions record = {};  ///< time zone, types of CloudEvents
};

/// The `kafka:` section of the configuration.
struct KafkaOptions {
  std::string brokers;  ///< host:port, several with commas
  std::string group = "barograph";
  std::vector<KafkaTopicOptions> topics;  ///< the first that fits a topic's name counts
  std::string dead_letter_topic;          ///< empty: none
  /// Whether the members of the group are looked at before joining, so that a second Barograph is
  /// noticed. Off only for brokers that cannot or will not list them.
  bool look_for_others = true;
  /// Handed to librdkafka verbatim, over our own settings; see CheckProperties.
  std::vector<std::pair<std::string, std::string>> properties;
};

/// Settings whose value breaks what Barograph promises about Kafka; for warnings. Empty: none.
/// "auto.offset.reset=latest: records that ... would be passed over; leave it out".
[[nodiscard]] std::vector<std::string> WarnAboutProperties(const KafkaOptions& options);

/// Whether the options hold for the topic of this name.
[[nodiscard]] bool TopicFits(const KafkaTopicOptions& topic, std::string_view name);

/// Checks names, patterns and properties, without a broker.
/// Errors: kInvalidArgument naming the setting (`properties.sasl.mechanizm: no such setting`), with
/// what librdkafka says.
[[nodiscard]] Status CheckKafkaOptions(const KafkaOptions& options);

}  // namespace barograph::ingest
