// Method: a real gRPC server on the loopback interface over a scripted partition that keeps batches
// until the test lets it
// answer, so that every back-pressure and ordering rule is seen from the client's side.
#include "ingest/grpc/ingest_door.h"

#include <gmock/gmock.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "barograph/v1/ingest.grpc.pb.h"
#include "storage/base/limits.h"

namespace barograph::ingest {
namespace {

using ::testing::HasSubstr;

/// Holds what it takes until Release; then answers in order, as the commit thread does for a group.
class ScriptedPartition final : public PartitionPort {
 public:
  bool TrySubmit(Batch& batch, Answer answer) override {
    const std::lock_guard lock(mutex_);
    if (held_.size() >= room_) return false;
    held_.emplace_back(std::move(batch), std::move(answer));
    changed_.notify_all();
    return true;
  }
  void WhenRoom(std::function<void()> wake) override {
    {
      const std::lock_guard lock(mutex_);
      if (held_.size() >= room_) {
        waiting_.push_back(std::move(wake));
        changed_.notify_all();
        return;
      }
    }
    wake();
  }
  void LookUpProducer(std::string tenant, std::string producer, std::optional<Receipt> last,
                      std::function<void(Result<ProducerStanding>)> answer) override {
    (void)tenant;
    if (last.has_value() && last->sequence.value > 1000) {
      answer(Error(ErrorCode::kDataLoss, "the log ends before sequence 1001"));
      return;
    }
    answer(ProducerStanding{
        .acked_sequence = producer == "old" ? 7U : 0U, .epoch = 2, .known = producer == "old"});
  }
  Time LogTimeNow() const override { return Time(std::chrono::hours(24 * 365 * 50)); }

  void SetRoom(std::size_t batches) {
    const std::lock_guard lock(mutex_);
    room_ = batches;
  }
  /// What answers to batches without a producer say from now on.
  void SetIdsKnownSince(Time since) {
    const std::lock_guard lock(mutex_);
    ids_known_since_ = since;
  }
  /// Waits until `count` batches are held.
  bool WaitForHeld(std::size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return held_.size() >= count; });
  }
  bool WaitForWaiting() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return !waiting_.empty(); });
  }
  std::size_t held() {
    const std::lock_guard lock(mutex_);
    return held_.size();
  }
  /// Answers everything held, then wakes who waits for room. Returns the batches.
  std::vector<Batch> Release(std::optional<Error> error = std::nullopt) {
    std::deque<std::pair<Batch, Answer>> held;
    std::vector<std::function<void()>> waiting;
    {
      const std::lock_guard lock(mutex_);
      held.swap(held_);
      waiting.swap(waiting_);
    }
    std::vector<Batch> batches;
    for (auto& [batch, answer] : held) {
      if (error.has_value()) {
        answer(*error);
      } else {
        log_ += batch.accepted;
        answer(BatchAnswer{
            .acked_sequence = batch.first_sequence + batch.offered - 1,
            .verdicts = batch.rejected,
            .receipt = {.sequence = {log_}, .link = {}},
            .accepted = batch.accepted,
            .ids_known_since = batch.producer.empty() ? ids_known_since_ : std::nullopt});
      }
      batches.push_back(std::move(batch));
    }
    for (auto& wake : waiting) wake();
    return batches;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::pair<Batch, Answer>> held_;
  std::vector<std::function<void()>> waiting_;
  std::size_t room_ = 1'000'000;
  std::uint64_t log_ = 0;
  std::optional<Time> ids_known_since_;
};

void AddTask(v1::PublishRequest* request, const std::string& id) {
  auto& event = *request->add_events();
  event.set_id(id);
  event.set_agent("CMO");
  event.mutable_task()->set_status(v1::Task::STARTED);
}

v1::PublishRequest Batch3(std::uint64_t first, const std::string& producer = "") {
  v1::PublishRequest request;
  request.set_producer_id(producer);
  request.set_first_sequence(first);
  for (int i = 0; i < 3; ++i) AddTask(&request, "e" + std::to_string(first + i));
  return request;
}

class IngestDoorTest : public ::testing::Test {
 protected:
  void SetUp() override { Open({.listen = "127.0.0.1:0"}); }
  void TearDown() override {
    stop_ = true;
    partition_.SetRoom(1'000'000);
    std::thread releaser([this] {
      while (door_ != nullptr && !closed_) {
        partition_.Release();
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    });
    door_->Drain(std::chrono::seconds(2));
    closed_ = true;
    releaser.join();
    door_.reset();
  }

  void Open(const IngestDoorOptions& options) {
    auto door = IngestDoor::Open(options, partition_, authenticator_, clock_, {});
    ASSERT_TRUE(door.ok()) << door.error().ToString();
    door_ = std::move(door).value();
    channel_ = ::grpc::CreateChannel("127.0.0.1:" + std::to_string(door_->port()),
                                     ::grpc::InsecureChannelCredentials());
    stub_ = v1::IngestService::NewStub(channel_);
  }

  ScriptedPartition partition_;
  OpenAuthenticator authenticator_;
  SystemClock clock_;
  std::unique_ptr<IngestDoor> door_;
  std::shared_ptr<::grpc::Channel> channel_;
  std::unique_ptr<v1::IngestService::Stub> stub_;
  std::atomic<bool> stop_{false}, closed_{false};
};

TEST_F(IngestDoorTest, TheFirstResponseSaysWhereTheProducerStands) {
  ::grpc::ClientContext context;
  auto stream = stub_->Publish(&context);
  v1::PublishRequest hello;
  hello.set_producer_id("old");
  ASSERT_TRUE(stream->Write(hello));
  v1::PublishResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.producer().acked_sequence(), 7U);
  EXPECT_EQ(response.producer().epoch(), 2U);
  EXPECT_TRUE(response.producer().known());
  EXPECT_EQ(partition_.held(), 0U) << "a request without events is no batch";
  stream->WritesDone();
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_TRUE(stream->Finish().ok());
}

TEST_F(IngestDoorTest, OneResponseAcknowledgesEverythingThatBecameDurableTogether) {
  // Answers gather while a response is on its way. On a busy machine the thread that answers may
  // pause after each, so one of some rounds has to show it; without gathering none can.
  constexpr int kRounds = 50;
  constexpr std::uint64_t kBatches = 4, kEvents = 3 * kBatches;
  std::uint64_t fewest = kBatches;
  for (int round = 0; round < kRounds && fewest > 2; ++round) {
    const std::string producer = "p" + std::to_string(round);
    ::grpc::ClientContext context;
    auto stream = stub_->Publish(&context);
    for (std::uint64_t first = 1; first < kEvents; first += 3) {
      ASSERT_TRUE(stream->Write(Batch3(first, first == 1 ? producer : "")));
    }
    v1::PublishResponse response;
    ASSERT_TRUE(stream->Read(&response));
    EXPECT_TRUE(response.has_producer());
    ASSERT_TRUE(partition_.WaitForHeld(kBatches));
    const auto batches = partition_.Release();
    std::uint64_t responses = 0;
    while (response.acked_sequence() < kEvents) {
      ASSERT_TRUE(stream->Read(&response));
      ++responses;
      EXPECT_FALSE(response.has_producer());
    }
    fewest = std::min(fewest, responses);
    EXPECT_EQ(response.receipt().sequence(), (static_cast<std::uint64_t>(round) + 1) * kEvents);
    for (const auto& batch : batches) EXPECT_EQ(batch.producer, producer) << "inherited";
    stream->WritesDone();
    EXPECT_TRUE(stream->Finish().ok());
  }
  EXPECT_LE(fewest, 2U);
}

TEST_F(IngestDoorTest, WithoutAProducerTheStreamCountsItsEvents) {
  ::grpc::ClientContext context;
  auto stream = stub_->Publish(&context);
  v1::PublishRequest request = Batch3(0);
  request.mutable_events(1)->mutable_cost();  // the kind changes: a cost without an amount
  ASSERT_TRUE(stream->Write(request));
  ASSERT_TRUE(stream->Write(Batch3(0)));
  v1::PublishResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_FALSE(response.producer().known());
  ASSERT_TRUE(partition_.WaitForHeld(2));
  partition_.Release();
  std::vector<std::uint64_t> rejected;
  while (response.acked_sequence() < 6) {
    ASSERT_TRUE(stream->Read(&response));
    for (const auto& verdict : response.verdicts()) {
      EXPECT_THAT(verdict.reason(), HasSubstr("events[1].cost"));
      rejected.push_back(verdict.sequence());
    }
  }
  EXPECT_THAT(rejected, ::testing::ElementsAre(2U));
}

TEST_F(IngestDoorTest, AnswersSaySinceWhenIdsAreKnownOnceThatIsLessThanADay) {
  const auto publish = [this](const std::string& producer) {
    v1::PublishBatchRequest request;
    request.set_producer_id(producer);
    if (!producer.empty()) request.set_first_sequence(1);
    request.add_events()->mutable_task()->set_status(v1::Task::STARTED);
    v1::PublishBatchResponse response;
    std::thread releaser([this] {
      (void)partition_.WaitForHeld(1);
      partition_.Release();
    });
    ::grpc::ClientContext context;
    EXPECT_TRUE(stub_->PublishBatch(&context, request, &response).ok());
    releaser.join();
    return response;
  };
  EXPECT_FALSE(publish("").has_ids_known_since());
  partition_.SetIdsKnownSince(Time(std::chrono::milliseconds(7'200'500)));
  EXPECT_EQ(publish("").ids_known_since().seconds(), 7'200);
  EXPECT_EQ(publish("").ids_known_since().nanos(), 500'000'000);
  EXPECT_FALSE(publish("p").has_ids_known_since()) << "producers are known for ever";

  ::grpc::ClientContext context;
  auto stream = stub_->Publish(&context);
  ASSERT_TRUE(stream->Write(Batch3(0)));
  ASSERT_TRUE(partition_.WaitForHeld(1));
  partition_.Release();
  v1::PublishResponse response;
  while (response.acked_sequence() < 3) ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.ids_known_since().seconds(), 7'200);
}

TEST_F(IngestDoorTest, AFullPartitionStopsTheStreamAndLosesNothing) {
  partition_.SetRoom(2);
  ::grpc::ClientContext context;
  auto stream = stub_->Publish(&context);
  std::thread writer([&] {
    for (std::uint64_t i = 0; i < 20; ++i) {
      if (!stream->Write(Batch3(1 + 3 * i, "p"))) return;
    }
    stream->WritesDone();
  });
  ASSERT_TRUE(partition_.WaitForWaiting());
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(partition_.held(), 2U);
  std::thread releaser([&] {
    while (!stop_) {
      partition_.Release();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  v1::PublishResponse response;
  std::uint64_t acked = 0;
  while (stream->Read(&response)) {
    EXPECT_GE(response.acked_sequence(), acked) << "cumulative";
    acked = response.acked_sequence();
  }
  EXPECT_EQ(acked, 60U);
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_GE(door_->figures().waits_for_room, 1U);
  stop_ = true;
  writer.join();
  releaser.join();
}

TEST_F(IngestDoorTest, AFullPartitionAnswersUnaryCallsWithRetryInfo) {
  partition_.SetRoom(0);
  ::grpc::ClientContext context;
  v1::PublishBatchRequest request;
  auto& event = *request.add_events();
  event.set_agent("CMO");
  event.mutable_task()->set_status(v1::Task::STARTED);
  v1::PublishBatchResponse response;
  const auto status = stub_->PublishBatch(&context, request, &response);
  EXPECT_EQ(status.error_code(), ::grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_THAT(status.error_details(), HasSubstr("google.rpc.RetryInfo"));
  EXPECT_EQ(door_->figures().refused_busy, 1U);
}

TEST_F(IngestDoorTest, AUnaryBatchIsAnsweredWhenDurable) {
  ::grpc::ClientContext context;
  v1::PublishBatchRequest request;
  request.set_producer_id("p");
  request.set_first_sequence(5);
  for (int i = 0; i < 2; ++i) {
    request.add_events()->mutable_task()->set_status(v1::Task::COMPLETED);
  }
  request.add_events();  // no kind
  v1::PublishBatchResponse response;
  std::atomic<bool> returned{false};
  ::grpc::Status status;
  std::thread caller([&] {
    status = stub_->PublishBatch(&context, request, &response);
    returned = true;
  });
  ASSERT_TRUE(partition_.WaitForHeld(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(returned) << "not before it is durable";
  partition_.Release();
  caller.join();
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.acked_sequence(), 7U);
  EXPECT_EQ(response.accepted(), 2U);
  ASSERT_EQ(response.verdicts_size(), 1);
  EXPECT_EQ(response.verdicts(0).sequence(), 7U);
}

TEST_F(IngestDoorTest, RefusesWhatBreaksTheStreamsRules) {
  const auto ends_with = [&](const std::vector<v1::PublishRequest>& requests,
                             ::grpc::StatusCode code, const std::string& message) {
    ::grpc::ClientContext context;
    auto stream = stub_->Publish(&context);
    for (const auto& request : requests) (void)stream->Write(request);
    stream->WritesDone();
    v1::PublishResponse response;
    std::thread releaser([&] {
      for (int i = 0; i < 20; ++i) {
        partition_.Release();
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    });
    while (stream->Read(&response)) {
    }
    const auto status = stream->Finish();
    EXPECT_EQ(status.error_code(), code) << message;
    EXPECT_THAT(status.error_message(), HasSubstr(message));
    releaser.join();
  };
  ends_with({Batch3(1, "p"), Batch3(4, "q")}, ::grpc::StatusCode::INVALID_ARGUMENT, "producer_id");
  ends_with({Batch3(1, "p"), Batch3(0)}, ::grpc::StatusCode::INVALID_ARGUMENT, "first_sequence");
  v1::PublishRequest lost = Batch3(1, "p");
  lost.mutable_last_receipt()->set_sequence(1001);
  lost.mutable_last_receipt()->set_link(std::string(32, 'x'));
  ends_with({lost}, ::grpc::StatusCode::DATA_LOSS, "log ends before");
  v1::PublishRequest large;
  large.add_events()->mutable_feedback()->set_text(std::string(kBatchBytesMax + 200'000, 'x'));
  ends_with({large}, ::grpc::StatusCode::RESOURCE_EXHAUSTED, "");
}

TEST_F(IngestDoorTest, WhatWasTakenIsAcknowledgedBeforeAnErrorEndsTheStream) {
  ::grpc::ClientContext context;
  auto stream = stub_->Publish(&context);
  ASSERT_TRUE(stream->Write(Batch3(1, "p")));
  ASSERT_TRUE(stream->Write(Batch3(4, "q")));
  v1::PublishResponse response;
  ASSERT_TRUE(stream->Read(&response));
  ASSERT_TRUE(partition_.WaitForHeld(1));
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  partition_.Release();
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_EQ(response.acked_sequence(), 3U);
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(stream->Finish().error_code(), ::grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(IngestDoorTest, APartitionsRefusalEndsTheStreamWithItsCode) {
  ::grpc::ClientContext context;
  auto stream = stub_->Publish(&context);
  ASSERT_TRUE(stream->Write(Batch3(1, "p")));
  ASSERT_TRUE(partition_.WaitForHeld(1));
  partition_.Release(Error(ErrorCode::kFailedPrecondition, "epoch: 1 is below 2"));
  v1::PublishResponse response;
  while (stream->Read(&response)) {
  }
  const auto status = stream->Finish();
  EXPECT_EQ(status.error_code(), ::grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(status.error_details(), HasSubstr("google.rpc.ErrorInfo"));
}

TEST_F(IngestDoorTest, DrainAcknowledgesWhatWasSentAndThenEndsTheStream) {
  ::grpc::ClientContext context;
  auto stream = stub_->Publish(&context);
  ASSERT_TRUE(stream->Write(Batch3(1, "p")));
  ASSERT_TRUE(partition_.WaitForHeld(1));
  std::thread drainer([&] { door_->Drain(std::chrono::seconds(10)); });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  partition_.Release();
  v1::PublishResponse response;
  std::uint64_t acked = 0;
  while (stream->Read(&response)) acked = response.acked_sequence();
  EXPECT_EQ(acked, 3U);
  EXPECT_EQ(stream->Finish().error_code(), ::grpc::StatusCode::UNAVAILABLE);
  drainer.join();
}

TEST_F(IngestDoorTest, AnIdleStreamDoesNotHoldUpTheDrain) {
  ::grpc::ClientContext context;
  auto stream = stub_->Publish(&context);
  ASSERT_TRUE(stream->Write(Batch3(1, "p")));
  v1::PublishResponse response;
  ASSERT_TRUE(stream->Read(&response));
  ASSERT_TRUE(partition_.WaitForHeld(1));
  partition_.Release();
  ASSERT_TRUE(stream->Read(&response));
  const auto begin = std::chrono::steady_clock::now();
  door_->Drain(std::chrono::seconds(20));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST_F(IngestDoorTest, AClientThatGoesAwayLeavesNothingBehind) {
  for (int i = 0; i < 20; ++i) {
    ::grpc::ClientContext context;
    auto stream = stub_->Publish(&context);
    ASSERT_TRUE(stream->Write(Batch3(1, "p")));
    ASSERT_TRUE(partition_.WaitForHeld(1));
    context.TryCancel();
    partition_.Release();
    (void)stream->Finish();
  }
  for (int i = 0; i < 200 && door_->figures().streams_open != 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(door_->figures().streams_open, 0U);
}

TEST_F(IngestDoorTest, AStreamHoldsABoundedNumberOfUnansweredBatches) {
  ::grpc::ClientContext context;
  auto stream = stub_->Publish(&context);
  std::thread writer([&] {
    for (std::uint64_t i = 0; i < 2000; ++i) {
      if (!stream->Write(Batch3(1 + 3 * i, "p"))) return;
    }
  });
  ASSERT_TRUE(partition_.WaitForHeld(256));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(partition_.held(), 256U);
  context.TryCancel();
  partition_.Release();
  writer.join();
}

/// Calls a method of gRPC's own services, whose messages Debian does not ship, with bytes; returns
/// the answer's bytes.
std::string CallBytes(const std::shared_ptr<::grpc::Channel>& channel, const std::string& method,
                      const std::string& request) {
  ::grpc::GenericStub stub(channel);
  ::grpc::ClientContext context;
  ::grpc::CompletionQueue queue;
  const ::grpc::Slice slice(request);
  auto call = stub.PrepareUnaryCall(&context, method, ::grpc::ByteBuffer(&slice, 1), &queue);
  ::grpc::ByteBuffer answer;
  ::grpc::Status status;
  call->StartCall();
  call->Finish(&answer, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  (void)queue.Next(&tag, &ok);
  ::grpc::Slice bytes;
  if (!status.ok() || !answer.DumpToSingleSlice(&bytes).ok())
    return "failed: " + status.error_message();
  return {reinterpret_cast<const char*>(bytes.begin()), bytes.size()};
}

TEST_F(IngestDoorTest, HealthIsToldPerServiceAndTurnsOff) {
  const auto health = [&](const std::string& service) {
    const std::string request =
        service.empty() ? "" : "\x0a" + std::string(1, static_cast<char>(service.size())) + service;
    return CallBytes(channel_, "/grpc.health.v1.Health/Check", request);
  };
  constexpr const char* kServing = "\x08\x01";
  constexpr const char* kNotServing = "\x08\x02";
  for (const char* name : {"", "barograph.v1.IngestService", "barograph.v1.QueryService"}) {
    EXPECT_EQ(health(name), kServing) << name;
  }
  door_->SetServing(false);
  EXPECT_EQ(health(""), kNotServing);
  EXPECT_EQ(health("barograph.v1.IngestService"), kNotServing);
}

TEST_F(IngestDoorTest, ReflectionNamesTheServicesAndTheirMessages) {
  constexpr const char* kMethod = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
  const std::string services = CallBytes(channel_, kMethod, "\x3a\x01*");  // list_services = 7
  EXPECT_THAT(services, HasSubstr("barograph.v1.IngestService"));
  EXPECT_THAT(services, HasSubstr("grpc.health.v1.Health"));
  const std::string symbol = "barograph.v1.PublishRequest";  // file_containing_symbol = 4
  const std::string file = CallBytes(
      channel_, kMethod, "\x22" + std::string(1, static_cast<char>(symbol.size())) + symbol);
  EXPECT_THAT(file, HasSubstr("barograph/v1/ingest.proto"));
  EXPECT_THAT(file, HasSubstr("first_sequence"));
}

TEST_F(IngestDoorTest, ChannelzNamesTheServerAndItsSocketsOnlyWhenAskedFor) {
  constexpr const char* kMethod = "/grpc.channelz.v1.Channelz/GetServers";
  // gRPC keeps the service once a door had it: only the first time in a process is it absent.
  static bool had_it = false;
  if (!std::exchange(had_it, true)) {
    EXPECT_THAT(CallBytes(channel_, kMethod, ""), HasSubstr("failed"));
  }
  door_->Drain(std::chrono::seconds(1));
  door_.reset();
  Open({.listen = "127.0.0.1:0", .channelz = true});
  const std::string servers = CallBytes(channel_, kMethod, "");
  EXPECT_THAT(servers, HasSubstr("Server created"));
  // The socket is named by the address that was asked for.
  EXPECT_THAT(servers, HasSubstr("http2 listener ipv4:127.0.0.1:0"));
}

TEST_F(IngestDoorTest, AReaderThatTakesNoAnswersIsCut) {
  door_->Drain(std::chrono::seconds(1));
  door_.reset();
  Open({.listen = "127.0.0.1:0", .write_timeout = std::chrono::seconds(1)});
  ::grpc::ClientContext context;
  auto stream = stub_->Publish(&context);
  v1::PublishRequest request;  // every event is refused, so that answers are longer than requests
  for (int i = 0; i < 9'000; ++i) request.add_events();
  std::thread releaser([&] {
    while (!stop_) {
      partition_.Release();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  for (int i = 0; i < 2'000 && stream->Write(request); ++i) {
  }
  EXPECT_EQ(door_->figures().cut_slow, 1U);
  stop_ = true;
  releaser.join();
  context.TryCancel();
}

TEST_F(IngestDoorTest, OneStreamMoreThanTheLimitIsRefusedUntilOneEnds) {
  door_->Drain(std::chrono::seconds(1));
  door_.reset();
  Open({.listen = "127.0.0.1:0", .streams_max = 1});
  v1::PublishRequest hello;
  hello.set_producer_id("old");
  v1::PublishResponse response;
  ::grpc::ClientContext first_context, second_context;
  auto first = stub_->Publish(&first_context);
  ASSERT_TRUE(first->Write(hello));
  ASSERT_TRUE(first->Read(&response));
  auto second = stub_->Publish(&second_context);
  EXPECT_FALSE(second->Read(&response));
  const ::grpc::Status refused = second->Finish();
  EXPECT_EQ(refused.error_code(), ::grpc::StatusCode::RESOURCE_EXHAUSTED);
  EXPECT_NE(refused.error_message().find("at most 1"), std::string::npos)
      << refused.error_message();
  first->WritesDone();
  EXPECT_FALSE(first->Read(&response));
  EXPECT_TRUE(first->Finish().ok());
  for (int i = 0; i < 200 && door_->figures().streams_open != 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ::grpc::ClientContext third_context;
  auto third = stub_->Publish(&third_context);
  ASSERT_TRUE(third->Write(hello));
  EXPECT_TRUE(third->Read(&response));
  third->WritesDone();
  EXPECT_TRUE(third->Finish().ok());
}

TEST_F(IngestDoorTest, TwoServersCannotShareAPort) {
  const std::string taken = "127.0.0.1:" + std::to_string(door_->port());
  const auto second = IngestDoor::Open({.listen = taken}, partition_, authenticator_, clock_, {});
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code(), ErrorCode::kUnavailable);
  EXPECT_THAT(second.error().message(), HasSubstr(taken));
}

}  // namespace
}  // namespace barograph::ingest
