#include "rules/alert/mute_clock.h"

#include <gtest/gtest.h>

namespace barograph::rules {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

Time At(const char* text) { return ParseTime(text).value(); }

/// Europe/Berlin around the change of 2026-03-29 02:00 to 03:00 and of 2026-10-25 03:00 to 02:00.
MuteTimeSpec Berlin(std::int32_t from, std::int32_t to, std::uint8_t weekdays = 0x7F) {
  return {.name = "nights",
          .weekdays = weekdays,
          .from_minute = from,
          .to_minute = to,
          .timezone = "Europe/Berlin",
          .offsets = {{At("2025-10-26T01:00:00Z"), 3600},
                      {At("2026-03-29T01:00:00Z"), 7200},
                      {At("2026-10-25T01:00:00Z"), 3600}}};
}

TEST(MuteClockTest, HoursAreThoseOfTheZone) {
  const MuteTimeSpec nights = Berlin(22 * 60, 6 * 60);
  EXPECT_FALSE(IsMuted(nights, At("2026-07-01T19:59:59Z")));  // 21:59:59 in summer
  EXPECT_TRUE(IsMuted(nights, At("2026-07-01T20:00:00Z")));
  EXPECT_TRUE(IsMuted(nights, At("2026-07-02T03:59:59Z")));
  EXPECT_FALSE(IsMuted(nights, At("2026-07-02T04:00:00Z")));
  EXPECT_FALSE(IsMuted(nights, At("2026-12-01T20:30:00Z")));  // 21:30 in winter
  EXPECT_TRUE(IsMuted(nights, At("2026-12-01T21:00:00Z")));
  EXPECT_EQ(MuteEnd(nights, At("2026-07-01T23:00:00Z")), At("2026-07-02T04:00:00Z"));
}

TEST(MuteClockTest, WeekdayIsThatOnWhichTheHoursBegin) {
  const MuteTimeSpec friday = Berlin(22 * 60, 6 * 60, 1U << 4U);
  EXPECT_TRUE(IsMuted(friday, At("2026-11-20T23:00:00Z")));   // Saturday 00:00, since Friday
  EXPECT_FALSE(IsMuted(friday, At("2026-11-21T23:00:00Z")));  // Sunday 00:00
  const MuteTimeSpec weekend = Berlin(0, 24 * 60, 0x60);
  EXPECT_FALSE(IsMuted(weekend, At("2026-11-20T22:59:59Z")));
  EXPECT_TRUE(IsMuted(weekend, At("2026-11-20T23:00:00Z")));
  EXPECT_FALSE(IsMuted(weekend, At("2026-11-22T23:00:00Z")));
}

TEST(MuteClockTest, NightInWhichClocksChangeEndsByTheClockOfTheMorning) {
  const MuteTimeSpec nights = Berlin(22 * 60, 6 * 60);
  EXPECT_EQ(MuteEnd(nights, At("2026-03-28T22:00:00Z")), At("2026-03-29T04:00:00Z"));
  EXPECT_EQ(MuteEnd(nights, At("2026-10-24T22:00:00Z")), At("2026-10-25T05:00:00Z"));
}

TEST(MuteClockTest, WithoutOffsetsHoursAreUtcAlsoBefore1970) {
  const MuteTimeSpec nights = {.name = "n", .from_minute = 60, .to_minute = 120};
  EXPECT_TRUE(IsMuted(nights, Time(-hours(23) + minutes(30))));
  EXPECT_FALSE(IsMuted(nights, Time(-hours(22))));
  EXPECT_TRUE(IsMuted(nights, Time(hours(1))));
}

}  // namespace
}  // namespace barograph::rules
