#include "ingest/kafka/record_producer.h"

#include <array>
#include <utility>

#include "ingest/kafka/handles.h"

namespace barograph::ingest {
namespace {

constexpr std::size_t kErrorTextBytes = 512;
/// Longest call into the library, so that Send notices its limit.
constexpr int kServeMs = 100;

int Milliseconds(Duration duration) {
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count());
}

}  // namespace

struct RecordProducer::State {
  KafkaClient client;
  std::uint64_t delivered = 0, failed = 0;
  std::string first_failure;

  static void OnDelivery(rd_kafka_t* /*client*/, const rd_kafka_message_t* message, void* opaque) {
    State& state = *static_cast<State*>(opaque);
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      ++state.delivered;
      return;
    }
    ++state.failed;
    if (state.first_failure.empty()) state.first_failure = rd_kafka_err2str(message->err);
  }
  /// Nothing goes to stderr; what matters comes back as a status.
  static void OnLog(const rd_kafka_t*, int, const char*, const char*) {}
};

RecordProducer::RecordProducer() : state_(std::make_unique<State>()) {}

RecordProducer::~RecordProducer() {
  if (state_->client == nullptr) return;
  rd_kafka_purge(state_->client.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_poll(state_->client.get(), 0);
}

Result<std::unique_ptr<RecordProducer>> RecordProducer::Open(const RecordProducerOptions& options) {
  std::vector<std::pair<std::string, std::string>> properties = {
      {"bootstrap.servers", options.brokers},
      {"client.id", "barograph-producer"},
      {"enable.idempotence", "true"},
      {"acks", "all"},
      {"compression.type", "lz4"},
      {"queue.buffering.max.messages", std::to_string(options.queue_records_max)}};
  properties.insert(properties.end(), options.properties.begin(), options.properties.end());
  KafkaConfiguration settings(rd_kafka_conf_new());
  std::array<char, kErrorTextBytes> text{};
  for (const auto& [name, value] : properties) {
    if (rd_kafka_conf_set(settings.get(), name.c_str(), value.c_str(), text.data(), text.size()) !=
        RD_KAFKA_CONF_OK) {
      return Error(ErrorCode::kInvalidArgument, name + ": " + text.data());
    }
  }
  std::unique_ptr<RecordProducer> producer(new RecordProducer());
  State& state = *producer->state_;
  rd_kafka_conf_set_opaque(settings.get(), &state);
  rd_kafka_conf_set_dr_msg_cb(settings.get(), &State::OnDelivery);
  rd_kafka_conf_set_log_cb(settings.get(), &State::OnLog);
  state.client.reset(rd_kafka_new(RD_KAFKA_PRODUCER, settings.get(), text.data(), text.size()));
  if (state.client == nullptr) return Error(ErrorCode::kInvalidArgument, text.data());
  (void)settings.release();  // the client owns it now
  return producer;
}

Status RecordProducer::Send(const OutgoingRecord& record) {
  rd_kafka_t* const client = state_->client.get();
  const std::string topic(record.topic);
  const auto bytes = [](std::string_view view) { return const_cast<char*>(view.data()); };
  for (Duration waited{0}; waited < kRoomMax; waited += std::chrono::milliseconds(kServeMs)) {
    std::vector<rd_kafka_vu_t> parts;
    const auto part = [&parts](rd_kafka_vtype_t type) -> rd_kafka_vu_t& {
      rd_kafka_vu_t& added = parts.emplace_back();
      added.vtype = type;
      return added;
    };
    part(RD_KAFKA_VTYPE_TOPIC).u.cstr = topic.c_str();
    part(RD_KAFKA_VTYPE_PARTITION).u.i32 = record.partition;
    part(RD_KAFKA_VTYPE_MSGFLAGS).u.i = RD_KAFKA_MSG_F_COPY;
    part(RD_KAFKA_VTYPE_VALUE).u.mem = {bytes(record.value), record.value.size()};
    if (!record.key.empty()) {
      part(RD_KAFKA_VTYPE_KEY).u.mem = {bytes(record.key), record.key.size()};
    }
    for (const auto& [name, value] : record.headers) {
      auto& header = part(RD_KAFKA_VTYPE_HEADER).u.header;
      header.name = name.c_str();
      header.val = value.data();
      header.size = static_cast<ssize_t>(value.size());
    }
    const KafkaFault fault(rd_kafka_produceva(client, parts.data(), parts.size()));
    if (fault == nullptr) {
      rd_kafka_poll(client, 0);
      return {};
    }
    if (rd_kafka_error_code(fault.get()) != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      return Error(ErrorCode::kInvalidArgument, topic + ": " + rd_kafka_error_string(fault.get()));
    }
    rd_kafka_poll(client, kServeMs);
  }
  return Error(ErrorCode::kUnavailable,
               "kafka: no broker has taken a record for " + FormatDuration(kRoomMax),
               /*retryable=*/true);
}

void RecordProducer::Poll(Duration wait) {
  rd_kafka_poll(state_->client.get(), Milliseconds(wait));
}

Status RecordProducer::Flush(Duration limit) {
  const rd_kafka_resp_err_t flushed = rd_kafka_flush(state_->client.get(), Milliseconds(limit));
  const std::string failure = std::exchange(state_->first_failure, {});
  if (!failure.empty()) {
    return Error(ErrorCode::kUnavailable, "kafka: a record was not delivered: " + failure);
  }
  if (flushed != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Error(ErrorCode::kDeadlineExceeded,
                 "kafka: " + std::to_string(rd_kafka_outq_len(state_->client.get())) +
                     " records were not delivered within " + FormatDuration(limit));
  }
  return {};
}

std::uint64_t RecordProducer::delivered() const { return state_->delivered; }
std::uint64_t RecordProducer::failed() const { return state_->failed; }

}  // namespace barograph::ingest
