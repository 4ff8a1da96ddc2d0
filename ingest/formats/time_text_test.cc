#include "ingest/formats/time_text.h"

#include <gtest/gtest.h>

namespace barograph::ingest {
namespace {

TEST(TimeTextTest, TimesAreReadInTheFormsThatPeopleWrite) {
  const auto zone = TimeText::Make("America/New_York");
  ASSERT_TRUE(zone.ok());
  const auto reads = [&](std::string_view text, std::string_view expected) {
    const Result<Time> time = zone->Parse(text);
    ASSERT_TRUE(time.ok()) << text;
    EXPECT_EQ(FormatTime(*time), expected) << text;
  };
  reads("2026-01-15T09:00:00Z", "2026-01-15T09:00:00Z");
  reads("2026-01-15T09:00:00.123456789+02:00", "2026-01-15T07:00:00.123456789Z");
  reads("2026-01-15T09:00:00", "2026-01-15T14:00:00Z");
  reads("2026-07-15 09:00:00.5", "2026-07-15T13:00:00.5Z");
  reads("2026-01-15 09:00", "2026-01-15T14:00:00Z");
  reads("2026-01-15", "2026-01-15T05:00:00Z");
  reads("2026-03-08 02:30:00", "2026-03-08T07:30:00Z");  // skipped by the change of clocks
  reads("2026-11-01 01:30:00", "2026-11-01T05:30:00Z");  // happens twice: the first
}

TEST(TimeTextTest, WhatIsNoTimeIsRefused) {
  const TimeText utc;
  for (const std::string_view text :
       {"", "yesterday", "infinite-future", "2026-13-01", "2026-01-15T25:00:00Z",
        "9999-01-01T00:00:00Z", "0001-01-01", "2026-01-15 trailing"}) {
    EXPECT_FALSE(utc.Parse(text).ok()) << text;
  }
  EXPECT_FALSE(TimeText::Make("Mars/Base").ok());
}

TEST(TimeTextTest, AFormatReadsFractionsToTheLastDigit) {
  const auto reads = [](std::string_view format, std::string_view text, std::string_view expected) {
    const auto form = TimeText::Make("UTC", format);
    ASSERT_TRUE(form.ok());
    const Result<Time> time = form->Parse(text);
    ASSERT_TRUE(time.ok()) << text;
    EXPECT_EQ(FormatTime(*time), expected) << text;
  };
  reads("%Y-%m-%d %H:%M:%E*S", "2023-11-16 18:15:46.6805900", "2023-11-16T18:15:46.68059Z");
  reads("%Y-%m-%d %H:%M:%E*S", "2023-11-16 18:15:46.6805901", "2023-11-16T18:15:46.6805901Z");
  reads("%Y%m%d", "19970101", "1997-01-01T00:00:00Z");
  reads("unix", "1700000000.000000001", "2023-11-14T22:13:20.000000001Z");
  reads("unix_ms", "1700000000123", "2023-11-14T22:13:20.123Z");
  EXPECT_FALSE(TimeText::Make("UTC", "%Y%m%d")->Parse("1997-01-01").ok());
  EXPECT_FALSE(TimeText::Make("UTC", "unix")->Parse("1e30").ok());
}

TEST(LenientDurationTest, DurationsAreReadAsPeopleWriteThem) {
  const auto reads = [](std::string_view text, Duration expected) {
    const Result<Duration> span = ParseLenientDuration(text);
    ASSERT_TRUE(span.ok()) << text;
    EXPECT_EQ(*span, expected) << text;
  };
  reads("3.5s", std::chrono::milliseconds(3500));
  reads("1h30m", std::chrono::minutes(90));
  reads("4_hours", std::chrono::hours(4));
  reads("90 minutes", std::chrono::minutes(90));
  reads("2.5 days", std::chrono::hours(60));
  for (const std::string_view text :
       {"", "hours", "-1 hour", "four hours", "99999999999999 days"}) {
    EXPECT_FALSE(ParseLenientDuration(text).ok()) << text;
  }
}

}  // namespace
}  // namespace barograph::ingest
