#include "ingest/formats/event_json.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "ingest/formats/fleet.h"
#include "storage/event/event_view.h"

namespace barograph::ingest {
namespace {

using testing::HasSubstr;

v1::Event Read(std::string_view text) {
  const Result<std::string> wire = EncodeEventJson(text, FieldText());
  EXPECT_TRUE(wire.ok()) << text << ": " << (wire.ok() ? "" : wire.error().message());
  v1::Event event;
  EXPECT_TRUE(wire.ok() && event.ParseFromString(wire.value()));
  return event;
}

void Refuses(std::string_view text, std::string_view told) {
  const Result<std::string> wire = EncodeEventJson(text, FieldText());
  ASSERT_FALSE(wire.ok()) << text;
  EXPECT_THAT(wire.error().message(), HasSubstr(std::string(told)));
}

// Protobuf's own JSON printer is the reference for the mapping: what it writes is read as the same
// event.
TEST(EventJsonTest, WhatProtobufPrintsIsReadAsTheSameBytes) {
  Fleet fleet({.agents = 50,
               .start = Time(Duration(1'790'000'000'000'000'000)),
               .failure_ratio = 0.1,
               .ids = FleetIds::kRandom});
  std::string payload;
  fleet.Append(FleetFraming::kPayload, 2000, &payload);
  storage::PayloadReader reader(payload);
  for (std::string_view wire; reader.Next(&wire);) {
    v1::Event event;
    ASSERT_TRUE(event.ParseFromArray(wire.data(), static_cast<int>(wire.size())));
    for (const bool proto_names : {false, true}) {
      google::protobuf::util::JsonPrintOptions options;
      options.preserve_proto_field_names = proto_names;
      std::string json;
      ASSERT_TRUE(google::protobuf::util::MessageToJsonString(event, &json, options).ok());
      const Result<std::string> again = EncodeEventJson(json, FieldText());
      ASSERT_TRUE(again.ok()) << json << again.error().message();
      ASSERT_EQ(again.value(), EncodeEvent(event)) << json;
    }
  }
}

TEST(EventJsonTest, MoneyMayBeTextOrAnObject) {
  for (const char* amount : {R"("1.50 USD")", R"("USD 1.5")",
                             R"({"currencyCode": "USD", "units": "1", "nanos": 500000000})"}) {
    const v1::Event event =
        Read(std::string(R"({"payment": {"type": "charge", "amount": )") + amount + "}}");
    EXPECT_EQ(event.payment().type(), v1::Payment::CHARGE);
    EXPECT_EQ(event.payment().amount().currency_code(), "USD");
    EXPECT_EQ(event.payment().amount().units(), 1);
    EXPECT_EQ(event.payment().amount().nanos(), 500'000'000);
  }
}

TEST(EventJsonTest, WordsOfAnySystemAreUnderstood) {
  EXPECT_EQ(Read(R"({"error": {"severity": "SEV-1"}})").error().severity(), v1::CRITICAL);
  EXPECT_EQ(Read(R"({"error": {"severity": "error"}})").error().severity(), v1::ERROR);
  EXPECT_EQ(Read(R"({"error": {"severity": "fatal"}})").error().severity(), v1::CRITICAL);
  EXPECT_EQ(Read(R"({"task": {"status": "completed", "priority": "P1"}})").task().priority(),
            v1::Task::HIGH);
  EXPECT_EQ(Read(R"({"payment": {"type": "dispute-won"}})").payment().type(),
            v1::Payment::DISPUTE_WON);
  EXPECT_EQ(Read(R"({"payment": {"type": 2}})").payment().type(), v1::Payment::REFUND);
}

TEST(EventJsonTest, NumbersMayBeTextAndNothingIsLost) {
  EXPECT_EQ(Read(R"({"count": "18446744073709551615"})").count(), 18'446'744'073'709'551'615U);
  EXPECT_EQ(Read(R"({"cost": {"tokens": {"input": 9007199254740993}}})").cost().tokens().input(),
            9'007'199'254'740'993U);
  EXPECT_EQ(Read(R"({"sample": {"name": "x", "value": "0.1"}})").sample().value(), 0.1);
  EXPECT_EQ(Read(R"({"labels": {"n": 1.50, "ok": true}})").labels().at("n"), "1.50");
}

TEST(EventJsonTest, NullAndAbsentAreTheSame) {
  EXPECT_FALSE(Read(R"({"task": {"status": "STARTED", "quality": null, "deadline": null}})")
                   .task()
                   .has_quality());
}

TEST(EventJsonTest, MistakesNameTheirPathAndWhatWouldBeRight) {
  Refuses(R"({"cost": {"tokens": {"inputs": 1}}})",
          "cost.tokens: unknown field 'inputs'; did you mean 'input'?");
  Refuses(R"({"agnet": "a"})", "unknown field 'agnet'; did you mean 'agent'?");
  Refuses(R"({"payment": {"amount": "1.50"}})", "payment.amount: ");
  Refuses(R"({"payment": {"type": "CHRAGE"}})", "payment.type: 'CHRAGE' is none of CHARGE, REFUND");
  Refuses(R"({"task": {}, "cost": {}})", "cost: an event has one kind; it is 'task' already");
  Refuses(R"({"configApplied": {}})", "made by the server");
  Refuses(R"({"config_applied": {}})", "made by the server");
  Refuses(R"({"time": "soon"})", "time: 'soon' is not a time");
  Refuses(R"({"time": 5})", "time: must be text, not a number");
  Refuses(R"({"agent": 5})", "agent: must be text, not a number");
  Refuses(R"({"task": {"dependencies": "a"}})", "task.dependencies: must be a list, not text");
  Refuses(R"({"task": {"dependencies": ["a", 1]}})", "task.dependencies[1]: must be text");
  Refuses(R"({"sample": {"value": "NaN"}})", "sample.value: 'NaN' is not a finite number");
  Refuses(R"({"sample": {"value": 1e400}})", "not valid JSON");
  Refuses(R"({"count": -1})", "count: '-1' is not a whole number >= 0");
  Refuses(R"({"count": 1.5})", "count: '1.5' is not a whole number");
  Refuses(R"({"request": {"ok": "yes"}})", "request.ok: must be true or false, not text");
  Refuses(R"({"task": {"type": "a", "type": "b"}})", "key 'type' is given twice");
  Refuses(R"({"taskId": "a", "agent": "b")", "not valid JSON");
  Refuses("[]", "must be an object, not a list");
}

TEST(JsonTextTest, DepthAndSizeAreRefusedBeforeAnythingIsBuilt) {
  const std::string deep(1'000'000, '[');
  const Result<JsonValue> refused = ParseJson(deep);
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message(), HasSubstr("nested deeper than 32 levels"));
  EXPECT_TRUE(ParseJson(std::string(32, '[') + std::string(32, ']')).ok());
  EXPECT_FALSE(ParseJson(std::string(33, '[') + std::string(33, ']')).ok());
  Refuses("{\"agent\": \"" + std::string(300'000, 'a') + "\"}",
          "bytes of JSON; an event has at most");
}

TEST(JsonTextTest, NumbersKeepTheirText) {
  const Result<JsonValue> json =
      ParseJson(R"([2.5e-06, 0.10, -0, 123456789012345678901234567890, "x\n"])");
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(json->items[0].text, "2.5e-06");
  EXPECT_EQ(json->items[1].text, "0.10");
  EXPECT_EQ(json->items[3].text, "123456789012345678901234567890");
  EXPECT_EQ(json->ToText(), R"([2.5e-06,0.10,0,123456789012345678901234567890,"x\n"])");
}

}  // namespace
}  // namespace barograph::ingest
