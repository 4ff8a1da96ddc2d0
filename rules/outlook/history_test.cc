#include "rules/outlook/history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/window/window_test_events.h"

namespace barograph::rules {
namespace {

using namespace std::chrono_literals;
using std::chrono::days;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Time kStart = Time(days(20'000));

class SeriesHistoryTest : public ::testing::Test {
 protected:
  void Add(Duration at, const MeasureName& measure, MeasureType type, Int128 value) {
    FoldInto(&store_, {kStart + at, "a", "t", {{measure, type, value}}});
  }
  std::vector<double> Read(ForecastQuestion question, const MeasureName& measure,
                           std::size_t slice = 7) {
    question.terms = {{store_.Intern(measure), false}};
    const auto cell = store_.FindCell(store_.FindOrBuiltIn({}), {});
    SeriesHistory history(question);
    while (history.ReadMore(store_, *cell, slice)) {
    }
    return history.Values();
  }
  WindowStore store_;
};

TEST_F(SeriesHistoryTest, SumsAreOfWholeStepsBeforeTheQuestionBegins) {
  const MeasureName cost{"cost", "USD"};
  const Int128 dollar = 1'000'000'000;
  Add(1h, cost, MeasureType::kSum, 3 * dollar);
  Add(3h + 59min, cost, MeasureType::kSum, 5 * dollar);
  Add(4h, cost, MeasureType::kSum, 7 * dollar);  // after the question begins
  ForecastQuestion question;
  question.unit = 1e-9;
  question.begin = kStart + 4h;
  question.step = 1h;
  EXPECT_THAT(Read(question, cost), ElementsAre(3, 0, 5));
  EXPECT_THAT(Read(question, cost, 1), ElementsAre(3, 0, 5)) << "however it is sliced";
  question.begin = kStart + 28h;
  question.step = 24h;
  EXPECT_THAT(Read(question, cost), ElementsAre(8, 7))
      << "days are of 24 hours that end where the question begins";
}

TEST_F(SeriesHistoryTest, ADerivedDifferenceIsOneSumLessTheOther) {
  const MeasureName revenue{"revenue.net", "USD"};
  const MeasureName cost{"cost", "USD"};
  const Int128 dollar = 1'000'000'000;
  Add(1h, revenue, MeasureType::kSum, 9 * dollar);
  Add(1h, cost, MeasureType::kSum, 2 * dollar);
  Add(2h, cost, MeasureType::kSum, 3 * dollar);
  ForecastQuestion question;
  question.unit = 1e-9;
  question.begin = kStart + 3h;
  question.step = 1h;
  question.terms = {{store_.Intern(revenue), false}, {store_.Intern(cost), true}};
  SeriesHistory history(question);
  while (history.ReadMore(store_, *store_.FindCell(store_.FindOrBuiltIn({}), {}), 10)) {
  }
  EXPECT_THAT(history.Values(), ElementsAre(7, -3));
}

TEST_F(SeriesHistoryTest, ALevelWithoutSamplesIsWhatItWas) {
  const MeasureName disk{"sample:disk_used", "gauge"};
  Add(1h, disk, MeasureType::kGauge, Int128{70} * 1'000'000'000);
  Add(1h + 30min, disk, MeasureType::kGauge, Int128{72} * 1'000'000'000);
  Add(3h, disk, MeasureType::kGauge, Int128{80} * 1'000'000'000);
  ForecastQuestion question;
  question.is_level = true;
  question.unit = 1e-9;
  question.begin = kStart + 5h;
  question.step = 1h;
  EXPECT_THAT(Read(question, disk), ElementsAre(71, 71, 80, 80));
}

TEST_F(SeriesHistoryTest, NothingIsNothing) {
  Add(1h, {"errors", ""}, MeasureType::kSum, 1);
  ForecastQuestion question;
  question.begin = kStart + 5h;
  question.step = 1h;
  EXPECT_THAT(Read(question, {"tasks.failed", ""}), IsEmpty());
  question.is_level = true;
  EXPECT_THAT(Read(question, {"sample:none", "gauge"}), IsEmpty());
}

}  // namespace
}  // namespace barograph::rules
