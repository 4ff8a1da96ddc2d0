#include "rules/outlook/trajectory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace barograph::rules {
namespace {

using std::chrono::days;
using std::chrono::hours;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

ForecastQuestion Days(std::size_t horizon) {
  ForecastQuestion question;
  question.step = days(1);
  question.horizon = horizon;
  question.never_negative = true;
  return question;
}

/// Revenue that grows by `growth` a day from `start`, less on two days of the week, with noise.
std::vector<double> Revenue(int count, double start, double growth) {
  std::vector<double> revenue;
  for (int day = 0; day < count; ++day) {
    const double season = day % 7 >= 5 ? 0.7 : 1.12;
    revenue.push_back((start + growth * day) * season * (1 + 0.08 * std::sin(day * 12.9898)));
  }
  return revenue;
}

TEST(TrajectoryTest, TotalsLieAroundWhatTheStepsAddUpTo) {
  const Trajectory trajectory = TrajectoryOf(Days(30), std::nullopt, Revenue(210, 200, 0));
  ASSERT_THAT(trajectory.cannot_say, IsEmpty());
  EXPECT_THAT(trajectory.steps, SizeIs(30));
  EXPECT_THAT(trajectory.models, Not(IsEmpty()));
  EXPECT_FALSE(trajectory.held.has_value());
  ASSERT_THAT(trajectory.totals, SizeIs(2));
  double week = 0, narrow = 0;
  for (int day = 0; day < 7; ++day) {
    week += trajectory.steps[day].median;
    narrow += trajectory.steps[day].high_80 - trajectory.steps[day].low_80;
  }
  const auto& total = trajectory.totals[0];
  EXPECT_EQ(total.steps, 7U);
  EXPECT_NEAR(total.sum.median, week, 0.05 * week);
  EXPECT_LT(total.sum.low_95, total.sum.low_80);
  EXPECT_LT(total.sum.high_80 - total.sum.low_80, narrow);
  EXPECT_NEAR(total.sum.median, 7 * 200, 0.1 * 7 * 200);
}

TEST(TrajectoryTest, ALevelIsHeldFromAboutTheDayOnWhichItsTrendCrossesIt) {
  // 200 a day now; 300 is 100 days away at 1 a day.
  const Trajectory trajectory = TrajectoryOf(Days(7), LevelAsked{300, true}, Revenue(200, 0, 1));
  ASSERT_TRUE(trajectory.held.has_value());
  EXPECT_THAT(trajectory.held->cannot_say, IsEmpty());
  EXPECT_EQ(trajectory.held->within, 200U);
  ASSERT_TRUE(trajectory.held->median.has_value());
  EXPECT_NEAR(static_cast<double>(*trajectory.held->median), 100, 35);
  EXPECT_LE(*trajectory.held->early, *trajectory.held->median);
}

TEST(TrajectoryTest, ALevelThatIsHeldAlreadyIsHeldFromTheNextStep) {
  const Trajectory above = TrajectoryOf(Days(7), LevelAsked{100, true}, Revenue(200, 200, 0));
  EXPECT_EQ(above.held->median, 0U);
  EXPECT_GT(above.held->probability, 0.9);
  const Trajectory below = TrajectoryOf(Days(7), LevelAsked{300, false}, Revenue(200, 200, 0));
  EXPECT_EQ(below.held->median, 0U);
}

TEST(TrajectoryTest, ALevelOutOfReachIsNotHeldWithinTheYear) {
  const Trajectory trajectory =
      TrajectoryOf(Days(7), LevelAsked{5'000, true}, Revenue(200, 200, 0));
  EXPECT_LT(trajectory.held->probability, 0.05);
  EXPECT_FALSE(trajectory.held->median.has_value());
}

TEST(TrajectoryTest, AShortHistoryLooksNoFurtherThanItCarries) {
  const Trajectory trajectory = TrajectoryOf(Days(7), LevelAsked{100, true}, Revenue(30, 200, 0));
  ASSERT_THAT(trajectory.cannot_say, IsEmpty());
  EXPECT_EQ(trajectory.held->within, 30U);
  // 16 days carry 40 steps, of which the last 28 only show that a level is held.
  const Trajectory little = TrajectoryOf(Days(7), LevelAsked{100, true}, Revenue(16, 200, 0));
  ASSERT_TRUE(little.held.has_value());
  EXPECT_THAT(little.held->cannot_say, IsEmpty());
  EXPECT_EQ(little.held->within, 40U - 28U);
  const Trajectory none = TrajectoryOf(Days(30), LevelAsked{100, true}, Revenue(11, 200, 0));
  EXPECT_THAT(none.cannot_say, HasSubstr("11 values are known"));
  EXPECT_FALSE(none.held.has_value());
}

TEST(TrajectoryTest, ASampledLevelHasNoTotalsAndIsAtItsLimitTheFirstTime) {
  ForecastQuestion question = Days(48);
  question.step = hours(1);
  question.is_level = true;
  std::vector<double> disk;
  for (int hour = 0; hour < 96; ++hour)
    disk.push_back(40 + 0.5 * hour + 0.1 * std::sin(hour * 2.3));
  const Trajectory trajectory = TrajectoryOf(question, LevelAsked{95, true}, disk);
  EXPECT_THAT(trajectory.totals, IsEmpty());
  ASSERT_TRUE(trajectory.held->median.has_value());
  EXPECT_NEAR(static_cast<double>(*trajectory.held->median), 15, 4);
  EXPECT_EQ(trajectory.held->within, 96U);
}

}  // namespace
}  // namespace barograph::rules
