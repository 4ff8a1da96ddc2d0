#pragma once

#include <atomic>
#include <cstdint>

#include "server/partition/absence_histogram.h"

namespace barograph::server {

/// What the threads of a partition count; PartitionFigures is a copy of it.
///
/// Threads: each is written by one thread and read by any, relaxed: they are figures, nothing is
/// decided by them.
struct Counters {
  using Count = std::atomic<std::uint64_t>;
  Count events{0}, batches{0}, groups{0}, duplicates{0}, rejected{0}, evaluations{0},
      checkpoints{0};
  Count quarantine_pending{0}, kafka_positions{0}, kafka_stopped{0};
  Count leases_granted{0}, leases_denied{0}, leases_expired{0}, leases_settled{0},
      leases_released{0};
  Count outbox_pending{0}, staged{0}, checkpoint_sequence{0}, last_checkpoint_bytes{0};
  Count tail_events_replayed{0};
  std::atomic<std::int64_t> last_checkpoint_nanos{0}, start_nanos{0}, dedup_horizon_nanos{0};
  std::atomic<std::int64_t> log_time_nanos{0};
  AbsenceHistogram absence;
};

}  // namespace barograph::server
