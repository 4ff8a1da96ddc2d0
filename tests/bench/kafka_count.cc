// The ceiling of ingest from Kafka: a librdkafka consumer that reads a topic from its beginning to
// its end and only counts.
//
// Prints one JSON object: records, payload_bytes (keys and values), partitions,
// first_record_seconds (from the assignment to the first record), seconds (from the first record to
// the last partition's end), records_per_second and payload_bytes_per_second. --property passes
// librdkafka settings on, so that both sides of a comparison fetch alike.
#include <librdkafka/rdkafka.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr int kTimeoutMs = 30'000;
constexpr size_t kBatchRecords = 1'000;
// A batch that does not fill waits so long: what the last one may add to the time.
constexpr int kBatchMs = 2;
constexpr size_t kErrorBytes = 512;

using Client = std::unique_ptr<rd_kafka_t, decltype(&rd_kafka_destroy)>;
using Queue = std::unique_ptr<rd_kafka_queue_t, decltype(&rd_kafka_queue_destroy)>;
using PartitionList = std::unique_ptr<rd_kafka_topic_partition_list_t,
                                      decltype(&rd_kafka_topic_partition_list_destroy)>;

struct Options {
  std::string bootstrap;
  std::string topic;
  std::vector<int32_t> partitions;  // none: all
  std::vector<std::string> properties;
};

struct Count {
  int64_t records = 0;
  int64_t payload_bytes = 0;
  double first_record_seconds = 0;
  double seconds = 0;
};

double Now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void Set(rd_kafka_conf_t* conf, const std::string& name, const std::string& value) {
  char error[kErrorBytes];
  if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error, sizeof error) !=
      RD_KAFKA_CONF_OK) {
    throw std::runtime_error(error);
  }
}

Client Connect(const Options& options) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  Set(conf, "bootstrap.servers", options.bootstrap);
  Set(conf, "group.id", "barograph-count");  // never joined: partitions are assigned by hand
  Set(conf, "enable.auto.commit", "false");
  Set(conf, "enable.partition.eof", "true");
  Set(conf, "auto.offset.reset", "error");
  Set(conf, "check.crcs", "true");
  for (const std::string& property : options.properties) {
    const size_t equals = property.find('=');
    if (equals == std::string::npos) throw std::runtime_error(property + ": want NAME=VALUE");
    Set(conf, property.substr(0, equals), property.substr(equals + 1));
  }
  char error[kErrorBytes];
  Client client(rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error), &rd_kafka_destroy);
  if (!client) throw std::runtime_error(error);
  rd_kafka_poll_set_consumer(client.get());
  return client;
}

std::vector<int32_t> AllPartitions(rd_kafka_t* client, const std::string& topic) {
  std::unique_ptr<rd_kafka_topic_t, decltype(&rd_kafka_topic_destroy)> handle(
      rd_kafka_topic_new(client, topic.c_str(), nullptr), &rd_kafka_topic_destroy);
  const rd_kafka_metadata_t* metadata = nullptr;
  const auto error = rd_kafka_metadata(client, 0, handle.get(), &metadata, kTimeoutMs);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(rd_kafka_err2str(error));
  std::vector<int32_t> partitions;
  for (int i = 0; i < metadata->topics[0].partition_cnt; ++i) {
    partitions.push_back(metadata->topics[0].partitions[i].id);
  }
  rd_kafka_metadata_destroy(metadata);
  if (partitions.empty()) throw std::runtime_error(topic + ": no such topic");
  return partitions;
}

void Assign(rd_kafka_t* client, const std::string& topic, const std::vector<int32_t>& partitions) {
  PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())),
                     &rd_kafka_topic_partition_list_destroy);
  for (const int32_t partition : partitions) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset =
        RD_KAFKA_OFFSET_BEGINNING;
  }
  const auto error = rd_kafka_assign(client, list.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(rd_kafka_err2str(error));
}

// Adds one message and frees it; true if it is a partition's end.
bool Take(rd_kafka_message_t* message, Count& count) {
  std::unique_ptr<rd_kafka_message_t, decltype(&rd_kafka_message_destroy)> owned(
      message, &rd_kafka_message_destroy);
  if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) return true;
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    throw std::runtime_error(rd_kafka_message_errstr(message));
  }
  ++count.records;
  count.payload_bytes += static_cast<int64_t>(message->len + message->key_len);
  return false;
}

Count CountRecords(rd_kafka_t* client, size_t partitions, double assigned) {
  const Queue queue(rd_kafka_queue_get_consumer(client), &rd_kafka_queue_destroy);
  std::vector<rd_kafka_message_t*> batch(kBatchRecords);
  Count count;
  double first = 0, last = assigned;
  for (size_t ended = 0; ended < partitions;) {
    const ssize_t taken =
        rd_kafka_consume_batch_queue(queue.get(), kBatchMs, batch.data(), batch.size());
    if (taken <= 0) {
      if (Now() - last > kTimeoutMs / 1e3)
        throw std::runtime_error("no record and no end for 30 s");
      continue;
    }
    last = Now();
    if (first == 0) first = last;
    for (ssize_t i = 0; i < taken; ++i) ended += Take(batch[static_cast<size_t>(i)], count) ? 1 : 0;
  }
  count.first_record_seconds = first - assigned;
  count.seconds = last - first;
  return count;
}

void Print(const Count& count, size_t partitions) {
  const auto per_second = [&](int64_t amount) {
    return count.seconds > 0 ? static_cast<double>(amount) / count.seconds : 0.0;
  };
  const nlohmann::ordered_json out = {
      {"records", count.records},
      {"payload_bytes", count.payload_bytes},
      {"partitions", partitions},
      {"first_record_seconds", count.first_record_seconds},
      {"seconds", count.seconds},
      {"records_per_second", per_second(count.records)},
      {"payload_bytes_per_second", per_second(count.payload_bytes)}};
  std::printf("%s\n", out.dump(2).c_str());
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Counts the records of a Kafka topic, as fast as librdkafka brings them");
  app.add_option("--bootstrap", options.bootstrap, "host:port")
      ->required()
      ->envname("KAFKA_BOOTSTRAP");
  app.add_option("--topic", options.topic)->required();
  app.add_option("--partitions", options.partitions, "only these, e.g. 0,1")->delimiter(',');
  app.add_option("--property", options.properties, "a librdkafka setting, NAME=VALUE");
  CLI11_PARSE(app, argc, argv);
  try {
    const Client client = Connect(options);
    if (options.partitions.empty()) {
      options.partitions = AllPartitions(client.get(), options.topic);
    }
    const double assigned = Now();
    Assign(client.get(), options.topic, options.partitions);
    const Count count = CountRecords(client.get(), options.partitions.size(), assigned);
    Print(count, options.partitions.size());
    rd_kafka_consumer_close(client.get());
    return 0;
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "kafka_count: %s\n", problem.what());
    return 1;
  }
}
