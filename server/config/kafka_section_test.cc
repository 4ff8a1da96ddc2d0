#include "server/config/kafka_section.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "server/config/configuration.h"
#include "server/config/rule_json.h"

// Method: real files in a folder of the test's own, read as the server reads them.
namespace barograph::server {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

class KafkaSectionTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(testing::TempDir()) /
              testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(folder_);
  }
  std::string Write(const std::string& name, std::string_view text) {
    std::ofstream(folder_ / name) << text;
    return (folder_ / name).string();
  }
  Result<Configuration> Load(std::string_view text,
                             std::map<std::string, std::string> environment = {}) {
    return LoadConfiguration({.file = Write("barograph.yaml", text),
                              .environment = std::move(environment),
                              .flags = {}});
  }
  /// The mistakes, without the folder in front of the file's name.
  std::string Refusal(std::string_view text) {
    const auto configuration = Load(text);
    EXPECT_FALSE(configuration.ok());
    std::string told = configuration.ok() ? "" : configuration.error().message();
    const std::string folder = folder_.string() + "/";
    for (std::size_t at = told.find(folder); at != std::string::npos; at = told.find(folder)) {
      told.erase(at, folder.size());
    }
    return told;
  }

  std::filesystem::path folder_;
};

constexpr const char* kWhole = R"(timezone: Europe/Berlin
kafka:
  brokers: broker-1:9093,broker-2:9093
  group: fleet-barograph
  topics:
    - topic: agents
      format: cloudevents
      types:
        com.example.cost: cost
        com.example.bill: {mapping: bill.yaml}
        com.example.*: event
      labels: [subject, region]
    - {pattern: "fleet\\..*", tenant: fleet, format: batch, timezone: UTC, currency: USD}
  dead_letter_topic: agents-dead
  properties:
    security.protocol: SASL_SSL
    sasl.mechanism: PLAIN
    sasl.username: barograph
    sasl.password: {env: BAROGRAPH_TEST_KAFKA_PASSWORD}
)";
constexpr const char* kBill = R"(apiVersion: barograph/v1
source: billing
format: ndjson
columns: {time: at, cost.amount: total}
constants: {cost.category: FEES}
)";

TEST_F(KafkaSectionTest, AWholeSectionIsReadIntoTheOptionsOfTheDoor) {
  const std::string bill = Write("bill.yaml", kBill);
  const auto configuration = Load(kWhole);
  ASSERT_TRUE(configuration.ok()) << configuration.error().message();
  ASSERT_TRUE(configuration->kafka);
  const ingest::KafkaOptions& options = configuration->kafka->options;
  EXPECT_EQ(options.brokers, "broker-1:9093,broker-2:9093");
  EXPECT_EQ(options.group, "fleet-barograph");
  EXPECT_EQ(options.dead_letter_topic, "agents-dead");
  ASSERT_EQ(options.topics.size(), 2U);
  EXPECT_EQ(options.topics[0].topic, "agents");
  EXPECT_EQ(options.topics[0].tenant, "default");
  EXPECT_EQ(options.topics[0].format, ingest::RecordFormat::kCloudEvents);
  const auto& events = options.topics[0].record.cloud_events;
  ASSERT_TRUE(events);
  ASSERT_EQ(events->types.size(), 3U);
  EXPECT_EQ(events->types[0].as, "cost");
  EXPECT_EQ(events->types[1].mapping->spec().source, "billing");
  EXPECT_THAT(events->labels, ElementsAre("subject", "region"));
  EXPECT_TRUE(options.topics[1].pattern);
  EXPECT_EQ(options.topics[1].topic, "fleet\\..*");
  EXPECT_EQ(options.topics[1].tenant, "fleet");
  EXPECT_EQ(options.topics[1].record.text.currency, "USD");
  EXPECT_THAT(configuration->kafka->timezones, ElementsAre("Europe/Berlin", "UTC"));
  EXPECT_THAT(configuration->files, ElementsAre((folder_ / "barograph.yaml").string(), bill));
  EXPECT_THAT(configuration->warnings, IsEmpty());
}

TEST_F(KafkaSectionTest, TimesWithoutAZoneAreInTheTopicsZone) {
  Write("bill.yaml", kBill);
  const auto configuration = Load(kWhole);
  ASSERT_TRUE(configuration.ok());
  const auto read = [&](std::size_t topic) {
    return *configuration->kafka->options.topics[topic].record.text.times.Parse("2026-11-21 09:00");
  };
  EXPECT_EQ(read(1) - read(0), std::chrono::hours(1));
}

TEST_F(KafkaSectionTest, SecretsAreFetchedLateAndShownNowhere) {
  Write("bill.yaml", kBill);
  const auto configuration = Load(kWhole);
  ASSERT_TRUE(configuration.ok());
  const KafkaSection& section = *configuration->kafka;
  EXPECT_THAT(section.secrets,
              ElementsAre(Pair("sasl.password", "env:BAROGRAPH_TEST_KAFKA_PASSWORD")));
  ::unsetenv("BAROGRAPH_TEST_KAFKA_PASSWORD");
  const auto absent = ResolveKafka(section);
  ASSERT_FALSE(absent.ok());
  EXPECT_THAT(absent.error().message(), HasSubstr("kafka.properties.sasl.password"));
  ::setenv("BAROGRAPH_TEST_KAFKA_PASSWORD", "not-a-real-password", 1);
  const auto options = ResolveKafka(section);
  ASSERT_TRUE(options.ok());
  EXPECT_EQ(options->properties.back(),
            std::pair(std::string("sasl.password"), std::string("not-a-real-password")));
  const std::string json = ConfigurationToJson(*configuration);
  EXPECT_THAT(json, AllOf(HasSubstr("\"sasl.username\": \"barograph\""),
                          HasSubstr("\"env\": \"BAROGRAPH_TEST_KAFKA_PASSWORD\""),
                          Not(HasSubstr("not-a-real-password"))));
}

TEST_F(KafkaSectionTest, BrokersMayComeFromTheEnvironment) {
  const auto configuration = Load("kafka: {topics: [{topic: agents, format: event}]}\n",
                                  {{"BAROGRAPH_KAFKA__BROKERS", "127.0.0.1:9092"}});
  ASSERT_TRUE(configuration.ok()) << configuration.error().message();
  EXPECT_EQ(configuration->kafka->options.brokers, "127.0.0.1:9092");
}

TEST_F(KafkaSectionTest, WithoutASectionKafkaIsNotRead) {
  const auto configuration = Load("listen: 127.0.0.1:1\n");
  ASSERT_TRUE(configuration.ok());
  EXPECT_FALSE(configuration->kafka);
}

TEST_F(KafkaSectionTest, EveryMistakeIsToldAtItsPlace) {
  Write("bad.yaml", "apiVersion: barograph/v1\nsource: bad\nformat: ndjson\ncolums: {}\n");
  const std::string told = Refusal(R"(kafka:
  broker: localhost:9092
  topics:
    - {topic: "agents!", format: event}
    - {topic: bills, format: cloudevent}
    - {topic: tasks, pattern: tasks, format: json}
    - {pattern: "([", format: json}
    - {topic: costs, format: json, types: {a: cost}, tenant: Fleet A,
       timezone: Mars/Base, currency: dollars}
    - topic: clouds
      format: cloudevents
      types: {a: costs, b: {mapping: bad.yaml}, c: {mapping: gone.yaml}, d: {map: bad.yaml}}
    - {format: ndjson}
    - {topic: twice, format: event}
    - {topic: twice, format: json}
  properties:
    sasl.mechanizm: PLAIN
    security.protocol: TLS
    sasl.password: hunter2-not-real
    ssl.key.password: {env: A, file: B}
)");
  const auto tells = [&](const std::string& line) { EXPECT_THAT(told, HasSubstr(line)); };
  tells("barograph.yaml:2:3: unknown key 'broker' in `kafka`; did you mean 'brokers'?");
  tells("barograph.yaml:4:15: topic: \"agents!\" cannot be a topic");
  tells("barograph.yaml:5:30: format: 'cloudevent' is none of");
  tells("did you mean 'cloudevents'?");
  tells("barograph.yaml:6:7: a topic takes exactly one of `topic` and `pattern`");
  tells("barograph.yaml:7:17: pattern: \"([\"");
  tells("barograph.yaml:8:43: types: only `format: cloudevents` has them");
  tells("tenant: 'Fleet A' is no name of a tenant");
  tells("barograph.yaml:9:18: timezone: 'Mars/Base' is not a zone");
  tells("currency: 'dollars' is no code of ISO 4217");
  tells("barograph.yaml:12:18: types: a: 'costs' is none of");
  tells("bad.yaml:4:1: unknown key 'colums' in a mapping; did you mean 'columns'?");
  tells("mapping: there is no file gone.yaml");
  tells("unknown key 'map' in a type of CloudEvents");
  tells("barograph.yaml:13:7: a topic takes exactly one of `topic` and `pattern`");
  tells("barograph.yaml:15:15: 'twice' is listed twice");
  tells("barograph.yaml:17:5: kafka.properties.sasl.mechanizm: ");
  tells("kafka.properties.sasl.password: write {env: NAME} or {file: PATH}");
  tells("kafka.properties.ssl.key.password: takes exactly one of `env` and `file`");
  EXPECT_THAT(told, Not(HasSubstr("hunter2-not-real")));
  EXPECT_THAT(told, Not(HasSubstr("lacks 'brokers'"))) << "the misspelt key was told already";
}

TEST_F(KafkaSectionTest, EveryPropertyIsTriedOnTheLibrary) {
  const std::string told = Refusal(R"(kafka:
  brokers: localhost:9092
  topics: [{topic: agents, format: event}]
  properties:
    sasl.mechanizm: PLAIN
    security.protocol: TLS
    sasl.pasword.secret: {env: A}
)");
  EXPECT_THAT(told, HasSubstr("barograph.yaml:5:5: kafka.properties.sasl.mechanizm: "));
  EXPECT_THAT(told, HasSubstr("barograph.yaml:6:5: kafka.properties.security.protocol: "));
  EXPECT_THAT(told, HasSubstr("barograph.yaml:7:5: kafka.properties.sasl.pasword.secret: "));
}

TEST_F(KafkaSectionTest, BrokersAndTopicsBelongTogether) {
  EXPECT_THAT(Refusal("kafka: {topics: [{topic: a, format: event}]}\n"),
              HasSubstr("barograph.yaml:1:8: `kafka` lacks 'brokers'"));
  EXPECT_THAT(Refusal("kafka: {brokers: localhost}\n"),
              HasSubstr("barograph.yaml:1:8: `kafka` lacks 'topics'"));
  EXPECT_THAT(Refusal("kafka: {brokers: \"a:1,,b:2\", topics: [{topic: a, format: event}]}\n"),
              HasSubstr("barograph.yaml:1:18: kafka.brokers: 'a:1,,b:2' is no list of brokers"));
  const auto flags =
      LoadConfiguration({.file = {}, .environment = {}, .flags = {{"kafka.brokers", "a:1"}}});
  ASSERT_FALSE(flags.ok());
  EXPECT_THAT(flags.error().message(), HasSubstr("no `kafka.topics` stand in barograph.yaml"));
}

TEST_F(KafkaSectionTest, WhatBreaksAPromiseIsAllowedAndWarnedAbout) {
  const auto configuration = Load(
      "kafka:\n  brokers: localhost:9092\n  topics: [{topic: agents, format: event}]\n"
      "  properties: {auto.offset.reset: latest, fetch.wait.max.ms: 100}\n");
  ASSERT_TRUE(configuration.ok()) << configuration.error().message();
  ASSERT_EQ(configuration->warnings.size(), 1U);
  EXPECT_THAT(configuration->warnings[0].ToString(),
              HasSubstr("barograph.yaml:4:16: kafka.properties.auto.offset.reset"));
}

}  // namespace
}  // namespace barograph::server
