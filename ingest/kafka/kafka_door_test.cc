#include "ingest/kafka/kafka_door.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "ingest/kafka/handles.h"
#include "storage/event/event_view.h"

// clang-format off: it wants rdkafka.h before it
#include <librdkafka/rdkafka_mock.h>
// clang-format on

// Against the library's own cluster of one broker, which speaks the protocol over real sockets.

namespace barograph::ingest {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr auto kPatience = seconds(20);

bool Eventually(const std::function<bool()>& holds) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return true;
}

/// A log in memory that keeps the rules of KafkaPort.
class MemoryLog final : public PartitionPort, public KafkaPort {
 public:
  using Key = std::pair<std::string, std::uint32_t>;

  bool TrySubmit(Batch& batch, Answer answer) override {
    const std::lock_guard lock(mutex_);
    if (full_) return false;
    answer(Decide(batch));
    return true;
  }
  void WhenRoom(std::function<void()> wake) override { wake(); }
  void LookUpProducer(std::string, std::string, std::optional<Receipt>,
                      std::function<void(Result<ProducerStanding>)>) override {}
  Time LogTimeNow() const override { return clock_.WallNow(); }
  std::string LogIdentity() const override { return identity_; }
  void LookUpKafka(std::function<void(Result<std::vector<KafkaPosition>>)> answer) override {
    std::vector<KafkaPosition> rows;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [key, position] : positions_) rows.push_back(position);
      if (slow_) {
        asked_.push_back([rows, answer = std::move(answer)] { answer(rows); });
        return;
      }
    }
    answer(std::move(rows));
  }
  void StopKafka(std::string topic, std::uint32_t partition, std::string problem,
                 std::function<void(Status)> done) override {
    {
      const std::lock_guard lock(mutex_);
      positions_[{topic, partition}].problem = std::move(problem);
    }
    done({});
  }
  void SkipKafka(std::string topic, std::uint32_t partition, std::uint64_t to, std::string,
                 std::function<void(Result<std::uint64_t>)> done) override {
    std::uint64_t from = 0;
    {
      const std::lock_guard lock(mutex_);
      KafkaPosition& position = positions_[{topic, partition}];
      from = std::exchange(position.next_offset, to);
      position.last.reset();
      position.problem.clear();
    }
    done(from);
  }

  void SetFull(bool full) {
    const std::lock_guard lock(mutex_);
    full_ = full;
  }
  /// Questions for positions are kept until AnswerAll.
  void SetSlow() {
    const std::lock_guard lock(mutex_);
    slow_ = true;
  }
  std::size_t asked() {
    const std::lock_guard lock(mutex_);
    return asked_.size();
  }
  void AnswerAll() {
    std::vector<std::function<void()>> asked;
    {
      const std::lock_guard lock(mutex_);
      asked.swap(asked_);
    }
    for (const auto& answer : asked) answer();
  }
  void RefuseNext(int batches) {
    const std::lock_guard lock(mutex_);
    refuse_ = batches;
  }
  /// Agents' names in the order of the log, of one partition.
  std::vector<std::string> Agents(std::uint32_t partition = 0) {
    const std::lock_guard lock(mutex_);
    return agents_[partition];
  }
  std::size_t size() {
    const std::lock_guard lock(mutex_);
    std::size_t events = 0;
    for (const auto& [partition, agents] : agents_) events += agents.size();
    return events;
  }
  std::vector<SetAsideRecord> Aside() {
    const std::lock_guard lock(mutex_);
    return aside_;
  }
  KafkaPosition Position(std::uint32_t partition = 0) {
    const std::lock_guard lock(mutex_);
    return positions_[{"agents", partition}];
  }
  std::optional<Sequence> Quarantined() {
    const std::lock_guard lock(mutex_);
    return quarantined_;
  }

 private:
  Result<BatchAnswer> Decide(const Batch& batch) {
    if (refuse_ > 0) {
      --refuse_;
      return Error(ErrorCode::kResourceExhausted, "the quarantine is full", true);
    }
    if (batch.quarantined) {
      quarantined_ = batch.quarantined;
      Store(batch, 0);
      return BatchAnswer{.accepted = batch.accepted};
    }
    KafkaSource& source = *batch.kafka;
    const auto [row, fresh] = positions_.try_emplace(Key(source.topic, source.partition));
    KafkaPosition& position = row->second;
    if (!fresh && (position.next_offset != source.first_offset || !position.problem.empty())) {
      return Error(ErrorCode::kFailedPrecondition,
                   "stands at " + std::to_string(position.next_offset));
    }
    position.topic = source.topic;
    position.partition = source.partition;
    position.next_offset = source.next_offset;
    position.last = source.last;
    position.records += source.records;
    position.tombstones += source.tombstones;
    position.holes += source.next_offset - source.first_offset - source.records;
    for (SetAsideRecord& aside : source.set_aside) aside_.push_back(std::move(aside));
    Store(batch, source.partition);
    return BatchAnswer{.accepted = batch.accepted};
  }
  void Store(const Batch& batch, std::uint32_t partition) {
    storage::PayloadReader reader(batch.payload);
    std::string_view wire;
    while (reader.Next(&wire)) {
      storage::EventView view;
      ASSERT_TRUE(ReadEvent(wire, storage::EventSource::kOutside, &view).ok());
      agents_[partition].emplace_back(view.agent);
    }
  }

  SystemClock clock_;
  const std::string identity_ = "a0b1";
  std::mutex mutex_;
  std::map<Key, KafkaPosition> positions_;
  std::map<std::uint32_t, std::vector<std::string>> agents_;
  std::vector<SetAsideRecord> aside_;
  std::optional<Sequence> quarantined_;
  std::vector<std::function<void()>> asked_;
  bool full_ = false, slow_ = false;
  int refuse_ = 0;
};

/// The library's own broker, and a plain producer.
class MockBroker {
 public:
  explicit MockBroker(int partitions) {
    client_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), text_.data(), text_.size()));
    cluster_ = rd_kafka_mock_cluster_new(client_.get(), 1);
    rd_kafka_mock_topic_create(cluster_, "agents", partitions, 1);
    rd_kafka_conf_t* settings = rd_kafka_conf_new();
    rd_kafka_conf_set(settings, "bootstrap.servers", brokers().c_str(), text_.data(), text_.size());
    producer_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, settings, text_.data(), text_.size()));
  }
  ~MockBroker() {
    producer_.reset();
    rd_kafka_mock_cluster_destroy(cluster_);
  }
  std::string brokers() const { return rd_kafka_mock_cluster_bootstraps(cluster_); }
  void SetUp(bool up) {
    if (up) {
      rd_kafka_mock_broker_set_up(cluster_, 1);
    } else {
      rd_kafka_mock_broker_set_down(cluster_, 1);
    }
  }
  void Send(const std::optional<std::string>& record, int partition = 0) {
    void* const value = record ? const_cast<char*>(record->data()) : nullptr;
    const std::size_t size = record ? record->size() : 0;
    ASSERT_EQ(
        rd_kafka_producev(producer_.get(), RD_KAFKA_V_TOPIC("agents"),
                          RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_KEY("k", 1),
                          RD_KAFKA_V_VALUE(value, size), RD_KAFKA_V_HEADER("origin", "test", 4),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
        RD_KAFKA_RESP_ERR_NO_ERROR);
  }
  void SendAgent(const std::string& agent, int partition = 0) {
    Send(R"({"agent":")" + agent + R"(","task":{"status":"STARTED"}})", partition);
  }
  void Flush() { ASSERT_EQ(rd_kafka_flush(producer_.get(), 10'000), RD_KAFKA_RESP_ERR_NO_ERROR); }

 private:
  std::array<char, 512> text_{};
  KafkaClient client_, producer_;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
};

class KafkaDoorTest : public testing::Test {
 protected:
  std::unique_ptr<KafkaDoor> Open(const MockBroker& broker) {
    KafkaOptions options;
    options.brokers = broker.brokers();
    options.topics = {{.topic = "agents", .format = RecordFormat::kJson}};
    options.properties = {{"session.timeout.ms", "6000"}};
    options.look_for_others = false;  // it cannot list them
    KafkaDoor::Hooks hooks;
    hooks.log = [this](KafkaDoor::Hooks::Level, std::string_view line) {
      const std::lock_guard lock(mutex_);
      lines_ += std::string(line) + "\n";
    };
    auto door = KafkaDoor::Open(options, log_, log_, clock_, hooks);
    if (!door.ok()) {
      ADD_FAILURE() << door.error().message();
      return nullptr;
    }
    return std::move(door).value();
  }
  std::string lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

  SystemClock clock_;
  MemoryLog log_;
  std::mutex mutex_;
  std::string lines_;
};

TEST_F(KafkaDoorTest, EveryRecordOfEveryPartitionComesOnceAndInOrder) {
  MockBroker broker(3);
  std::map<int, std::vector<std::string>> sent;
  for (int i = 0; i < 3'000; ++i) {
    sent[i % 3].push_back("a" + std::to_string(i));
    broker.SendAgent(sent[i % 3].back(), i % 3);
  }
  broker.Flush();
  const auto door = Open(broker);
  EXPECT_TRUE(Eventually([&] { return log_.size() >= 3'000; })) << lines();
  for (const auto& [partition, agents] : sent) EXPECT_EQ(log_.Agents(partition), agents);
  ASSERT_TRUE(door->Drain(kPatience).ok());
  const KafkaFigures figures = door->figures();
  ASSERT_THAT(figures.partitions, SizeIs(3));
  EXPECT_EQ(figures.partitions[1].position.next_offset, 1'000U);
}

TEST_F(KafkaDoorTest, AnotherRunGoesOnBehindTheLastRecord) {
  MockBroker broker(1);
  broker.SendAgent("one");
  broker.Flush();
  auto door = Open(broker);
  ASSERT_TRUE(Eventually([&] { return log_.size() == 1; })) << lines();
  ASSERT_TRUE(door->Drain(kPatience).ok());
  door.reset();
  broker.SendAgent("two");
  broker.Flush();
  door = Open(broker);
  ASSERT_TRUE(Eventually([&] { return log_.size() == 2; })) << lines();
  EXPECT_THAT(log_.Agents(), ElementsAre("one", "two"));
  ASSERT_TRUE(Eventually([&] { return door->figures().partitions.at(0).lag_records == 0; }));
  EXPECT_FALSE(door->figures().partitions.at(0).unverifiable);
}

TEST_F(KafkaDoorTest, AFullLogHoldsRecordsBackAndLosesNone) {
  MockBroker broker(2);
  log_.SetFull(true);
  const auto door = Open(broker);
  for (int i = 0; i < 20'000; ++i) broker.SendAgent("a" + std::to_string(i), i % 2);
  broker.Flush();
  // Long enough to be paused, not merely left unpolled.
  std::this_thread::sleep_for(seconds(3));
  EXPECT_EQ(log_.size(), 0U);
  log_.SetFull(false);
  ASSERT_TRUE(Eventually([&] { return log_.size() >= 20'000; })) << lines();
  EXPECT_EQ(log_.Agents(0).size(), 10'000U);
  EXPECT_EQ(log_.Agents(1).back(), "a19999");
}

TEST_F(KafkaDoorTest, ARefusedBatchIsReadAgainAndNothingOvertakesIt) {
  MockBroker broker(1);
  log_.RefuseNext(2);
  const auto door = Open(broker);
  std::vector<std::string> sent;
  for (int i = 0; i < 5'000; ++i) sent.push_back("a" + std::to_string(i));
  for (const std::string& agent : sent) broker.SendAgent(agent);
  broker.Flush();
  ASSERT_TRUE(Eventually([&] { return log_.size() >= sent.size(); })) << lines();
  EXPECT_EQ(log_.Agents(), sent);
  EXPECT_THAT(lines(), HasSubstr("the quarantine is full"));
}

TEST_F(KafkaDoorTest, BrokenRecordsAreSetAsideAndTombstonesCounted) {
  MockBroker broker(1);
  broker.SendAgent("one");
  broker.Send("no json");
  broker.Send(std::nullopt);
  broker.SendAgent("two");
  broker.Flush();
  const auto door = Open(broker);
  ASSERT_TRUE(Eventually([&] { return log_.size() == 2; })) << lines();
  ASSERT_TRUE(Eventually([&] { return log_.Position().next_offset == 4; }));
  ASSERT_THAT(log_.Aside(), SizeIs(1));
  EXPECT_EQ(log_.Aside()[0].offset, 1U);
  EXPECT_EQ(log_.Aside()[0].value, "no json");
  EXPECT_EQ(log_.Aside()[0].headers.at(0).first, "origin");
  EXPECT_EQ(log_.Position().tombstones, 1U);
}

TEST_F(KafkaDoorTest, ABrokerThatComesLaterIsNoError) {
  MockBroker broker(1);
  broker.SendAgent("one");
  broker.Flush();
  broker.SetUp(false);
  const auto door = Open(broker);
  ASSERT_NE(door, nullptr);
  EXPECT_TRUE(Eventually([&] { return door->figures().state == "no broker"; }));
  EXPECT_THAT(door->Problem(), IsEmpty());
  broker.SetUp(true);
  EXPECT_TRUE(Eventually([&] { return log_.size() == 1; })) << lines();
}

TEST_F(KafkaDoorTest, ABrokerThatGoesAndComesLosesNothing) {
  MockBroker broker(1);
  const auto door = Open(broker);
  std::vector<std::string> sent;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 100; ++i) {
      sent.push_back(std::to_string(round) + "-" + std::to_string(i));
      broker.SendAgent(sent.back());
    }
    broker.Flush();
    ASSERT_TRUE(Eventually([&] { return log_.size() == sent.size(); })) << lines();
    broker.SetUp(false);
    std::this_thread::sleep_for(milliseconds(300));
    broker.SetUp(true);
  }
  EXPECT_EQ(log_.Agents(), sent);
}

TEST_F(KafkaDoorTest, ATopicMadeAnewStopsUntilItIsSkipped) {
  MockBroker first(1);
  for (const char* agent : {"one", "two", "three"}) first.SendAgent(agent);
  first.Flush();
  auto door = Open(first);
  ASSERT_TRUE(Eventually([&] { return log_.size() == 3; })) << lines();
  ASSERT_TRUE(door->Drain(kPatience).ok());
  door.reset();

  MockBroker second(1);
  for (const char* agent : {"other", "records", "here", "now"}) second.SendAgent(agent);
  second.Flush();
  door = Open(second);
  ASSERT_TRUE(Eventually([&] { return !log_.Position().problem.empty(); })) << lines();
  EXPECT_THAT(log_.Position().problem, HasSubstr("offset 2 is not the one that was read there"));
  EXPECT_EQ(log_.size(), 3U);
  ASSERT_TRUE(Eventually(
      [&] { return door->figures().partitions.at(0).reading == KafkaReading::kStopped; }));

  std::promise<Result<KafkaControl::Skipped>> skipped;
  door->Skip("agents", 0, KafkaControl::End::kEarliest, "operator",
             [&](Result<KafkaControl::Skipped> to) { skipped.set_value(std::move(to)); });
  const Result<KafkaControl::Skipped> to = skipped.get_future().get();
  ASSERT_TRUE(to.ok()) << to.error().message();
  EXPECT_EQ(to->from, 3U);
  EXPECT_EQ(to->to, 0U);
  ASSERT_TRUE(Eventually([&] { return log_.size() == 7; })) << lines();
}

TEST_F(KafkaDoorTest, APartitionThatEndsBeforeOurPlaceStops) {
  MockBroker first(1);
  for (const char* agent : {"one", "two", "three"}) first.SendAgent(agent);
  first.Flush();
  auto door = Open(first);
  ASSERT_TRUE(Eventually([&] { return log_.size() == 3; })) << lines();
  ASSERT_TRUE(door->Drain(kPatience).ok());
  door.reset();

  MockBroker second(1);
  second.SendAgent("one");
  second.Flush();
  door = Open(second);
  ASSERT_TRUE(Eventually([&] { return !log_.Position().problem.empty(); })) << lines();
  EXPECT_THAT(log_.Position().problem, HasSubstr("ends at offset 1, before 3"));
}

TEST_F(KafkaDoorTest, RetentionThatOvertakesUsStopsUntilItIsSkipped) {
  MockBroker broker(1);
  broker.SendAgent("one");
  broker.Flush();
  auto door = Open(broker);
  ASSERT_TRUE(Eventually([&] { return log_.size() == 1; })) << lines();
  ASSERT_TRUE(door->Drain(kPatience).ok());
  door.reset();

  // It keeps about 5 MB of a partition.
  const std::string large(100'000, 'x');
  for (int i = 0; i < 200; ++i) broker.Send(large);
  broker.SendAgent("two");
  broker.Flush();
  door = Open(broker);
  ASSERT_TRUE(Eventually([&] { return !log_.Position().problem.empty(); })) << lines();
  EXPECT_THAT(log_.Position().problem, HasSubstr("records 1 to "));
  EXPECT_THAT(log_.Position().problem, HasSubstr("retention removed them before they were read"));
  EXPECT_EQ(log_.size(), 1U);

  std::promise<Result<KafkaControl::Skipped>> skipped;
  door->Skip("agents", 0, KafkaControl::End::kEarliest, "operator",
             [&](Result<KafkaControl::Skipped> to) { skipped.set_value(std::move(to)); });
  const Result<KafkaControl::Skipped> to = skipped.get_future().get();
  ASSERT_TRUE(to.ok()) << to.error().message();
  EXPECT_EQ(to->from, 1U);
  EXPECT_GT(to->to, 1U);
  ASSERT_TRUE(Eventually([&] { return log_.size() == 2; })) << lines();
  EXPECT_EQ(log_.Agents().back(), "two");
}

TEST_F(KafkaDoorTest, TheEndAwaitsWhatTheLogWasAsked) {
  MockBroker broker(1);
  const auto door = Open(broker);
  log_.SetSlow();
  ASSERT_TRUE(Eventually([&] { return log_.asked() > 0; }));
  EXPECT_FALSE(door->Drain(seconds(1)).ok());
  log_.AnswerAll();
  EXPECT_TRUE(door->Drain(kPatience).ok());
}

TEST_F(KafkaDoorTest, OnlyAStoppedPartitionIsSkipped) {
  MockBroker broker(1);
  broker.SendAgent("one");
  broker.Flush();
  const auto door = Open(broker);
  ASSERT_TRUE(Eventually([&] { return log_.size() == 1; })) << lines();
  const auto skip = [&](const std::string& topic) {
    std::promise<Result<KafkaControl::Skipped>> skipped;
    door->Skip(topic, 0, KafkaControl::End::kLatest, "operator",
               [&](Result<KafkaControl::Skipped> to) { skipped.set_value(std::move(to)); });
    return skipped.get_future().get().error();
  };
  EXPECT_EQ(skip("agents").code(), ErrorCode::kFailedPrecondition);
  EXPECT_EQ(skip("unknown").code(), ErrorCode::kNotFound);
}

TEST_F(KafkaDoorTest, AQuarantinedRecordIsDecodedAgain) {
  MockBroker broker(1);
  const auto door = Open(broker);
  const auto retry = [&](const std::string& value, const std::string& topic = "agents") {
    storage::Quarantined record;
    record.topic = topic;
    record.value = value;
    record.value_bytes = value.size();
    std::promise<Result<BatchAnswer>> answered;
    door->Retry("default", Sequence{77}, record,
                [&](Result<BatchAnswer> answer) { answered.set_value(std::move(answer)); });
    return answered.get_future().get();
  };
  EXPECT_EQ(retry("still no json").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(retry("{}", "elsewhere").error().code(), ErrorCode::kNotFound);
  const Result<BatchAnswer> good = retry(R"({"agent":"late","task":{"status":"STARTED"}})");
  ASSERT_TRUE(good.ok()) << good.error().message();
  EXPECT_EQ(good->accepted, 1U);
  EXPECT_EQ(log_.Quarantined(), Sequence{77});
  EXPECT_THAT(log_.Agents(), ElementsAre("late"));
}

}  // namespace
}  // namespace barograph::ingest
