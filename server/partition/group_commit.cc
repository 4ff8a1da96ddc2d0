#include "server/partition/group_commit.h"

#include <algorithm>
#include <utility>

#include "server/partition/limits.h"
#include "storage/base/failpoint.h"
#include "storage/base/thread.h"

namespace barograph::server {
namespace {

void RunAll(const std::vector<std::function<void()>>& effects) {
  for (const std::function<void()>& effect : effects) effect();
}

}  // namespace

void Group::Clear() {
  rows.Clear();
  late_rows.Clear();
  end.reset();
  effects.clear();
  events = batches = notices = 0;
  forget_ids_before.reset();
}

GroupCommit::GroupCommit(storage::Database& database, storage::EventLog& log,
                         storage::CheckpointStore& store, Hooks hooks)
    : database_(database),
      log_(log),
      store_(store),
      hooks_(std::move(hooks)),
      durable_(log.durable_end().sequence.value),
      slot_(std::make_unique<Group>()) {}

GroupCommit::~GroupCommit() { Stop(); }

void GroupCommit::Start() {
  thread_ = StartThread("group-commit", [this] { Run(); });
}

void GroupCommit::Stop() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  if (thread_.joinable()) thread_.join();
}

void GroupCommit::HandOver(std::unique_ptr<Group>* group) {
  const absl::MutexLock lock(&mutex_);
  BAROGRAPH_ASSERT(!filled_, "one group at a time");
  slot_.swap(*group);
  filled_ = true;
  idle_.store(false, std::memory_order_release);
}

void GroupCommit::AwaitIdle() {
  const absl::MutexLock lock(&mutex_);
  const auto ready = [this] { return idle() || failed(); };
  mutex_.Await(absl::Condition(&ready));
}

void GroupCommit::NudgeCheckpoint() {
  const absl::MutexLock lock(&mutex_);
  store_nudged_ = true;
}

bool GroupCommit::WhenDurable(Sequence seen, std::function<void()> wake) {
  const absl::MutexLock lock(&mutex_);
  if (waiters_.size() == kWaitersMax) return false;
  waiters_.push_back({seen, std::move(wake)});
  waiters_changed_ = true;
  return true;
}

void GroupCommit::AfterCheckpoint(std::vector<std::function<void(Status)>> effects) {
  const absl::MutexLock lock(&mutex_);
  checkpoint_effects_ = std::move(effects);
}

void GroupCommit::Run() {
  while (!failed()) {
    bool filled = false;
    bool stopping = false;
    {
      const absl::MutexLock lock(&mutex_);
      const auto work = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
        return filled_ || stopping_ || store_nudged_ || waiters_changed_ || failed();
      };
      mutex_.Await(absl::Condition(&work));
      filled = filled_;
      stopping = stopping_;
    }
    if (filled) Commit();
    if (!failed()) WriteCheckpoint();
    WakeDurable(/*all=*/stopping && !filled);
    if (stopping && !filled) {
      EndCheckpoint(Error(ErrorCode::kUnavailable, "the server is shutting down"));
      return;
    }
  }
}

Status GroupCommit::Write(Group* group) {
  BAROGRAPH_FAILPOINT("commit_before_sync");
  if (!group->rows.empty()) BAROGRAPH_TRY(database_.Write(group->rows, /*sync=*/true));
  BAROGRAPH_FAILPOINT("commit_after_sync");
  if (group->end.has_value()) {
    BAROGRAPH_TRY(log_.CommitDone(*group->end));
    durable_.store(group->end->sequence.value, std::memory_order_release);
  }
  if (group->forget_ids_before.has_value()) {
    BAROGRAPH_TRY(database_.DeleteRange(storage::Table::kDedup, {}, *group->forget_ids_before));
  }
  return {};
}

Status GroupCommit::CommitNow(Group* group) {
  BAROGRAPH_TRY(Write(group));
  RunAll(std::exchange(group->effects, {}));
  group->Clear();
  return log_.SyncFrontier();
}

void GroupCommit::Commit() {
  Group* group = nullptr;
  {
    const absl::MutexLock lock(&mutex_);
    group = slot_.get();
  }
  if (BAROGRAPH_MUTANT("ack_before_sync")) RunAll(std::exchange(group->effects, {}));
  if (const Status written = Write(group); !written.ok()) {
    Fail(written.error());
    return;
  }
  const bool notices = group->notices > 0;
  std::vector<std::function<void()>> effects = std::move(group->effects);
  storage::WriteGroup late_rows = std::move(group->late_rows);
  group->late_rows = storage::WriteGroup();
  group->Clear();
  {
    const absl::MutexLock lock(&mutex_);
    filled_ = false;
    idle_.store(true, std::memory_order_release);
  }
  hooks_.on_idle();
  RunAll(effects);
  if (notices) hooks_.on_outbox();
  if (const Status synced = log_.SyncFrontier(); !synced.ok()) Fail(synced.error());
  if (!late_rows.empty()) {
    BAROGRAPH_FAILPOINT("commit_after_sync");
    if (const Status late = database_.Write(late_rows, /*sync=*/false); !late.ok()) {
      Fail(late.error());
    }
  }
}

void GroupCommit::WriteCheckpoint() {
  store_nudged_ = false;
  if (!store_.has_writes()) return;
  Result<std::optional<storage::CheckpointHead>> head = store_.WriteSome(durable());
  if (!head.ok()) {
    Fail(head.error());
    return;
  }
  // Never back to false here: a nudge that came meanwhile would be lost, and its checkpoint wait.
  if (store_.has_writes()) store_nudged_ = true;
  if (!head.value().has_value()) return;
  hooks_.on_checkpoint(*head.value());
  EndCheckpoint({});
}

void GroupCommit::EndCheckpoint(const Status& status) {
  std::vector<std::function<void(Status)>> effects;
  {
    const absl::MutexLock lock(&mutex_);
    effects.swap(checkpoint_effects_);
  }
  for (const std::function<void(Status)>& effect : effects) effect(status);
}

void GroupCommit::WakeDurable(bool all) {
  std::vector<Waiter> woken;
  {
    const absl::MutexLock lock(&mutex_);
    waiters_changed_ = false;
    if (waiters_.empty()) return;
    const auto first = std::stable_partition(
        waiters_.begin(), waiters_.end(),
        [&](const Waiter& waiter) { return !all && waiter.seen >= durable(); });
    woken.assign(std::make_move_iterator(first), std::make_move_iterator(waiters_.end()));
    waiters_.erase(first, waiters_.end());
  }
  for (const Waiter& waiter : woken) waiter.wake();
}

void GroupCommit::Fail(const Error& error) {
  {
    const absl::MutexLock lock(&mutex_);
    if (failed_.exchange(true)) return;
  }
  hooks_.on_failure(error);
}

}  // namespace barograph::server
