#include "rules/measure/event_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "barograph/v1/event.pb.h"

namespace barograph::rules {
namespace {

std::string Text(const v1::Event& event, std::string_view name) {
  const std::string wire = event.SerializeAsString();
  storage::EventView view;
  EXPECT_TRUE(storage::ReadEvent(wire, storage::EventSource::kOutside, &view).ok());
  return EventText(view, name);
}

v1::Event Charge(const std::string& currency, std::int64_t units, std::int32_t nanos) {
  v1::Event event;
  event.set_agent("sales");
  event.set_task_id("t-7");
  (*event.mutable_labels())["method"] = "caching";
  v1::Payment& payment = *event.mutable_payment();
  payment.set_type(v1::Payment::CHARGE);
  payment.set_customer("acme");
  payment.mutable_amount()->set_currency_code(currency);
  payment.mutable_amount()->set_units(units);
  payment.mutable_amount()->set_nanos(nanos);
  return event;
}

TEST(EventTextTest, MoneyIsWrittenAsPeopleWritePrices) {
  EXPECT_EQ(Text(Charge("USD", 12, 500'000'000), "amount"), "12.50 USD");
  EXPECT_EQ(Text(Charge("USD", 12, 0), "amount"), "12.00 USD");
  EXPECT_EQ(Text(Charge("USD", 0, 123'456'789), "amount"), "0.123456789 USD");
  EXPECT_EQ(Text(Charge("JPY", 1'200, 0), "amount"), "1200 JPY");
  EXPECT_EQ(Text(Charge("EUR", 3, 0), "amount.value"), "3.00");
  EXPECT_EQ(Text(Charge("EUR", 3, 0), "amount.currency"), "EUR");
}

TEST(EventTextTest, FieldsDimensionsAndLabelsHaveNames) {
  const v1::Event event = Charge("USD", 1, 0);
  EXPECT_EQ(Text(event, "agent"), "sales");
  EXPECT_EQ(Text(event, "task_id"), "t-7");
  EXPECT_EQ(Text(event, "customer"), "acme");
  EXPECT_EQ(Text(event, "type"), "CHARGE");
  EXPECT_EQ(Text(event, "kind"), "payment");
  EXPECT_EQ(Text(event, "labels.method"), "caching");
  EXPECT_EQ(Text(event, "environment"), "production");
}

TEST(EventTextTest, WhatAnEventLacksIsEmpty) {
  const v1::Event event = Charge("USD", 1, 0);
  for (const std::string_view name : {"message", "score", "labels.team", "value", "route", "time"})
    EXPECT_EQ(Text(event, name), "") << name;
  v1::Event error;
  error.mutable_error()->set_message("disk full");
  EXPECT_EQ(Text(error, "message"), "disk full");
  EXPECT_EQ(Text(error, "amount"), "");
}

TEST(EventTextTest, NamesAreSortedAndHoldTheDimensions) {
  EXPECT_THAT(EventTextNames(), ::testing::IsSupersetOf({"customer", "message", "amount", "agent",
                                                         "task_id", "fingerprint"}));
  EXPECT_TRUE(std::is_sorted(EventTextNames().begin(), EventTextNames().end()));
}

}  // namespace
}  // namespace barograph::rules
