#pragma once

#include <absl/synchronization/mutex.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "storage/base/ids.h"
#include "storage/base/result.h"
#include "storage/log/event_log.h"
#include "storage/rocks/database.h"
#include "storage/state/checkpoint_store.h"

namespace barograph::server {

/// What one synced write makes durable, and what may be said once it is.
struct Group {
  storage::WriteGroup rows;
  storage::WriteGroup
      late_rows;  ///< empty but for mutants: written apart from the group, which is their defect
  std::optional<storage::Position> end;        ///< of its last record
  std::vector<std::function<void()>> effects;  ///< in order, after the sync
  std::uint64_t events = 0, batches = 0, notices = 0;
  std::optional<std::string>
      forget_ids_before;  ///< keys of Table::kDedup that are beyond the horizon

  [[nodiscard]] bool empty() const { return rows.empty() && effects.empty(); }
  void Clear();
};

/// The commit thread: one synced write a group, while the writer fills the next; then everything
/// that waited for it, in order. Between groups it writes checkpoints in small pieces.
///
/// Threads: HandOver, idle and AwaitIdle by the writer; all else by any.
/// Errors:  the first failed write ends it: `on_failure` is called once, and no effect runs any
/// more.
class GroupCommit {
 public:
  struct Hooks {
    std::function<void()> on_idle;    ///< the next group may come
    std::function<void()> on_outbox;  ///< a group with notices is durable
    std::function<void(const storage::CheckpointHead&)> on_checkpoint;
    std::function<void(const Error&)> on_failure;
  };
  GroupCommit(storage::Database& database, storage::EventLog& log, storage::CheckpointStore& store,
              Hooks hooks);
  ~GroupCommit();

  void Start();
  /// Commits what was handed over, wakes all waiters, ends the thread.
  void Stop();

  [[nodiscard]] bool idle() const { return idle_.load(std::memory_order_acquire); }
  [[nodiscard]] bool failed() const { return failed_.load(std::memory_order_acquire); }
  /// Exchanges the filled group for an empty one.
  /// Requires: idle().
  void HandOver(std::unique_ptr<Group>* group);
  /// Returns when idle, or failed.
  void AwaitIdle();
  /// There may be something to write for the checkpoint store.
  void NudgeCheckpoint();

  [[nodiscard]] Sequence durable() const { return {durable_.load(std::memory_order_acquire)}; }
  /// Calls `wake` once durable() > `seen`, or at Stop. False: too many wait.
  [[nodiscard]] bool WhenDurable(Sequence seen, std::function<void()> wake);
  /// Runs `effects` of a checkpoint once its head is durable. By the writer, before
  /// CheckpointStore::Finish.
  void AfterCheckpoint(std::vector<std::function<void(Status)>> effects);

  /// One group in the caller's thread, before Start.
  [[nodiscard]] Status CommitNow(Group* group);
  /// The partition cannot go on (a record that cannot be folded): as a failed write.
  void Fail(const Error& error);

 private:
  struct Waiter {
    Sequence seen;
    std::function<void()> wake;
  };

  void Run();
  [[nodiscard]] Status Write(Group* group);
  void Commit();
  void WriteCheckpoint();
  void EndCheckpoint(const Status& status);
  void WakeDurable(bool all);

  storage::Database& database_;
  storage::EventLog& log_;
  storage::CheckpointStore& store_;
  Hooks hooks_;
  std::thread thread_;
  std::atomic<std::uint64_t> durable_{0};
  std::atomic<bool> idle_{true}, failed_{false}, store_nudged_{false}, waiters_changed_{false};

  absl::Mutex mutex_;
  std::unique_ptr<Group> slot_ ABSL_GUARDED_BY(mutex_);
  bool filled_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<Waiter> waiters_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::function<void(Status)>> checkpoint_effects_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace barograph::server
