#include "server/app/stop_guard.h"

#include <absl/time/clock.h>
#include <gtest/gtest.h>

#include "server/app/logging.h"
#include "server/cli/command.h"

namespace barograph::server {
namespace {

TEST(StopGuardTest, LetsGoWhatEndsInTime) {
  const SystemClock clock;
  const Duration start = clock.BootNow();
  { const StopGuard guard(std::chrono::minutes(10)); }
  EXPECT_LT(clock.BootNow() - start, std::chrono::minutes(1));
}

TEST(StopGuardDeathTest, EndsAProcessThatHangs) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        ASSERT_TRUE(SetUpLogging({}).ok());
        const StopGuard guard(std::chrono::milliseconds(20));
        absl::SleepFor(absl::Minutes(1));
      },
      testing::ExitedWithCode(kExitFailed), "could be stopped within 20ms");
}

}  // namespace
}  // namespace barograph::server
