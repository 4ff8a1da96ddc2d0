#include "server/app/stop_watch.h"

#include <absl/time/clock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include "server/app/logging.h"
#include "server/cli/command.h"

namespace barograph::server {
namespace {

// Method: each case is a process of its own, because signals belong to a whole process.
class StopWatchDeathTest : public testing::Test {
 protected:
  StopWatchDeathTest() { GTEST_FLAG_SET(death_test_style, "threadsafe"); }
};

TEST_F(StopWatchDeathTest, EndsAProcessThatHangsAfterTheSignalToStop) {
  for (const int signal : {SIGTERM, SIGINT}) {
    EXPECT_EXIT(
        {
          Signals signals;  // before the logger's thread, which inherits what is blocked
          ASSERT_TRUE(SetUpLogging({}).ok());
          const StopWatch watch(signals, std::chrono::milliseconds(20));
          ::kill(::getpid(), signal);
          absl::SleepFor(absl::Minutes(1));
        },
        testing::ExitedWithCode(kExitFailed), "could be stopped within 20ms");
  }
}

TEST_F(StopWatchDeathTest, SaysThatTheSignalCameAndLetsGoWhatEndsInTime) {
  EXPECT_EXIT(
      {
        Signals signals;
        {
          const StopWatch watch(signals, std::chrono::minutes(1));
          ::kill(::getpid(), SIGTERM);
          while (!watch.stopped()) absl::SleepFor(absl::Milliseconds(1));
        }
        std::_Exit(kExitDone);
      },
      testing::ExitedWithCode(kExitDone), "");
}

TEST_F(StopWatchDeathTest, LetsAProcessRunThatNobodyStops) {
  EXPECT_EXIT(
      {
        Signals signals;
        const StopWatch watch(signals, std::chrono::milliseconds(1));
        absl::SleepFor(absl::Milliseconds(300));
        std::_Exit(watch.stopped() ? kExitFailed : kExitDone);
      },
      testing::ExitedWithCode(kExitDone), "");
}

}  // namespace
}  // namespace barograph::server
