#include "ingest/kafka/topic_bench.h"

#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "ingest/kafka/handles.h"

namespace barograph::ingest {
namespace {

constexpr std::size_t kErrorTextBytes = 512;
constexpr int kAskMs = 30'000;
constexpr int kPollMs = 100;

using Queue = std::unique_ptr<rd_kafka_queue_t, KafkaDeleter<rd_kafka_queue_destroy>>;
using Event = std::unique_ptr<rd_kafka_event_t, KafkaDeleter<rd_kafka_event_destroy>>;
using NewTopic = std::unique_ptr<rd_kafka_NewTopic_t, KafkaDeleter<rd_kafka_NewTopic_destroy>>;
using OldTopic =
    std::unique_ptr<rd_kafka_DeleteTopic_t, KafkaDeleter<rd_kafka_DeleteTopic_destroy>>;
using AdminOptions =
    std::unique_ptr<rd_kafka_AdminOptions_t, KafkaDeleter<rd_kafka_AdminOptions_destroy>>;

void Silence(const rd_kafka_t*, int, const char*, const char*) {}

Result<KafkaClient> Connect(rd_kafka_type_t type, const std::string& brokers,
                            const std::vector<std::pair<std::string, std::string>>& more) {
  std::array<char, kErrorTextBytes> text{};
  KafkaConfiguration settings(rd_kafka_conf_new());
  rd_kafka_conf_set_log_cb(settings.get(), &Silence);
  auto properties = more;
  properties.emplace_back("bootstrap.servers", brokers);
  for (const auto& [name, value] : properties) {
    if (rd_kafka_conf_set(settings.get(), name.c_str(), value.c_str(), text.data(), text.size()) !=
        RD_KAFKA_CONF_OK) {
      return Error(ErrorCode::kInvalidArgument, name + ": " + text.data());
    }
  }
  KafkaClient client(rd_kafka_new(type, settings.get(), text.data(), text.size()));
  if (client == nullptr) return Error(ErrorCode::kInvalidArgument, text.data());
  (void)settings.release();  // the client owns it now
  return client;
}

ErrorCode CodeOf(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS:
      return ErrorCode::kAlreadyExists;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
      return ErrorCode::kNotFound;
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
      return ErrorCode::kUnavailable;
    default:
      return ErrorCode::kInvalidArgument;
  }
}

Status ToStatus(rd_kafka_resp_err_t error, const char* text, const std::string& topic) {
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return Error(CodeOf(error),
               "kafka topic " + topic + ": " + (text != nullptr ? text : rd_kafka_err2str(error)));
}

/// The outcome of an operation on one topic; `results` reads the event's kind of answer.
template <typename Results>
Status Outcome(rd_kafka_queue_t* queue, const std::string& topic, const Results& results) {
  const Event event(rd_kafka_queue_poll(queue, kAskMs));
  if (event == nullptr) return ToStatus(RD_KAFKA_RESP_ERR__TIMED_OUT, nullptr, topic);
  if (const auto error = rd_kafka_event_error(event.get())) {
    return ToStatus(error, rd_kafka_event_error_string(event.get()), topic);
  }
  std::size_t count = 0;
  const rd_kafka_topic_result_t** answers = results(event.get(), &count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto error = rd_kafka_topic_result_error(answers[i]);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return ToStatus(error, rd_kafka_topic_result_error_string(answers[i]), topic);
    }
  }
  return {};
}

AdminOptions Options(rd_kafka_t* client, rd_kafka_admin_op_t operation) {
  AdminOptions options(rd_kafka_AdminOptions_new(client, operation));
  std::array<char, kErrorTextBytes> text{};
  // The operation waits until the topic is known to the whole cluster.
  (void)rd_kafka_AdminOptions_set_operation_timeout(options.get(), kAskMs, text.data(),
                                                    text.size());
  return options;
}

}  // namespace

Status MakeTopic(const std::string& brokers, const std::string& topic, std::uint32_t partitions) {
  BAROGRAPH_ASSIGN(const KafkaClient client, Connect(RD_KAFKA_PRODUCER, brokers, {}));
  std::array<char, kErrorTextBytes> text{};
  const NewTopic wanted(rd_kafka_NewTopic_new(topic.c_str(), static_cast<int>(partitions),
                                              /*replication_factor=*/1, text.data(), text.size()));
  if (wanted == nullptr) return Error(ErrorCode::kInvalidArgument, text.data());
  const Queue queue(rd_kafka_queue_new(client.get()));
  const AdminOptions options = Options(client.get(), RD_KAFKA_ADMIN_OP_CREATETOPICS);
  rd_kafka_NewTopic_t* list[] = {wanted.get()};
  rd_kafka_CreateTopics(client.get(), list, 1, options.get(), queue.get());
  return Outcome(queue.get(), topic, [](rd_kafka_event_t* event, std::size_t* count) {
    return rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), count);
  });
}

Status RemoveTopic(const std::string& brokers, const std::string& topic) {
  BAROGRAPH_ASSIGN(const KafkaClient client, Connect(RD_KAFKA_PRODUCER, brokers, {}));
  const OldTopic unwanted(rd_kafka_DeleteTopic_new(topic.c_str()));
  const Queue queue(rd_kafka_queue_new(client.get()));
  const AdminOptions options = Options(client.get(), RD_KAFKA_ADMIN_OP_DELETETOPICS);
  rd_kafka_DeleteTopic_t* list[] = {unwanted.get()};
  rd_kafka_DeleteTopics(client.get(), list, 1, options.get(), queue.get());
  return Outcome(queue.get(), topic, [](rd_kafka_event_t* event, std::size_t* count) {
    return rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), count);
  });
}

Result<CountedRecords> CountTopic(const std::string& brokers, const std::string& topic,
                                  std::uint32_t partitions, std::uint64_t records,
                                  const Clock& clock, Duration limit) {
  BAROGRAPH_ASSIGN(const KafkaClient client,
                   Connect(RD_KAFKA_CONSUMER, brokers,
                           {{"group.id", topic + "-count"}, {"enable.auto.commit", "false"}}));
  rd_kafka_poll_set_consumer(client.get());
  const KafkaPartitions places(rd_kafka_topic_partition_list_new(static_cast<int>(partitions)));
  for (std::uint32_t i = 0; i < partitions; ++i) {
    rd_kafka_topic_partition_list_add(places.get(), topic.c_str(), static_cast<std::int32_t>(i))
        ->offset = RD_KAFKA_OFFSET_BEGINNING;
  }
  if (const auto error = rd_kafka_assign(client.get(), places.get())) {
    return ToStatus(error, nullptr, topic).error();
  }
  CountedRecords counted;
  const Duration deadline = clock.BootNow() + limit;
  Duration begin{0};
  while (counted.records < records) {
    const KafkaMessage message(rd_kafka_consumer_poll(client.get(), kPollMs));
    if (message == nullptr || message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      if (clock.BootNow() < deadline) continue;
      return Error(ErrorCode::kDeadlineExceeded, topic + ": only " +
                                                     std::to_string(counted.records) + " of " +
                                                     std::to_string(records) + " records came");
    }
    if (counted.records == 0) begin = clock.BootNow();
    ++counted.records;
    counted.bytes += message->len;
  }
  counted.seconds = std::chrono::duration<double>(clock.BootNow() - begin).count();
  rd_kafka_consumer_close(client.get());
  return counted;
}

}  // namespace barograph::ingest
