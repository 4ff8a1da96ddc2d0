// Method: requests are made with the generated messages and given as wire bytes, whole or damaged.
#include "ingest/admission/admission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "barograph/v1/ingest.pb.h"
#include "ingest/admission/limits.h"
#include "storage/base/limits.h"
#include "storage/event/event_view.h"

namespace barograph::ingest {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Time kNow{1'700'000'000s};

v1::Event Task(const std::string& id, const std::string& agent = "CMO") {
  v1::Event event;
  event.set_id(id);
  event.set_agent(agent);
  event.mutable_task()->set_status(v1::Task::COMPLETED);
  return event;
}
v1::Event At(v1::Event event, std::int64_t seconds) {
  event.mutable_time()->set_seconds(seconds);
  return event;
}
v1::Event NegativeCost() {
  v1::Event event;
  event.mutable_cost()->set_category(v1::Cost::MODEL);
  event.mutable_cost()->mutable_amount()->set_currency_code("USD");
  event.mutable_cost()->mutable_amount()->set_units(-1);
  return event;
}

v1::PublishRequest Request(const std::vector<v1::Event>& events) {
  v1::PublishRequest request;
  for (const v1::Event& event : events) *request.add_events() = event;
  return request;
}

Result<Batch> Admit(const std::string& wire, std::optional<Receipt>* receipt = nullptr) {
  return AdmitRequest(wire, {.tenant = "acme", .principal = "key-1"}, kNow + kFutureMax, receipt);
}
Result<Batch> Admit(const v1::PublishRequest& request) {
  return Admit(request.SerializeAsString());
}

std::vector<std::string> Events(const Batch& batch) {
  std::vector<std::string> events;
  storage::PayloadReader reader(batch.payload);
  for (std::string_view event; reader.Next(&event);) events.emplace_back(event);
  EXPECT_TRUE(reader.ok());
  return events;
}

TEST(AdmitRequestTest, GoodEventsEnterThePayloadUnchanged) {
  v1::PublishRequest request =
      Request({Task("a"), At(Task("b"), 1'699'999'990), At(Task("c"), 1'700'000'000)});
  request.set_producer_id("worker-7");
  request.set_epoch(2);
  request.set_first_sequence(41);
  const Result<Batch> batch = Admit(request);
  ASSERT_TRUE(batch.ok()) << batch.error().ToString();
  EXPECT_EQ(batch->tenant, "acme");
  EXPECT_EQ(batch->principal, "key-1");
  EXPECT_EQ(batch->producer, "worker-7");
  EXPECT_EQ(batch->epoch, 2U);
  EXPECT_EQ(batch->first_sequence, 41U);
  EXPECT_EQ(batch->offered, 3U);
  EXPECT_EQ(batch->accepted, 3U);
  EXPECT_EQ(batch->untimed, 1U);
  EXPECT_EQ(batch->min_time, Time(1'699'999'990s));
  EXPECT_EQ(batch->max_time, Time(1'700'000'000s));
  EXPECT_THAT(batch->rejected, IsEmpty());
  EXPECT_THAT(Events(*batch), ElementsAre(request.events(0).SerializeAsString(),
                                          request.events(1).SerializeAsString(),
                                          request.events(2).SerializeAsString()));
}

TEST(AdmitRequestTest, ABadEventGetsAVerdictByNameAndTheGoodOnesStay) {
  const Result<Batch> batch = Admit(Request({Task("a"), NegativeCost(), Task("c")}));
  ASSERT_TRUE(batch.ok());
  EXPECT_EQ(batch->accepted, 2U);
  EXPECT_EQ(batch->offered, 3U);
  ASSERT_THAT(batch->rejected, SizeIs(1));
  EXPECT_EQ(batch->rejected[0].index, 1U);
  EXPECT_THAT(batch->rejected[0].reason, HasSubstr("events[1].cost.amount"));
  EXPECT_THAT(Events(*batch), SizeIs(2));
  ASSERT_THAT(batch->ids, SizeIs(2));
  EXPECT_EQ(batch->ids[1].position, 1U);
  EXPECT_EQ(batch->ids[1].index, 2U);
}

TEST(AdmitRequestTest, AnEventTooFarAheadOfTheLogIsRejectedWithItsTime) {
  const Result<Batch> batch =
      Admit(Request({At(Task("a"), 1'700'000'300), At(Task("b"), 1'700'000'301)}));
  ASSERT_TRUE(batch.ok());
  EXPECT_EQ(batch->accepted, 1U);
  ASSERT_THAT(batch->rejected, SizeIs(1));
  EXPECT_THAT(batch->rejected[0].reason, HasSubstr("events[1].time: 2023-11-14T22:18:21Z"));
}

TEST(AdmitRequestTest, TheHashTellsOfferedBytesApartWhateverTheirVerdicts) {
  const auto hash = [](const v1::PublishRequest& request) { return Admit(request)->offered_hash; };
  const v1::Event ahead = At(Task("b"), 1'700'000'400);
  EXPECT_EQ(hash(Request({Task("a"), Task("b")})), hash(Request({Task("a"), Task("b")})));
  EXPECT_NE(hash(Request({Task("a"), Task("b")})), hash(Request({Task("a"), Task("c")})));
  EXPECT_NE(hash(Request({Task("a"), Task("b")})), hash(Request({Task("b"), Task("a")})));
  const std::string wire = Request({Task("a"), ahead, Task("c")}).SerializeAsString();
  const Result<Batch> early = AdmitRequest(wire, {}, kNow, nullptr);
  const Result<Batch> later = AdmitRequest(wire, {}, kNow + 1h, nullptr);
  EXPECT_THAT(early->rejected, SizeIs(1));
  EXPECT_THAT(later->rejected, IsEmpty());
  EXPECT_EQ(early->offered_hash, later->offered_hash);
}

TEST(AdmitRequestTest, IdsAreHashedOnlyForEventsWithoutProducerSequences) {
  v1::PublishRequest request = Request({Task("a"), Task(""), Task("a")});
  const Result<Batch> without = Admit(request);
  ASSERT_THAT(without->ids, SizeIs(2));
  EXPECT_EQ(without->ids[0].hash, without->ids[1].hash);
  EXPECT_EQ(without->ids[1].position, 2U);
  request.set_first_sequence(1);
  EXPECT_THAT(Admit(request)->ids, IsEmpty());
}

TEST(AdmitRequestTest, RefusesRequestsAsAWholeAndSaysWhy) {
  const auto refuses = [](const std::string& wire, ErrorCode code, std::string_view message) {
    const Result<Batch> batch = Admit(wire);
    ASSERT_FALSE(batch.ok()) << message;
    EXPECT_EQ(batch.error().code(), code) << batch.error().ToString();
    EXPECT_THAT(batch.error().message(), HasSubstr(message));
  };
  const auto wire = [](auto set) {
    v1::PublishRequest request = Request({Task("a")});
    set(&request);
    return request.SerializeAsString();
  };
  refuses(std::string(kBatchBytesMax + 1, '\0'), ErrorCode::kResourceExhausted, "at most 4194304");
  refuses(wire([](auto* request) {
            for (std::size_t i = 0; i < kBatchEventsMax; ++i) *request->add_events() = Task("x");
          }),
          ErrorCode::kResourceExhausted, "more than 10000");
  refuses(wire([](auto* request) { request->set_producer_id("p"); }), ErrorCode::kInvalidArgument,
          "first_sequence: 0");
  refuses(wire([](auto* request) { request->set_producer_id(std::string(129, 'p')); }),
          ErrorCode::kInvalidArgument, "producer_id: 129 bytes; at most 128");
  refuses(wire([](auto* request) { request->set_producer_id("a\nb"); }),
          ErrorCode::kInvalidArgument, "producer_id");
  refuses(wire([](auto* request) { request->set_first_sequence(kProducerSequenceMax + 1); }),
          ErrorCode::kInvalidArgument, "first_sequence");
  refuses(wire([](auto* request) { request->mutable_last_receipt()->set_sequence(4); }),
          ErrorCode::kInvalidArgument, "last_receipt");
  refuses("\x0a\x01p\x0a\x01q", ErrorCode::kInvalidArgument, "field 1 comes twice");
  refuses(
      "\x22\x05"
      "ab",
      ErrorCode::kInvalidArgument, "events[0]");
  refuses("\x23", ErrorCode::kInvalidArgument, "events[0]");
  refuses("\x3b", ErrorCode::kInvalidArgument, "unknown field");
  refuses("\x80", ErrorCode::kInvalidArgument, "request");
}

TEST(AdmitRequestTest, EveryTruncationIsRefusedOrReadAsAShorterRequest) {
  v1::PublishRequest request = Request({Task("a"), Task("b")});
  request.set_producer_id("p");
  request.set_first_sequence(9);
  const std::string wire = request.SerializeAsString();
  for (std::size_t size = 0; size < wire.size(); ++size) {
    v1::PublishRequest parsed;
    const bool readable = parsed.ParseFromString(wire.substr(0, size));
    const Result<Batch> batch = Admit(wire.substr(0, size));
    if (batch.ok()) {
      EXPECT_TRUE(readable) << size;
      EXPECT_EQ(batch->offered, static_cast<std::uint32_t>(parsed.events_size()));
    }
  }
}

TEST(AdmitRequestTest, ReadsTheLastReceiptAndPassesOverUnknownFields) {
  v1::PublishRequest request = Request({});
  request.mutable_last_receipt()->set_sequence(77);
  request.mutable_last_receipt()->set_link(std::string(32, 'L'));
  std::optional<Receipt> receipt;
  ASSERT_TRUE(Admit(request.SerializeAsString() + "\x7a\x02hi", &receipt).ok());
  ASSERT_TRUE(receipt.has_value());
  EXPECT_EQ(receipt->sequence.value, 77U);
  EXPECT_EQ(receipt->link[31], 'L');
}

TEST(BatchBuilderTest, MakesTheSameBatchAsARequest) {
  const v1::PublishRequest request =
      Request({Task("a"), NegativeCost(), At(Task("c"), 1'600'000'000)});
  BatchBuilder builder({.tenant = "acme", .principal = "key-1"}, kNow + kFutureMax);
  for (const v1::Event& event : request.events()) builder.Add(event.SerializeAsString());
  EXPECT_EQ(builder.offered(), 3U);
  const Batch built = builder.Take();
  const Result<Batch> admitted = Admit(request);
  EXPECT_EQ(built.payload, admitted->payload);
  EXPECT_EQ(built.offered_hash, admitted->offered_hash);
  EXPECT_EQ(built.rejected[0].reason, admitted->rejected[0].reason);
  EXPECT_EQ(builder.offered(), 0U);
}

TEST(BatchBuilderTest, AnEventThatCouldNotBeBuiltTakesItsPlace) {
  BatchBuilder builder({}, kNow);
  builder.Add(Task("a").SerializeAsString());
  builder.Reject("line 2: no such column");
  builder.Add(Task("c").SerializeAsString());
  const Batch batch = builder.Take();
  EXPECT_EQ(batch.offered, 3U);
  EXPECT_EQ(batch.accepted, 2U);
  EXPECT_EQ(batch.rejected[0].reason, "events[1].line 2: no such column");
}

TEST(CutTest, TheFrontLeavesWithItsVerdictsAndTheRestKeepsItsIndexes) {
  v1::PublishRequest request =
      Request({Task("a"), NegativeCost(), Task("c"), NegativeCost(), Task("e")});
  request.set_first_sequence(11);
  Batch batch = Admit(request).value();
  CutFront(&batch, 3);
  EXPECT_EQ(batch.first_sequence, 14U);
  EXPECT_EQ(batch.offered, 2U);
  EXPECT_EQ(batch.accepted, 1U);
  EXPECT_EQ(batch.cut_before, 3U);
  EXPECT_EQ(batch.offered_hash, 0U);
  ASSERT_THAT(batch.rejected, SizeIs(1));
  EXPECT_EQ(batch.rejected[0].index, 3U);
  EXPECT_THAT(Events(batch), ElementsAre(request.events(4).SerializeAsString()));
}

TEST(CutTest, SingleEventsLeaveThePayload) {
  const v1::PublishRequest request = Request({Task("a"), Task("b"), Task("c"), Task("d")});
  Batch batch = Admit(request).value();
  CutAccepted(&batch, {0, 2});
  EXPECT_EQ(batch.accepted, 2U);
  EXPECT_THAT(Events(batch), ElementsAre(request.events(1).SerializeAsString(),
                                         request.events(3).SerializeAsString()));
  CutAccepted(&batch, {0, 1});
  EXPECT_EQ(batch.accepted, 0U);
  EXPECT_THAT(batch.payload, IsEmpty());
}

TEST(DerivedEventIdTest, NamesProducerRecordAndIndex) {
  EXPECT_EQ(DerivedEventId("worker-7", 501, 3), "worker-7/501/3");
  EXPECT_EQ(DerivedKafkaEventId("agent.events", 2, 501, 3), "kafka:agent.events/2/501/3");
}

}  // namespace
}  // namespace barograph::ingest
