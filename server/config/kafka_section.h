#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ingest/kafka/kafka_options.h"
#include "server/config/map_reader.h"
#include "server/config/server_config.h"
#include "storage/base/result.h"

namespace barograph::server {

/// Topics that the configuration may name, and properties. Beyond, it is refused.
inline constexpr std::size_t kKafkaTopicsMax = 1'000;
inline constexpr std::size_t kKafkaPropertiesMax = 200;
inline constexpr std::size_t kTenantBytesMax = 63;

/// The `kafka` section as it was read and checked.
struct KafkaSection {
  ingest::KafkaOptions options;  ///< without the properties that are secrets
  /// Property and reference ("env:KAFKA_PASSWORD"), see ResolveSecret.
  std::vector<std::pair<std::string, std::string>> secrets;
  std::vector<std::string> timezones;  ///< of options.topics, one each
};

/// The options with all secrets fetched. Never print them.
/// Errors: those of ResolveSecret, naming the property.
[[nodiscard]] Result<ingest::KafkaOptions> ResolveKafka(const KafkaSection& section);

/// The section in the making: its topics and properties from the file, its settings (kafka.brokers,
/// kafka.group, kafka.dead_letter_topic) from anywhere.
///
///   kafka:
///     brokers: broker-1:9093,broker-2:9093
///     topics:
///       - {topic: agents, format: cloudevents, types: {com.example.cost: cost}}
///       - {pattern: "fleet\\..*", tenant: fleet, format: batch}
///     dead_letter_topic: agents-dead
///     properties: {security.protocol: SASL_SSL, sasl.password: {env: KAFKA_PASSWORD}}
///
/// Threads: one.
class KafkaDraft {
 public:
  /// Reads `topics` and `properties`; the caller reads the settings and calls map.Finish(). Mapping
  /// files are relative to `folder`; those read are added to `files`.
  void Read(MapReader& map, const std::string& folder, std::vector<std::string>* files);
  /// Checks the whole once all settings are known, and tells mistakes and warnings with their
  /// places. Nothing when Kafka is not to be read, or something is wrong.
  [[nodiscard]] std::optional<KafkaSection> Finish(const ServerConfig& server,
                                                   Diagnostics* diagnostics,
                                                   std::vector<Diagnostic>* warnings);

 private:
  struct Topic {
    ingest::KafkaTopicOptions options;
    std::string timezone;  ///< empty: the configuration's
    Position position, timezone_position;
  };
  struct Property {
    std::string name, value;
    std::string secret;  ///< reference; then there is no value
    Position position;
  };
  void ReadTopic(const YamlNode& node, const std::string& folder, std::vector<std::string>* files,
                 Diagnostics* diagnostics);
  void ReadProperties(const YamlNode& node, Diagnostics* diagnostics);
  void CheckTopics(const std::string& timezone, KafkaSection* section, Diagnostics* diagnostics);
  void CheckProperties(KafkaSection* section, Diagnostics* diagnostics,
                       std::vector<Diagnostic>* warnings);

  bool given_ = false;
  Position position_;
  std::vector<Topic> topics_;
  std::vector<Property> properties_;
};

}  // namespace barograph::server
