// Method: a simulated clock whose wall and boot time are moved apart by hand.
#include "server/partition/log_clock.h"

#include <gtest/gtest.h>

namespace barograph::server {
namespace {

using namespace std::chrono_literals;

constexpr Time kStart{std::chrono::hours(24 * 365 * 50)};

TEST(LogClockTest, StartsAtTheWallClockOrAtTheLastRecordWhicheverIsLater) {
  SimulatedClock clock(kStart);
  EXPECT_EQ(LogClock(clock, Time::min()).Now(), kStart);
  EXPECT_EQ(LogClock(clock, kStart - 1h).Now(), kStart);
  EXPECT_EQ(LogClock(clock, kStart + 1h).Now(), kStart + 1h);
}

TEST(LogClockTest, RunsWithTheBootClockWhileTheWallClockAgrees) {
  SimulatedClock clock(kStart);
  LogClock log_clock(clock, Time::min());
  clock.Advance(90s);
  EXPECT_EQ(log_clock.Now(), kStart + 90s);
  EXPECT_EQ(log_clock.WallDifference(), 0s);
}

TEST(LogClockTest, AWallClockStepOfADayMovesLogTimeByAtMostOnePercentOfWhatPasses) {
  const auto check = [](Duration step, Duration expected_after_100s) {
    SimulatedClock clock(kStart);
    LogClock log_clock(clock, Time::min());
    clock.StepWall(step);
    EXPECT_EQ(log_clock.Now(), kStart);
    EXPECT_EQ(log_clock.WallDifference(), step);
    Time last = kStart;
    for (int i = 0; i < 1000; ++i) {
      clock.Advance(100ms);
      const Time now = log_clock.Now();
      EXPECT_GT(now, last);
      last = now;
    }
    EXPECT_EQ(last, kStart + expected_after_100s);
  };
  check(24h, 101s);
  check(-24h, 99s);
}

TEST(LogClockTest, ASmallDifferenceIsSlewedAwayExactly) {
  SimulatedClock clock(kStart);
  LogClock log_clock(clock, Time::min());
  clock.StepWall(500ms);
  clock.Advance(100s);
  EXPECT_EQ(log_clock.Now(), kStart + 100s + 500ms);
  EXPECT_EQ(log_clock.WallDifference(), 0s);
}

TEST(LogClockTest, AFreezeThatStopsBothClocksIsMadeUpSlowly) {
  SimulatedClock clock(kStart);
  LogClock log_clock(clock, Time::min());
  clock.StepWall(8h);  // The machine was frozen: only the wall clock was set right afterwards.
  clock.Advance(10s);
  EXPECT_EQ(log_clock.Now(), kStart + 10s + 100ms);
}

TEST(LogClockTest, ASuspendThatTheBootClockCountedIsTakenOverAtOnce) {
  SimulatedClock clock(kStart);
  LogClock log_clock(clock, Time::min());
  clock.Advance(8h);
  EXPECT_EQ(log_clock.Now(), kStart + 8h);
}

}  // namespace
}  // namespace barograph::server
