#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "rules/engine/engine.h"
#include "server/partition/counters.h"
#include "server/partition/group_commit.h"
#include "server/partition/partition.h"
#include "storage/base/clock.h"
#include "storage/log/event_log.h"
#include "storage/state/checkpoint_store.h"

namespace barograph::server {

/// When checkpoints start, and how they leave the engine in slices between commands.
///
/// Threads: owned by the partition writer.
class CheckpointPacer {
 public:
  CheckpointPacer(const PartitionOptions& options, Clock& clock, rules::Engine& engine,
                  storage::EventLog& log, storage::CheckpointStore& store, GroupCommit& commit,
                  Counters& counters, const std::optional<storage::CheckpointHead>& last,
                  Time start);

  /// `done` once a checkpoint that starts from here is durable, or at once when nothing is new
  /// since the last.
  void Request(std::function<void(Status)> done);
  /// Answers with `error` what waits for a checkpoint that did not start: the effects are added to
  /// `*effects`.
  void Refuse(const Error& error, std::vector<std::function<void()>>* effects);
  /// Starts one if it is due.
  /// Requires: everything folded was handed over.
  void MaybeBegin(Time log_time);
  [[nodiscard]] bool active() const { return active_; }
  /// A slice of about kCheckpointSlice.
  void Slice();

 private:
  [[nodiscard]] bool Due(Time log_time) const;

  const PartitionOptions& options_;
  Clock& clock_;
  rules::Engine& engine_;
  storage::EventLog& log_;
  storage::CheckpointStore& store_;
  GroupCommit& commit_;
  Counters& counters_;
  storage::CheckpointHead head_;  ///< of the last one, or the one under way
  Time last_begin_{};             ///< log time
  std::vector<std::function<void(Status)>> requests_, active_requests_;
  bool active_ = false;
  Duration begin_boot_{0};
  std::size_t rows_ = 64;
};

}  // namespace barograph::server
