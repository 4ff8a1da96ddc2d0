#include "server/notify/outbox_worker.h"

#include <absl/synchronization/mutex.h>

#include <algorithm>
#include <deque>
#include <iterator>
#include <optional>
#include <thread>
#include <utility>

#include "storage/base/failpoint.h"
#include "storage/base/thread.h"

namespace barograph::server {

namespace {
/// The schedule's times are wall times; a sleep is cut so that a clock that was set is noticed
/// soon.
constexpr auto kSleepMax = std::chrono::seconds(1);
constexpr std::size_t kListRows = 256;
}  // namespace

struct OutboxWorker::State : std::enable_shared_from_this<OutboxWorker::State> {
  State(const OutboxWorkerOptions& options_of, Clock& clock_of, Ports ports_of, Senders senders_of,
        Limits limits_of)
      : options(options_of),
        clock(clock_of),
        ports(std::move(ports_of)),
        senders(std::make_shared<const Senders>(std::move(senders_of))),
        limits(std::move(limits_of)),
        schedule(options.policy) {}

  struct Finished {
    Sequence sequence;
    TryResult result;
  };

  const OutboxWorkerOptions options;
  Clock& clock;
  const Ports ports;

  absl::Mutex mutex;
  bool woken ABSL_GUARDED_BY(mutex) = true;
  bool stopping ABSL_GUARDED_BY(mutex) = false;
  std::deque<Finished> finished ABSL_GUARDED_BY(mutex);
  std::deque<Sequence> ended ABSL_GUARDED_BY(mutex);
  /// Ends that the log did not take; each is of a row that is held, so at most rows_max.
  std::deque<DeliverySchedule::Ended> refused ABSL_GUARDED_BY(mutex);
  /// One pause for all of them: that the log is busy is a matter of the log, not of a row.
  Duration tell_pause ABSL_GUARDED_BY(mutex){options.tell_pause_min};
  Duration tell_due ABSL_GUARDED_BY(mutex){0};  ///< boot time
  std::size_t under_way ABSL_GUARDED_BY(mutex) = 0;
  std::shared_ptr<const Senders> senders ABSL_GUARDED_BY(mutex);
  std::optional<Limits> limits ABSL_GUARDED_BY(mutex);  ///< not yet in force
  OutboxFigures figures ABSL_GUARDED_BY(mutex);

  // The worker's thread only.
  DeliverySchedule schedule;
  Sequence listed;
  bool more_on_disk = false;  ///< rows that found no room, or could not be read
  std::thread thread;

  void Run();
  bool WaitForWork() ABSL_LOCKS_EXCLUDED(mutex);
  void ListNew();
  void TakeFinished();
  void SendDue();
  void Start(storage::OutboxRow row, const std::shared_ptr<Sender>& sender);
  void Log(const std::vector<DeliverySchedule::Ended>& ended_rows);
  void Tell(const DeliverySchedule::Ended& row);
  void TookEnd(const DeliverySchedule::Ended& row, const Status& status) ABSL_LOCKS_EXCLUDED(mutex);
  void TellDue() ABSL_LOCKS_EXCLUDED(mutex);
  void TellAgain(std::size_t limit) ABSL_LOCKS_EXCLUDED(mutex);
};

bool OutboxWorker::State::WaitForWork() {
  const std::optional<Time> due = schedule.NextDue();
  Duration sleep = kSleepMax;
  const absl::MutexLock lock(&mutex);
  if (due && under_way < options.under_way_max) {
    sleep = std::clamp(*due - clock.WallNow(), Duration(0), sleep);
  }
  if (!refused.empty()) {
    sleep = std::clamp(tell_due - clock.BootNow(), Duration(0), sleep);
  }
  const auto ready = [this]() ABSL_SHARED_LOCKS_REQUIRED(mutex) {
    return woken || stopping || !finished.empty() || !ended.empty();
  };
  if (sleep > Duration(0)) mutex.AwaitWithTimeout(absl::Condition(&ready), absl::FromChrono(sleep));
  return !stopping;
}

void OutboxWorker::State::ListNew() {
  {
    const absl::MutexLock lock(&mutex);
    if (!std::exchange(woken, false) && !more_on_disk) return;
  }
  // What stays on disk is looked for again at the next turn: when rows have ended, or a second on.
  more_on_disk = true;
  while (schedule.size() < options.rows_max) {
    auto rows = ports.list_pending(listed, kListRows);
    if (!rows.ok()) return;
    if (rows->empty()) {
      more_on_disk = false;
      return;
    }
    for (storage::OutboxRow& row : *rows) {
      listed = row.sequence;
      Log(schedule.Add(std::move(row), clock.WallNow()));
    }
  }
}

void OutboxWorker::State::TakeFinished() {
  std::deque<Finished> results;
  std::deque<Sequence> gone;
  {
    const absl::MutexLock lock(&mutex);
    results.swap(finished);
    gone.swap(ended);
    under_way -= results.size();
    for (const Finished& result : results) {
      ++figures.tries;
      if (result.result.outcome != TryResult::Outcome::kDelivered) ++figures.failed_tries;
    }
  }
  for (const Finished& result : results) {
    Log(schedule.Finish(result.sequence, result.result, clock.WallNow()));
  }
  for (const Sequence sequence : gone) schedule.Forget(sequence);
}

void OutboxWorker::State::Log(const std::vector<DeliverySchedule::Ended>& ended_rows) {
  for (const DeliverySchedule::Ended& row : ended_rows) {
    BAROGRAPH_FAILPOINT("outbox_before_mark");
    {
      const absl::MutexLock lock(&mutex);
      switch (row.delivery.outcome) {
        case storage::DeliveryOutcome::kDelivered:
          ++figures.delivered;
          break;
        case storage::DeliveryOutcome::kSuperseded:
          ++figures.superseded;
          break;
        case storage::DeliveryOutcome::kDropped:
          ++figures.dropped;
          break;
        default:
          ++figures.dead;
          break;
      }
    }
    Tell(row);
  }
}

void OutboxWorker::State::Tell(const DeliverySchedule::Ended& row) {
  ports.end_delivery(row.tenant, row.sequence, row.delivery,
                     [self = weak_from_this(), row](const Status& status) {
                       if (const auto state = self.lock()) state->TookEnd(row, status);
                     });
}

void OutboxWorker::State::TookEnd(const DeliverySchedule::Ended& row, const Status& status) {
  const absl::MutexLock lock(&mutex);
  if (status.ok() || status.error().code() == ErrorCode::kNotFound) {
    ended.push_back(row.sequence);
    tell_pause = options.tell_pause_min;
    tell_due = std::min(tell_due, clock.BootNow() + tell_pause);
    return;
  }
  ++figures.refused_ends;
  if (refused.empty()) tell_due = clock.BootNow() + tell_pause;
  refused.push_back(row);
}

void OutboxWorker::State::TellDue() {
  {
    const absl::MutexLock lock(&mutex);
    if (refused.empty() || clock.BootNow() < tell_due) return;
    tell_pause = std::min(2 * tell_pause, options.tell_pause_max);
    tell_due = clock.BootNow() + tell_pause;
  }
  TellAgain(options.tell_at_once);
}

void OutboxWorker::State::TellAgain(std::size_t limit) {
  std::vector<DeliverySchedule::Ended> again;
  {
    const absl::MutexLock lock(&mutex);
    const auto end = refused.begin() + static_cast<std::ptrdiff_t>(std::min(limit, refused.size()));
    again.assign(std::make_move_iterator(refused.begin()), std::make_move_iterator(end));
    refused.erase(refused.begin(), end);
  }
  for (const DeliverySchedule::Ended& row : again) Tell(row);
}

void OutboxWorker::State::Start(storage::OutboxRow row, const std::shared_ptr<Sender>& sender) {
  const Sequence sequence = row.sequence;
  std::function<void(TryResult)> done = [self = weak_from_this(), sequence](TryResult result) {
    const auto state = self.lock();
    if (!state) return;
    const absl::MutexLock lock(&state->mutex);
    state->finished.push_back({sequence, std::move(result)});
  };
  if (BAROGRAPH_MUTANT("mark_before_send")) {
    done({.outcome = TryResult::Outcome::kDelivered, .status_code = 200, .detail = "mutant"});
    done = [](const TryResult&) {};
  }
  BAROGRAPH_FAILPOINT("notice_before_send");
  sender->Send({.notice_id = std::move(row.notice.id),
                .content_type = std::move(row.notice.content_type),
                .body = std::move(row.notice.body),
                .at = clock.WallNow()},
               std::move(done));
}

void OutboxWorker::State::SendDue() {
  std::size_t room = 0;
  std::shared_ptr<const Senders> current;
  {
    const absl::MutexLock lock(&mutex);
    room = options.under_way_max - std::min(under_way, options.under_way_max);
    current = senders;
    if (limits) schedule.SetLimits(*limits);
    limits.reset();
    figures.waiting = schedule.size();
    figures.receivers = schedule.figures();
  }
  for (storage::OutboxRow& row : schedule.TakeDue(clock.WallNow(), room)) {
    {
      const absl::MutexLock lock(&mutex);
      ++under_way;
    }
    const auto sender = current->find(row.notice.receiver);
    if (sender != current->end()) {
      Start(std::move(row), sender->second);
      continue;
    }
    const absl::MutexLock lock(&mutex);
    finished.push_back(
        {row.sequence,
         {.outcome = TryResult::Outcome::kNoReceiver,
          .detail = "the configuration has no receiver \"" + row.notice.receiver + "\""}});
  }
}

void OutboxWorker::State::Run() {
  while (WaitForWork()) {
    TakeFinished();
    TellDue();
    ListNew();
    SendDue();
  }
}

OutboxWorker::OutboxWorker(const OutboxWorkerOptions& options, Clock& clock, Ports ports,
                           Senders senders, Limits limits)
    : state_(std::make_shared<State>(options, clock, std::move(ports), std::move(senders),
                                     std::move(limits))) {
  state_->thread = StartThread("outbox", [state = state_.get()] { state->Run(); });
}

OutboxWorker::~OutboxWorker() { Stop(Duration(0)); }

void OutboxWorker::SetSenders(Senders senders, Limits limits) {
  const absl::MutexLock lock(&state_->mutex);
  state_->senders = std::make_shared<const Senders>(std::move(senders));
  state_->limits = std::move(limits);
  state_->woken = true;
}

void OutboxWorker::Wake() {
  const absl::MutexLock lock(&state_->mutex);
  state_->woken = true;
}

void OutboxWorker::Stop(Duration limit) {
  if (!state_->thread.joinable()) return;
  {
    const absl::MutexLock lock(&state_->mutex);
    state_->stopping = true;
  }
  state_->thread.join();
  // Tries that end in time are logged; the rest is sent again after the next start.
  const auto idle = [this]() ABSL_SHARED_LOCKS_REQUIRED(state_->mutex) {
    return state_->finished.size() >= state_->under_way;
  };
  state_->mutex.LockWhenWithTimeout(absl::Condition(&idle), absl::FromChrono(limit));
  state_->mutex.Unlock();
  state_->TakeFinished();
  state_->TellAgain(state_->options.rows_max);
}

OutboxFigures OutboxWorker::figures() const {
  const absl::MutexLock lock(&state_->mutex);
  return state_->figures;
}

}  // namespace barograph::server
