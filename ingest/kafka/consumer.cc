#include "ingest/kafka/consumer.h"

#include <array>
#include <chrono>
#include <utility>

#include "ingest/kafka/limits.h"
#include "ingest/kafka/settings.h"

namespace barograph::ingest {
namespace {

constexpr std::size_t kErrorTextBytes = 512;
constexpr std::string_view kMemberPrefix = "barograph-";

int Milliseconds(Duration duration) {
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(duration).count());
}

KafkaPartitions MakeList(const std::vector<KafkaPlace>& places) {
  KafkaPartitions list(rd_kafka_topic_partition_list_new(static_cast<int>(places.size())));
  for (const KafkaPlace& place : places) {
    rd_kafka_topic_partition_t* added = rd_kafka_topic_partition_list_add(
        list.get(), place.topic.c_str(), static_cast<std::int32_t>(place.partition));
    added->offset = place.offset.has_value() ? static_cast<std::int64_t>(*place.offset)
                                             : RD_KAFKA_OFFSET_BEGINNING;
  }
  return list;
}

std::vector<KafkaPlace> ReadList(const rd_kafka_topic_partition_list_t* list) {
  std::vector<KafkaPlace> places;
  for (int i = 0; list != nullptr && i < list->cnt; ++i) {
    places.push_back({list->elems[i].topic, static_cast<std::uint32_t>(list->elems[i].partition)});
  }
  return places;
}

Error Unavailable(std::string_view what, rd_kafka_resp_err_t error) {
  return {ErrorCode::kUnavailable, std::string(what) + ": " + rd_kafka_err2str(error),
          /*retryable=*/true};
}

}  // namespace

/// What the library calls with the consumer as its opaque.
struct KafkaConsumerCallbacks {
  static void Rebalance(rd_kafka_t*, rd_kafka_resp_err_t error,
                        rd_kafka_topic_partition_list_t* partitions, void* opaque) {
    static_cast<KafkaConsumer*>(opaque)->Rebalance(error, partitions);
  }
  static void Error(rd_kafka_t* client, int error, const char* reason, void* opaque) {
    auto* const consumer = static_cast<KafkaConsumer*>(opaque);
    auto code = static_cast<rd_kafka_resp_err_t>(error);
    if (code != RD_KAFKA_RESP_ERR__FATAL) {
      consumer->hooks_.on_error(code, reason, /*fatal=*/false);
      return;
    }
    std::array<char, kErrorTextBytes> text{};
    code = rd_kafka_fatal_error(client, text.data(), text.size());
    consumer->hooks_.on_error(code, text.data(), /*fatal=*/true);
  }
  static void Log(const rd_kafka_t* client, int level, const char*, const char* text) {
    static_cast<KafkaConsumer*>(rd_kafka_opaque(client))->hooks_.log(level, text);
  }
};

KafkaConsumer::KafkaConsumer(const KafkaOptions& options, Hooks hooks)
    : group_(options.group), topics_(options.topics), hooks_(std::move(hooks)) {}

KafkaConsumer::~KafkaConsumer() { Close(); }

Result<std::unique_ptr<KafkaConsumer>> KafkaConsumer::Open(const KafkaOptions& options,
                                                           const std::string& name, Hooks hooks) {
  std::unique_ptr<KafkaConsumer> consumer(new KafkaConsumer(options, std::move(hooks)));
  consumer->name_ = std::string(kMemberPrefix) + name;
  BAROGRAPH_ASSIGN(KafkaConfiguration settings, ConsumerSettings(options, consumer->name_));
  rd_kafka_conf_set_opaque(settings.get(), consumer.get());
  rd_kafka_conf_set_rebalance_cb(settings.get(), &KafkaConsumerCallbacks::Rebalance);
  rd_kafka_conf_set_error_cb(settings.get(), &KafkaConsumerCallbacks::Error);
  rd_kafka_conf_set_log_cb(settings.get(), &KafkaConsumerCallbacks::Log);
  std::array<char, kErrorTextBytes> text{};
  consumer->client_.reset(
      rd_kafka_new(RD_KAFKA_CONSUMER, settings.get(), text.data(), text.size()));
  if (consumer->client_ == nullptr) {
    return barograph::Error(ErrorCode::kInvalidArgument, std::string("kafka: ") + text.data());
  }
  (void)settings.release();  // The client owns it now.
  if (const auto error = rd_kafka_poll_set_consumer(consumer->client_.get());
      error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return barograph::Error(ErrorCode::kInternal, std::string("kafka: ") + rd_kafka_err2str(error));
  }
  return consumer;
}

Result<std::vector<std::string>> KafkaConsumer::OtherBarographs(Duration limit) {
  const rd_kafka_group_list* groups = nullptr;
  const rd_kafka_resp_err_t error =
      rd_kafka_list_groups(client_.get(), group_.c_str(), &groups, Milliseconds(limit));
  if (error == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE) {
    return barograph::Error(ErrorCode::kFailedPrecondition, "the broker does not list members");
  }
  if (groups == nullptr) return Unavailable("asking for the members of group " + group_, error);
  std::vector<std::string> others;
  for (int i = 0; i < groups->group_cnt; ++i) {
    const rd_kafka_group_info& group = groups->groups[i];
    for (int j = 0; j < group.member_cnt; ++j) {
      const std::string client = group.members[j].client_id;
      if (client.starts_with(kMemberPrefix) && client != name_) {
        others.push_back(client + " on " + group.members[j].client_host);
      }
    }
  }
  rd_kafka_group_list_destroy(groups);
  return others;
}

Status KafkaConsumer::Subscribe() {
  std::vector<KafkaPlace> names;
  // A leading ^ makes it an expression for the library; which options hold is decided by ours.
  for (const KafkaTopicOptions& topic : topics_) {
    names.push_back({topic.pattern ? "^(" + topic.topic + ")$" : topic.topic});
  }
  KafkaPartitions list = MakeList(names);
  for (int i = 0; i < list->cnt; ++i) list->elems[i].partition = RD_KAFKA_PARTITION_UA;
  const rd_kafka_resp_err_t error = rd_kafka_subscribe(client_.get(), list.get());
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return barograph::Error(ErrorCode::kInvalidArgument,
                            std::string("kafka: topics: ") + rd_kafka_err2str(error));
  }
  return {};
}

void KafkaConsumer::Leave() { (void)rd_kafka_unsubscribe(client_.get()); }

KafkaMessage KafkaConsumer::Poll(Duration limit) {
  return KafkaMessage(rd_kafka_consumer_poll(client_.get(), Milliseconds(limit)));
}

bool KafkaConsumer::cooperative() const {
  const char* protocol = rd_kafka_rebalance_protocol(client_.get());
  return protocol != nullptr && std::string_view(protocol) == "COOPERATIVE";
}

void KafkaConsumer::Rebalance(rd_kafka_resp_err_t error,
                              rd_kafka_topic_partition_list_t* partitions) {
  if (error == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    const KafkaPartitions list = MakeList(hooks_.on_assign(ReadList(partitions)));
    if (cooperative()) {
      const KafkaFault fault(rd_kafka_incremental_assign(client_.get(), list.get()));
      if (fault) {
        hooks_.on_error(rd_kafka_error_code(fault.get()), rd_kafka_error_string(fault.get()),
                        false);
      }
    } else {
      (void)rd_kafka_assign(client_.get(), list.get());
    }
    return;
  }
  hooks_.on_revoke(ReadList(partitions));
  if (error != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) {
    hooks_.on_error(error, rd_kafka_err2str(error), false);
    (void)rd_kafka_assign(client_.get(), nullptr);
  } else if (cooperative()) {
    const KafkaFault fault(rd_kafka_incremental_unassign(client_.get(), partitions));
  } else {
    (void)rd_kafka_assign(client_.get(), nullptr);
  }
}

void KafkaConsumer::Pause(const std::vector<KafkaPlace>& places) {
  const KafkaPartitions list = MakeList(places);
  (void)rd_kafka_pause_partitions(client_.get(), list.get());
}

/// A partition whose offset was out of range is no longer fetched and cannot be sought: only a new
/// assignment begins it again.
rd_kafka_resp_err_t KafkaConsumer::AssignAnew(rd_kafka_topic_partition_list_t* list) {
  KafkaFault fault(rd_kafka_incremental_unassign(client_.get(), list));
  if (!fault) fault.reset(rd_kafka_incremental_assign(client_.get(), list));
  return fault ? rd_kafka_error_code(fault.get()) : RD_KAFKA_RESP_ERR_NO_ERROR;
}

Status KafkaConsumer::ResumeAt(const std::vector<KafkaPlace>& places) {
  if (places.empty()) return {};
  const KafkaPartitions list = MakeList(places);
  (void)rd_kafka_resume_partitions(client_.get(), list.get());
  const KafkaFault fault(
      rd_kafka_seek_partitions(client_.get(), list.get(), Milliseconds(kKafkaAsk)));
  rd_kafka_resp_err_t error = fault ? rd_kafka_error_code(fault.get()) : RD_KAFKA_RESP_ERR_NO_ERROR;
  std::vector<KafkaPlace> ended;
  for (int i = 0; i < list->cnt && error == RD_KAFKA_RESP_ERR_NO_ERROR; ++i) {
    if (list->elems[i].err == RD_KAFKA_RESP_ERR__STATE) {
      ended.push_back(places[static_cast<std::size_t>(i)]);
    } else {
      error = list->elems[i].err;
    }
  }
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR && !ended.empty())
    error = AssignAnew(MakeList(ended).get());
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  (void)rd_kafka_pause_partitions(client_.get(), list.get());
  return Unavailable("going on at our own offsets", error);
}

Result<KafkaConsumer::Ends> KafkaConsumer::QueryEnds(const std::string& topic,
                                                     std::uint32_t partition) {
  std::int64_t low = 0;
  std::int64_t high = 0;
  const rd_kafka_resp_err_t error = rd_kafka_query_watermark_offsets(
      client_.get(), topic.c_str(), static_cast<std::int32_t>(partition), &low, &high,
      Milliseconds(kKafkaAsk));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Unavailable("asking for the ends of " + topic + "/" + std::to_string(partition), error);
  }
  return Ends{static_cast<std::uint64_t>(low), static_cast<std::uint64_t>(high)};
}

std::optional<std::uint64_t> KafkaConsumer::KnownEnd(const std::string& topic,
                                                     std::uint32_t partition) const {
  std::int64_t low = 0;
  std::int64_t high = RD_KAFKA_OFFSET_INVALID;
  const rd_kafka_resp_err_t error = rd_kafka_get_watermark_offsets(
      client_.get(), topic.c_str(), static_cast<std::int32_t>(partition), &low, &high);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR || high < 0) return std::nullopt;
  return static_cast<std::uint64_t>(high);
}

void KafkaConsumer::Commit(const std::vector<KafkaPlace>& places) {
  if (places.empty()) return;
  const KafkaPartitions list = MakeList(places);
  (void)rd_kafka_commit(client_.get(), list.get(), /*async=*/1);
}

void KafkaConsumer::Close() {
  if (client_ == nullptr) return;
  (void)rd_kafka_consumer_close(client_.get());
  client_.reset();
}

}  // namespace barograph::ingest
