#include "server/app/demo_fleet.h"

#include <string_view>
#include <utility>

#include "ingest/kafka/record_producer.h"
#include "ingest/kafka/topic_bench.h"
#include "server/cli/progress.h"
#include "storage/base/bytes.h"

namespace barograph::server {

namespace {
constexpr std::size_t kBatchEvents = 500;
constexpr auto kLivePause = std::chrono::milliseconds(50);
constexpr std::uint32_t kTopicPartitions = 3;
constexpr auto kFlushMax = std::chrono::seconds(5);
}  // namespace

Result<std::uint64_t> LoadHistory(const std::string& server, const ingest::FleetOptions& options,
                                  const Clock& clock, const std::atomic<bool>& stop) {
  BAROGRAPH_ASSIGN(const auto client, Client::Connect(server));
  PublisherOptions publishing;
  publishing.producer = "demo-history";
  BAROGRAPH_ASSIGN(const auto publisher, Publisher::Open(*client, publishing));
  ingest::Fleet fleet(options);
  Progress progress(clock, "loading", "events", fleet.events_expected());
  std::string batch;
  while (!fleet.done() && !stop) {
    batch.clear();
    const std::size_t count = fleet.Append(ingest::FleetFraming::kRequest, kBatchEvents, &batch);
    BAROGRAPH_TRY(publisher->Send(batch, static_cast<std::uint32_t>(count)));
    progress.Update(fleet.produced());
  }
  BAROGRAPH_TRY(publisher->Finish());
  return fleet.produced();
}

LiveFleet::LiveFleet(std::string server, const ingest::FleetOptions& fleet, const Clock& clock)
    : server_(std::move(server)),
      clock_(clock),
      fleet_(fleet),
      thread_([this] { status_ = Stream(); }) {}

LiveFleet::~LiveFleet() { (void)Stop(); }

Status LiveFleet::Stop() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
  return status_;
}

Status LiveFleet::Stream() {
  BAROGRAPH_ASSIGN(const auto client, Client::Connect(server_));
  PublisherOptions publishing;
  publishing.producer = "demo-live";
  BAROGRAPH_ASSIGN(const auto publisher, Publisher::Open(*client, publishing));
  std::string batch;
  while (!stop_) {
    batch.clear();
    const std::size_t count =
        fleet_.AppendUntil(clock_.WallNow(), ingest::FleetFraming::kRequest, kBatchEvents, &batch);
    if (count > 0) {
      BAROGRAPH_TRY(publisher->Send(batch, static_cast<std::uint32_t>(count)));
      sent_ += count;
    }
    BAROGRAPH_TRY(publisher->Poll(kLivePause));
  }
  return publisher->Finish();
}

Result<std::unique_ptr<KafkaFleet>> KafkaFleet::Make(const std::string& brokers,
                                                     const Clock& clock) {
  const auto now = std::chrono::floor<std::chrono::milliseconds>(clock.WallNow());
  std::string topic = "barograph-demo-" + std::to_string(now.time_since_epoch().count());
  BAROGRAPH_TRY(ingest::MakeTopic(brokers, topic, kTopicPartitions));
  return std::unique_ptr<KafkaFleet>(new KafkaFleet(brokers, std::move(topic), clock));
}

KafkaFleet::~KafkaFleet() {
  (void)Stop();
  (void)ingest::RemoveTopic(brokers_, topic_);
}

void KafkaFleet::Start(const ingest::FleetOptions& fleet) {
  thread_ = std::thread([this, fleet] { status_ = Stream(fleet); });
}

Status KafkaFleet::Stop() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
  return status_;
}

Status KafkaFleet::Stream(const ingest::FleetOptions& options) {
  BAROGRAPH_ASSIGN(const auto producer,
                   ingest::RecordProducer::Open({.brokers = brokers_, .properties = {}}));
  ingest::Fleet fleet(options);
  std::string events;
  std::int32_t next = 0;
  while (!stop_) {
    events.clear();
    fleet.AppendUntil(clock_.WallNow(), ingest::FleetFraming::kPayload, kBatchEvents, &events);
    for (ByteReader reader(events); !reader.done();) {
      next = (next + 1) % static_cast<std::int32_t>(kTopicPartitions);
      BAROGRAPH_TRY(producer->Send({.topic = topic_,
                                    .partition = next,
                                    .key = {},
                                    .value = reader.String(),
                                    .headers = {}}));
    }
    producer->Poll(kLivePause);
    if (events.empty()) std::this_thread::sleep_for(kLivePause);
  }
  return producer->Flush(kFlushMax);
}

}  // namespace barograph::server
