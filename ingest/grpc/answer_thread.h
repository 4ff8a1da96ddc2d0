#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "storage/base/clock.h"

namespace barograph::ingest {

/// The thread on which answers leave: the partition's threads hand a task over and go on, so that
/// no system call of a
/// connection ever delays a commit. Everything posted while it works is taken in one round;
/// `after_round` then writes one
/// response per stream for all of it, which is what makes acknowledgements cumulative under load.
///
/// Threads:  Post from any thread. Tasks run one after another, in order, and must not block.
/// Bounds:   one task per batch under way and one per waiting stream, so the door's limits bound
/// the queue.
/// Lifetime: Stop runs what was posted before it and then ends; later posts are dropped.
class AnswerThread {
 public:
  using Task = std::function<void()>;
  /// `after_round` follows each round of tasks; `every_second` runs besides, about once a second.
  AnswerThread(const Clock& clock, Task after_round, Task every_second);
  ~AnswerThread();
  AnswerThread(const AnswerThread&) = delete;
  AnswerThread& operator=(const AnswerThread&) = delete;

  void Post(Task task);
  void Stop();

 private:
  void Run();

  const Clock& clock_;
  Task after_round_, every_second_;
  std::mutex mutex_;
  std::condition_variable posted_;
  std::vector<Task> tasks_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace barograph::ingest
