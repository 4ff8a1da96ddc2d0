#include "server/cli/bench_load.h"

#include <chrono>
#include <utility>

#include "server/cli/client.h"

namespace barograph::server {
namespace {

/// Events that this machine surely makes in a second.
constexpr double kMadePerSecond = 1e6;

}  // namespace

void SleepUntil(const Clock& clock, Duration due) {
  if (const Duration left = due - clock.BootNow(); left > Duration::zero()) {
    std::this_thread::sleep_for(left);
  }
}

BenchLoad::BenchLoad(std::string server, double events_per_second, double seconds,
                     const Clock& clock)
    : server_(std::move(server)), clock_(clock) {
  const double each = events_per_second / 2;
  const auto events = static_cast<std::uint64_t>(each * seconds);
  const std::chrono::duration<double> to_make(events_per_second * seconds / kMadePerSecond);
  const Time start = clock.WallNow() + std::chrono::ceil<std::chrono::seconds>(to_make);
  for (const std::uint64_t seed : {3, 4})
    sets_.push_back(MakeBatchesFrom(events, seed, start, each));
  SleepUntil(clock, clock.BootNow() + (start - clock.WallNow()));
  began_ = clock.BootNow();
  for (std::size_t i = 0; i < sets_.size(); ++i) {
    threads_.emplace_back(
        [this, i, each] { status_[i] = Send(sets_[i], "load-" + std::to_string(i), each); });
  }
}

Status BenchLoad::Stop() {
  stop_ = true;
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
  if (ended_ == Duration{}) ended_ = clock_.BootNow();
  return status_[0].ok() ? status_[1] : status_[0];
}

double BenchLoad::events_per_second() const {
  return static_cast<double>(sent_) / std::chrono::duration<double>(ended_ - began_).count();
}

Status BenchLoad::Send(const BenchBatches& set, const std::string& producer, double rate) {
  BAROGRAPH_ASSIGN(const auto client, Client::Connect(server_));
  BAROGRAPH_ASSIGN(
      const auto publisher,
      Publisher::Open(*client, {.producer = producer, .borrow = true, .in_flight_max = 256}));
  const Duration begin = clock_.BootNow();
  const std::chrono::duration<double> interval(kBenchBatchEvents / rate);
  for (std::uint64_t i = 0; !stop_; ++i) {
    SleepUntil(clock_,
               begin + std::chrono::duration_cast<Duration>(interval * static_cast<double>(i)));
    BAROGRAPH_TRY(publisher->Send(set.batches[i % (set.batches.size() - 1)], kBenchBatchEvents));
    BAROGRAPH_TRY(publisher->Poll(Duration::zero()));
    sent_ += kBenchBatchEvents;
  }
  return publisher->Finish();
}

}  // namespace barograph::server
