#include "rules/outlook/answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace barograph::rules {
namespace {

using std::chrono::days;
using std::chrono::hours;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr Time kStart = Time(days(20'000));
constexpr double kBillion = 1e9;

double Probability(const storage::ForecastIssued& issued) {
  return static_cast<double>(issued.probability_ppb) / kBillion;
}

ForecastQuestion Level(double bound, std::size_t horizon) {
  ForecastQuestion question;
  question.is_level = true;
  question.begin = kStart;
  question.step = hours(1);
  question.horizon = horizon;
  question.bound = bound;
  question.text = "reaches";
  return question;
}

/// A disk that takes half a percent an hour, and a little up and down.
std::vector<double> FillingDisk() {
  std::vector<double> disk;
  for (int hour = 0; hour < 96; ++hour)
    disk.push_back(40 + 0.5 * hour + 0.1 * std::sin(hour * 2.3));
  return disk;  // ends near 87.5
}

TEST(AnswerTest, ADiskThatFillsIsFullWhenItsTrendSays) {
  const storage::ForecastIssued soon = AnswerTo(Level(95, 48), FillingDisk());
  ASSERT_THAT(soon.cannot_say, IsEmpty()) << soon.cannot_say;
  EXPECT_GT(Probability(soon), 0.95);
  ASSERT_TRUE(soon.times.median.has_value());
  EXPECT_NEAR(static_cast<double>((*soon.times.median - kStart) / hours(1)), 15, 4);
  EXPECT_LE(*soon.times.early, *soon.times.median);
  EXPECT_THAT(soon.steps, SizeIs(48));
  EXPECT_THAT(soon.model, Not(IsEmpty()));
  const storage::ForecastIssued never = AnswerTo(Level(200, 48), FillingDisk());
  EXPECT_LT(Probability(never), 0.05);
  EXPECT_FALSE(never.times.median.has_value());
}

TEST(AnswerTest, TheSameHistoryGivesTheSameAnswer) {
  const auto once = AnswerTo(Level(95, 24), FillingDisk());
  const auto again = AnswerTo(Level(95, 24), FillingDisk());
  EXPECT_EQ(once.probability_ppb, again.probability_ppb);
  EXPECT_EQ(once.steps, again.steps);
}

TEST(AnswerTest, ABudgetIsGoneOrNotByWhatAWeekUsuallyBrings) {
  ForecastQuestion question;
  question.form = ForecastQuestion::Form::kExceed;
  question.never_negative = true;
  question.begin = kStart;
  question.step = days(1);
  question.horizon = 10;
  question.already = 200;
  std::vector<double> spend;
  spend.reserve(60);
  for (int day = 0; day < 60; ++day) spend.push_back(10 + (day * 7 % 5) * 0.5);  // about 11 a day
  question.bound = 270;
  EXPECT_GT(Probability(AnswerTo(question, spend)), 0.95);
  question.bound = 400;
  EXPECT_LT(Probability(AnswerTo(question, spend)), 0.05);
  question.bound = 200;
  EXPECT_EQ(Probability(AnswerTo(question, spend)), 1) << "it is gone already";
}

TEST(AnswerTest, OneGoodDayIsNotYetEarningThatMuchADay) {
  ForecastQuestion question;
  question.never_negative = true;
  question.begin = kStart;
  question.step = days(1);
  question.horizon = 14;
  question.bound = 300;
  std::vector<double> revenue;
  revenue.reserve(90);
  for (int day = 0; day < 90; ++day) revenue.push_back(day % 7 == 3 ? 400 : 100 + day % 3);
  EXPECT_LT(Probability(AnswerTo(question, revenue)), 0.05) << "400 come every week";
}

TEST(AnswerTest, TooShortAHistoryCannotSayWhy) {
  const storage::ForecastIssued issued = AnswerTo(Level(95, 48), {1, 2, 3});
  EXPECT_THAT(issued.cannot_say, Not(IsEmpty()));
  EXPECT_THAT(issued.steps, IsEmpty());
  EXPECT_EQ(issued.probability_ppb, 0);
  EXPECT_THAT(AnswerTo(Level(95, 48), {}).cannot_say, Not(IsEmpty()));
}

}  // namespace
}  // namespace barograph::rules
