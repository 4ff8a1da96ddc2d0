#include "ingest/kafka/settings.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>
#include <vector>

#include "ingest/kafka/limits.h"

namespace barograph::ingest {
namespace {

using Property = std::pair<std::string, std::string>;

constexpr std::size_t kErrorTextBytes = 512;

std::vector<Property> OurConsumerProperties(const KafkaOptions& options,
                                            const std::string& member) {
  return {
      {"bootstrap.servers", options.brokers},
      {"group.id", options.group},
      {"client.id", member},
      // A restart within the session gets its partitions back without a rebalance.
      {"group.instance.id", member},
      {"partition.assignment.strategy", "cooperative-sticky"},
      // Where reading stands lies in the log; what the group commits is for lag tools.
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      // The default would pass over records without a word when an offset is out of range.
      {"auto.offset.reset", "error"},
      {"check.crcs", "true"},
      {"isolation.level", "read_committed"},
      // The end tells that a record which is awaited no longer exists.
      {"enable.partition.eof", "true"},
      {"allow.auto.create.topics", "false"},
      // New topics of a pattern, and new partitions, are found within this time.
      {"topic.metadata.refresh.interval.ms", "10000"},
      {"queued.max.messages.kbytes", std::to_string(kKafkaPrefetchKib)},
      {"queued.min.messages", std::to_string(kKafkaPrefetchRecords)},
      {"receive.message.max.bytes", std::to_string(kKafkaResponseMax)},
      {"socket.keepalive.enable", "true"},
  };
}

std::vector<Property> OurProducerProperties(const KafkaOptions& options) {
  return {
      {"bootstrap.servers", options.brokers},
      {"client.id", "barograph"},
      {"enable.idempotence", "true"},
      {"acks", "all"},
      {"compression.type", "lz4"},
      {"linger.ms", "5"},
  };
}

/// Properties that only one of the two roles knows are no mistake in the other.
bool IsOfOtherRole(std::string_view name, bool consumer) {
  static constexpr std::array<std::string_view, 12> kConsumers = {
      "group.",       "session.",    "heartbeat.",           "max.poll.",
      "fetch.",       "queued.",     "check.crcs",           "isolation.level",
      "auto.offset.", "enable.auto", "partition.assignment", "enable.partition.eof"};
  static constexpr std::array<std::string_view, 10> kProducers = {"acks",
                                                                  "linger.",
                                                                  "batch.",
                                                                  "compression.",
                                                                  "queue.buffering.",
                                                                  "transaction",
                                                                  "retries",
                                                                  "enable.idempotence",
                                                                  "delivery.timeout",
                                                                  "message.timeout"};
  const auto begins = [name](std::string_view prefix) { return name.starts_with(prefix); };
  if (consumer) return std::any_of(kProducers.begin(), kProducers.end(), begins);
  return std::any_of(kConsumers.begin(), kConsumers.end(), begins);
}

Status Set(rd_kafka_conf_t* settings, const Property& property) {
  std::array<char, kErrorTextBytes> text{};
  if (rd_kafka_conf_set(settings, property.first.c_str(), property.second.c_str(), text.data(),
                        text.size()) == RD_KAFKA_CONF_OK) {
    return {};
  }
  return Error(ErrorCode::kInvalidArgument,
               "kafka.properties." + property.first + ": " + text.data());
}

Result<KafkaConfiguration> Make(const std::vector<Property>& ours, const KafkaOptions& options,
                                bool consumer) {
  KafkaConfiguration settings(rd_kafka_conf_new());
  for (const Property& property : ours) BAROGRAPH_TRY(Set(settings.get(), property));
  for (const Property& property : options.properties) {
    if (IsOfOtherRole(property.first, consumer)) continue;
    BAROGRAPH_TRY(Set(settings.get(), property));
  }
  return settings;
}

}  // namespace

Result<KafkaConfiguration> ConsumerSettings(const KafkaOptions& options,
                                            const std::string& member) {
  return Make(OurConsumerProperties(options, member), options, /*consumer=*/true);
}

Result<KafkaConfiguration> ProducerSettings(const KafkaOptions& options) {
  return Make(OurProducerProperties(options), options, /*consumer=*/false);
}

}  // namespace barograph::ingest
