#include "storage/base/clock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace barograph {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();

Time At(std::int64_t nanos) { return Time(Duration(nanos)); }

TEST(TimeTextTest, TimesAreReadToTheNanosecond) {
  const auto reads = [](std::string_view text, std::int64_t nanos) {
    const Result<Time> time = ParseTime(text);
    ASSERT_TRUE(time.ok()) << text << ": " << time.error().message();
    EXPECT_EQ(time->time_since_epoch().count(), nanos) << text;
  };
  reads("1970-01-01T00:00:00Z", 0);
  reads("1970-01-01t00:00:00z", 0);
  reads("1970-01-01 00:00:00Z", 0);
  reads("1970-01-01T00:00:00-00:00", 0);
  reads("1970-01-01T01:00:00+01:00", 0);
  reads("1969-12-31T18:30:00-05:30", 0);
  reads("1970-01-01T00:00:00.5Z", 500'000'000);
  reads("1970-01-01T00:00:00.000000001Z", 1);
  reads("1969-12-31T23:59:59.999999999Z", -1);
  reads("2026-11-21T09:51:40.25Z", 1'795'254'700'250'000'000);
  reads("2000-02-29T00:00:00Z", 951'782'400'000'000'000);
  reads("2262-04-11T23:47:16.854775807Z", kMax);
  reads("1677-09-21T00:12:43.145224192Z", kMin);
}

TEST(TimeTextTest, WhatIsNoMomentIsRefusedWithTheReason) {
  const auto refuses = [](std::string_view text, std::string_view why) {
    const Result<Time> time = ParseTime(text);
    ASSERT_FALSE(time.ok()) << text;
    EXPECT_EQ(time.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(time.error().message(), HasSubstr(why)) << text;
  };
  refuses("", "RFC 3339");
  refuses("now", "RFC 3339");
  refuses("2026-11-21", "RFC 3339");
  refuses("2026-11-21T09:51:40", "offset");
  refuses("2026-11-21T09:51Z", "RFC 3339");
  refuses("2026-11-21T9:51:40Z", "RFC 3339");
  refuses("2026-11-21T09:51:40Z ", "RFC 3339");
  refuses("2026-11-21T09:51:40+24:00", "RFC 3339");
  refuses("2026-11-21T09:51:40+01:60", "RFC 3339");
  refuses("2026-11-21T09:51:40+0100", "RFC 3339");
  refuses("2026-11-21T09:51:40.Z", "fraction");
  refuses("2026-11-21T09:51:40.1234567890Z", "fraction");
  refuses("2016-12-31T23:59:60Z", "leap second");
  refuses("2026-11-21T24:00:00Z", "no day has");
  refuses("2026-11-21T09:60:00Z", "no day has");
  refuses("2026-11-21T09:51:61Z", "no day has");
  refuses("2026-02-29T00:00:00Z", "no calendar has");
  refuses("2026-13-01T00:00:00Z", "no calendar has");
  refuses("2026-00-01T00:00:00Z", "no calendar has");
  refuses("9999-12-31T23:59:59Z", "out of range");
  refuses("0000-01-01T00:00:00Z", "out of range");
  refuses("2262-04-11T23:47:16.854775808Z", "out of range");
  refuses("1677-09-21T00:12:43.145224191Z", "out of range");
}

TEST(TimeTextTest, TimesAreWrittenWithAsManyDigitsAsNeeded) {
  EXPECT_EQ(FormatTime(At(0)), "1970-01-01T00:00:00Z");
  EXPECT_EQ(FormatTime(At(1'795'254'700'250'000'000)), "2026-11-21T09:51:40.25Z");
  EXPECT_EQ(FormatTime(At(1)), "1970-01-01T00:00:00.000000001Z");
  EXPECT_EQ(FormatTime(At(-1)), "1969-12-31T23:59:59.999999999Z");
  EXPECT_EQ(FormatTime(At(kMax)), "2262-04-11T23:47:16.854775807Z");
  EXPECT_EQ(FormatTime(At(kMin)), "1677-09-21T00:12:43.145224192Z");
}

TEST(DurationTextTest, DurationsAreSumsOfNumbersWithUnits) {
  const auto reads = [](std::string_view text, Duration expected) {
    const Result<Duration> duration = ParseDuration(text);
    ASSERT_TRUE(duration.ok()) << text << ": " << duration.error().message();
    EXPECT_EQ(*duration, expected) << text;
  };
  reads("0s", seconds(0));
  reads("90s", seconds(90));
  reads("1h30m", minutes(90));
  reads("30d", hours(720));
  reads("2w", hours(336));
  reads("0.5s", milliseconds(500));
  reads("1.5h", minutes(90));
  reads("7us", nanoseconds(7'000));
  reads("1ns", nanoseconds(1));
  reads("0.000000001s", nanoseconds(1));
  reads("9223372036854775807ns", nanoseconds(kMax));
  reads("106751d23h47m16.854775807s", nanoseconds(kMax));
}

TEST(DurationTextTest, WhatIsNoDurationIsRefusedWithTheReason) {
  const auto refuses = [](std::string_view text, std::string_view why) {
    const Result<Duration> duration = ParseDuration(text);
    ASSERT_FALSE(duration.ok()) << text;
    EXPECT_THAT(duration.error().message(), HasSubstr(why)) << text;
  };
  refuses("", "no duration");
  refuses("-1h", "negative");
  refuses("5", "unit");
  refuses("5 s", "unit");
  refuses("1h 30m", "no duration");
  refuses("s", "no duration");
  refuses("1.2.3s", "no duration");
  refuses("1e3s", "unit");
  refuses("1M", "unit");
  refuses("0.5ns", "finer");
  refuses("9223372036854775808ns", "too long");
  refuses("106752d", "too long");
  refuses("99999999999999999999999999d", "no duration");
  refuses("99999999999999999999999d", "too long");
  refuses("9223372036854775807ns1ns", "too long");
}

TEST(DurationTextTest, DurationsAreWrittenShortAndReadBackAlike) {
  const auto writes = [](Duration duration, std::string_view text) {
    EXPECT_EQ(FormatDuration(duration), text);
    if (duration.count() < 0) return;
    const Result<Duration> back = ParseDuration(text);
    ASSERT_TRUE(back.ok()) << text;
    EXPECT_EQ(*back, duration) << text;
  };
  writes(seconds(0), "0s");
  writes(seconds(90), "1m30s");
  writes(hours(720), "30d");
  writes(milliseconds(300), "300ms");
  writes(milliseconds(1500), "1.5s");
  writes(nanoseconds(1'050'000), "1.05ms");
  writes(nanoseconds(1'001), "1.001us");
  writes(nanoseconds(1), "1ns");
  writes(hours(25) + milliseconds(1), "1d1h1ms");
  writes(nanoseconds(kMax), "106751d23h47m16.854775807s");
  writes(nanoseconds(kMin), "-106751d23h47m16.854775808s");
  writes(seconds(-90), "-1m30s");
}

TEST(ClockTest, TheBootClockDoesNotFollowWhenTheWallClockIsSet) {
  SimulatedClock clock(At(1'000));
  clock.Advance(nanoseconds(5));
  clock.StepWall(nanoseconds(-500));
  EXPECT_EQ(clock.WallNow(), At(505));
  EXPECT_EQ(clock.BootNow(), nanoseconds(5));
}

TEST(ClockTest, TheSystemClockReadsAPlausibleWallAndNeverGoesBack) {
  const SystemClock clock;
  const Result<Time> earliest = ParseTime("2024-01-01T00:00:00Z");
  ASSERT_TRUE(earliest.ok());
  EXPECT_GT(clock.WallNow(), *earliest);
  const Duration first = clock.BootNow();
  EXPECT_GE(clock.BootNow(), first);
}

}  // namespace
}  // namespace barograph
