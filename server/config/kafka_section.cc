#include "server/config/kafka_section.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "ingest/formats/event_mapping.h"
#include "server/config/configuration.h"
#include "server/config/mapping_file.h"
#include "server/config/secret.h"

namespace barograph::server {
namespace {

constexpr std::array<std::string_view, 6> kFormats{"batch",  "event",    "json",
                                                   "ndjson", "task-log", "cloudevents"};

/// Properties of librdkafka whose value is a secret.
bool IsSecret(std::string_view property) {
  constexpr std::array<std::string_view, 3> kEndings{"password", "secret", "key.pem"};
  return std::any_of(kEndings.begin(), kEndings.end(),
                     [&](std::string_view ending) { return property.ends_with(ending); });
}

bool IsTenant(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= kTenantBytesMax && name[0] != '-' && name[0] != '_' &&
         std::all_of(name.begin(), name.end(), letter);
}

/// A reader's message without the path that its place makes superfluous.
std::string Without(std::string message, std::string_view prefix) {
  if (message.starts_with(prefix)) message.erase(0, prefix.size());
  return message;
}

std::optional<ingest::EventMapping> ReadMappingOf(const YamlNode& node, const std::string& folder,
                                                  std::vector<std::string>* files,
                                                  Diagnostics* diagnostics) {
  const auto name = ReadText(node, "mapping", diagnostics);
  if (!name) return std::nullopt;
  const std::string path = (std::filesystem::path(folder) / *name).string();
  const Result<std::string> text = ReadConfigFile(path);
  if (!text.ok()) {
    diagnostics->Add(node.position, "mapping: " + text.error().message());
    return std::nullopt;
  }
  files->push_back(path);
  auto spec = ReadMappingFile(*text, path);
  auto mapping =
      spec.ok() ? ingest::EventMapping::Make(*spec) : Result<ingest::EventMapping>(spec.error());
  if (mapping.ok()) return std::move(mapping).value();
  // Its mistakes bear places of their own, one a line.
  std::string_view rest = mapping.error().message();
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    diagnostics->Add({}, std::string(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return std::nullopt;
}

/// One entry of `types`: a kind, `event`, or {mapping: file.yaml}.
void ReadType(const YamlNode::Key& key, const YamlNode& node, const std::string& folder,
              std::vector<std::string>* files, ingest::CloudEventOptions* options,
              Diagnostics* diagnostics) {
  ingest::CloudEventType type{.type = key.text, .as = {}, .mapping = {}};
  if (node.kind == YamlNode::Kind::kMap) {
    MapReader map(node, "a type of CloudEvents", diagnostics);
    const YamlNode* mapping = map.Require("mapping", "billing.yaml");
    map.Finish();
    if (mapping != nullptr) type.mapping = ReadMappingOf(*mapping, folder, files, diagnostics);
    if (!type.mapping) return;
  } else {
    const auto as = ReadText(node, key.text, diagnostics);
    if (!as) return;
    type.as = *as;
  }
  const auto made = ingest::CloudEventReader::Make({.types = {type}, .labels = {}}, {});
  if (!made.ok()) {
    std::string message = Without(made.error().message(), "types[0].");
    diagnostics->Add(node.position, "types: " + key.text + ": " + Without(message, "as: "));
    return;
  }
  options->types.push_back(std::move(type));
}

void ReadCloudEvents(MapReader& map, const std::string& folder, std::vector<std::string>* files,
                     ingest::KafkaTopicOptions* topic) {
  Diagnostics* diagnostics = &map.diagnostics();
  const bool wanted = topic->format == ingest::RecordFormat::kCloudEvents;
  const YamlNode* types =
      wanted ? map.Require("types", "{com.example.cost: cost}") : map.Find("types");
  const YamlNode* labels = map.Find("labels");
  for (const YamlNode* node : {types, labels}) {
    if (wanted || node == nullptr) continue;
    diagnostics->Add(node->position, std::string(node == types ? "types" : "labels") +
                                         ": only `format: cloudevents` has them");
  }
  if (!wanted) return;
  ingest::CloudEventOptions& options = topic->record.cloud_events.emplace();
  if (types != nullptr) {
    const MapReader entries(*types, "`types`", diagnostics);
    if (entries.is_map() && types->keys.empty()) {
      diagnostics->Add(types->position, "types: is empty; write e.g. {com.example.cost: cost}");
    }
    for (std::size_t i = 0; i < types->keys.size(); ++i) {
      ReadType(types->keys[i], types->items[i], folder, files, &options, diagnostics);
    }
  }
  if (labels != nullptr) {
    options.labels = ReadTextList(*labels, "labels", diagnostics).value_or(options.labels);
  }
}

}  // namespace

Result<ingest::KafkaOptions> ResolveKafka(const KafkaSection& section) {
  ingest::KafkaOptions options = section.options;
  for (const auto& [property, reference] : section.secrets) {
    auto secret = ResolveSecret(reference);
    if (!secret.ok()) return secret.error().WithContext("kafka.properties." + property);
    options.properties.emplace_back(property, secret->Reveal());
  }
  return options;
}

void KafkaDraft::Read(MapReader& map, const std::string& folder, std::vector<std::string>* files) {
  given_ = true;
  position_ = map.node().position;
  Diagnostics* diagnostics = &map.diagnostics();
  if (const YamlNode* topics = map.Require("topics", "[{topic: agents, format: event}]")) {
    if (topics->kind != YamlNode::Kind::kSequence) {
      diagnostics->Add(topics->position, "kafka.topics: is " + std::string(topics->KindName()) +
                                             "; write a list: `topics: [{topic: agents, format: "
                                             "event}]`");
    } else if (topics->items.empty() || topics->items.size() > kKafkaTopicsMax) {
      diagnostics->Add(topics->position,
                       "kafka.topics: has " + std::to_string(topics->items.size()) +
                           " topics, outside of [1, " + std::to_string(kKafkaTopicsMax) + "]");
    } else {
      for (const YamlNode& topic : topics->items) ReadTopic(topic, folder, files, diagnostics);
    }
  }
  if (const YamlNode* properties = map.Find("properties")) {
    ReadProperties(*properties, diagnostics);
  }
}

void KafkaDraft::ReadTopic(const YamlNode& node, const std::string& folder,
                           std::vector<std::string>* files, Diagnostics* diagnostics) {
  Topic topic;
  topic.position = topic.timezone_position = node.position;
  MapReader map(node, "a topic", diagnostics);
  const YamlNode* name = map.Find("topic");
  const YamlNode* pattern = map.Find("pattern");
  if (const YamlNode* tenant = map.Find("tenant")) {
    topic.options.tenant = ReadText(*tenant, "tenant", diagnostics).value_or("default");
    if (!IsTenant(topic.options.tenant)) {
      diagnostics->Add(tenant->position, "tenant: '" + topic.options.tenant +
                                             "' is no name of a tenant; [a-z0-9][a-z0-9_-]*, at "
                                             "most 63 letters");
    }
  }
  if (const YamlNode* format = map.Require("format", "cloudevents")) {
    const auto chosen = ReadWord(*format, "format", kFormats, diagnostics);
    if (chosen) topic.options.format = *ingest::ParseRecordFormat(kFormats[*chosen]);
  }
  if (const YamlNode* timezone = map.Find("timezone")) {
    topic.timezone_position = timezone->position;
    topic.timezone = ReadText(*timezone, "timezone", diagnostics).value_or("");
  }
  if (const YamlNode* currency = map.Find("currency")) {
    topic.options.record.text.currency = ReadText(*currency, "currency", diagnostics).value_or("");
    if (!Currency::Parse(topic.options.record.text.currency).ok()) {
      diagnostics->Add(currency->position, "currency: '" + topic.options.record.text.currency +
                                               "' is no code of ISO 4217; write e.g. USD");
    }
  }
  ReadCloudEvents(map, folder, files, &topic.options);
  map.Finish();
  if (map.is_map() && (name == nullptr) == (pattern == nullptr)) {
    diagnostics->Add(node.position, "a topic takes exactly one of `topic` and `pattern`");
    return;
  }
  const YamlNode* given = name != nullptr ? name : pattern;
  if (given == nullptr) return;
  topic.position = given->position;
  topic.options.pattern = pattern != nullptr;
  const auto text = ReadText(*given, name != nullptr ? "topic" : "pattern", diagnostics);
  if (!text) return;
  topic.options.topic = *text;
  topics_.push_back(std::move(topic));
}

void KafkaDraft::ReadProperties(const YamlNode& node, Diagnostics* diagnostics) {
  const MapReader map(node, "`properties`", diagnostics);
  if (node.keys.size() > kKafkaPropertiesMax) {
    diagnostics->Add(node.position, "kafka.properties: more than " +
                                        std::to_string(kKafkaPropertiesMax) + " properties");
    return;
  }
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    const YamlNode::Key& key = node.keys[i];
    const YamlNode& value = node.items[i];
    const std::string name = "kafka.properties." + key.text;
    Property property{.name = key.text, .value = {}, .secret = {}, .position = key.position};
    if (value.kind == YamlNode::Kind::kMap || IsSecret(key.text)) {
      property.secret = ReadSecretReference(value, name, diagnostics);
      if (property.secret.empty()) continue;
    } else {
      const auto text = ReadText(value, name, diagnostics);
      if (!text) continue;
      property.value = *text;
    }
    properties_.push_back(std::move(property));
  }
}

void KafkaDraft::CheckTopics(const std::string& timezone, KafkaSection* section,
                             Diagnostics* diagnostics) {
  for (Topic& topic : topics_) {
    const std::string& zone = topic.timezone.empty() ? timezone : topic.timezone;
    auto times = ingest::TimeText::Make(zone);
    if (times.ok()) {
      topic.options.record.text.times = *times;
    } else {
      diagnostics->Add(topic.timezone_position, times.error().message());
    }
    const auto same = std::find_if(
        section->options.topics.begin(), section->options.topics.end(), [&](const auto& other) {
          return other.topic == topic.options.topic && other.pattern == topic.options.pattern;
        });
    if (same != section->options.topics.end()) {
      diagnostics->Add(topic.position, "'" + topic.options.topic + "' is listed twice");
    }
    ingest::KafkaOptions alone = section->options;
    alone.topics = {topic.options};
    if (const Status good = ingest::CheckKafkaOptions(alone); !good.ok()) {
      const std::string message = Without(good.error().message(), "kafka.topics[0].");
      diagnostics->Add(topic.position, message);
    }
    section->options.topics.push_back(topic.options);
    section->timezones.push_back(zone);
  }
}

void KafkaDraft::CheckProperties(KafkaSection* section, Diagnostics* diagnostics,
                                 std::vector<Diagnostic>* warnings) {
  // A secret is not at hand; that its property exists is tried with a text that every one takes.
  constexpr std::string_view kAnySecret = "unknown";
  for (const Property& property : properties_) {
    ingest::KafkaOptions alone;
    alone.brokers = section->options.brokers;
    alone.topics.emplace_back().topic = "any";
    alone.properties = {
        {property.name, property.secret.empty() ? property.value : std::string(kAnySecret)}};
    if (const Status good = ingest::CheckKafkaOptions(alone); !good.ok()) {
      diagnostics->Add(property.position, good.error().message());
      continue;
    }
    if (!property.secret.empty()) {
      section->secrets.emplace_back(property.name, property.secret);
      continue;
    }
    for (const std::string& warning : ingest::WarnAboutProperties(alone)) {
      warnings->push_back({property.position, warning});
    }
  }
  for (const Property& property : properties_) {
    if (property.secret.empty()) {
      section->options.properties.emplace_back(property.name, property.value);
    }
  }
}

std::optional<KafkaSection> KafkaDraft::Finish(const ServerConfig& server, Diagnostics* diagnostics,
                                               std::vector<Diagnostic>* warnings) {
  const std::size_t before = diagnostics->count();
  if (!given_ && server.kafka.brokers.empty()) return std::nullopt;
  if (!given_) {
    diagnostics->Add({}, "kafka.brokers: is set, but no `kafka.topics` stand in barograph.yaml");
    return std::nullopt;
  }
  if (server.kafka.brokers.empty() && diagnostics->empty()) {  // else it may be the misspelt key
    diagnostics->Add(position_,
                     "`kafka` lacks 'brokers'; write e.g. `brokers: broker-1:9092,broker-2:9092`");
  }
  KafkaSection section;
  section.options.brokers = server.kafka.brokers.empty() ? "localhost:9092" : server.kafka.brokers;
  section.options.group = server.kafka.group;
  section.options.dead_letter_topic = server.kafka.dead_letter_topic;
  CheckTopics(server.timezone, &section, diagnostics);
  CheckProperties(&section, diagnostics, warnings);
  if (diagnostics->count() != before || section.options.topics.empty()) return std::nullopt;
  return section;
}

}  // namespace barograph::server
