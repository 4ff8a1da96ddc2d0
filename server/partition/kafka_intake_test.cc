// Method: a real database in a temporary folder below a clock that is moved by hand; the door is
// this file. A copy of the folder, taken while a sync is held, is what a killed process leaves.
#include "server/partition/kafka_intake.h"

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
#include "server/partition/partition.h"
#include "storage/base/digest.h"
#include "storage/base/limits.h"
#include "storage/log/log_check.h"

namespace barograph::server {
namespace {

using namespace std::chrono_literals;
using ingest::KafkaPosition;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Time kStart{1'700'000'000s};
constexpr auto kSoon = 20s;
constexpr auto kWhile = 150ms;

struct Sent {
  std::uint64_t first = 0;
  std::uint32_t records = 3;  ///< one event each, but for those set aside
  std::vector<std::uint64_t> set_aside = {};
  std::string salt = {};
  std::uint32_t partition = 0;
};

/// Events with the ids `salt` and a number.
ingest::Batch Events(std::uint64_t first, std::uint32_t count, const std::string& salt) {
  ingest::BatchBuilder builder({}, kStart + 24h * 365);
  for (std::uint32_t i = 0; i < count; ++i) {
    v1::Event event;
    event.set_id("id-" + salt + std::to_string(first + i));
    event.set_agent("agent");
    event.mutable_task()->set_status(v1::Task::COMPLETED);
    builder.Add(event.SerializeAsString());
  }
  return builder.Take();
}

ingest::SetAsideRecord SetAside(std::uint64_t offset) {
  return {.offset = offset,
          .timestamp_ms = 1'700'000'000'123,
          .key = std::string("\0\xFF", 2),
          .headers = {{"content-type", "text/plain"}, {"none", std::nullopt}},
          .value = "no event " + std::to_string(offset) + "\xFE",
          .value_bytes = 100,
          .digest = Sha256("whole"),
          .reason = "value: not JSON",
          .rejected_events = {1, 4}};
}

ingest::Batch Make(const Sent& sent) {
  const auto events = sent.records - static_cast<std::uint32_t>(sent.set_aside.size());
  ingest::Batch batch = Events(sent.first, events, sent.salt);
  batch.tenant = "acme";
  batch.kafka = std::make_unique<ingest::KafkaSource>();
  batch.kafka->topic = "agent.events";
  batch.kafka->partition = sent.partition;
  batch.kafka->first_offset = sent.first;
  batch.kafka->next_offset = sent.first + sent.records;
  batch.kafka->records = sent.records;
  if (sent.records > 0) {
    batch.kafka->last = {.offset = sent.first + sent.records - 1, .timestamp_ms = 5, .crc = 7};
  }
  for (const std::uint64_t offset : sent.set_aside) {
    batch.kafka->set_aside.push_back(SetAside(offset));
  }
  return batch;
}

class KafkaIntakeTest : public ::testing::Test {
 protected:
  KafkaIntakeTest() {
    std::filesystem::remove_all(directory_);
    options_.directory = directory_;
    options_.write_buffer_bytes = 16U << 20U;
    options_.block_cache_bytes = 1U << 20U;
    options_.file_system = gate_;
    Open();
  }
  ~KafkaIntakeTest() override {
    gate_->Release();
    partition_.reset();
    std::filesystem::remove_all(directory_);
    std::filesystem::remove_all(copy_);
  }
  void Open() {
    partition_.reset();
    Result<std::unique_ptr<Partition>> opened =
        Partition::Open(options_, clock_,
                        {.format =
                             [](const rules::Notice& notice, const rules::ReceiverSpec&) {
                               return rules::NoticeBody{notice.reason, "text/plain"};
                             },
                         .on_outbox = {},
                         .on_failure = {},
                         .on_progress = {}});
    ASSERT_TRUE(opened.ok()) << opened.error().ToString();
    partition_ = std::move(opened).value();
  }
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
  Result<ingest::BatchAnswer> Submit(ingest::Batch batch) {
    return Await<Result<ingest::BatchAnswer>>(
        [&](auto done) { EXPECT_TRUE(partition_->TrySubmit(batch, done)); });
  }
  Result<ingest::BatchAnswer> Send(const Sent& sent) { return Submit(Make(sent)); }
  Result<ingest::BatchAnswer> Retry(std::uint64_t sequence, ingest::Batch batch) {
    batch.tenant = "acme";
    batch.quarantined = Sequence{sequence};
    return Submit(std::move(batch));
  }
  std::vector<KafkaPosition> Positions() {
    return Await<Result<std::vector<KafkaPosition>>>(
               [this](auto done) { partition_->LookUpKafka(done); })
        .value();
  }
  std::vector<std::uint64_t> Waiting() {
    std::vector<std::uint64_t> sequences;
    const auto rows = partition_->ListQuarantined("", {0}, 100);
    for (const storage::QuarantineRow& row : *rows) sequences.push_back(row.sequence.value);
    return sequences;
  }
  Status Stop(const std::string& problem) {
    return Await<Status>(
        [&](auto done) { partition_->StopKafka("agent.events", 0, problem, done); });
  }
  Result<std::uint64_t> SkipTo(std::uint64_t offset) {
    return Await<Result<std::uint64_t>>(
        [&](auto done) { partition_->SkipKafka("agent.events", 0, offset, "anna", done); });
  }
  Status Drop(std::uint64_t sequence) {
    return Await<Status>([&](auto done) { partition_->DropQuarantined({sequence}, "anna", done); });
  }
  void Run(int seconds) {
    for (int i = 0; i < seconds; ++i) {
      clock_.Advance(1s);
      ASSERT_TRUE(Await<Result<Sequence>>([this](auto done) {
                    partition_->Read([](const auto&) { return false; }, done);
                  }).ok());
    }
  }
  std::uint64_t End() { return partition_->log().durable_end().sequence.value; }

  struct Logged {
    storage::RecordHeader header;
    std::string tenant, producer;
    std::vector<storage::ServerEvent> events;
  };
  std::vector<Logged> Records() {
    std::vector<Logged> records;
    auto cursor = partition_->log().Read({.from = Sequence{1}, .verify_chain = true});
    storage::RecordView record;
    std::string buffer;
    while (cursor.Next(&record)) {
      Logged& logged = records.emplace_back();
      logged.header = record.header;
      logged.tenant = record.header.tenant;
      logged.producer = record.header.producer;
      if ((record.header.flags & storage::kRecordDecided) == 0) continue;
      const Result<std::string_view> payload = OpenPayload(record, &buffer);
      storage::PayloadReader reader(payload.value());
      for (std::string_view wire; reader.Next(&wire);) {
        storage::EventView view;
        EXPECT_TRUE(ReadEvent(wire, storage::EventSource::kLog, &view).ok());
        logged.events.push_back(DecodeServerEvent(view).value());
      }
    }
    EXPECT_TRUE(cursor.status().ok());
    return records;
  }
  template <typename T>
  std::vector<T> EventsOf() {
    std::vector<T> found;
    for (const Logged& record : Records()) {
      for (const storage::ServerEvent& event : record.events) {
        if (const T* match = std::get_if<T>(&event)) found.push_back(*match);
      }
    }
    return found;
  }

  std::string directory_ = ::testing::TempDir() + "kafka_intake_" + std::to_string(getpid());
  std::string copy_ = directory_ + "_copy";
  std::shared_ptr<GatedFileSystem> gate_ = std::make_shared<GatedFileSystem>();
  SimulatedClock clock_{kStart};
  PartitionOptions options_;
  std::unique_ptr<Partition> partition_;
};

void ExpectRefused(const Status& status, ErrorCode code, const std::string& message) {
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), code) << status.error().message();
  EXPECT_THAT(status.error().message(), HasSubstr(message));
}
template <typename T>
void ExpectRefused(const Result<T>& result, ErrorCode code, const std::string& message) {
  ASSERT_FALSE(result.ok());
  ExpectRefused(Status(result.error()), code, message);
}

TEST_F(KafkaIntakeTest, ABatchIsARecordOfItsTopicWithWhatItSetAsideBehindIt) {
  const auto answer = Send({.first = 40, .records = 5, .set_aside = {42, 44}, .partition = 3});
  ASSERT_TRUE(answer.ok()) << answer.error().ToString();
  EXPECT_EQ(answer->accepted, 3U);
  const std::vector<Logged> records = Records();
  ASSERT_THAT(records, SizeIs(2));
  EXPECT_EQ(records[0].header.flags & (storage::kRecordKafka | storage::kRecordDecided),
            storage::kRecordKafka);
  EXPECT_EQ(records[0].tenant, "acme");
  EXPECT_EQ(records[0].producer, "agent.events");
  EXPECT_EQ(records[0].header.epoch, 3U);
  EXPECT_EQ(records[0].header.producer_sequence, 40U);
  EXPECT_EQ(records[0].header.count, 3U);
  EXPECT_EQ(records[1].header.flags & (storage::kRecordKafka | storage::kRecordDecided),
            storage::kRecordDecided);
  EXPECT_EQ(records[1].tenant, "acme");
  EXPECT_THAT(records[1].events, SizeIs(2));
  const std::vector<KafkaPosition> positions = Positions();
  ASSERT_THAT(positions, SizeIs(1));
  EXPECT_EQ(positions[0].topic, "agent.events");
  EXPECT_EQ(positions[0].partition, 3U);
  EXPECT_EQ(positions[0].next_offset, 45U);
  EXPECT_EQ(positions[0].last->offset, 44U);
  EXPECT_EQ(positions[0].records, 5U);
  EXPECT_EQ(positions[0].events, 3U);
  EXPECT_EQ(positions[0].set_aside, 2U);
  EXPECT_THAT(Waiting(), ElementsAre(4, 5));
  EXPECT_EQ(partition_->figures().quarantine_pending, 2U);
  EXPECT_EQ(partition_->figures().kafka_positions, 1U);
}

TEST_F(KafkaIntakeTest, ARecordSetAsideIsReadBackWholeFromTheLog) {
  ASSERT_TRUE(Send({.records = 2, .set_aside = {1}}).ok());
  const auto found = partition_->ReadQuarantined({2});
  ASSERT_TRUE(found.ok()) << found.error().ToString();
  EXPECT_EQ(found->row.tenant, "acme");
  EXPECT_EQ(found->row.topic, "agent.events");
  EXPECT_EQ(found->row.offset, 1U);
  EXPECT_EQ(found->row.reason, "value: not JSON");
  EXPECT_EQ(found->row.value_bytes, 100U);
  EXPECT_EQ(found->row.set_aside_at, kStart);
  const ingest::SetAsideRecord given = SetAside(1);
  const storage::Quarantined& record = found->record;
  EXPECT_EQ(record.offset, 1U);
  EXPECT_EQ(record.record_time, Time(1'700'000'000'123ms));
  EXPECT_EQ(record.key, given.key);
  ASSERT_THAT(record.headers, SizeIs(2));
  EXPECT_EQ(record.headers[0].name, "content-type");
  EXPECT_EQ(record.headers[0].value, "text/plain");
  EXPECT_EQ(record.headers[1].value, std::nullopt);
  EXPECT_EQ(record.value, given.value);
  EXPECT_EQ(record.value_digest, Bytes(*given.digest));
  EXPECT_THAT(record.rejected_events, ElementsAre(1, 4));
  ExpectRefused(partition_->ReadQuarantined({1}), ErrorCode::kNotFound, "sequence 1");
}

TEST_F(KafkaIntakeTest, TheLargestRecordsFitAndTheLogStillVerifies) {
  ingest::Batch batch = Make({.first = 0, .records = 2, .set_aside = {0, 1}});
  for (ingest::SetAsideRecord& record : batch.kafka->set_aside) {
    record.value = std::string(ingest::kQuarantinedValueMax, '\xFF');
    record.key = std::string(ingest::kQuarantinedHeadBytesMax - 100, '\xFE');
  }
  batch.kafka->set_aside[1].key.clear();
  ASSERT_TRUE(Submit(std::move(batch)).ok());
  const auto found = partition_->ReadQuarantined({1});
  ASSERT_TRUE(found.ok()) << found.error().ToString();
  EXPECT_THAT(found->record.value, SizeIs(ingest::kQuarantinedValueMax));
  const auto report = VerifyLog(partition_->log(), {});
  ASSERT_TRUE(report.ok());
  EXPECT_TRUE(report->chain_ok);
}

TEST_F(KafkaIntakeTest, OffsetsThatWereDecidedAreRefusedAndNothingIsStored) {
  ASSERT_TRUE(Send({.first = 0, .records = 10}).ok());
  const std::uint64_t end = End();
  ExpectRefused(Send({.first = 0, .records = 10, .set_aside = {3}, .salt = "other"}),
                ErrorCode::kFailedPrecondition, "stands at offset 10");
  ExpectRefused(Send({.first = 9, .records = 2, .salt = "other"}), ErrorCode::kFailedPrecondition,
                "offset 9");
  EXPECT_EQ(End(), end);
  EXPECT_THAT(Waiting(), IsEmpty());
  EXPECT_EQ(Positions()[0].next_offset, 10U);
}

TEST_F(KafkaIntakeTest, ABatchWithoutEventsMovesThePositionAlsoOverARestart) {
  ingest::Batch batch = Make({.first = 7, .records = 4});
  batch.payload.clear();
  batch.accepted = 0;
  batch.ids.clear();
  batch.kafka->tombstones = 4;
  ASSERT_TRUE(Submit(std::move(batch)).ok());
  EXPECT_EQ(End(), 0U);
  Open();
  const std::vector<KafkaPosition> positions = Positions();
  ASSERT_THAT(positions, SizeIs(1));
  EXPECT_EQ(positions[0].next_offset, 11U);
  EXPECT_EQ(positions[0].tombstones, 4U);
}

TEST_F(KafkaIntakeTest, EventsWhoseIdsCameBeforeAreCountedAndNotStored) {
  ASSERT_TRUE(Send({.first = 0, .records = 4}).ok());
  ingest::Batch again = Make({.first = 4, .records = 4});
  ingest::Batch known = Events(2, 4, "");
  again.payload = known.payload;
  again.ids = known.ids;
  const auto answer = Submit(std::move(again));
  ASSERT_TRUE(answer.ok());
  EXPECT_EQ(answer->accepted, 2U);
  EXPECT_THAT(answer->verdicts, SizeIs(2));
  EXPECT_EQ(End(), 6U);
  EXPECT_EQ(Positions()[0].duplicates, 2U);
  EXPECT_EQ(Positions()[0].events, 6U);
}

TEST_F(KafkaIntakeTest, APositionIsToldOnceItIsDurable) {
  gate_->Hold();
  std::promise<Result<ingest::BatchAnswer>> answered;
  ingest::Batch batch = Make({.records = 2, .set_aside = {1}});
  ASSERT_TRUE(partition_->TrySubmit(batch, [&](auto answer) { answered.set_value(answer); }));
  gate_->AwaitHeld();
  std::promise<Result<std::vector<KafkaPosition>>> told;
  partition_->LookUpKafka([&](auto positions) { told.set_value(positions); });
  auto answer = answered.get_future();
  auto positions = told.get_future();
  EXPECT_EQ(positions.wait_for(kWhile), std::future_status::timeout);
  EXPECT_EQ(answer.wait_for(0ms), std::future_status::timeout);
  EXPECT_THAT(Waiting(), IsEmpty());
  gate_->Release();
  ASSERT_EQ(positions.wait_for(kSoon), std::future_status::ready);
  EXPECT_EQ(positions.get()->at(0).next_offset, 2U);
  ASSERT_EQ(answer.wait_for(kSoon), std::future_status::ready);
  EXPECT_THAT(Waiting(), ElementsAre(2));
}

TEST_F(KafkaIntakeTest, AfterAKillPositionsAndQuarantineAreWhatTheLogHolds) {
  ASSERT_TRUE(Send({.first = 0, .records = 5, .set_aside = {1}}).ok());
  gate_->Hold();
  std::promise<void> last;
  for (std::uint64_t first = 5; first < 50; first += 5) {
    ingest::Batch batch = Make({.first = first, .records = 5, .set_aside = {first}});
    ASSERT_TRUE(partition_->TrySubmit(batch, [&last, first](const auto&) {
      if (first == 45) last.set_value();
    }));
  }
  gate_->AwaitHeld();
  std::filesystem::copy(directory_, copy_, std::filesystem::copy_options::recursive);
  gate_->Release();
  ASSERT_EQ(last.get_future().wait_for(kSoon), std::future_status::ready);
  EXPECT_EQ(Positions()[0].next_offset, 50U);
  options_.directory = copy_;
  Open();
  std::uint64_t end = 0;
  std::vector<std::uint64_t> aside;
  for (const Logged& record : Records()) {
    const bool of_kafka = (record.header.flags & storage::kRecordKafka) != 0;
    if (of_kafka) end = record.header.producer_sequence + 5;
    for (std::size_t i = 0; i < record.events.size(); ++i) {
      if (std::get_if<storage::Quarantined>(&record.events[i]) == nullptr) continue;
      aside.push_back(record.header.first_sequence.Plus(i).value);
    }
  }
  EXPECT_GE(end, 5U);
  EXPECT_LT(end, 50U) << "the copy was taken too late to show anything";
  EXPECT_EQ(Positions()[0].next_offset, end);
  EXPECT_EQ(Waiting(), aside);
}

TEST_F(KafkaIntakeTest, ARestartAndAFullReplayChangeNothing) {
  ASSERT_TRUE(Send({.first = 0, .records = 5, .set_aside = {1, 2}}).ok());
  ASSERT_TRUE(Send({.first = 5, .records = 5}).ok());
  ASSERT_TRUE(Drop(4).ok());
  ASSERT_TRUE(Stop("gone").ok());
  const std::string identity = partition_->LogIdentity();
  EXPECT_FALSE(identity.empty());
  for (const bool replay : {false, true}) {
    options_.replay_from_start = replay;
    Open();
    const std::vector<KafkaPosition> positions = Positions();
    ASSERT_THAT(positions, SizeIs(1));
    EXPECT_EQ(positions[0].next_offset, 10U);
    EXPECT_EQ(positions[0].last->offset, 9U);
    EXPECT_EQ(positions[0].records, 10U);
    EXPECT_EQ(positions[0].problem, "gone");
    EXPECT_THAT(Waiting(), ElementsAre(5));
    EXPECT_EQ(partition_->figures().quarantine_pending, 1U);
    EXPECT_EQ(partition_->figures().kafka_stopped, 1U);
    EXPECT_EQ(partition_->LogIdentity(), identity);
    ExpectRefused(Send({.first = 5}), ErrorCode::kFailedPrecondition, "is stopped: gone");
  }
}

TEST_F(KafkaIntakeTest, ARetriedRecordLeavesTheQuarantineWithItsEvents) {
  ASSERT_TRUE(Send({.records = 2, .set_aside = {1}}).ok());
  gate_->Hold();
  std::promise<Result<ingest::BatchAnswer>> answered;
  ingest::Batch batch = Events(500, 3, "retried");
  batch.tenant = "acme";
  batch.quarantined = Sequence{2};
  ASSERT_TRUE(partition_->TrySubmit(batch, [&](auto answer) { answered.set_value(answer); }));
  gate_->AwaitHeld();
  EXPECT_THAT(Waiting(), ElementsAre(2));
  gate_->Release();
  const Result<ingest::BatchAnswer> answer = answered.get_future().get();
  ASSERT_TRUE(answer.ok()) << answer.error().ToString();
  EXPECT_EQ(answer->accepted, 3U);
  EXPECT_THAT(Waiting(), IsEmpty());
  const auto ended = EventsOf<storage::QuarantineEnded>();
  ASSERT_THAT(ended, SizeIs(1));
  EXPECT_EQ(ended[0].sequence.value, 2U);
  EXPECT_EQ(ended[0].outcome, storage::QuarantineOutcome::kRetried);
  ExpectRefused(Retry(2, Events(600, 1, "retried")), ErrorCode::kNotFound, "sequence 2");
  ExpectRefused(partition_->ReadQuarantined({2}), ErrorCode::kNotFound, "sequence 2");
  Open();
  EXPECT_THAT(Waiting(), IsEmpty());
}

TEST_F(KafkaIntakeTest, ARetryWithARejectedEventStoresNothing) {
  ASSERT_TRUE(Send({.records = 2, .set_aside = {1}}).ok());
  const std::uint64_t end = End();
  ingest::Batch batch = Events(500, 1, "retried");
  for (std::uint32_t i = 1; i < 6; ++i) {
    const std::string place = "events[" + std::to_string(i) + "]";
    batch.rejected.push_back({i, ingest::Verdict::Outcome::kRejected, place + ".kind: missing"});
  }
  ExpectRefused(Retry(2, std::move(batch)), ErrorCode::kInvalidArgument,
                "events[1].kind: missing; events[2].kind: missing; events[3].kind: missing; and 2 "
                "more");
  ExpectRefused(Retry(2, Events(0, 0, "")), ErrorCode::kInvalidArgument, "no events");
  EXPECT_EQ(End(), end);
  EXPECT_THAT(Waiting(), ElementsAre(2));
}

TEST_F(KafkaIntakeTest, ARetryOfEventsThatAreInTheLogAlreadyEndsTheRecord) {
  ASSERT_TRUE(Send({.records = 3, .set_aside = {2}}).ok());
  const auto answer = Retry(3, Events(0, 2, ""));
  ASSERT_TRUE(answer.ok()) << answer.error().ToString();
  EXPECT_EQ(answer->accepted, 0U);
  EXPECT_THAT(answer->verdicts, SizeIs(2));
  EXPECT_THAT(Waiting(), IsEmpty());
  EXPECT_THAT(EventsOf<storage::QuarantineEnded>(), SizeIs(1));
}

TEST_F(KafkaIntakeTest, ADroppedRecordStaysInTheLog) {
  ASSERT_TRUE(Send({.records = 2, .set_aside = {1}}).ok());
  ASSERT_TRUE(Drop(2).ok());
  EXPECT_THAT(Waiting(), IsEmpty());
  const auto ended = EventsOf<storage::QuarantineEnded>();
  ASSERT_THAT(ended, SizeIs(1));
  EXPECT_EQ(ended[0].origin.actor, "anna");
  EXPECT_EQ(ended[0].outcome, storage::QuarantineOutcome::kDropped);
  ExpectRefused(Drop(2), ErrorCode::kNotFound, "sequence 2");
  ASSERT_TRUE(ReadSetAside(partition_->log(), {2}).ok());
  ExpectRefused(ReadSetAside(partition_->log(), {1}), ErrorCode::kInternal, "task");
  ExpectRefused(ReadSetAside(partition_->log(), {99}), ErrorCode::kNotFound, "99");
}

TEST_F(KafkaIntakeTest, AStoppedPartitionRaisesOneAlertThatARestartKeepsAndASkipEnds) {
  ASSERT_TRUE(Send({.first = 0, .records = 5}).ok());
  ASSERT_TRUE(Await<Status>([this](auto done) { partition_->ApplyRules({}, {}, done); }).ok());
  const auto steps = [this] {
    std::vector<std::string> told;
    for (const auto& step : EventsOf<storage::AlertTransition>()) {
      if (step.from == step.to) continue;
      told.push_back(step.rule + " " + std::string(Name(step.to)) + ": " + step.summary);
    }
    return told;
  };
  ASSERT_TRUE(Stop("offsets 5 to 99 are gone").ok());
  Run(3);
  EXPECT_THAT(steps(), ElementsAre("server.kafka firing: kafka agent.events/0 is stopped at "
                                   "offset 5: offsets 5 to 99 are gone"));
  Open();
  Run(90);
  EXPECT_THAT(steps(), SizeIs(1));
  ExpectRefused(Send({.first = 5}), ErrorCode::kFailedPrecondition, "is stopped");
  const auto from = SkipTo(100);
  ASSERT_TRUE(from.ok()) << from.error().ToString();
  EXPECT_EQ(*from, 5U);
  ASSERT_TRUE(Send({.first = 100}).ok());
  const auto skipped = EventsOf<storage::GapSkipped>();
  ASSERT_THAT(skipped, SizeIs(1));
  EXPECT_EQ(skipped[0].origin.actor, "anna");
  EXPECT_EQ(skipped[0].topic, "agent.events");
  EXPECT_EQ(skipped[0].from_offset, 5U);
  EXPECT_EQ(skipped[0].to_offset, 100U);
  EXPECT_EQ(skipped[0].problem, "offsets 5 to 99 are gone");
  Run(75);
  EXPECT_THAT(steps(), ElementsAre(HasSubstr("firing"), HasSubstr("server.kafka resolved")));
  EXPECT_EQ(Positions()[0].next_offset, 103U);
  ExpectRefused(Await<Result<std::uint64_t>>(
                    [this](auto done) { partition_->SkipKafka("never", 0, 1, "anna", done); }),
                ErrorCode::kNotFound, "kafka never/0");
}

TEST_F(KafkaIntakeTest, ATenantWhoseFirstRecordIsTheServersOwnIsPricedAsAllOthers) {
  storage::PricesApplied prices;
  prices.version = "v1";
  prices.currency_code = "USD";
  prices.prices.push_back({.model = "m", .provider = "p", .input = 1});
  ASSERT_TRUE(Await<Status>([&](auto done) { partition_->ConfigurePrices(prices, done); }).ok());
  const auto priced = [this](const std::string& tenant) {
    std::size_t tables = 0;
    (void)Await<Result<Sequence>>([&](auto done) {
      partition_->Read(
          [&](const Partition::ReadView& view) {
            tables = view.engine.PriceTables(tenant).size();
            return false;
          },
          done);
    });
    return tables;
  };
  EXPECT_EQ(priced("acme"), 0U);
  ASSERT_TRUE(Send({.records = 1, .set_aside = {0}}).ok());
  EXPECT_EQ(priced("acme"), 1U);
  ingest::Batch nothing = Make({.records = 1, .partition = 1});
  nothing.tenant = "empty";
  nothing.payload.clear();
  nothing.accepted = 0;
  nothing.ids.clear();
  ASSERT_TRUE(Submit(std::move(nothing)).ok());
  EXPECT_EQ(priced("empty"), 0U);
  ASSERT_TRUE(Await<Result<std::uint64_t>>([this](auto done) {
                partition_->SkipKafka("agent.events", 1, 9, "anna", done);
              }).ok());
  EXPECT_EQ(priced("empty"), 1U);
}

TEST_F(KafkaIntakeTest, AProblemThatWentAwayByItselfLetsThePartitionGoOn) {
  ASSERT_TRUE(Send({.first = 0}).ok());
  ASSERT_TRUE(Stop("cannot be read again").ok());
  ASSERT_TRUE(Stop("").ok());
  EXPECT_TRUE(Send({.first = 3}).ok());
}

TEST_F(KafkaIntakeTest, WhatDoesNotFitIsRefusedBeforeItIsQueued) {
  const auto refuses = [this](const std::function<void(ingest::Batch*)>& change,
                              const std::string& message) {
    ingest::Batch batch = Make({.records = 2, .set_aside = {1}});
    change(&batch);
    ExpectRefused(Submit(std::move(batch)), ErrorCode::kInvalidArgument, message);
  };
  const auto aside = [](ingest::Batch* batch) -> ingest::SetAsideRecord& {
    return batch->kafka->set_aside[0];
  };
  refuses([](auto* batch) { batch->producer = "p"; }, "more than one");
  refuses([](auto* batch) { batch->quarantined = Sequence{1}; }, "more than one");
  refuses([&](auto* batch) { aside(batch).value.resize(ingest::kQuarantinedValueMax + 1); },
          "offset 1 has a value of 1048577 bytes; at most 1048576");
  refuses([&](auto* batch) { aside(batch).key.resize(ingest::kQuarantinedHeadBytesMax + 1); },
          "key and headers of");
  refuses([&](auto* batch) { aside(batch).reason.resize(kTextBytesMax + 1); }, "a reason of");
  refuses([&](auto* batch) { aside(batch).rejected_events.resize(kBatchEventsMax + 1); },
          "names 10001 events");
  refuses(
      [](auto* batch) {
        ingest::SetAsideRecord record = SetAside(1);
        record.value.resize(ingest::kQuarantinedValueMax);
        batch->kafka->set_aside.assign(5, record);
      },
      "5 records set aside of");
  EXPECT_EQ(End(), 0U);
  EXPECT_TRUE(Send({.records = 2, .set_aside = {1}}).ok());
}

TEST(KafkaIntakeLimitsTest, AFullQuarantineRefusesMoreOfThatTenantAlone) {
  ingest::KafkaTable positions;
  QuarantineBook quarantine;
  const KafkaIntake intake(positions, quarantine);
  for (std::uint64_t i = 1; i < ingest::kQuarantinedMax; ++i) quarantine.Add("acme", {i});
  ingest::Batch batch = Make({.records = 3, .set_aside = {1, 2}});
  ExpectRefused(intake.Check(batch), ErrorCode::kResourceExhausted,
                "99999 records of tenant 'acme' wait already; at most 100000");
  batch.tenant = "other";
  EXPECT_TRUE(intake.Check(batch).ok());
  batch.tenant = "acme";
  quarantine.Remove({1});
  quarantine.Remove({1});
  EXPECT_TRUE(intake.Check(batch).ok());
  quarantine.Add("acme", {ingest::kQuarantinedMax + 1});
  quarantine.Add("acme", {ingest::kQuarantinedMax + 2});
  EXPECT_TRUE(intake.Check(Make({.records = 3})).ok()) << "it sets nothing aside";
}

TEST(KafkaIntakeLimitsTest, AlertsAreBoundedAndThoseBeyondAreCountedInOne) {
  ingest::KafkaTable positions;
  const QuarantineBook quarantine;
  const KafkaIntake intake(positions, quarantine);
  for (std::uint32_t i = 0; i < kKafkaAlertsMax + 3; ++i) {
    ASSERT_TRUE(positions.Stop("t", i, "gone", kStart + std::chrono::seconds(1000 - i)).ok());
  }
  std::vector<rules::ServerCondition> conditions;
  intake.AddConditions(&conditions);
  ASSERT_THAT(conditions, SizeIs(kKafkaAlertsMax + 1));
  EXPECT_EQ(conditions.front().labels.at("partition"), "102") << "stopped first";
  EXPECT_EQ(conditions.back().labels, (storage::Labels{{"topic", "_overflow"}}));
  EXPECT_EQ(conditions.back().summary, "3 more kafka partitions are stopped");
}

}  // namespace
}  // namespace barograph::server
