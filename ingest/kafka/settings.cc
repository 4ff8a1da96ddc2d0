#include "ingest/kafka/settings.h"

#include <re2/re2.h>

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
constexpr std::size_t kTopicBytesMax = 249;  // Kafka's own limit

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

/// Properties of the configuration that only one of the two roles knows are no mistake in the other.
bool IsOfOtherRole(std::string_view name, bool consumer) {
  static constexpr std::array<std::string_view, 12> kConsumers = {
      "group.",          "session.",    "heartbeat.",          "max.poll.",
      "fetch.",          "queued.",     "check.crcs",          "isolation.level",
      "auto.offset.",    "enable.auto", "partition.assignment", "enable.partition.eof"};
  static constexpr std::array<std::string_view, 10> kProducers = {
      "acks",        "linger.", "batch.",   "compression.", "queue.buffering.",
      "transaction", "retries", "enable.idempotence", "delivery.timeout", "message.timeout"};
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

struct Danger {
  std::string_view name;
  std::string_view good;  ///< empty: any value breaks it
  std::string_view why;
};
constexpr std::array<Danger, 9> kDangers = {{
    {"auto.offset.reset", "error", "records whose offsets are gone would be passed over silently"},
    {"check.crcs", "true", "a record that was damaged on its way would be taken"},
    {"enable.auto.commit", "false", "the group's offsets would run ahead of what is durable"},
    {"enable.auto.offset.store", "false", "the group's offsets would run ahead of what is durable"},
    {"isolation.level", "read_committed", "events of aborted transactions would be counted"},
    {"enable.partition.eof", "true", "a last record that is gone would be awaited for ever"},
    {"group.id", "", "the name of the group is `kafka.group`"},
    {"group.instance.id", "", "a restart would no longer be recognised as the same member"},
    {"client.id", "", "a second Barograph in the group would not be detected"},
}};

}  // namespace

Result<KafkaConfiguration> ConsumerSettings(const KafkaOptions& options,
                                            const std::string& member) {
  return Make(OurConsumerProperties(options, member), options, /*consumer=*/true);
}

Result<KafkaConfiguration> ProducerSettings(const KafkaOptions& options) {
  return Make(OurProducerProperties(options), options, /*consumer=*/false);
}

std::vector<std::string> WarnAboutProperties(const KafkaOptions& options) {
  std::vector<std::string> warnings;
  for (const auto& [name, value] : options.properties) {
    for (const Danger& danger : kDangers) {
      if (name != danger.name || value == danger.good) continue;
      warnings.push_back("kafka.properties." + name + ": \"" + value + "\": " +
                         std::string(danger.why) + "; leave it out");
    }
  }
  return warnings;
}

Status CheckKafkaOptions(const KafkaOptions& options) {
  const auto wrong = [](std::string text) {
    return Error(ErrorCode::kInvalidArgument, std::move(text));
  };
  if (options.brokers.empty()) {
    return wrong("kafka.brokers: missing; expected host:port, several with commas");
  }
  if (options.group.empty()) return wrong("kafka.group: empty");
  if (options.topics.empty()) return wrong("kafka.topics: none; nothing would be read");
  for (std::size_t i = 0; i < options.topics.size(); ++i) {
    const KafkaTopicOptions& topic = options.topics[i];
    const std::string where = "kafka.topics[" + std::to_string(i) + "]";
    if (topic.topic.empty()) return wrong(where + ": neither topic nor pattern");
    if (!topic.pattern && (topic.topic.size() > kTopicBytesMax ||
                           !RE2::FullMatch(topic.topic, "[a-zA-Z0-9._-]+"))) {
      return wrong(where + ".topic: \"" + topic.topic +
                   "\" cannot be a topic: letters, digits, dot, underscore and hyphen, at most " +
                   std::to_string(kTopicBytesMax));
    }
    if (topic.pattern) {
      const RE2 expression(topic.topic, RE2::Quiet);
      if (!expression.ok()) {
        return wrong(where + ".pattern: \"" + topic.topic + "\": " + expression.error());
      }
    }
    if (!options.dead_letter_topic.empty() && TopicFits(topic, options.dead_letter_topic)) {
      return wrong("kafka.dead_letter_topic: " + options.dead_letter_topic + " is read by " + where +
                   " too: records would go round for ever");
    }
  }
  if (const auto settings = ConsumerSettings(options, "barograph"); !settings.ok()) {
    return settings.error();
  }
  if (const auto settings = ProducerSettings(options); !settings.ok()) return settings.error();
  return {};
}

bool TopicFits(const KafkaTopicOptions& topic, std::string_view name) {
  if (!topic.pattern) return name == topic.topic;
  return RE2::FullMatch(re2::StringPiece(name.data(), name.size()), RE2(topic.topic, RE2::Quiet));
}

}  // namespace barograph::ingest
