#include "server/api/api.h"

#include <utility>

#include "server/api/admin_service.h"
#include "server/api/alert_service.h"
#include "server/api/api_state.h"
#include "server/api/guard_service.h"
#include "server/api/kafka_service.h"
#include "server/api/limits.h"
#include "server/api/quarantine_service.h"
#include "server/api/query_service.h"
#include "server/api/tail_stream.h"
#include "storage/base/thread.h"

namespace barograph::server {

ApiState::ApiState(Partition& the_partition, const ingest::Authenticator& the_authenticator,
                   const Clock& the_clock, std::string the_version, bool kafka_configured)
    : partition(the_partition),
      authenticator(the_authenticator),
      clock(the_clock),
      version(std::move(the_version)),
      started(the_clock.BootNow()),
      kafka(kafka_configured),
      answers(std::make_shared<ingest::AnswerThread>(
          the_clock, [] {},
          [this] {
            const std::lock_guard lock(mutex_);
            const Duration now = clock.BootNow();
            for (TailStream* tail : tails_) tail->CutIfStuck(now);
          })) {}

bool ApiState::Enter(TailStream* tail) {
  const std::lock_guard lock(mutex_);
  if (tails_.size() >= kTailsMax || stopping) return false;
  tails_.insert(tail);
  return true;
}

void ApiState::Leave(TailStream* tail) {
  const std::lock_guard lock(mutex_);
  tails_.erase(tail);
}

bool ApiState::StartScan(std::function<void()> scan) {
  const std::lock_guard lock(mutex_);
  if (scanning_ || stopping) return false;
  if (scan_thread_.joinable()) scan_thread_.join();  // it has said that it is done
  scanning_ = true;
  scan_thread_ = StartThread("scan", [this, scan = std::move(scan)] {
    scan();
    const std::lock_guard done(mutex_);
    scanning_ = false;
  });
  return true;
}

void ApiState::Stop() {
  stopping = true;
  std::thread scan;
  {
    const std::lock_guard lock(mutex_);
    for (TailStream* tail : tails_) tail->Stop();
    scan.swap(scan_thread_);
  }
  if (scan.joinable()) scan.join();
}

struct Api::State {
  State(Partition& partition, const ingest::Authenticator& authenticator, const Clock& clock,
        std::string version, bool kafka_configured)
      : api(partition, authenticator, clock, std::move(version), kafka_configured),
        query(api),
        admin(api),
        kafka(api),
        quarantine(api),
        alerts(api),
        guard(api) {}

  ApiState api;
  QueryService query;
  AdminService admin;
  KafkaService kafka;
  QuarantineService quarantine;
  AlertService alerts;
  GuardService guard;
};

Api::Api(Partition& partition, const ingest::Authenticator& authenticator, const Clock& clock,
         std::string version, bool kafka_configured)
    : state_(std::make_unique<State>(partition, authenticator, clock, std::move(version),
                                     kafka_configured)) {}

Api::~Api() {
  Stop();
  state_->api.answers->Stop();
}

std::vector<::grpc::Service*> Api::services() {
  return {&state_->query,      &state_->admin,  &state_->kafka,
          &state_->quarantine, &state_->alerts, &state_->guard};
}

void Api::SetKafka(ingest::KafkaControl* door) { state_->api.kafka.Set(door); }

void Api::Stop() { state_->api.Stop(); }

}  // namespace barograph::server
