#include "rules/spec/calendar.h"

#include <gtest/gtest.h>

namespace barograph::rules {
namespace {

TEST(CalendarTest, ItsTextNamesItAndReadsBack) {
  for (const char* text : {"day@UTC", "week@Europe/Berlin", "month@Asia/Kolkata",
                           "quarter@America/New_York", "year@UTC", "2026-11-01..2026-12-31@UTC"}) {
    const Result<Calendar> calendar = Calendar::Parse(text);
    ASSERT_TRUE(calendar.ok()) << text;
    EXPECT_EQ(calendar->Text(), text);
  }
}

TEST(CalendarTest, WhatIsNoCalendarIsRefused) {
  for (const char* text :
       {"", "day", "day@", "@UTC", "fortnight@UTC", "2026-11-01@UTC", "2026-12-31..2026-11-01@UTC",
        "2026-02-29..2026-03-01@UTC", "26-11-01..26-12-01@UTC"}) {
    EXPECT_FALSE(Calendar::Parse(text).ok()) << text;
  }
}

TEST(CalendarTest, ADateIsOneThatExists) {
  EXPECT_TRUE(IsDate("2028-02-29"));
  EXPECT_FALSE(IsDate("2026-02-29"));
  EXPECT_FALSE(IsDate("2026-13-01"));
  EXPECT_FALSE(IsDate("2026-1-01"));
  EXPECT_FALSE(IsDate("2026-11-0x"));
}

}  // namespace
}  // namespace barograph::rules
