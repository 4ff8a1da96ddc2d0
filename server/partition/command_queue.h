#pragma once

#include <absl/synchronization/mutex.h>

#include <atomic>
#include <cstddef>
#include <deque>
#include <functional>
#include <variant>
#include <vector>

#include "ingest/admission/batch.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"
#include "storage/log/record.h"

namespace barograph::server {

/// A batch on its way to the writer, its payload already compressed and hashed by the thread that
/// brought it.
struct Submission {
  ingest::Batch batch;
  storage::SealedPayload sealed;
  ingest::PartitionPort::Answer answer;
  std::size_t reserved_bytes = 0;
};
/// Anything else that the writer does; `refuse` answers instead when the partition stops first.
struct Control {
  std::function<void()> run;
  std::function<void(const Error&)> refuse;
  bool only_reads = false;  ///< may overtake what was queued before it
};
using Command = std::variant<Submission, Control>;

/// What waits for the writer, in order of arrival; bounded in batches and their bytes, and in other
/// commands.
///
/// Threads: Wait and Take by the writer, all else by any.
class CommandQueue {
 public:
  CommandQueue(std::size_t batches_max, std::size_t bytes_max)
      : batches_max_(batches_max), bytes_max_(bytes_max) {}

  enum class Room : std::uint8_t { kYes, kFull, kClosed };
  /// Room for a batch that is about to be sealed; kYes must be followed by Push. One batch always
  /// fits into an empty queue.
  [[nodiscard]] Room Reserve(std::size_t bytes);
  void Push(Submission submission);
  /// False: full or closed, nothing was taken.
  [[nodiscard]] bool PushControl(Control& control);

  /// Sleeps until there is a command, somebody called Nudge, or `timeout` has passed.
  void Wait(Duration timeout);
  /// Moves all waiting commands to the end of `*taken`.
  void Take(std::deque<Command>* taken);
  /// A batch left the writer.
  void Release(std::size_t bytes);
  void Nudge();
  [[nodiscard]] bool empty() const { return waiting_.load(std::memory_order_acquire) == 0; }

  /// `wake` is called by CallWaiters once there is room. False: too many wait.
  [[nodiscard]] bool AddRoomWaiter(std::function<void()> wake);
  void CallRoomWaiters();

  /// No more batches; returns when those that were being sealed are in.
  void CloseForBatches();
  /// No more commands at all.
  void Close();
  [[nodiscard]] bool closed() const { return closed_.load(std::memory_order_acquire); }

  [[nodiscard]] std::size_t batches() const { return batches_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  [[nodiscard]] bool HasRoom() const;

  const std::size_t batches_max_, bytes_max_;
  mutable absl::Mutex mutex_;
  std::deque<Command> commands_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::function<void()>> room_waiters_ ABSL_GUARDED_BY(mutex_);
  std::size_t controls_ ABSL_GUARDED_BY(mutex_) = 0;
  std::size_t sealing_ ABSL_GUARDED_BY(mutex_) = 0;
  bool batches_closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool nudged_ ABSL_GUARDED_BY(mutex_) = false;
  std::atomic<bool> closed_{false};
  std::atomic<bool> has_room_waiters_{false};
  std::atomic<std::size_t> waiting_{0}, batches_{0}, bytes_{0};
};

}  // namespace barograph::server
