#include "server/partition/command_queue.h"

#include <absl/time/time.h>

#include <iterator>
#include <utility>

#include "server/partition/limits.h"

namespace barograph::server {

bool CommandQueue::HasRoom() const {
  return batches_.load(std::memory_order_relaxed) < batches_max_ &&
         bytes_.load(std::memory_order_relaxed) < bytes_max_;
}

CommandQueue::Room CommandQueue::Reserve(std::size_t bytes) {
  const absl::MutexLock lock(&mutex_);
  if (batches_closed_) return Room::kClosed;
  const bool fits = bytes_.load(std::memory_order_relaxed) + bytes <= bytes_max_;
  if (!HasRoom() || (!fits && batches_.load(std::memory_order_relaxed) > 0)) return Room::kFull;
  ++batches_;
  bytes_ += bytes;
  ++sealing_;
  return Room::kYes;
}

void CommandQueue::Push(Submission submission) {
  const absl::MutexLock lock(&mutex_);
  --sealing_;
  commands_.emplace_back(std::move(submission));
  waiting_.store(commands_.size(), std::memory_order_release);
}

bool CommandQueue::PushControl(Control& control) {
  const absl::MutexLock lock(&mutex_);
  if (closed() || controls_ == kCommandsMax) return false;
  ++controls_;
  commands_.emplace_back(std::move(control));
  waiting_.store(commands_.size(), std::memory_order_release);
  return true;
}

void CommandQueue::Wait(Duration timeout) {
  const absl::MutexLock lock(&mutex_);
  const auto awake = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return !commands_.empty() || nudged_;
  };
  (void)mutex_.AwaitWithTimeout(absl::Condition(&awake), absl::FromChrono(timeout));
  nudged_ = false;
}

void CommandQueue::Take(std::deque<Command>* taken) {
  const absl::MutexLock lock(&mutex_);
  if (taken->empty()) {
    taken->swap(commands_);
  } else {
    taken->insert(taken->end(), std::make_move_iterator(commands_.begin()),
                  std::make_move_iterator(commands_.end()));
    commands_.clear();
  }
  controls_ = 0;
  waiting_.store(0, std::memory_order_release);
}

void CommandQueue::Release(std::size_t bytes) {
  --batches_;
  bytes_ -= bytes;
}

void CommandQueue::Nudge() {
  const absl::MutexLock lock(&mutex_);
  nudged_ = true;
}

bool CommandQueue::AddRoomWaiter(std::function<void()> wake) {
  const absl::MutexLock lock(&mutex_);
  if (room_waiters_.size() == kWaitersMax) return false;
  room_waiters_.push_back(std::move(wake));
  has_room_waiters_.store(true, std::memory_order_release);
  nudged_ = true;
  return true;
}

void CommandQueue::CallRoomWaiters() {
  if (!has_room_waiters_.load(std::memory_order_acquire)) return;
  std::vector<std::function<void()>> waiters;
  {
    const absl::MutexLock lock(&mutex_);
    if (!HasRoom() && !batches_closed_) return;
    waiters.swap(room_waiters_);
    has_room_waiters_.store(false, std::memory_order_release);
  }
  for (const std::function<void()>& wake : waiters) wake();
}

void CommandQueue::CloseForBatches() {
  const absl::MutexLock lock(&mutex_);
  batches_closed_ = true;
  nudged_ = true;
  const auto none_sealing = [this]()
                                ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return sealing_ == 0; };
  mutex_.Await(absl::Condition(&none_sealing));
}

void CommandQueue::Close() {
  CloseForBatches();
  const absl::MutexLock lock(&mutex_);
  closed_.store(true, std::memory_order_release);
  nudged_ = true;
}

}  // namespace barograph::server
