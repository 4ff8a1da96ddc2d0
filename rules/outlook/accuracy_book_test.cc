#include "rules/outlook/accuracy_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

// Method: forecasts made by hand, whose n-th step says 10 n within 10 n -+ 1 (80 %) and -+ 3
// (95 %), and numbers that came, by the hour or day at which their step begins.

namespace barograph::rules {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::seconds;
using storage::ForecastIssued;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr Time kStart = Time(days(20'000));
constexpr Int128 kUnit = 1'000'000'000;

ForecastIssued Forecast(Duration end, seconds step, int steps, std::string agent = "a") {
  ForecastIssued forecast;
  forecast.rule = "spend";
  forecast.labels = {{"agent", std::move(agent)}};
  forecast.measure = "cost";
  forecast.currency_code = "USD";
  forecast.history_end = kStart + end;
  forecast.at = forecast.history_end + seconds(5);
  forecast.step = step;
  for (int i = 1; i <= steps; ++i) {
    const double said = 10.0 * i;
    forecast.steps.push_back({said, said - 1, said + 1, said - 3, said + 3});
  }
  return forecast;
}

ForecastIssued Refused(Duration end, std::string reason) {
  ForecastIssued forecast = Forecast(end, hours(1), 0);
  forecast.cannot_say = std::move(reason);
  return forecast;
}

class AccuracyBookTest : public ::testing::Test {
 protected:
  void Apply(const ForecastIssued& forecast, std::string_view source = "cost") {
    book_.Apply(forecast, source, [this](Time from, Time to) -> std::optional<Int128> {
      asked_.emplace_back(from - kStart, to - kStart);
      const auto came = came_.find(from - kStart);
      if (came == came_.end()) return std::nullopt;
      return came->second * kUnit;
    });
  }
  ForecastAccuracy Only() {
    EXPECT_THAT(book_.All(), SizeIs(1));
    return book_.All().at(0);
  }
  AccuracyScore Score(seconds step, std::uint32_t steps) { return Only().scores.at({step, steps}); }
  static std::string CanonicalOf(const AccuracyBook& book) {
    std::string bytes;
    book.Canonical([&](std::string_view piece) { bytes.append(piece).append("|"); });
    return bytes;
  }
  std::map<Duration, int> came_;
  std::vector<std::pair<Duration, Duration>> asked_;
  AccuracyBook book_;
};

TEST_F(AccuracyBookTest, AStepIsScoredOnceItIsOver) {
  came_ = {{hours(0), 11}, {hours(1), 12}, {hours(2), 14}};
  Apply(Forecast(hours(0), hours(1), 3));
  EXPECT_EQ(Score(hours(1), 1).open, 1U);
  EXPECT_EQ(Score(hours(1), 1).scored, 0U);
  Apply(Forecast(hours(1), hours(1), 3));
  Apply(Forecast(hours(2), hours(1), 3));
  Apply(Forecast(hours(3), hours(1), 3));
  EXPECT_THAT(asked_, ElementsAre(Pair(hours(0), hours(1)), Pair(hours(1), hours(2)),
                                  Pair(hours(2), hours(3))));
  const AccuracyScore score = Score(hours(1), 1);
  EXPECT_EQ(score.scored, 3U);
  EXPECT_EQ(score.open, 1U);
  EXPECT_EQ(score.inside_80, 1U) << "11";
  EXPECT_EQ(score.inside_95, 2U) << "11 and 12, not 14";
  EXPECT_DOUBLE_EQ(*score.MeanAbsoluteError(), 7.0 / 3);
  EXPECT_DOUBLE_EQ(*score.Bias(), -7.0 / 3);
  EXPECT_DOUBLE_EQ(*score.Wape(), 7.0 / 37);
  EXPECT_THAT(Only().scores, SizeIs(1)) << "three steps reach no other horizon";
  EXPECT_EQ(Only().issued, 4U);
  EXPECT_EQ(Only().since, kStart + seconds(5));
}

TEST_F(AccuracyBookTest, EachHorizonHasItsOwnScore) {
  came_ = {{hours(0), 10}, {hours(5), 62}, {hours(23), 250}};
  Apply(Forecast(hours(0), hours(1), 48));
  EXPECT_THAT(asked_, IsEmpty());
  Apply(Refused(hours(24), "too wild"));
  EXPECT_DOUBLE_EQ(*Score(hours(1), 1).Bias(), 0);
  EXPECT_DOUBLE_EQ(*Score(hours(1), 6).Bias(), -2);
  EXPECT_DOUBLE_EQ(*Score(hours(1), 24).Bias(), -10);
  EXPECT_EQ(Score(hours(1), 24).open, 0U);
}

TEST_F(AccuracyBookTest, OfForecastsByTheDayOneADayIsScored) {
  came_ = {{hours(0), 10}, {hours(25), 10}};
  for (int hour = 0; hour < 24; ++hour) Apply(Forecast(hours(hour), days(1), 7));
  EXPECT_EQ(Only().repeated, 23U);
  EXPECT_EQ(Score(days(1), 1).open, 1U);
  // An hour was missed: the next one counts from its own history on.
  Apply(Forecast(hours(25), days(1), 7));
  Apply(Forecast(hours(48), days(1), 7));
  Apply(Forecast(hours(49), days(1), 7));
  EXPECT_EQ(Only().repeated, 24U);
  EXPECT_EQ(Score(days(1), 1).scored, 2U);
  EXPECT_EQ(Score(days(1), 7).open, 3U);
}

TEST_F(AccuracyBookTest, AStepWithoutSamplesIsCountedAndNotScored) {
  Apply(Forecast(hours(0), hours(1), 1));
  Apply(Forecast(hours(1), hours(1), 1));
  EXPECT_EQ(Score(hours(1), 1).without_samples, 1U);
  EXPECT_EQ(Score(hours(1), 1).scored, 0U);
}

TEST_F(AccuracyBookTest, WhatCannotBeSaidIsCountedByReason) {
  Apply(Refused(hours(0), "3 values are known; 60 steps ahead need at least 23"));
  Apply(Refused(hours(1), "12 values are known; 60 steps ahead need at least 23"));
  Apply(Refused(hours(2), "too wild"));
  const ForecastAccuracy accuracy = Only();
  EXPECT_EQ(accuracy.cannot_say, 3U);
  EXPECT_EQ(accuracy.issued, 3U);
  ASSERT_THAT(accuracy.reasons, SizeIs(2)) << "numbers are no other reason";
  const auto& known = accuracy.reasons.at("# values are known; # steps ahead need at least #");
  EXPECT_EQ(known.times, 2U);
  EXPECT_EQ(known.last, "12 values are known; 60 steps ahead need at least 23");
  for (char letter = 'a'; letter <= 'z'; ++letter)
    Apply(Refused(hours(3 + letter - 'a'), std::string("reason ") + letter));
  EXPECT_THAT(Only().reasons, SizeIs(kReasonsKept));
  EXPECT_EQ(Only().cannot_say, 29U);
  std::uint64_t times = 0;
  for (const auto& [kind, reason] : Only().reasons) times += reason.times;
  EXPECT_EQ(times, 29U) << "those that found no room are counted together";
}

TEST_F(AccuracyBookTest, AnotherSourceBeginsAnewAndSaysWhatWasDropped) {
  came_ = {{hours(0), 10}, {hours(1), 10}};
  Apply(Forecast(hours(0), hours(1), 6));
  Apply(Forecast(hours(1), hours(1), 6), "revenue");
  EXPECT_THAT(asked_, IsEmpty());
  EXPECT_EQ(book_.dropped(), 2U);
  EXPECT_EQ(Only().issued, 1U);
  Apply(Forecast(hours(2), hours(1), 6), "revenue");
  EXPECT_EQ(Score(hours(1), 1).scored, 1U);
}

TEST_F(AccuracyBookTest, RulesThatLeftAreForgotten) {
  Apply(Forecast(hours(0), hours(1), 6));
  Apply(Forecast(hours(0), hours(1), 6, "b"));
  (void)book_.TakeChanged();
  book_.KeepOnly([](std::string_view rule, std::string_view source) {
    return rule == "spend" && source == "cost";
  });
  EXPECT_THAT(book_.All(), SizeIs(2));
  EXPECT_THAT(book_.TakeChanged(), IsEmpty());
  book_.KeepOnly([](std::string_view, std::string_view source) { return source != "cost"; });
  EXPECT_THAT(book_.All(), IsEmpty());
  EXPECT_EQ(book_.dropped(), 4U);
  const auto rows = book_.TakeChanged();
  ASSERT_THAT(rows, SizeIs(3)) << "two that are deleted, and the count";
  AccuracyBook again;
  for (const auto& [key, value] : rows) {
    if (!value.empty()) {
      ASSERT_TRUE(again.Load(key, value).ok());
    }
  }
  EXPECT_EQ(again.dropped(), 4U);
  EXPECT_EQ(CanonicalOf(again), CanonicalOf(book_));
}

TEST_F(AccuracyBookTest, RowsGoThereAndBack) {
  came_ = {{hours(0), 10}, {hours(1), 10}};
  EXPECT_THAT(CanonicalOf(book_), IsEmpty()) << "nothing before the first forecast";
  Apply(Refused(hours(0), "too wild"));
  Apply(Forecast(hours(1), hours(1), 24));
  Apply(Forecast(hours(2), days(1), 60));
  Apply(Forecast(hours(2), hours(1), 24, "b"));
  const auto rows = book_.TakeChanged();
  ASSERT_THAT(rows, SizeIs(2));
  AccuracyBook again;
  for (const auto& [key, value] : rows) ASSERT_TRUE(again.Load(key, value).ok());
  EXPECT_EQ(CanonicalOf(again), CanonicalOf(book_));
  EXPECT_EQ(again.All().at(0).scores, book_.All().at(0).scores);
  EXPECT_EQ(again.All().at(0).reasons, book_.All().at(0).reasons);
  for (std::size_t size = 0; size < rows[0].second.size(); ++size) {
    AccuracyBook broken;
    EXPECT_FALSE(broken.Load(rows[0].first, rows[0].second.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(AccuracyBook().Load("elsewhere", rows[0].second).ok());
}

TEST_F(AccuracyBookTest, OpenStepsAreBounded) {
  const auto open = [this] {
    std::uint64_t sum = 0;
    for (const auto& [horizon, score] : Only().scores) sum += score.open;
    return sum;
  };
  // Both steps at once, for two months, every hour: as many as ever come together.
  for (int hour = 0; hour < 24 * 60; ++hour) {
    Apply(Forecast(hours(hour), hours(1), 60));
    Apply(Forecast(hours(hour), days(1), 60));
  }
  EXPECT_EQ(open(), (1U + 6 + 24) + (1U + 7 + 30));
  EXPECT_LE(open(), kOpenStepsMax);
  EXPECT_EQ(book_.dropped(), 0U);
}

}  // namespace
}  // namespace barograph::rules
