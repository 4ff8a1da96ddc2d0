#include "rules/outlook/outlook_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace barograph::rules {
namespace {

using std::chrono::hours;
using storage::ForecastIssued;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr Time kStart = Time(std::chrono::days(20'000));

ForecastIssued Forecast(std::string rule, std::string agent, Duration at = hours(1)) {
  ForecastIssued forecast;
  forecast.rule = std::move(rule);
  forecast.labels = {{"agent", std::move(agent)}};
  forecast.measure = "cost";
  forecast.currency_code = "USD";
  forecast.at = kStart + at;
  forecast.history_end = kStart;
  forecast.step = hours(24);
  forecast.history_steps = 30;
  forecast.steps.resize(3);
  forecast.question = "exhausted";
  forecast.probability_ppb = 250'000'000;
  forecast.times.early = kStart + hours(48);
  return forecast;
}

TEST(OutlookBookTest, TheLastForecastOfAnInstanceIsWhereItsInstanceLooks) {
  OutlookBook book;
  const ForecastIssued* place = book.Of("spend", {{"agent", "a"}});
  EXPECT_EQ(place->at, Time{});
  EXPECT_EQ(book.Find("spend", {{"agent", "a"}}), nullptr);
  EXPECT_THAT(book.TakeChanged(), IsEmpty()) << "a place without a forecast is no state";
  book.Apply(Forecast("spend", "a"));
  book.Apply(Forecast("spend", "b"));
  book.Apply(Forecast("spend", "a", hours(2)));
  EXPECT_EQ(place->at, kStart + hours(2));
  EXPECT_EQ(book.Find("spend", {{"agent", "a"}}), place);
  EXPECT_THAT(place->steps, IsEmpty()) << "the log has them";
  EXPECT_THAT(book.All(), SizeIs(2));
}

TEST(OutlookBookTest, RowsGoThereAndBack) {
  OutlookBook book;
  book.Apply(Forecast("spend", "a"));
  book.Apply(Forecast("other", "b"));
  const auto rows = book.TakeChanged();
  ASSERT_THAT(rows, SizeIs(2));
  OutlookBook again;
  for (const auto& [key, value] : rows) ASSERT_TRUE(again.Load(key, value).ok());
  const auto canonical = [](const OutlookBook& of) {
    std::string bytes;
    of.Canonical([&](std::string_view piece) { bytes.append(piece).append("|"); });
    return bytes;
  };
  EXPECT_EQ(canonical(again), canonical(book));
  EXPECT_EQ(again.Find("spend", {{"agent", "a"}})->times.early, kStart + hours(48));
  EXPECT_FALSE(again.Find("spend", {{"agent", "a"}})->times.late.has_value());
  EXPECT_THAT(book.TakeChanged(), IsEmpty());
  for (std::size_t size = 0; size < rows[0].second.size(); ++size) {
    OutlookBook broken;
    EXPECT_FALSE(broken.Load(rows[0].first, rows[0].second.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(OutlookBook().Load("elsewhere", rows[0].second).ok());
}

TEST(OutlookBookTest, ForecastsOfRulesThatLeftAreDeleted) {
  OutlookBook book;
  book.Apply(Forecast("spend", "a"));
  book.Apply(Forecast("other", "b"));
  (void)book.TakeChanged();
  book.KeepOnly([](std::string_view rule) { return rule == "other"; });
  const auto rows = book.TakeChanged();
  ASSERT_THAT(rows, SizeIs(1));
  EXPECT_THAT(rows[0].second, IsEmpty());
  EXPECT_EQ(book.Find("spend", {{"agent", "a"}}), nullptr);
  EXPECT_THAT(book.All(), SizeIs(1));
}

TEST(OutlookBookTest, IsBounded) {
  OutlookBook book;
  for (std::size_t i = 0; i < kForecastsKept; ++i) book.Apply(Forecast("spend", std::to_string(i)));
  EXPECT_TRUE(book.CheckRoom(Forecast("spend", "7")).ok());
  EXPECT_EQ(book.CheckRoom(Forecast("spend", "new")).error().code(), ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace barograph::rules
