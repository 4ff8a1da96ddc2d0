#include "ingest/kafka/kafka_door.h"

#include <utility>

#include "ingest/kafka/door_loop.h"

namespace barograph::ingest {
namespace {

Error Busy() {
  return {ErrorCode::kUnavailable, "the Kafka door is ending, or too many requests wait",
          /*retryable=*/true};
}

}  // namespace

struct KafkaDoor::State {
  State(const KafkaOptions& options, PartitionPort& partition, KafkaPort& positions,
        const Clock& clock, Hooks hooks)
      : loop(options, partition, positions, clock, std::move(hooks)) {}
  DoorLoop loop;
};

KafkaDoor::KafkaDoor() = default;
KafkaDoor::~KafkaDoor() = default;

Result<std::unique_ptr<KafkaDoor>> KafkaDoor::Open(const KafkaOptions& options,
                                                   PartitionPort& partition, KafkaPort& positions,
                                                   const Clock& clock, Hooks hooks) {
  std::unique_ptr<KafkaDoor> door(new KafkaDoor());
  door->state_ = std::make_unique<State>(options, partition, positions, clock, std::move(hooks));
  BAROGRAPH_TRY(door->state_->loop.Prepare());
  door->state_->loop.Start();
  return door;
}

KafkaFigures KafkaDoor::figures() const { return state_->loop.figures(); }

void KafkaDoor::Skip(std::string topic, std::uint32_t partition, SkipTarget to, std::string actor,
                     std::function<void(Result<Skipped>)> done) {
  DoorLoop& loop = state_->loop;
  const bool posted =
      loop.Post([&loop, topic = std::move(topic), partition, to, actor = std::move(actor), done] {
        loop.Skip(topic, partition, to, actor, done);
      });
  if (!posted) done(Busy());
}

void KafkaDoor::Retry(std::string tenant, Sequence sequence, storage::Quarantined record,
                      std::function<void(Result<BatchAnswer>)> done) {
  DoorLoop& loop = state_->loop;
  const bool posted =
      loop.Post([&loop, tenant = std::move(tenant), sequence, record = std::move(record), done] {
        loop.Retry(tenant, sequence, record, done);
      });
  if (!posted) done(Busy());
}

std::string KafkaDoor::Problem() const { return state_->loop.Problem(); }

Status KafkaDoor::Drain(Duration limit) {
  if (state_->loop.Stop(limit)) return {};
  return Error(ErrorCode::kDeadlineExceeded,
               "kafka: what was read was not durable within " + FormatDuration(limit));
}

}  // namespace barograph::ingest
