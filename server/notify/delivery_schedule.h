#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "rules/spec/receiver_spec.h"
#include "server/notify/limits.h"
#include "server/notify/sender.h"
#include "storage/base/clock.h"
#include "storage/state/outbox.h"

namespace barograph::server {

/// When to try again, and when to give up.
struct DeliveryPolicy {
  Duration first_retry = std::chrono::seconds(1);
  /// Each further pause is twice as long, up to this; Standard Webhooks asks for spread and jitter.
  Duration retry_max = std::chrono::hours(1);
  /// Jitter: a pause is multiplied by a number in [1 - jitter, 1 + jitter].
  double jitter = 0.2;
  /// A notice that waited for so long, say behind others of a receiver that hangs, is superseded by
  /// a newer one even if it was never tried. No alert ends sooner after it fired.
  Duration late_after = std::chrono::seconds(10);
  /// Give up so long after the notice was decided, or sent again by an operator.
  Duration give_up_after = std::chrono::hours(75);
};

/// What one receiver is doing; for /metrics.
struct ReceiverFigures {
  std::uint64_t waiting = 0;         ///< notices, also those under way
  std::uint64_t under_way = 0;       ///< tries
  std::uint64_t waits_for_rate = 0;  ///< notices that were due and had to wait for the rate limit
};

/// Decides what is sent next. Notices of one group go out one at a time and in order, so that a
/// resolve never overtakes its firing; groups do not wait for one another. A notice that failed or
/// waited long is superseded by a newer one of its group that tells of all its episodes.
///
/// A receiver has at most kTriesOfReceiverMax tries under way, so that one that hangs takes no room
/// from others, and no more tries in a span of time than its rate limit says: those beyond wait.
///
/// Threads: one. No clock and no I/O: time is given.
class DeliverySchedule {
 public:
  explicit DeliverySchedule(const DeliveryPolicy& policy, std::uint64_t seed = 1)
      : policy_(policy), random_(seed) {}

  /// A row that ended: what the log is told.
  struct Ended {
    std::string tenant;
    Sequence sequence;
    storage::Delivery delivery;
  };

  using Limits = std::map<std::string, rules::Rate, std::less<>>;
  /// Rate limits by receiver; of one that keeps its limit, what it has sent still counts.
  void SetLimits(const Limits& limits);

  /// Takes a pending row. Rows must come in order of sequence; a row that is already here is
  /// ignored. Returns rows that it superseded.
  std::vector<Ended> Add(storage::OutboxRow row, Time now);
  /// Rows to try now, at most `limit`, longest due first; they count as under way until Finish.
  std::vector<storage::OutboxRow> TakeDue(Time now, std::size_t limit);
  /// The result of a try. Returns what ended by it.
  std::vector<Ended> Finish(Sequence sequence, const TryResult& result, Time now);
  /// The row's end is durable: forget it.
  void Forget(Sequence sequence);
  /// Earliest moment at which TakeDue has something; nothing when nothing waits.
  [[nodiscard]] std::optional<Time> NextDue() const;
  /// Rows held, waiting or under way.
  [[nodiscard]] std::size_t size() const { return groups_of_.size(); }
  /// Of every receiver that has rows or a rate limit, or had rows.
  [[nodiscard]] const std::map<std::string, ReceiverFigures, std::less<>>& figures() const {
    return figures_;
  }

 private:
  using GroupKey = std::tuple<std::string, std::string, std::string>;  // tenant, receiver, group
  struct Waiting {
    storage::OutboxRow row;
    bool ended = false;  // told to the log, not yet durable
  };
  struct Group {
    std::deque<Waiting> queue;   // front is tried next
    std::uint32_t attempts = 0;  // of the front
    bool under_way = false;
    bool held = false;  // due, and waits for the rate limit
    Time due{};
    TryResult last;  // of the front, valid if attempts > 0
  };

  /// A bucket of tokens, as the generic cell rate algorithm keeps it (ITU-T I.371, annex A): each
  /// try moves `full_at` on by one interval, and may run ahead of the clock by a burst.
  struct Bucket {
    rules::Rate rate;
    Time full_at{};
    [[nodiscard]] Duration interval() const { return rate.per / rate.count; }
    [[nodiscard]] Time ReadyAt() const { return full_at - (rules::BurstOf(rate) - 1) * interval(); }
    /// A clock that was set back must not stop a receiver for longer than an empty bucket does.
    void Follow(Time now) { full_at = std::min(full_at, now + rules::BurstOf(rate) * interval()); }
    void Take(Time now) { full_at = std::max(full_at, now) + interval(); }
  };

  [[nodiscard]] bool HasRoom(const std::string& receiver) const;
  [[nodiscard]] Time ReadyAt(const std::string& receiver) const;
  Ended End(Waiting& waiting, storage::DeliveryOutcome outcome, std::uint32_t attempts,
            const TryResult& last);
  /// Only what failed or is late is worth replacing, and only by a notice that tells at least as
  /// much.
  [[nodiscard]] bool MaySupersede(const Group& group, const Waiting& old, Time now) const;
  Ended Supersede(Group& group, Waiting& old, const Waiting& newer, Time now);
  void SupersedeBy(const Waiting& newest, Group& group, Time now, std::vector<Ended>* ended);
  void SupersedeFront(Group& group, Time now, std::vector<Ended>* ended);
  void DropEnded(Group& group);
  [[nodiscard]] Duration Pause(std::uint32_t attempts, Duration asked);

  DeliveryPolicy policy_;
  std::mt19937_64 random_;
  std::map<GroupKey, Group> groups_;
  std::map<Sequence, GroupKey> groups_of_;
  std::map<std::string, Bucket, std::less<>> buckets_;  // receivers with a limit
  std::map<std::string, ReceiverFigures, std::less<>> figures_;
};

}  // namespace barograph::server
