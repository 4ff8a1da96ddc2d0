#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "server/notify/delivery_schedule.h"
#include "server/notify/sender.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/state/outbox.h"

namespace barograph::server {

struct OutboxWorkerOptions {
  DeliveryPolicy policy;
  std::size_t under_way_max = kTriesUnderWayMax;  ///< tries at once, over all receivers
  std::size_t rows_max = 10'000;  ///< pending rows held in memory; further ones wait on disk
  /// Ends that the log refused, because too many commands wait or a read failed, are told again
  /// after a pause, at most so many at once; it doubles with each turn in which the log took none.
  Duration tell_pause_min = std::chrono::milliseconds(50);
  Duration tell_pause_max = std::chrono::seconds(5);
  std::size_t tell_at_once = 256;
};

/// Figures for /metrics.
struct OutboxFigures {
  std::uint64_t delivered = 0, superseded = 0, dead = 0, dropped = 0, tries = 0, failed_tries = 0;
  std::uint64_t waiting = 0;
  std::uint64_t refused_ends = 0;  ///< times that the log did not take how a notice ended
  std::map<std::string, ReceiverFigures, std::less<>> receivers;
};

/// Sends what the log decided: reads durable outbox rows, hands them to their receivers, and tells
/// the log how each ended.
///
/// Promise: for each alert and receiver the last transition is delivered at least once; a resolve
/// never overtakes its firing. A restart at any point changes nothing but that a try under way may
/// come twice, under the same id.
/// Threads: every method from any thread; works on its own thread.
class OutboxWorker {
 public:
  struct Ports {
    /// Durable pending rows after a sequence, in order.
    std::function<Result<std::vector<storage::OutboxRow>>(Sequence after, std::size_t limit)>
        list_pending;
    /// Logs the Delivery and removes the row in one group; `done` when durable. kNotFound: the row
    /// has ended before. After any other error the row is still pending, and it is told again.
    std::function<void(std::string tenant, Sequence row, storage::Delivery delivery,
                       std::function<void(Status)> done)>
        end_delivery;
  };
  using Senders = std::map<std::string, std::shared_ptr<Sender>, std::less<>>;

  /// Rate limits of receivers by name.
  using Limits = DeliverySchedule::Limits;

  OutboxWorker(const OutboxWorkerOptions& options, Clock& clock, Ports ports, Senders senders,
               Limits limits = {});
  ~OutboxWorker();

  /// Receivers by name, after a reload. Notices for a name that is gone end as dropped.
  void SetSenders(Senders senders, Limits limits);
  /// New rows are durable.
  void Wake();
  /// No new tries; waits for those under way, at most `limit`. What did not end is sent again after
  /// the next start.
  void Stop(Duration limit);

  [[nodiscard]] OutboxFigures figures() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace barograph::server
