// Method: librdkafka's mock cluster, in this process.
#include "ingest/kafka/record_producer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <string>

#include "ingest/kafka/handles.h"
#include "ingest/kafka/topic_bench.h"

namespace barograph::ingest {
namespace {

using testing::HasSubstr;

class RecordProducerTest : public testing::Test {
 protected:
  void SetUp() override {
    client_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), nullptr, 0));
    cluster_ = rd_kafka_mock_cluster_new(client_.get(), 1);
    ASSERT_NE(cluster_, nullptr);
    ASSERT_EQ(rd_kafka_mock_topic_create(cluster_, "agents", 2, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    brokers_ = rd_kafka_mock_cluster_bootstraps(cluster_);
  }
  void TearDown() override {
    if (cluster_ != nullptr) rd_kafka_mock_cluster_destroy(cluster_);
  }

  KafkaClient client_;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
  std::string brokers_;
};

TEST_F(RecordProducerTest, WhatIsDeliveredCanBeCounted) {
  const auto producer = RecordProducer::Open({.brokers = brokers_, .properties = {}});
  ASSERT_TRUE(producer.ok()) << producer.error().ToString();
  for (int i = 0; i < 1'000; ++i) {
    const std::string value = "event " + std::to_string(i);
    const Status sent = (*producer)->Send({.topic = "agents",
                                           .partition = i % 2,
                                           .key = "cfo",
                                           .value = value,
                                           .headers = {{"ce_type", "com.example.cost"}}});
    ASSERT_TRUE(sent.ok()) << sent.error().ToString();
  }
  const Status flushed = (*producer)->Flush(std::chrono::seconds(30));
  ASSERT_TRUE(flushed.ok()) << flushed.error().ToString();
  EXPECT_EQ((*producer)->delivered(), 1'000U);
  EXPECT_EQ((*producer)->failed(), 0U);
  const SystemClock clock;
  const auto counted = CountTopic(brokers_, "agents", 2, 1'000, clock, std::chrono::seconds(30));
  ASSERT_TRUE(counted.ok()) << counted.error().ToString();
  EXPECT_EQ(counted->records, 1'000U);
}

TEST_F(RecordProducerTest, ARecordThatIsGivenUpIsCountedAndTold) {
  const auto producer =
      RecordProducer::Open({.brokers = brokers_, .properties = {{"delivery.timeout.ms", "500"}}});
  ASSERT_TRUE(producer.ok()) << producer.error().ToString();
  rd_kafka_mock_broker_set_down(cluster_, 1);
  ASSERT_TRUE((*producer)->Send({.topic = "agents", .key = "", .value = "x", .headers = {}}).ok());
  const Status flushed = (*producer)->Flush(std::chrono::seconds(20));
  ASSERT_FALSE(flushed.ok());
  EXPECT_EQ(flushed.error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ((*producer)->failed(), 1U);
}

TEST_F(RecordProducerTest, AMisspeltPropertyIsRefusedByName) {
  const auto producer =
      RecordProducer::Open({.brokers = brokers_, .properties = {{"acks.all", "true"}}});
  ASSERT_FALSE(producer.ok());
  EXPECT_THAT(producer.error().message(), HasSubstr("acks.all"));
}

TEST_F(RecordProducerTest, ARecordLargerThanTheLimitIsRefusedAtOnce) {
  const auto producer =
      RecordProducer::Open({.brokers = brokers_, .properties = {{"message.max.bytes", "1000"}}});
  ASSERT_TRUE(producer.ok()) << producer.error().ToString();
  const std::string value(2'000, 'x');
  const Status sent =
      (*producer)->Send({.topic = "agents", .key = "", .value = value, .headers = {}});
  ASSERT_FALSE(sent.ok());
  EXPECT_EQ(sent.error().code(), ErrorCode::kInvalidArgument);
}

TEST_F(RecordProducerTest, RecordsThatDoNotComeAreNotAwaitedForEver) {
  const SystemClock clock;
  const auto counted = CountTopic(brokers_, "agents", 2, 1, clock, std::chrono::milliseconds(300));
  ASSERT_FALSE(counted.ok());
  EXPECT_EQ(counted.error().code(), ErrorCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace barograph::ingest
