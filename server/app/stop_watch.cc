#include "server/app/stop_watch.h"

namespace barograph::server {

namespace {
constexpr auto kLookEvery = std::chrono::milliseconds(100);
}  // namespace

StopWatch::StopWatch(Signals& signals, Duration limit)
    : thread_([this, &signals, limit] {
        while (!done_) {
          if (signals.Wait(kLookEvery) != Signal::kStop || stopped_) continue;
          guard_.emplace(limit);
          stopped_ = true;
        }
      }) {}

StopWatch::~StopWatch() {
  done_ = true;
  thread_.join();
}

}  // namespace barograph::server
