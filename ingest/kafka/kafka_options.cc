#include "ingest/kafka/kafka_options.h"

#include <re2/re2.h>

#include <array>
#include <utility>

#include "ingest/kafka/settings.h"

namespace barograph::ingest {
namespace {

constexpr std::size_t kTopicBytesMax = 249;  // Kafka's own limit

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

std::vector<std::string> WarnAboutProperties(const KafkaOptions& options) {
  std::vector<std::string> warnings;
  for (const auto& [name, value] : options.properties) {
    for (const Danger& danger : kDangers) {
      if (name != danger.name || value == danger.good) continue;
      warnings.push_back("kafka.properties." + name + ": \"" + value +
                         "\": " + std::string(danger.why) + "; leave it out");
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
    if (!topic.pattern &&
        (topic.topic.size() > kTopicBytesMax || !RE2::FullMatch(topic.topic, "[a-zA-Z0-9._-]+"))) {
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
      return wrong("kafka.dead_letter_topic: " + options.dead_letter_topic + " is read by " +
                   where + " too: records would go round for ever");
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
