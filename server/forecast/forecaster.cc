#include "server/forecast/forecaster.h"

#include <absl/time/time.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>

#include "rules/outlook/answer.h"
#include "rules/outlook/history.h"
#include "storage/base/thread.h"

namespace barograph::server {
namespace {

using std::chrono::hours;

/// Steps of history that one slice of the writer reads: each may be a look at the disk.
constexpr std::size_t kStepsASlice = 16;

/// Instances that one slice looks at.
constexpr std::size_t kSubjectsASlice = 200;

/// A wait for the partition looks so often whether it shall end.
constexpr std::chrono::milliseconds kAnswerLook{50};

}  // namespace

Forecaster::Forecaster(Partition& partition, const Clock& clock, ForecasterOptions options)
    : partition_(partition), clock_(clock), options_(options) {
  thread_ = StartThread("forecasts", [this] {
    // Of threads the kernel takes a priority each, under the id that it knows them by.
    (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), 19);
    Run();
  });
}

Forecaster::~Forecaster() {
  {
    const absl::MutexLock lock(&mutex_);
    stopping_ = true;
  }
  thread_.join();
}

ForecasterFigures Forecaster::figures() const {
  return {issued_, cannot_say_, failed_, due_, Duration(busy_)};
}

bool Forecaster::Await(std::future<bool> answer) {
  // A partition whose disk hangs or failed does not answer, and must not keep the server from
  // ending.
  while (answer.wait_for(kAnswerLook) != std::future_status::ready) {
    if (Rest(Duration{0})) return false;
  }
  return answer.get();
}

bool Forecaster::Read(std::function<bool(const Partition::ReadView&)> step) {
  auto answered = std::make_shared<std::promise<bool>>();
  auto future = answered->get_future();
  partition_.Read(std::move(step),
                  [answered](const Result<Sequence>& seen) { answered->set_value(seen.ok()); });
  return Await(std::move(future));
}

bool Forecaster::Rest(Duration span) {
  const absl::MutexLock lock(&mutex_);
  return mutex_.AwaitWithTimeout(absl::Condition(&stopping_), absl::FromChrono(span));
}

void Forecaster::Run() {
  while (!Rest(options_.look_every)) {
    const std::vector<rules::ForecastSubject> due = Due();
    due_ = due.size();
    for (const rules::ForecastSubject& subject : due) {
      const Duration begun = clock_.BootNow();
      Forecast(subject);
      const Duration took = clock_.BootNow() - begun;
      busy_ += took.count();
      const double rest = static_cast<double>(took.count()) * (1 / options_.core_share - 1);
      if (Rest(Duration(static_cast<std::int64_t>(rest)))) return;
    }
  }
}

std::vector<rules::ForecastSubject> Forecaster::Due() {
  struct Look {
    std::optional<Time> hour;
    std::vector<rules::ForecastSubject> all, due;
  };
  auto look = std::make_shared<Look>();
  const bool read = Read([look](const Partition::ReadView& view) {
    if (!look->hour) {
      look->hour = std::chrono::floor<hours>(view.now);
      look->all = view.engine.ForecastSubjects();
      return !look->all.empty();
    }
    for (std::size_t i = 0; i < kSubjectsASlice && !look->all.empty(); ++i) {
      if (view.engine.IsForecastDue(look->all.back(), *look->hour))
        look->due.push_back(std::move(look->all.back()));
      look->all.pop_back();
    }
    return !look->all.empty();
  });
  if (!read) return {};
  // What was tried in this hour and is still due was refused, or cannot be asked.
  std::erase_if(look->due, [&](const rules::ForecastSubject& subject) {
    const Tried now{*look->hour, subject.config_at};
    Tried& tried = tried_[{subject.tenant, subject.rule}][subject.cell.value];
    return std::exchange(tried, now) == now;
  });
  return std::move(look->due);
}

void Forecaster::Forecast(const rules::ForecastSubject& subject) {
  struct Work {
    std::optional<rules::ForecastWish> wish;
    std::optional<rules::SeriesHistory> history;
  };
  auto work = std::make_shared<Work>();
  const bool read = Read([work, subject](const Partition::ReadView& view) {
    if (!work->wish) {
      work->wish = view.engine.AskForecast(subject, view.now);
      if (!work->wish) return false;
      work->history.emplace(work->wish->question);
      return true;
    }
    const rules::WindowStore* windows = view.engine.windows(subject.tenant);
    return windows != nullptr && work->history->ReadMore(*windows, subject.cell, kStepsASlice);
  });
  if (!read || !work->wish) return;
  storage::ForecastIssued forecast = rules::AnswerTo(work->wish->question, work->history->Values());
  forecast.origin.reason = "forecast";
  forecast.rule = subject.rule;
  forecast.labels = work->wish->labels;
  Issue(subject, std::move(forecast));
}

void Forecaster::Issue(const rules::ForecastSubject& subject, storage::ForecastIssued forecast) {
  const bool says = forecast.cannot_say.empty();
  auto answered = std::make_shared<std::promise<bool>>();
  auto future = answered->get_future();
  partition_.Decide([tenant = subject.tenant, forecast = std::move(forecast)](
                        const rules::Engine& engine,
                        Time now) { return engine.IssueForecast(tenant, forecast, now); },
                    [answered](const Result<Sequence>& done) { answered->set_value(done.ok()); });
  if (!Await(std::move(future))) {
    ++failed_;
    return;
  }
  ++issued_;
  if (!says) ++cannot_say_;
}

}  // namespace barograph::server
