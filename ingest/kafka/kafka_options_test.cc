#include "ingest/kafka/kafka_options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace barograph::ingest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

KafkaOptions Good() {
  KafkaOptions options;
  options.brokers = "127.0.0.1:9092";
  options.topics = {{.topic = "agents.events"}, {.topic = "team-.*", .pattern = true}};
  return options;
}

TEST(KafkaOptionsTest, MistakesAreNamed) {
  const auto expect = [](const char* text, const auto& spoil) {
    KafkaOptions options = Good();
    spoil(options);
    const Status checked = CheckKafkaOptions(options);
    ASSERT_FALSE(checked.ok()) << text;
    EXPECT_THAT(checked.error().message(), HasSubstr(text));
  };
  EXPECT_TRUE(CheckKafkaOptions(Good()).ok());
  expect("kafka.brokers: missing", [](KafkaOptions& o) { o.brokers.clear(); });
  expect("kafka.group: empty", [](KafkaOptions& o) { o.group.clear(); });
  expect("kafka.topics: none", [](KafkaOptions& o) { o.topics.clear(); });
  expect("kafka.topics[0]: neither", [](KafkaOptions& o) { o.topics[0].topic.clear(); });
  expect("kafka.topics[0].topic: \"a b\"", [](KafkaOptions& o) { o.topics[0].topic = "a b"; });
  expect("kafka.topics[1].pattern: \"(\"", [](KafkaOptions& o) { o.topics[1].topic = "("; });
  expect("is read by kafka.topics[1]", [](KafkaOptions& o) { o.dead_letter_topic = "team-dead"; });
  expect("kafka.properties.sasl.mechanizm", [](KafkaOptions& o) {
    o.properties = {{"sasl.mechanizm", "PLAIN"}};
  });
  expect("kafka.properties.security.protocol", [](KafkaOptions& o) {
    o.properties = {{"security.protocol", "TELEPATHY"}};
  });
}

TEST(KafkaOptionsTest, ValuesThatBreakAPromiseAreWarnedAbout) {
  KafkaOptions options = Good();
  options.properties = {{"check.crcs", "true"}, {"session.timeout.ms", "10000"}};
  EXPECT_THAT(WarnAboutProperties(options), IsEmpty());
  options.properties = {{"auto.offset.reset", "latest"}, {"client.id", "mine"}};
  EXPECT_THAT(WarnAboutProperties(options),
              ElementsAre(HasSubstr("auto.offset.reset: \"latest\": records"),
                          HasSubstr("client.id: \"mine\": a second Barograph")));
}

TEST(KafkaOptionsTest, PropertiesOfEitherRoleAreTaken) {
  KafkaOptions options = Good();
  options.properties = {{"fetch.min.bytes", "1"}, {"linger.ms", "20"}, {"acks", "all"}};
  EXPECT_TRUE(CheckKafkaOptions(options).ok());
}

TEST(KafkaOptionsTest, APatternMustFitTheWholeName) {
  const KafkaTopicOptions pattern{.topic = "team-.*", .pattern = true};
  EXPECT_TRUE(TopicFits(pattern, "team-a"));
  EXPECT_FALSE(TopicFits(pattern, "my-team-a"));
  const KafkaTopicOptions name{.topic = "a.b"};
  EXPECT_TRUE(TopicFits(name, "a.b"));
  EXPECT_FALSE(TopicFits(name, "axb"));
}

}  // namespace
}  // namespace barograph::ingest
