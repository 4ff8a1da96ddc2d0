#pragma once

#include <absl/base/thread_annotations.h>
#include <absl/synchronization/mutex.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <future>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "rules/engine/engine.h"
#include "server/partition/partition.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"

namespace barograph::server {

struct ForecasterOptions {
  /// How often it looks whether a forecast is due.
  Duration look_every = std::chrono::seconds(10);
  /// Share of one core that models may take; in (0, 1].
  double core_share = 0.2;
};

/// Figures for /metrics; counters since the start unless said otherwise.
struct ForecasterFigures {
  std::uint64_t issued = 0;      ///< forecasts that became events
  std::uint64_t cannot_say = 0;  ///< of them, those that know too little
  std::uint64_t failed = 0;      ///< that the partition refused
  std::uint64_t due = 0;         ///< a level: that were due when it looked last
  Duration busy{0};              ///< in models
};

/// Makes the forecasts that rules ask for: each instance once in every hour of log time, and a new
/// one within seconds. Histories are read in slices by the partition's writer, models run here, and
/// what they say goes back as ForecastIssued.
///
/// Threads:  one of its own, at the lowest priority, that rests so long after each forecast that it
///           takes no more than its share of a core; with too many instances for that they come
///           round less often than every hour, and a forecast that is too old decides nothing.
/// Lifetime: partition and clock must outlive it; the partition answers until it is destroyed.
class Forecaster {
 public:
  Forecaster(Partition& partition, const Clock& clock, ForecasterOptions options);
  ~Forecaster();
  Forecaster(const Forecaster&) = delete;
  Forecaster& operator=(const Forecaster&) = delete;

  [[nodiscard]] ForecasterFigures figures() const;

 private:
  void Run();
  /// What the partition answers; false, too, when it shall stop before that.
  [[nodiscard]] bool Await(std::future<bool> answer);
  /// Runs `step` in the writer and waits for it. Whatever the step holds may outlive the wait.
  [[nodiscard]] bool Read(std::function<bool(const Partition::ReadView&)> step);
  /// True when it shall stop.
  bool Rest(Duration span);
  [[nodiscard]] std::vector<rules::ForecastSubject> Due();
  void Forecast(const rules::ForecastSubject& subject);
  void Issue(const rules::ForecastSubject& subject, storage::ForecastIssued forecast);

  Partition& partition_;
  const Clock& clock_;
  const ForecasterOptions options_;
  /// The last attempt, so that what was refused is not tried again at once.
  struct Tried {
    Time hour{};
    Sequence config_at;
    friend bool operator==(const Tried&, const Tried&) = default;
  };
  /// By tenant and rule, then cell. Touched by the thread alone.
  std::map<std::pair<std::string, std::string>, std::map<std::uint32_t, Tried>> tried_;
  std::atomic<std::uint64_t> issued_{0}, cannot_say_{0}, failed_{0}, due_{0};
  std::atomic<std::int64_t> busy_{0};
  absl::Mutex mutex_;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace barograph::server
