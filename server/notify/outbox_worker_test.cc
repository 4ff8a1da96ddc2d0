#include "server/notify/outbox_worker.h"

#include <absl/synchronization/mutex.h>
#include <absl/time/clock.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <map>

namespace barograph::server {
namespace {

using testing::ElementsAre;
using Outcome = TryResult::Outcome;

// Method: a real worker on real time between a fake log (rows in a map) and senders whose behaviour
// is scripted.
class FakeLog {
 public:
  void Add(std::uint64_t sequence, std::string receiver, std::string group) {
    storage::OutboxRow row;
    row.tenant = "default";
    row.sequence = Sequence{sequence};
    row.notice.id = "n" + std::to_string(sequence);
    row.notice.receiver = std::move(receiver);
    row.notice.group_key = std::move(group);
    row.notice.episode_ids = {"e"};
    row.notice.at = SystemClock().WallNow();
    const absl::MutexLock lock(&mutex_);
    pending_[row.sequence] = row;
  }
  OutboxWorker::Ports ports() {
    return {
        .list_pending = [this](Sequence after,
                               std::size_t limit) -> Result<std::vector<storage::OutboxRow>> {
          std::vector<storage::OutboxRow> rows;
          const absl::MutexLock lock(&mutex_);
          for (auto it = pending_.upper_bound(after); it != pending_.end() && rows.size() < limit;
               ++it) {
            rows.push_back(it->second);
          }
          return rows;
        },
        .end_delivery =
            [this](const std::string&, Sequence row, const storage::Delivery& delivery,
                   const std::function<void(Status)>& done) {
              {
                const absl::MutexLock lock(&mutex_);
                pending_.erase(row);
                ended_.push_back(delivery.notice_id + " " + std::string(Name(delivery.outcome)));
              }
              done({});
            }};
  }
  std::vector<std::string> AwaitEnded(std::size_t count) {
    const auto enough = [this, count]()
                            ABSL_SHARED_LOCKS_REQUIRED(mutex_) { return ended_.size() >= count; };
    const absl::MutexLock lock(&mutex_);
    mutex_.AwaitWithTimeout(absl::Condition(&enough), absl::Seconds(10));
    return ended_;
  }

 private:
  absl::Mutex mutex_;
  std::map<Sequence, storage::OutboxRow> pending_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::string> ended_ ABSL_GUARDED_BY(mutex_);
};

class ScriptedSender final : public Sender {
 public:
  explicit ScriptedSender(std::vector<Outcome> script) : script_(std::move(script)) {}
  void Send(Attempt attempt, std::function<void(TryResult)> done) override {
    Outcome outcome;
    {
      const absl::MutexLock lock(&mutex_);
      sent_.push_back(attempt.notice_id);
      outcome = script_[std::min(sent_.size() - 1, script_.size() - 1)];
    }
    done({.outcome = outcome, .detail = "scripted"});
  }
  std::vector<std::string> sent() const {
    const absl::MutexLock lock(&mutex_);
    return sent_;
  }

 private:
  const std::vector<Outcome> script_;
  mutable absl::Mutex mutex_;
  std::vector<std::string> sent_ ABSL_GUARDED_BY(mutex_);
};

OutboxWorkerOptions Quick() {
  OutboxWorkerOptions options;
  options.policy.first_retry = std::chrono::milliseconds(5);
  return options;
}

TEST(OutboxWorkerTest, TriesUntilDeliveredAndThenSendsTheNextOfTheGroup) {
  SystemClock clock;
  FakeLog log;
  log.Add(1, "ops", "g");
  const auto sender = std::make_shared<ScriptedSender>(
      std::vector{Outcome::kRetry, Outcome::kRetry, Outcome::kDelivered});
  OutboxWorker worker(Quick(), clock, log.ports(), {{"ops", sender}});
  EXPECT_THAT(log.AwaitEnded(1), ElementsAre("n1 delivered"));
  log.Add(2, "ops", "g");
  worker.Wake();
  EXPECT_THAT(log.AwaitEnded(2), ElementsAre("n1 delivered", "n2 delivered"));
  EXPECT_THAT(sender->sent(), ElementsAre("n1", "n1", "n1", "n2"));
  worker.Stop(std::chrono::seconds(1));
  EXPECT_EQ(worker.figures().delivered, 2U);
  EXPECT_EQ(worker.figures().failed_tries, 2U);
}

TEST(OutboxWorkerTest, AReceiverThatRefusesLeavesOthersAlone) {
  SystemClock clock;
  FakeLog log;
  log.Add(1, "bad", "g");
  log.Add(2, "good", "g");
  log.Add(3, "gone", "g");
  OutboxWorker worker(
      Quick(), clock, log.ports(),
      {{"bad", std::make_shared<ScriptedSender>(std::vector{Outcome::kRefused})},
       {"good", std::make_shared<ScriptedSender>(std::vector{Outcome::kDelivered})}});
  EXPECT_THAT(log.AwaitEnded(3),
              testing::UnorderedElementsAre("n1 dead", "n2 delivered", "n3 dropped"));
}

TEST(OutboxWorkerTest, RowsBeyondItsMemoryAreSentLater) {
  SystemClock clock;
  FakeLog log;
  for (std::uint64_t row = 1; row <= 50; ++row) log.Add(row, "ops", "g" + std::to_string(row));
  OutboxWorkerOptions options = Quick();
  options.rows_max = 4;
  options.under_way_max = 2;
  OutboxWorker worker(
      options, clock, log.ports(),
      {{"ops", std::make_shared<ScriptedSender>(std::vector{Outcome::kDelivered})}});
  EXPECT_EQ(log.AwaitEnded(50).size(), 50U);
}

/// Refuses to be told of ends, as a partition in whose queue too many commands wait.
class BusyLog {
 public:
  explicit BusyLog(OutboxWorker::Ports ports) : ports_(std::move(ports)) {}
  OutboxWorker::Ports ports() {
    return {.list_pending = ports_.list_pending,
            .end_delivery = [this](std::string tenant, Sequence row, storage::Delivery delivery,
                                   std::function<void(Status)> done) {
              ++told_;
              if (busy_) {
                done(Error(ErrorCode::kResourceExhausted, "too many commands wait", true));
              } else {
                ports_.end_delivery(std::move(tenant), row, std::move(delivery), std::move(done));
              }
            }};
  }
  void BeFree() { busy_ = false; }
  [[nodiscard]] int told() const { return told_; }
  /// False when it was not told so often within ten seconds.
  [[nodiscard]] bool AwaitTold(int count) const {
    for (int turn = 0; turn < 10'000 && told_ < count; ++turn)
      absl::SleepFor(absl::Milliseconds(1));
    return told_ >= count;
  }

 private:
  const OutboxWorker::Ports ports_;
  std::atomic<bool> busy_{true};
  std::atomic<int> told_{0};
};

TEST(OutboxWorkerTest, TellsABusyLogAgainHowANoticeEndedWithoutSendingItTwice) {
  SystemClock clock;
  FakeLog log;
  for (std::uint64_t row = 1; row <= 4; ++row) log.Add(row, "ops", "g");
  BusyLog busy(log.ports());
  OutboxWorkerOptions options = Quick();
  options.tell_pause_min = std::chrono::milliseconds(1);
  const auto sender = std::make_shared<ScriptedSender>(std::vector{Outcome::kDelivered});
  OutboxWorker worker(options, clock, busy.ports(), {{"ops", sender}});
  ASSERT_TRUE(busy.AwaitTold(12));
  busy.BeFree();
  EXPECT_THAT(log.AwaitEnded(4), testing::UnorderedElementsAre("n1 delivered", "n2 delivered",
                                                               "n3 delivered", "n4 delivered"));
  EXPECT_THAT(sender->sent(), ElementsAre("n1", "n2", "n3", "n4"));
  worker.Stop(std::chrono::seconds(1));
  EXPECT_EQ(worker.figures().delivered, 4U);
  EXPECT_GE(worker.figures().refused_ends, 8U);
}

TEST(OutboxWorkerTest, RestsWhileTheLogRefusesToBeTold) {
  SystemClock clock;
  FakeLog log;
  for (std::uint64_t row = 1; row <= 8; ++row) log.Add(row, "ops", "g" + std::to_string(row));
  BusyLog busy(log.ports());
  OutboxWorkerOptions options = Quick();
  options.tell_pause_min = std::chrono::milliseconds(10);
  options.tell_at_once = 2;
  const Duration start = clock.BootNow();
  OutboxWorker worker(
      options, clock, busy.ports(),
      {{"ops", std::make_shared<ScriptedSender>(std::vector{Outcome::kDelivered})}});
  ASSERT_TRUE(busy.AwaitTold(12));
  absl::SleepFor(absl::Milliseconds(300));
  const int told = busy.told();
  // Eight first ones, then two after 10, 30, 70, 150, 310 ms and so on.
  int told_max = 8;
  Duration pause = options.tell_pause_min;
  for (Duration at = pause; at <= clock.BootNow() - start; at += pause) {
    told_max += 2;
    pause *= 2;
  }
  EXPECT_LE(told, told_max);
}

TEST(OutboxWorkerTest, OneThatStopsTellsTheLogALastTime) {
  SystemClock clock;
  FakeLog log;
  log.Add(1, "ops", "g");
  BusyLog busy(log.ports());
  OutboxWorkerOptions options = Quick();
  options.tell_pause_min = options.tell_pause_max = std::chrono::hours(1);
  OutboxWorker worker(
      options, clock, busy.ports(),
      {{"ops", std::make_shared<ScriptedSender>(std::vector{Outcome::kDelivered})}});
  ASSERT_TRUE(busy.AwaitTold(1));
  busy.BeFree();
  worker.Stop(std::chrono::seconds(1));
  EXPECT_THAT(log.AwaitEnded(1), ElementsAre("n1 delivered"));
}

/// Counts how often it is asked: at least once a turn of the worker.
class CountedClock final : public Clock {
 public:
  [[nodiscard]] Time WallNow() const override {
    ++asked_;
    return clock_.WallNow();
  }
  [[nodiscard]] Duration BootNow() const override { return clock_.BootNow(); }
  [[nodiscard]] int asked() const { return asked_; }

 private:
  SystemClock clock_;
  mutable std::atomic<int> asked_{0};
};

TEST(OutboxWorkerTest, FullOfRowsForAReceiverThatIsDownItRests) {
  CountedClock clock;
  FakeLog log;
  for (std::uint64_t row = 1; row <= 8; ++row) log.Add(row, "ops", "g" + std::to_string(row));
  OutboxWorkerOptions options;
  options.policy.first_retry = std::chrono::minutes(1);
  options.rows_max = 4;
  const auto sender = std::make_shared<ScriptedSender>(std::vector{Outcome::kRetry});
  OutboxWorker worker(options, clock, log.ports(), {{"ops", sender}});
  while (sender->sent().size() < 4) absl::SleepFor(absl::Milliseconds(1));
  absl::SleepFor(absl::Milliseconds(100));
  const int asked = clock.asked();
  absl::SleepFor(absl::Milliseconds(200));
  EXPECT_LT(clock.asked() - asked, 50);
}

TEST(OutboxWorkerTest, ReadsAgainWhatCouldNotBeRead) {
  SystemClock clock;
  FakeLog log;
  log.Add(1, "ops", "g");
  OutboxWorker::Ports ports = log.ports();
  ports.list_pending = [list = ports.list_pending, tries = 0](
                           Sequence after,
                           std::size_t limit) mutable -> Result<std::vector<storage::OutboxRow>> {
    if (tries++ == 0) return Error(ErrorCode::kIo, "scripted");
    return list(after, limit);
  };
  OutboxWorker worker(
      Quick(), clock, std::move(ports),
      {{"ops", std::make_shared<ScriptedSender>(std::vector{Outcome::kDelivered})}});
  EXPECT_THAT(log.AwaitEnded(1), ElementsAre("n1 delivered"));
}

}  // namespace
}  // namespace barograph::server
