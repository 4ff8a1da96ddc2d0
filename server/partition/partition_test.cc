// Method: a real database in a temporary folder below a clock that is moved by hand. Syncs of the
// write-ahead log can be held (a slow disk) or failed, so that what may be seen before a sync is
// visible to the test.
#include "server/partition/partition.h"

#include <absl/synchronization/mutex.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <thread>

#include "barograph/v1/event.pb.h"
#include "ingest/admission/admission.h"
#include "server/partition/gated_file_system.h"
#include "server/partition/limits.h"
#include "storage/event/server_event.h"

namespace barograph::server {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Time kStart{1'700'000'000s};
constexpr auto kSoon = 20s;     ///< real time for what must come
constexpr auto kWhile = 150ms;  ///< real time in which something must not come

struct Sent {
  std::string producer = "p";
  std::uint64_t first = 1;
  std::uint32_t count = 1;
  std::string salt = {};
  bool failed = false;
  std::uint64_t epoch = 0;
};

ingest::Batch Make(const Sent& sent) {
  ingest::BatchBuilder builder({}, kStart + 24h * 365);
  for (std::uint32_t i = 0; i < sent.count; ++i) {
    v1::Event event;
    event.set_id("id-" + sent.salt + std::to_string(sent.first + i));
    event.set_agent("agent-" + std::to_string(i % 7));
    event.mutable_task()->set_status(sent.failed ? v1::Task::FAILED : v1::Task::COMPLETED);
    builder.Add(event.SerializeAsString());
  }
  ingest::Batch batch = builder.Take();
  batch.producer = sent.producer;
  batch.epoch = sent.epoch;
  batch.first_sequence = sent.producer.empty() ? 0 : sent.first;
  return batch;
}

/// Answers in the order in which they came.
class Answers {
 public:
  ingest::PartitionPort::Answer Add(int name) {
    return [this, name](const Result<ingest::BatchAnswer>& answer) {
      const absl::MutexLock lock(&mutex_);
      order_.push_back(name);
      results_.push_back(answer);
    };
  }
  bool Await(std::size_t count) {
    const absl::MutexLock lock(&mutex_);
    const auto enough = [&] { return order_.size() >= count; };
    return mutex_.AwaitWithTimeout(absl::Condition(&enough), absl::FromChrono(kSoon));
  }
  std::vector<int> order() {
    const absl::MutexLock lock(&mutex_);
    return order_;
  }
  Result<ingest::BatchAnswer> at(std::size_t i) {
    const absl::MutexLock lock(&mutex_);
    return results_.at(i);
  }

 private:
  absl::Mutex mutex_;
  std::vector<int> order_;
  std::vector<Result<ingest::BatchAnswer>> results_;
};

rules::RuleSet NoFailureAllowed() {
  rules::RuleSet rules;
  rules::SloSpec slo;
  slo.common.name = "task-success";
  slo.good.measure = "tasks.completed";
  slo.total.measure = "tasks.finished";
  slo.objective_ppb = 1'000'000'000;
  slo.period = std::chrono::hours(24 * 30);
  rules.slos.push_back(slo);
  rules.receivers.push_back({.name = "ops", .target = "http://127.0.0.1:9/hook"});
  rules.route.receiver = "ops";
  return rules;
}

class PartitionTest : public ::testing::Test {
 protected:
  PartitionTest() {
    std::filesystem::remove_all(directory_);
    options_.directory = directory_;
    options_.write_buffer_bytes = 16U << 20U;
    options_.block_cache_bytes = 1U << 20U;
    options_.file_system = gate_;
  }
  ~PartitionTest() override {
    gate_->Release();
    partition_.reset();
    std::filesystem::remove_all(directory_);
    std::filesystem::remove_all(copy_);
  }

  Result<std::unique_ptr<Partition>> TryOpen(const PartitionOptions& options) {
    return Partition::Open(options, clock_,
                           {.format =
                                [](const rules::Notice& notice, const rules::ReceiverSpec&) {
                                  return rules::NoticeBody{notice.reason, "text/plain"};
                                },
                            .on_outbox = [this] { ++outbox_calls_; },
                            .on_failure = [this](const Error&) { ++failures_; },
                            .on_progress = {}});
  }
  void Open() {
    partition_.reset();
    Result<std::unique_ptr<Partition>> opened = TryOpen(options_);
    ASSERT_TRUE(opened.ok()) << opened.error().ToString();
    partition_ = std::move(opened).value();
  }
  void Submit(const Sent& sent, ingest::PartitionPort::Answer answer) {
    ingest::Batch batch = Make(sent);
    ASSERT_TRUE(partition_->TrySubmit(batch, std::move(answer)));
  }
  Result<ingest::BatchAnswer> Send(const Sent& sent) {
    auto promise = std::make_shared<std::promise<Result<ingest::BatchAnswer>>>();
    auto future = promise->get_future();
    Submit(sent, [promise](Result<ingest::BatchAnswer> answer) { promise->set_value(answer); });
    if (future.wait_for(kSoon) != std::future_status::ready) {
      return Error(ErrorCode::kDeadlineExceeded, "no answer");
    }
    return future.get();
  }
  /// The answer of a command that takes a callback.
  template <typename T, typename Command>
  T Await(Command command) {
    auto promise = std::make_shared<std::promise<T>>();
    auto future = promise->get_future();
    command([promise](T result) { promise->set_value(std::move(result)); });
    if (future.wait_for(kSoon) != std::future_status::ready) {
      return Error(ErrorCode::kDeadlineExceeded, "no answer");
    }
    return future.get();
  }
  using DigestAnswer = Result<std::pair<Sequence, barograph::Digest>>;
  DigestAnswer StateDigest() {
    return Await<DigestAnswer>([this](auto done) { partition_->Digest(done); });
  }
  Status ApplyRules(const rules::RuleSet& rules) {
    return Await<Status>([&](auto done) { partition_->ApplyRules(rules, {}, done); });
  }
  Result<Sequence> AwaitRead(std::function<bool(const Partition::ReadView&)> step) {
    return Await<Result<Sequence>>([&](auto done) { partition_->Read(step, done); });
  }
  template <typename Condition>
  static bool Eventually(Condition condition) {
    for (int i = 0; i < 2000 && !condition(); ++i) std::this_thread::sleep_for(10ms);
    return condition();
  }

  std::vector<storage::ServerEvent> ServerEvents() {
    std::vector<storage::ServerEvent> events;
    storage::EventLog::Cursor cursor =
        partition_->log().Read({.from = Sequence{1}, .verify_chain = true});
    storage::RecordView record;
    std::string buffer;
    while (cursor.Next(&record)) {
      if ((record.header.flags & storage::kRecordDecided) == 0) continue;
      const Result<std::string_view> payload = OpenPayload(record, &buffer);
      storage::PayloadReader reader(payload.value());
      for (std::string_view wire; reader.Next(&wire);) {
        storage::EventView view;
        EXPECT_TRUE(ReadEvent(wire, storage::EventSource::kLog, &view).ok());
        events.push_back(DecodeServerEvent(view).value());
      }
    }
    EXPECT_TRUE(cursor.status().ok());
    return events;
  }
  /// All of a tenant's cost in USD.
  std::int64_t CostNanos(const std::string& tenant) {
    std::int64_t nanos = -1;
    (void)AwaitRead([&](const Partition::ReadView& view) {
      const rules::WindowStore& windows = *view.engine.windows(tenant);
      const auto cell = windows.FindCell(windows.FindOrBuiltIn({}), {});
      const auto cost = windows.FindMeasureId({"cost", "USD"});
      if (cell && cost) nanos = static_cast<std::int64_t>(windows.Total(*cell, *cost).value_or(-1));
      return false;
    });
    return nanos;
  }
  template <typename T>
  std::vector<T> ServerEventsOf() {
    std::vector<T> found;
    for (const storage::ServerEvent& event : ServerEvents()) {
      if (const T* match = std::get_if<T>(&event)) found.push_back(*match);
    }
    return found;
  }

  std::string directory_ = ::testing::TempDir() + "partition_test_" + std::to_string(getpid());
  std::string copy_ = directory_ + "_copy";
  std::shared_ptr<GatedFileSystem> gate_ = std::make_shared<GatedFileSystem>();
  SimulatedClock clock_{kStart};
  std::atomic<int> outbox_calls_{0}, failures_{0};
  PartitionOptions options_;
  std::unique_ptr<Partition> partition_;
};

TEST_F(PartitionTest, NothingOutsideSeesABatchBeforeItsSync) {
  Open();
  gate_->Hold();
  Answers answers;
  Submit({.count = 5}, answers.Add(1));
  gate_->AwaitHeld();
  std::promise<Result<Sequence>> read;
  auto read_done = read.get_future();
  std::uint64_t seen = 0;
  partition_->Read(
      [&](const Partition::ReadView& view) {
        seen = view.sequence.value;
        return false;
      },
      [&](Result<Sequence> done) { read.set_value(done); });
  std::promise<void> woken;
  auto wake = woken.get_future();
  partition_->WhenDurable({0}, [&] { woken.set_value(); });
  EXPECT_EQ(read_done.wait_for(kWhile), std::future_status::timeout);
  EXPECT_EQ(wake.wait_for(0ms), std::future_status::timeout);
  EXPECT_THAT(answers.order(), IsEmpty());
  EXPECT_EQ(partition_->figures().durable.value, 0U);
  EXPECT_EQ(partition_->log().durable_end().sequence.value, 0U);
  gate_->Release();
  ASSERT_TRUE(answers.Await(1));
  EXPECT_EQ(answers.at(0)->acked_sequence, 5U);
  EXPECT_EQ(answers.at(0)->accepted, 5U);
  ASSERT_EQ(read_done.wait_for(kSoon), std::future_status::ready);
  EXPECT_EQ(read_done.get()->value, 5U);
  EXPECT_EQ(seen, 5U);
  EXPECT_EQ(wake.wait_for(kSoon), std::future_status::ready);
  EXPECT_EQ(partition_->figures().durable.value, 5U);
}

TEST_F(PartitionTest, BatchesThatComeDuringASyncShareTheNextOneAndAreAnsweredInOrder) {
  Open();
  gate_->Hold();
  Answers answers;
  std::vector<int> expected;
  for (int i = 0; i < 30; ++i) {
    const std::uint64_t first = static_cast<std::uint64_t>(i) * 2 + 1;
    Submit({.first = first, .count = 2}, answers.Add(i));
    if (i == 0) gate_->AwaitHeld();
    if (i % 10 == 9) Submit({.first = first, .count = 2}, answers.Add(100 + i));  // a repetition
    expected.push_back(i);
    if (i % 10 == 9) expected.push_back(100 + i);
  }
  ASSERT_TRUE(Eventually([&] { return partition_->figures().queue_batches == 0; }));
  const std::uint64_t before = gate_->syncs();
  gate_->Release();
  ASSERT_TRUE(answers.Await(33));
  EXPECT_EQ(answers.order(), expected);
  EXPECT_LE(gate_->syncs() - before, 2U);
  EXPECT_EQ(partition_->figures().durable.value, 60U);
  EXPECT_EQ(partition_->figures().duplicates, 6U);
}

TEST_F(PartitionTest, ReceiptsNameThePlaceInTheChain) {
  Open();
  const auto first = Send({.first = 1, .count = 3});
  const auto second = Send({.first = 4, .count = 2});
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(second->receipt.sequence.value, 5U);
  EXPECT_EQ(partition_->log().LinkAt({5}).value(), second->receipt.link);
  const auto look_up = [&](ingest::Receipt receipt) {
    return Await<Result<ingest::ProducerStanding>>(
        [&](auto answer) { partition_->LookUpProducer("default", "p", receipt, answer); });
  };
  const auto standing = look_up(first->receipt);
  ASSERT_TRUE(standing.ok());
  EXPECT_EQ(standing->acked_sequence, 5U);
  EXPECT_TRUE(standing->known);
  EXPECT_EQ(look_up({{5}, {}}).error().code(), ErrorCode::kDataLoss);
  EXPECT_EQ(look_up({{900}, first->receipt.link}).error().code(), ErrorCode::kDataLoss);
}

TEST_F(PartitionTest, RepetitionsAndConflictsAreKnownAfterARestart) {
  Open();
  ASSERT_TRUE(Send({.first = 1, .count = 4, .epoch = 2}).ok());
  Open();
  const auto again = Send({.first = 1, .count = 4, .epoch = 2});
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->accepted, 0U);
  EXPECT_EQ(again->acked_sequence, 4U);
  EXPECT_THAT(again->verdicts, SizeIs(4));
  EXPECT_EQ(Send({.first = 1, .count = 4, .salt = "x", .epoch = 2}).error().code(),
            ErrorCode::kAlreadyExists);
  EXPECT_EQ(Send({.first = 9, .epoch = 2}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(Send({.first = 5, .epoch = 1}).error().code(), ErrorCode::kFailedPrecondition);
  const auto overlap = Send({.first = 3, .count = 4, .epoch = 2});
  ASSERT_TRUE(overlap.ok());
  EXPECT_EQ(overlap->accepted, 2U);
  EXPECT_EQ(overlap->acked_sequence, 6U);
}

TEST_F(PartitionTest, EventsWithoutAProducerAreCheckedByTheirIdsAlsoAfterARestart) {
  Open();
  EXPECT_EQ(Send({.producer = "", .first = 1, .count = 3})->accepted, 3U);
  const auto overlap = Send({.producer = "", .first = 2, .count = 4});
  EXPECT_EQ(overlap->accepted, 2U);
  ASSERT_THAT(overlap->verdicts, SizeIs(2));
  EXPECT_EQ(overlap->verdicts[1].index, 1U);
  Open();
  EXPECT_EQ(Send({.producer = "", .first = 1, .count = 6})->accepted, 1U);
  partition_.reset();
  clock_.Advance(26h);
  Open();
  EXPECT_EQ(Send({.producer = "", .first = 1, .count = 6})->accepted, 6U);
}

TEST_F(PartitionTest, AFullQueueTakesNothingAndSaysWhenThereIsRoom) {
  options_.queue_batches_max = 4;
  options_.group_events_max = 1;
  Open();
  gate_->Hold();
  Answers answers;
  std::uint64_t taken = 0;
  ingest::Batch refused;
  while (true) {
    refused = Make({.first = taken + 1});
    if (!partition_->TrySubmit(refused, answers.Add(static_cast<int>(taken)))) break;
    ++taken;
    if (taken == 1) gate_->AwaitHeld();
    ASSERT_LT(taken, 100U);
    std::this_thread::sleep_for(5ms);
  }
  EXPECT_EQ(refused.accepted, 1U);
  EXPECT_FALSE(refused.payload.empty()) << "a refused batch is left untouched";
  EXPECT_GE(taken, 5U);
  std::promise<void> room;
  auto woken = room.get_future();
  partition_->WhenRoom([&] { room.set_value(); });
  EXPECT_EQ(woken.wait_for(kWhile), std::future_status::timeout);
  gate_->Release();
  ASSERT_EQ(woken.wait_for(kSoon), std::future_status::ready);
  ASSERT_TRUE(partition_->TrySubmit(refused, answers.Add(static_cast<int>(taken))));
  ASSERT_TRUE(answers.Await(taken + 1));
  EXPECT_EQ(partition_->figures().durable.value, taken + 1);
}

TEST_F(PartitionTest, CheckpointAndTailGiveTheSameStateAsAFullReplay) {
  options_.checkpoint_interval = 24h;
  Open();
  ASSERT_TRUE(ApplyRules(NoFailureAllowed()).ok());
  for (std::uint64_t i = 0; i < 20; ++i) {
    ASSERT_TRUE(Send({.first = i * 50 + 1, .count = 50, .failed = i == 3}).ok());
    clock_.Advance(700ms);
    if (i == 7 || i == 13) {
      ASSERT_TRUE(Await<Status>([&](auto done) { partition_->Checkpoint(done); }).ok());
    }
  }
  EXPECT_GE(partition_->figures().checkpoints, 2U);
  const DigestAnswer live = StateDigest();
  ASSERT_TRUE(live.ok());
  partition_.reset();
  std::filesystem::copy(directory_, copy_, std::filesystem::copy_options::recursive);

  Open();
  EXPECT_GT(partition_->figures().tail_events_replayed, 0U);
  EXPECT_LT(partition_->figures().tail_events_replayed, 900U);
  const DigestAnswer from_checkpoint = StateDigest();
  ASSERT_TRUE(from_checkpoint.ok());

  PartitionOptions replay = options_;
  replay.directory = copy_;
  replay.replay_from_start = true;
  Result<std::unique_ptr<Partition>> replayed = TryOpen(replay);
  ASSERT_TRUE(replayed.ok()) << replayed.error().ToString();
  partition_ = std::move(replayed).value();
  EXPECT_GE(partition_->figures().tail_events_replayed, 1000U);
  const DigestAnswer from_start = StateDigest();
  ASSERT_TRUE(from_start.ok());
  EXPECT_EQ(from_checkpoint->first, from_start->first);
  EXPECT_EQ(from_checkpoint->second, from_start->second);
  EXPECT_NE(live->second, from_start->second) << "Resumed is part of the state";
}

TEST_F(PartitionTest, ACheckpointDoesNotExistBeforeItsEventsAreDurable) {
  Open();
  gate_->Hold();
  Answers answers;
  Submit({.count = 5}, answers.Add(1));
  gate_->AwaitHeld();
  clock_.Advance(options_.checkpoint_interval);
  ASSERT_TRUE(Eventually([&] { return partition_->figures().evaluations >= 3; }));
  std::this_thread::sleep_for(kWhile);
  EXPECT_EQ(partition_->figures().checkpoint.value, 0U);
  gate_->Release();
  ASSERT_TRUE(Eventually([&] { return partition_->figures().checkpoint.value == 5; }));
  EXPECT_EQ(partition_->figures().checkpoints, 1U);
}

TEST_F(PartitionTest, ACheckpointThatIsDueDoesNotWaitForAnEmptyQueue) {
  constexpr std::uint64_t kBatches = 400;
  constexpr std::uint32_t kEach = 20;
  options_.queue_batches_max = kBatches;
  Open();
  std::promise<void> go;
  partition_->Read(
      [held = go.get_future().share()](const Partition::ReadView&) {
        held.wait();
        return false;
      },
      [](const Result<Sequence>&) {});
  Answers answers;
  for (std::uint64_t i = 0; i < kBatches; ++i) {
    Submit({.first = 1 + i * kEach, .count = kEach}, answers.Add(static_cast<int>(i)));
  }
  clock_.Advance(options_.checkpoint_interval);
  go.set_value();
  ASSERT_TRUE(answers.Await(kBatches));
  ASSERT_TRUE(Eventually([&] { return partition_->figures().checkpoints > 0; }));
  EXPECT_LT(partition_->figures().checkpoint.value, kBatches * kEach)
      << "it began while batches were waiting";
}

TEST_F(PartitionTest, AFailedSyncStopsEverythingAndNothingIsAnsweredAnyMore) {
  Open();
  ASSERT_TRUE(Send({.first = 1}).ok());
  gate_->FailNextSync();
  Answers answers;
  Submit({.first = 2}, answers.Add(1));
  ASSERT_TRUE(Eventually([&] { return failures_ == 1; }));
  EXPECT_TRUE(partition_->figures().failed);
  ingest::Batch batch = Make({.first = 3});
  EXPECT_FALSE(partition_->TrySubmit(batch, answers.Add(2)));
  std::this_thread::sleep_for(kWhile);
  EXPECT_THAT(answers.order(), IsEmpty());
  EXPECT_EQ(partition_->figures().durable.value, 1U);
  EXPECT_EQ(failures_, 1);
  Open();
  EXPECT_LE(Send({.first = 2})->acked_sequence, 2U);
}

TEST_F(PartitionTest, DrainAnswersWhatWasTakenAndRefusesTheRest) {
  Open();
  Answers answers;
  for (int i = 0; i < 10; ++i) Submit({.first = static_cast<std::uint64_t>(i) + 1}, answers.Add(i));
  const Status drained = partition_->Drain(std::chrono::seconds(20));
  ASSERT_TRUE(drained.ok()) << drained.error().ToString();
  ASSERT_TRUE(answers.Await(10));
  EXPECT_EQ(answers.at(9)->acked_sequence, 10U);
  EXPECT_EQ(Send({.first = 11}).error().code(), ErrorCode::kUnavailable);
  Open();
  EXPECT_EQ(partition_->figures().tail_events_replayed, 0U);
  EXPECT_EQ(Send({.first = 11})->acked_sequence, 11U);
}

TEST_F(PartitionTest, ADrainThatCannotFinishSaysSo) {
  Open();
  gate_->Hold();
  Answers answers;
  Submit({.first = 1}, answers.Add(1));
  EXPECT_EQ(partition_->Drain(kWhile).error().code(), ErrorCode::kDeadlineExceeded);
  gate_->Release();
  EXPECT_TRUE(answers.Await(1));
}

TEST_F(PartitionTest, ARestartLogsTheStop) {
  Open();
  EXPECT_THAT(ServerEventsOf<storage::Resumed>(), IsEmpty()) << "an empty log has not stopped";
  ASSERT_TRUE(Send({.first = 1}).ok());
  partition_.reset();
  clock_.Advance(8h);
  Open();
  const auto resumed = ServerEventsOf<storage::Resumed>();
  ASSERT_THAT(resumed, SizeIs(1));
  EXPECT_EQ(resumed[0].stopped_at, kStart);
  EXPECT_EQ(resumed[0].resumed_at, kStart + 8h);
}

TEST_F(PartitionTest, ASuspendIsLoggedAsAStopAndItsSecondsAreNotEvaluated) {
  Open();
  ASSERT_TRUE(Send({.first = 1}).ok());
  clock_.Advance(8h);
  ASSERT_TRUE(Eventually([&] { return partition_->figures().durable.value == 2; }));
  EXPECT_LT(partition_->figures().evaluations, 100U);
  EXPECT_THAT(ServerEventsOf<storage::Resumed>(), SizeIs(1));
}

TEST_F(PartitionTest, EveryWholeSecondOfLogTimeIsEvaluatedOnce) {
  Open();
  ASSERT_TRUE(ApplyRules(NoFailureAllowed()).ok());
  const std::uint64_t before = partition_->figures().evaluations;
  for (int i = 0; i < 20; ++i) {
    clock_.Advance(500ms);
    ASSERT_TRUE(AwaitRead([](const auto&) { return false; }).ok());
  }
  EXPECT_TRUE(Eventually([&] { return partition_->figures().evaluations == before + 10; }));
  std::this_thread::sleep_for(3 * kIdleWakeMax);
  EXPECT_EQ(partition_->figures().evaluations, before + 10);
}

TEST_F(PartitionTest, LogTimeNeverGoesBackWhenTheWallClockIsSet) {
  Open();
  for (const Duration step : {Duration(24h), Duration(-48h), Duration(24h)}) {
    const Time before = partition_->LogTimeNow();
    clock_.StepWall(step);
    EXPECT_EQ(partition_->LogTimeNow(), before);
    EXPECT_GT(std::chrono::abs(partition_->figures().wall_difference), Duration(0) - 1ns);
  }
  ASSERT_TRUE(Send({.first = 1}).ok());
  clock_.StepWall(-24h);
  clock_.Advance(1s);
  ASSERT_TRUE(Send({.first = 2}).ok());
  EXPECT_THAT(ServerEventsOf<storage::Resumed>(), IsEmpty());
}

TEST_F(PartitionTest, AWallClockFarFromLogTimeRaisesOneAlertThatEndsWhenTheyAgreeAgain) {
  Open();
  ASSERT_TRUE(ApplyRules(NoFailureAllowed()).ok());
  const auto run = [this](int seconds) {
    for (int i = 0; i < seconds; ++i) {
      clock_.Advance(1s);
      ASSERT_TRUE(AwaitRead([](const auto&) { return false; }).ok());
    }
  };
  const auto steps = [this] {
    std::vector<std::string> told;
    for (const auto& step : ServerEventsOf<storage::AlertTransition>()) {
      if (step.from == step.to) continue;
      told.push_back(step.rule + " " + std::string(Name(step.to)) + ": " + step.summary);
    }
    return told;
  };
  clock_.StepWall(5s);
  run(3);
  EXPECT_THAT(steps(), IsEmpty()) << "five seconds are within bounds";
  clock_.StepWall(-24h);
  run(30);
  EXPECT_THAT(steps(), ElementsAre(HasSubstr("server.clock firing: the wall clock is 23h59m55")));
  ASSERT_TRUE(Send({.first = 1}).ok());  // log time goes on from the last record
  Open();
  run(5);
  EXPECT_THAT(steps(), SizeIs(1)) << "a restart does not raise it again";
  clock_.StepWall(24h - 5s);
  run(75);
  EXPECT_THAT(steps(), ElementsAre(HasSubstr("firing"), HasSubstr("server.clock resolved")));
  const DigestAnswer live = StateDigest();
  EXPECT_THAT(ServerEventsOf<storage::NoticeDecided>(), SizeIs(2))
      << "the same route as all others";
  EXPECT_TRUE(live.ok());
}

TEST_F(PartitionTest, AReadGoesOnInSlicesAndSeesWhatWasFoldedMeanwhile) {
  Open();
  ASSERT_TRUE(Send({.first = 1, .count = 3}).ok());
  std::vector<std::uint64_t> seen;
  const auto done = AwaitRead([&](const Partition::ReadView& view) {
    seen.push_back(view.sequence.value);
    return seen.size() < 4;
  });
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(done->value, 3U);
  EXPECT_THAT(seen, ElementsAre(3, 3, 3, 3));
}

TEST_F(PartitionTest, ANoticeReachesTheOutboxWithItsTransitionAndEndsOnce) {
  Open();
  ASSERT_TRUE(ApplyRules(NoFailureAllowed()).ok());
  gate_->Hold();
  Answers answers;
  Submit({.first = 1, .failed = true}, answers.Add(1));
  gate_->AwaitHeld();
  std::this_thread::sleep_for(kWhile);
  EXPECT_THAT(partition_->outbox().ListPending({0}, 10).value(), IsEmpty());
  EXPECT_EQ(outbox_calls_, 0);
  gate_->Release();
  ASSERT_TRUE(answers.Await(1));
  ASSERT_TRUE(Eventually([&] { return outbox_calls_ == 1; }));
  std::vector<storage::OutboxRow> pending = partition_->outbox().ListPending({0}, 10).value();
  ASSERT_THAT(pending, SizeIs(1));
  EXPECT_EQ(partition_->figures().outbox_pending, 1U);
  const auto notices = ServerEventsOf<storage::NoticeDecided>();
  ASSERT_THAT(notices, SizeIs(1));
  EXPECT_EQ(notices[0].id, pending[0].notice.id);
  EXPECT_EQ(notices[0].body, pending[0].notice.body);

  Open();
  EXPECT_EQ(partition_->figures().outbox_pending, 1U);
  storage::Delivery delivery;
  delivery.notice_id = pending[0].notice.id;
  delivery.receiver = "ops";
  delivery.outcome = storage::DeliveryOutcome::kDelivered;
  delivery.attempts = 2;
  const auto end = [&] {
    return Await<Status>([&](auto done) { partition_->EndDelivery("default", delivery, done); });
  };
  ASSERT_TRUE(end().ok());
  EXPECT_EQ(partition_->figures().outbox_pending, 0U);
  EXPECT_THAT(partition_->outbox().ListPending({0}, 10).value(), IsEmpty());
  const auto ended = partition_->outbox().Find(pending[0].sequence);
  ASSERT_TRUE(ended.ok());
  EXPECT_EQ(ended->outcome, storage::DeliveryOutcome::kDelivered);
  EXPECT_EQ(ended->attempts, 2U);
  EXPECT_THAT(ServerEventsOf<storage::Delivery>(), SizeIs(1));
  EXPECT_EQ(end().error().code(), ErrorCode::kNotFound);
}

TEST_F(PartitionTest, UnchangedRulesAreNotLoggedAgain) {
  Open();
  ASSERT_TRUE(ApplyRules(NoFailureAllowed()).ok());
  ASSERT_TRUE(ApplyRules(NoFailureAllowed()).ok());
  Open();
  ASSERT_TRUE(ApplyRules(NoFailureAllowed()).ok());
  EXPECT_THAT(ServerEventsOf<storage::ConfigApplied>(), SizeIs(1));
}

TEST_F(PartitionTest, TheConfiguredPricesHoldForEveryTenantFromItsFirstEventOn) {
  storage::PricesApplied prices;
  prices.version = "configured";
  prices.currency_code = "USD";
  prices.prices.push_back({.model = "m", .provider = "p", .input = 1'000'000'000});  // 1e-6 USD
  const auto configure = [&] {
    return Await<Status>([&](auto done) { partition_->ConfigurePrices(prices, done); });
  };
  const auto spend = [&](const std::string& tenant, std::uint64_t first) {
    v1::Event event;
    event.mutable_cost()->set_provider("p");
    event.mutable_cost()->set_model("m");
    event.mutable_cost()->mutable_tokens()->set_input(1'000);
    ingest::BatchBuilder builder({}, kStart + 24h);
    builder.Add(event.SerializeAsString());
    ingest::Batch batch = builder.Take();
    batch.tenant = tenant;
    batch.producer = "spender";
    batch.first_sequence = first;
    return Await<Result<ingest::BatchAnswer>>(
        [&](auto done) { ASSERT_TRUE(partition_->TrySubmit(batch, done)); });
  };
  const auto priced = [&](const std::string& tenant) {
    std::size_t tables = 0;
    EXPECT_TRUE(AwaitRead([&](const Partition::ReadView& view) {
                  tables = view.engine.PriceTables(tenant).size();
                  return false;
                }).ok());
    return tables;
  };
  Open();
  ASSERT_TRUE(configure().ok());
  ASSERT_TRUE(spend("newcomer", 1).ok());
  ASSERT_TRUE(spend("newcomer", 2).ok());
  EXPECT_EQ(priced("default"), 1U);
  EXPECT_EQ(priced("newcomer"), 1U);
  EXPECT_EQ(priced("nobody"), 0U);
  const auto records = ServerEventsOf<storage::PricesApplied>();
  EXPECT_THAT(records, SizeIs(2));
  EXPECT_EQ(CostNanos("newcomer"), 2'000'000) << "2,000 tokens at 1e-6 USD, none of them unpriced";

  Open();
  ASSERT_TRUE(configure().ok());
  EXPECT_THAT(ServerEventsOf<storage::PricesApplied>(), SizeIs(2)) << "unchanged, not logged again";
  const DigestAnswer live = StateDigest();
  prices.version = "changed";
  ASSERT_TRUE(configure().ok());
  EXPECT_THAT(ServerEventsOf<storage::PricesApplied>(), SizeIs(4)) << "a change reaches everyone";
  EXPECT_NE(StateDigest()->second, live->second);
  EXPECT_EQ(priced("newcomer"), 2U);

  storage::PricesApplied by_hand = prices;
  by_hand.version = "by hand";
  ASSERT_TRUE(
      Await<Status>([&](auto done) { partition_->ApplyPrices("newcomer", by_hand, done); }).ok());
  Open();
  ASSERT_TRUE(configure().ok());
  EXPECT_EQ(priced("newcomer"), 3U) << "a start does not put the configured table over it again";
}

TEST_F(PartitionTest, AnIdleProducerLeavesByAnEventAndIsUnknownAfterwards) {
  Open();
  ASSERT_TRUE(Send({.first = 1, .count = 9}).ok());
  clock_.Advance(kProducerIdleMax + 1h);
  ASSERT_TRUE(Eventually([&] { return !ServerEventsOf<storage::ProducerExpired>().empty(); }));
  const auto expired = ServerEventsOf<storage::ProducerExpired>();
  ASSERT_THAT(expired, SizeIs(1));
  EXPECT_EQ(expired[0].producer_id, "p");
  EXPECT_EQ(expired[0].acked_sequence, 9U);
  EXPECT_THAT(Send({.first = 10}).error().message(), HasSubstr("unknown here"));
  Open();
  EXPECT_THAT(Send({.first = 10}).error().message(), HasSubstr("unknown here"));
}

TEST_F(PartitionTest, RefusesWhatADoorShouldHaveRefused) {
  Open();
  ingest::Batch batch = Make({.producer = ""});
  batch.first_sequence = 5;
  const auto answer = Await<Result<ingest::BatchAnswer>>(
      [&](auto done) { ASSERT_TRUE(partition_->TrySubmit(batch, done)); });
  EXPECT_EQ(answer.error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(PartitionTest, StoppingAnswersEverythingThatWaits) {
  Open();
  Answers answers;
  for (int i = 0; i < 50; ++i) Submit({.first = static_cast<std::uint64_t>(i) + 1}, answers.Add(i));
  std::promise<void> woken;
  auto wake = woken.get_future();
  partition_->WhenDurable({1'000'000}, [&] { woken.set_value(); });
  partition_.reset();
  EXPECT_THAT(answers.order(), SizeIs(50));
  EXPECT_EQ(wake.wait_for(0ms), std::future_status::ready);
}

}  // namespace
}  // namespace barograph::server
