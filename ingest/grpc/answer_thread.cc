#include "ingest/grpc/answer_thread.h"

#include <chrono>
#include <utility>

#include "storage/base/thread.h"

namespace barograph::ingest {

AnswerThread::AnswerThread(const Clock& clock, Task after_round, Task every_second)
    : clock_(clock),
      after_round_(std::move(after_round)),
      every_second_(std::move(every_second)),
      thread_(StartThread("answers", [this] { Run(); })) {}

AnswerThread::~AnswerThread() { Stop(); }

void AnswerThread::Post(Task task) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    wake = tasks_.empty();
    tasks_.push_back(std::move(task));
  }
  if (wake) posted_.notify_one();
}

void AnswerThread::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  posted_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void AnswerThread::Run() {
  constexpr std::chrono::seconds kPeriod{1};
  Duration next = clock_.BootNow() + kPeriod;
  std::vector<Task> taken;
  for (bool stopping = false; !stopping || !taken.empty();) {
    {
      std::unique_lock lock(mutex_);
      posted_.wait_for(lock, kPeriod, [this] { return stopping_ || !tasks_.empty(); });
      taken.clear();
      taken.swap(tasks_);
      stopping = stopping_;
    }
    for (Task& task : taken) task();
    if (!taken.empty()) after_round_();
    if (const Duration now = clock_.BootNow(); now >= next) {
      every_second_();
      next = now + kPeriod;
    }
  }
}

}  // namespace barograph::ingest
