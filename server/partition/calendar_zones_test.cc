#include "server/partition/calendar_zones.h"

#include <gtest/gtest.h>

namespace barograph::server {
namespace {

using rules::Calendar;
using Unit = Calendar::Unit;

Time At(const char* text) { return *ParseTime(text); }

std::string Bounds(const Calendar& calendar, const char* at) {
  const auto period = PeriodOf(calendar, At(at));
  return period ? FormatTime(period->start) + " " + FormatTime(period->end) : "none";
}

TEST(CalendarZonesTest, ADayOfAZoneHas23Or25HoursWhenTheClockChanges) {
  const Calendar day{Unit::kDay, "America/New_York", "", ""};
  EXPECT_EQ(Bounds(day, "2026-11-21T12:00:00Z"), "2026-11-21T05:00:00Z 2026-11-22T05:00:00Z");
  EXPECT_EQ(Bounds(day, "2026-11-01T12:00:00Z"), "2026-11-01T04:00:00Z 2026-11-02T05:00:00Z");
  EXPECT_EQ(Bounds(day, "2026-03-08T12:00:00Z"), "2026-03-08T05:00:00Z 2026-03-09T04:00:00Z");
}

TEST(CalendarZonesTest, APeriodHoldsItsFirstMomentAndNotItsEnd) {
  const Calendar day{Unit::kDay, "UTC", "", ""};
  EXPECT_EQ(Bounds(day, "2026-11-21T00:00:00Z"), "2026-11-21T00:00:00Z 2026-11-22T00:00:00Z");
  EXPECT_EQ(Bounds(day, "2026-11-20T23:59:59.999999999Z"),
            "2026-11-20T00:00:00Z 2026-11-21T00:00:00Z");
}

TEST(CalendarZonesTest, ADayWhoseMidnightIsSkippedBeginsAfterIt) {
  const Calendar day{Unit::kDay, "America/Havana", "", ""};
  EXPECT_EQ(Bounds(day, "2026-03-08T12:00:00Z"), "2026-03-08T05:00:00Z 2026-03-09T04:00:00Z");
}

TEST(CalendarZonesTest, WeeksBeginOnMondays) {
  const Calendar week{Unit::kWeek, "Europe/Berlin", "", ""};
  EXPECT_EQ(Bounds(week, "2026-11-22T22:00:00Z"), "2026-11-15T23:00:00Z 2026-11-22T23:00:00Z");
  EXPECT_EQ(Bounds(week, "2026-11-16T00:00:00Z"), "2026-11-15T23:00:00Z 2026-11-22T23:00:00Z");
}

TEST(CalendarZonesTest, MonthsQuartersAndYearsCrossTheTurnOfTheYear) {
  EXPECT_EQ(Bounds({Unit::kMonth, "Asia/Kolkata", "", ""}, "2026-12-31T18:29:59Z"),
            "2026-11-30T18:30:00Z 2026-12-31T18:30:00Z");
  EXPECT_EQ(Bounds({Unit::kQuarter, "UTC", "", ""}, "2026-12-31T12:00:00Z"),
            "2026-10-01T00:00:00Z 2027-01-01T00:00:00Z");
  EXPECT_EQ(Bounds({Unit::kYear, "UTC", "", ""}, "2028-02-29T12:00:00Z"),
            "2028-01-01T00:00:00Z 2029-01-01T00:00:00Z");
}

TEST(CalendarZonesTest, DatesAreOnePeriodWithBothEndsIncluded) {
  const Calendar dates{Unit::kDates, "Europe/Berlin", "2026-11-01", "2026-12-31"};
  EXPECT_EQ(Bounds(dates, "2020-01-01T00:00:00Z"), "2026-10-31T23:00:00Z 2026-12-31T23:00:00Z");
}

TEST(CalendarZonesTest, AnUnknownZoneHasNoPeriods) {
  EXPECT_EQ(Bounds({Unit::kDay, "Mars/Olympus", "", ""}, "2026-11-21T00:00:00Z"), "none");
}

}  // namespace
}  // namespace barograph::server
