#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ingest/admission/kafka_control.h"
#include "ingest/grpc/authenticator.h"
#include "server/partition/partition.h"
#include "storage/base/clock.h"

namespace grpc {
class Service;
}

namespace barograph::server {

/// QueryService, AdminService, KafkaService, QuarantineService, AlertService and GuardService over
/// one partition, ready to be given to IngestDoor::Open.
///
/// Reads go through Partition::Read: they see folded state in slices of the writer's time and are
/// answered once that state is
/// durable. What no series holds is folded anew from the log on a thread of its own, one query at a
/// time.
///
/// Threads:  gRPC's, one that answers and feeds tails, one that scans.
/// Lifetime: partition, authenticator and clock must outlive it. Stop, then drain and destroy the
///           door, then destroy this.
class Api {
 public:
  Api(Partition& partition, const ingest::Authenticator& authenticator, const Clock& clock,
      std::string version, bool kafka_configured = false);
  ~Api();
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  [[nodiscard]] std::vector<::grpc::Service*> services();
  /// The Kafka door, once it is open; null before it is destroyed: then no call is inside it any
  /// more. Lifetime: the door answers its callbacks before it dies, and this outlives it.
  void SetKafka(ingest::KafkaControl* door);
  /// Ends tails and scans, so that the door can drain. Other calls go on.
  void Stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace barograph::server
