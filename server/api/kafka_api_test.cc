// Method: the real partition on a temporary folder behind a real gRPC server; only the Kafka door
// is a stand-in that notes what it is asked.
#include <gmock/gmock.h>
#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <string>
#include <vector>

#include "barograph/v1/kafka.grpc.pb.h"
#include "ingest/grpc/ingest_door.h"
#include "server/api/api.h"

namespace barograph::server {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// What it was asked last, and what it answers.
class FakeKafka final : public ingest::KafkaControl {
 public:
  [[nodiscard]] ingest::KafkaFigures figures() const override { return figures_; }
  void Skip(std::string topic, std::uint32_t partition, SkipTarget to, std::string actor,
            std::function<void(Result<Skipped>)> done) override {
    asked_ = actor + " skips " + topic + "/" + std::to_string(partition) + " to ";
    if (const auto* offset = std::get_if<std::uint64_t>(&to)) asked_ += std::to_string(*offset);
    if (const auto* end = std::get_if<End>(&to)) {
      asked_ += *end == End::kEarliest ? "earliest" : "latest";
    }
    done(skipped_);
  }
  void Retry(std::string tenant, Sequence sequence, storage::Quarantined record,
             std::function<void(Result<ingest::BatchAnswer>)> done) override {
    asked_ = "retries " + record.topic + "@" + std::to_string(record.offset) + " of " + tenant +
             " as " + std::to_string(sequence.value);
    done(retried_);
  }

  ingest::KafkaFigures figures_;
  Result<Skipped> skipped_ = Skipped{.from = 5, .to = 90};
  Result<ingest::BatchAnswer> retried_ = ingest::BatchAnswer{};
  std::string asked_;
};

class KafkaApiTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string folder = ::testing::TempDir() + "barograph-kafka-api-XXXXXX";
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    PartitionOptions options;
    options.directory = folder_;
    Partition::Hooks hooks;
    hooks.on_failure = [](const Error& error) { FAIL() << error.ToString(); };
    auto partition = Partition::Open(options, clock_, std::move(hooks));
    ASSERT_TRUE(partition.ok()) << partition.error().ToString();
    partition_ = std::move(partition).value();
  }
  void Serve(bool configured) {
    api_ = std::make_unique<Api>(*partition_, authenticator_, clock_, "1.2.3", configured);
    auto door = ingest::IngestDoor::Open({.listen = "127.0.0.1:0"}, *partition_, authenticator_,
                                         clock_, api_->services());
    ASSERT_TRUE(door.ok()) << door.error().ToString();
    door_ = std::move(door).value();
    const auto channel = ::grpc::CreateChannel("127.0.0.1:" + std::to_string(door_->port()),
                                               ::grpc::InsecureChannelCredentials());
    kafka_ = v1::KafkaService::NewStub(channel);
    quarantine_ = v1::QuarantineService::NewStub(channel);
  }
  void TearDown() override {
    if (api_ != nullptr) {
      api_->SetKafka(nullptr);
      api_->Stop();
    }
    if (door_ != nullptr) door_->Drain(std::chrono::seconds(10));
    if (partition_ != nullptr) {
      EXPECT_TRUE(partition_->Drain(std::chrono::seconds(10)).ok());
    }
    door_.reset();
    api_.reset();
    partition_.reset();
    std::filesystem::remove_all(folder_);
  }

  /// One record of `topic`/0 that is set aside, as the door would submit it.
  void SetAside(const std::string& topic, std::uint64_t offset, const std::string& value,
                const std::string& tenant = "default") {
    ingest::Batch batch;
    batch.tenant = tenant;
    batch.kafka = std::make_unique<ingest::KafkaSource>();
    ingest::KafkaSource& source = *batch.kafka;
    source.topic = topic;
    source.first_offset = offset;
    source.next_offset = offset + 1;
    source.last = {.offset = offset, .timestamp_ms = 1'795'000'000'000, .crc = 7};
    source.records = 1;
    ingest::SetAsideRecord record;
    record.offset = offset;
    record.timestamp_ms = 1'795'000'000'000;
    record.key = "\xff";
    record.headers = {{"ce_type", "com.example.unknown"}, {"trace", std::nullopt}};
    record.value = value;
    record.value_bytes = value.size();
    record.reason = "type: 'com.example.unknown' has no entry";
    source.set_aside.push_back(std::move(record));
    std::promise<Result<ingest::BatchAnswer>> stored;
    ASSERT_TRUE(partition_->TrySubmit(batch, [&stored](Result<ingest::BatchAnswer> answer) {
      stored.set_value(std::move(answer));
    }));
    const auto answer = stored.get_future().get();
    ASSERT_TRUE(answer.ok()) << answer.error().ToString();
  }

  ::grpc::Status Status(v1::GetKafkaStatusResponse* response) {
    ::grpc::ClientContext context;
    return kafka_->GetKafkaStatus(&context, {}, response);
  }
  v1::ListQuarantinedResponse List(const std::string& topic = "", std::uint64_t after = 0,
                                   std::uint32_t page_size = 0) {
    v1::ListQuarantinedRequest request;
    request.set_topic(topic);
    request.set_after(after);
    request.set_page_size(page_size);
    v1::ListQuarantinedResponse response;
    ::grpc::ClientContext context;
    const auto status = quarantine_->ListQuarantined(&context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response;
  }
  ::grpc::Status Retry(std::uint64_t sequence, v1::RetryQuarantinedResponse* response) {
    v1::RetryQuarantinedRequest request;
    request.set_sequence(sequence);
    ::grpc::ClientContext context;
    return quarantine_->RetryQuarantined(&context, request, response);
  }

  SystemClock clock_;
  std::string folder_;
  ingest::OpenAuthenticator authenticator_;
  FakeKafka fake_;
  std::unique_ptr<Partition> partition_;
  std::unique_ptr<Api> api_;
  std::unique_ptr<ingest::IngestDoor> door_;
  std::unique_ptr<v1::KafkaService::Stub> kafka_;
  std::unique_ptr<v1::QuarantineService::Stub> quarantine_;
};

TEST_F(KafkaApiTest, WithoutAConfigurationPositionsOfTheLogAreToldStill) {
  SetAside("agents", 41, "x");
  Serve(/*configured=*/false);
  v1::GetKafkaStatusResponse status;
  ASSERT_TRUE(Status(&status).ok());
  EXPECT_FALSE(status.configured());
  ASSERT_EQ(status.partitions_size(), 1);
  EXPECT_EQ(status.partitions(0).topic(), "agents");
  EXPECT_EQ(status.partitions(0).state(), v1::KafkaPartitionStatus::NOT_ASSIGNED);
  EXPECT_EQ(status.partitions(0).next_offset(), 42U);
  EXPECT_EQ(status.partitions(0).set_aside(), 1U);
  EXPECT_FALSE(status.partitions(0).has_lag_records());
}

TEST_F(KafkaApiTest, WithoutAConfigurationSkipAndRetrySaySo) {
  SetAside("agents", 41, "x");
  Serve(/*configured=*/false);
  v1::SkipKafkaRequest request;
  request.set_topic("agents");
  request.set_latest(true);
  v1::SkipKafkaResponse response;
  ::grpc::ClientContext context;
  const auto skipped = kafka_->SkipKafka(&context, request, &response);
  EXPECT_EQ(skipped.error_code(), ::grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_THAT(skipped.error_message(), HasSubstr("kafka: not configured"));
  v1::RetryQuarantinedResponse retried;
  EXPECT_EQ(Retry(List().rows(0).sequence(), &retried).error_code(),
            ::grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(KafkaApiTest, BeforeTheDoorIsOpenItIsStarting) {
  Serve(/*configured=*/true);
  v1::GetKafkaStatusResponse status;
  ASSERT_TRUE(Status(&status).ok());
  EXPECT_TRUE(status.configured());
  EXPECT_EQ(status.state(), "starting");
}

TEST_F(KafkaApiTest, TheDoorsFiguresGoOverThoseOfTheLog) {
  SetAside("agents", 41, "x");
  SetAside("bills", 7, "x");
  Serve(/*configured=*/true);
  ingest::KafkaPartitionFigures partition;
  partition.position.topic = "agents";
  partition.position.next_offset = 42;
  partition.reading = ingest::KafkaReading::kReading;
  partition.end_offset = 50;
  partition.lag_records = 8;
  partition.lag_seconds = 1.5;
  fake_.figures_.state = "running";
  fake_.figures_.rebalances = 2;
  fake_.figures_.last_error = "Local: All broker connections are down";
  fake_.figures_.last_error_at = clock_.WallNow();
  fake_.figures_.partitions = {partition};
  api_->SetKafka(&fake_);
  v1::GetKafkaStatusResponse status;
  ASSERT_TRUE(Status(&status).ok());
  EXPECT_EQ(status.state(), "running");
  EXPECT_EQ(status.rebalances(), 2U);
  EXPECT_TRUE(status.has_last_error_at());
  ASSERT_EQ(status.partitions_size(), 2);
  EXPECT_EQ(status.partitions(0).state(), v1::KafkaPartitionStatus::READING);
  EXPECT_EQ(status.partitions(0).lag_records(), 8U);
  EXPECT_DOUBLE_EQ(status.partitions(0).lag_seconds(), 1.5);
  EXPECT_EQ(status.partitions(1).topic(), "bills");
  EXPECT_EQ(status.partitions(1).state(), v1::KafkaPartitionStatus::NOT_ASSIGNED);
}

TEST_F(KafkaApiTest, ASkipGoesToTheDoorWithItsTarget) {
  Serve(/*configured=*/true);
  api_->SetKafka(&fake_);
  const auto skip = [&](auto set, const std::string& asked) {
    v1::SkipKafkaRequest request;
    request.set_topic("agents");
    request.set_partition(3);
    set(request);
    v1::SkipKafkaResponse response;
    ::grpc::ClientContext context;
    const auto status = kafka_->SkipKafka(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(fake_.asked_, asked);
    EXPECT_EQ(response.from_offset(), 5U);
    EXPECT_EQ(response.to_offset(), 90U);
  };
  skip([](auto& request) { request.set_offset(0); }, "operator skips agents/3 to 0");
  skip([](auto& request) { request.set_earliest(true); }, "operator skips agents/3 to earliest");
  skip([](auto& request) { request.set_latest(true); }, "operator skips agents/3 to latest");
}

TEST_F(KafkaApiTest, ASkipWithoutATargetOrOfAReadingPartitionIsRefused) {
  Serve(/*configured=*/true);
  api_->SetKafka(&fake_);
  v1::SkipKafkaRequest request;
  request.set_topic("agents");
  v1::SkipKafkaResponse response;
  ::grpc::ClientContext first;
  const auto untargeted = kafka_->SkipKafka(&first, request, &response);
  EXPECT_EQ(untargeted.error_code(), ::grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(untargeted.error_message(), HasSubstr("to: missing"));
  EXPECT_THAT(fake_.asked_, IsEmpty());
  fake_.skipped_ = Error(ErrorCode::kFailedPrecondition, "agents/0 is not stopped");
  request.set_latest(true);
  ::grpc::ClientContext second;
  EXPECT_EQ(kafka_->SkipKafka(&second, request, &response).error_code(),
            ::grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(KafkaApiTest, TheQuarantineIsListedByPageAndTopicForAllTenants) {
  SetAside("agents", 1, "a");
  SetAside("bills", 1, "b", "fleet");
  SetAside("agents", 2, "c");
  Serve(/*configured=*/false);
  const auto all = List();
  ASSERT_EQ(all.rows_size(), 3);
  EXPECT_EQ(all.rows(1).tenant(), "fleet");
  EXPECT_FALSE(all.truncated());
  const auto first = List("agents", 0, 1);
  ASSERT_EQ(first.rows_size(), 1);
  EXPECT_TRUE(first.truncated());
  const auto second = List("agents", first.rows(0).sequence(), 1);
  ASSERT_EQ(second.rows_size(), 1);
  EXPECT_EQ(second.rows(0).offset(), 2U);
  EXPECT_FALSE(second.truncated());
}

TEST_F(KafkaApiTest, ARecordIsShownWholeAsItCame) {
  SetAside("agents", 41, "{\"a\": \xfe}");
  Serve(/*configured=*/false);
  v1::GetQuarantinedRequest request;
  request.set_sequence(List().rows(0).sequence());
  v1::GetQuarantinedResponse response;
  ::grpc::ClientContext context;
  const auto status = quarantine_->GetQuarantined(&context, request, &response);
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response.row().offset(), 41U);
  EXPECT_EQ(response.record().value(), "{\"a\": \xfe}");
  EXPECT_EQ(response.record().key(), "\xff");
  ASSERT_EQ(response.record().headers_size(), 2);
  EXPECT_EQ(response.record().headers(0).value(), "com.example.unknown");
  EXPECT_FALSE(response.record().headers(1).has_value());
  EXPECT_EQ(response.record().record_time().seconds(), 1'795'000'000);
  EXPECT_THAT(response.record().reason(), HasSubstr("com.example.unknown"));
  request.set_sequence(999'999);
  ::grpc::ClientContext absent;
  EXPECT_EQ(quarantine_->GetQuarantined(&absent, request, &response).error_code(),
            ::grpc::StatusCode::NOT_FOUND);
}

TEST_F(KafkaApiTest, ARetryTellsWhatWasStoredOrWhyNot) {
  SetAside("agents", 41, "x", "fleet");
  Serve(/*configured=*/true);
  api_->SetKafka(&fake_);
  const std::uint64_t sequence = List().rows(0).sequence();
  ingest::BatchAnswer answer;
  answer.accepted = 2;
  answer.verdicts = {{.index = 2, .outcome = ingest::Verdict::Outcome::kDuplicate, .reason = ""}};
  fake_.retried_ = answer;
  v1::RetryQuarantinedResponse response;
  const auto retried = Retry(sequence, &response);
  ASSERT_TRUE(retried.ok()) << retried.error_message();
  EXPECT_EQ(fake_.asked_, "retries agents@41 of fleet as " + std::to_string(sequence));
  EXPECT_EQ(response.accepted(), 2U);
  EXPECT_EQ(response.duplicates(), 1U);
  fake_.retried_ = Error(ErrorCode::kInvalidArgument, "type: 'x' has no entry");
  const auto refused = Retry(sequence, &response);
  EXPECT_EQ(refused.error_code(), ::grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(refused.error_message(), HasSubstr("has no entry"));
}

TEST_F(KafkaApiTest, ADroppedRecordIsGoneFromTheQuarantineAndCannotBeDroppedTwice) {
  SetAside("agents", 41, "x");
  Serve(/*configured=*/false);
  v1::DropQuarantinedRequest request;
  request.set_sequence(List().rows(0).sequence());
  v1::DropQuarantinedResponse response;
  ::grpc::ClientContext first;
  ASSERT_TRUE(quarantine_->DropQuarantined(&first, request, &response).ok());
  EXPECT_EQ(List().rows_size(), 0);
  ::grpc::ClientContext second;
  EXPECT_EQ(quarantine_->DropQuarantined(&second, request, &response).error_code(),
            ::grpc::StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace barograph::server
