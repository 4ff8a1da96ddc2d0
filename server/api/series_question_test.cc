// Method: requests are read against a store that is folded by hand.
#include "server/api/series_question.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <limits>
#include <string>

#include "barograph/v1/event.pb.h"
#include "rules/measure/measure_fold.h"
#include "storage/event/event_view.h"

namespace barograph::server {
namespace {

using std::chrono::hours;
using ::testing::HasSubstr;

const Time kNow = Time(hours(24 * 365 * 56)) + std::chrono::minutes(25);

class SeriesQuestionTest : public ::testing::Test {
 protected:
  SeriesQuestionTest()
      : fold_([this](const rules::MeasureName& name) { return windows_.Intern(name); }) {
    windows_.Advance(kNow);
    rules_.labels = {"team"};
  }

  void Fold(const std::function<void(v1::Event*)>& fill) {
    v1::Event event;
    event.set_agent("CMO");
    fill(&event);
    const std::string wire = event.SerializeAsString();
    storage::EventView view;
    ASSERT_TRUE(storage::ReadEvent(wire, storage::EventSource::kOutside, &view).ok());
    windows_.Fold(view, kNow, fold_.Fold(view, kNow));
  }
  void FoldCost(const std::string& currency) {
    Fold([&](v1::Event* event) {
      event->mutable_cost()->mutable_amount()->set_currency_code(currency);
      event->mutable_cost()->mutable_amount()->set_nanos(5);
    });
  }
  void FoldSample() {
    Fold([](v1::Event* event) {
      event->mutable_sample()->set_name("queue");
      event->mutable_sample()->set_type(v1::Sample::GAUGE);
      event->mutable_sample()->set_value(3);
    });
  }

  Result<SeriesQuestion> Read(const v1::ForecastSeriesRequest& request) {
    return ReadSeriesQuestion(request, rules_, &windows_, kNow);
  }
  static v1::ForecastSeriesRequest Of(const std::string& measure) {
    v1::ForecastSeriesRequest request;
    request.set_measure(measure);
    return request;
  }
  static v1::ForecastSeriesRequest Where(v1::ForecastSeriesRequest request,
                                         const std::string& dimension,
                                         const std::vector<std::string>& values) {
    auto& filter = *request.add_where();
    filter.set_dimension(dimension);
    for (const std::string& value : values) filter.add_values(value);
    return request;
  }
  void Refuses(const v1::ForecastSeriesRequest& request, ErrorCode code,
               const std::string& message) {
    const auto read = Read(request);
    ASSERT_FALSE(read.ok()) << message;
    EXPECT_EQ(read.error().code(), code) << message;
    EXPECT_THAT(read.error().message(), HasSubstr(message));
  }

  rules::WindowStore windows_;
  rules::MeasureFold fold_;
  rules::RuleSet rules_;
};

TEST_F(SeriesQuestionTest, ASumOfMoneyIsReadInItsOnlyCurrencyByTheDay) {
  FoldCost("USD");
  const auto read = Read(Of("cost"));
  ASSERT_TRUE(read.ok()) << read.error().ToString();
  EXPECT_EQ(read->question.currency, "USD");
  EXPECT_EQ(read->question.step, hours(24));
  EXPECT_EQ(read->question.horizon, 30U);
  EXPECT_EQ(read->question.begin, std::chrono::floor<hours>(kNow));
  EXPECT_DOUBLE_EQ(read->question.unit, 1e-9);
  EXPECT_TRUE(read->question.never_negative);
  EXPECT_FALSE(read->question.is_level);
  EXPECT_FALSE(read->level.has_value());
}

TEST_F(SeriesQuestionTest, OfSeveralCurrenciesOneIsNamed) {
  FoldCost("USD");
  FoldCost("EUR");
  Refuses(Of("cost"), ErrorCode::kInvalidArgument, "cost comes in EUR, USD; name one");
  v1::ForecastSeriesRequest euro = Of("cost");
  euro.set_currency_code("EUR");
  EXPECT_TRUE(Read(euro).ok());
  euro.set_currency_code("CHF");
  Refuses(euro, ErrorCode::kNotFound, "nothing of cost has come yet");
}

TEST_F(SeriesQuestionTest, ASampledLevelIsALevel) {
  FoldSample();
  v1::ForecastSeriesRequest request = Of("sample:queue");
  request.set_every(v1::QueryWindowsRequest::EVERY_HOUR);
  request.set_falls_below(0.5);
  const auto read = Read(Where(request, "agent", {"CMO"}));
  ASSERT_TRUE(read.ok()) << read.error().ToString();
  EXPECT_TRUE(read->question.is_level);
  EXPECT_EQ(read->question.horizon, 48U);
  ASSERT_TRUE(read->level.has_value());
  EXPECT_FALSE(read->level->above);
  EXPECT_DOUBLE_EQ(read->level->bound, 0.5);
}

TEST_F(SeriesQuestionTest, MistakesAreNamed) {
  FoldCost("USD");
  constexpr ErrorCode kInvalid = ErrorCode::kInvalidArgument;
  Refuses(Of("costs"), kInvalid, "did you mean 'cost'");
  Refuses(Of(""), kInvalid, "measure");
  Refuses(Of("task.duration"), kInvalid, "sums and levels can be forecast");
  Refuses(Of("agents"), kInvalid, "sums and levels can be forecast");
  Refuses(Where(Of("cost"), "agnet", {"CMO"}), kInvalid, "did you mean 'agent'");
  Refuses(Where(Of("cost"), "agent", {"CMO", "CFO"}), kInvalid, "agent has 2 values");
  Refuses(Where(Of("cost"), "agent", {}), kInvalid, "agent has no value");
  v1::ForecastSeriesRequest request = Of("tasks.completed");
  request.set_currency_code("USD");
  Refuses(request, kInvalid, "tasks.completed is not money");
  request = Of("cost");
  request.set_horizon(367);
  Refuses(request, kInvalid, "367 steps; at most 366");
  request = Of("cost");
  request.set_every(v1::QueryWindowsRequest::EVERY_MONTH);
  Refuses(request, kInvalid, "steps are days or hours");
  request = Of("cost");
  request.set_reaches(std::numeric_limits<double>::infinity());
  Refuses(request, kInvalid, "reaches: must be a finite number");
}

TEST_F(SeriesQuestionTest, WhatDoesNotExistIsSaidSo) {
  FoldCost("USD");
  Refuses(Of("revenue.net"), ErrorCode::kNotFound, "nothing of revenue.net has come yet");
  Refuses(Of("tasks.failed"), ErrorCode::kNotFound, "nothing of tasks.failed has come yet");
  Refuses(Where(Of("cost"), "agent", {"nobody"}), ErrorCode::kNotFound,
          "nothing of cost where agent=nobody has come yet");
  Refuses(Where(Of("cost"), "team", {"red"}), ErrorCode::kFailedPrecondition,
          "add {by: [team]} to `series:`");
  const auto read = ReadSeriesQuestion(Of("cost"), rules_, nullptr, kNow);
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.error().code(), ErrorCode::kNotFound);
}

TEST_F(SeriesQuestionTest, ASeriesThatIsKeptFilteredAnswersForItsFilter) {
  rules_.series = {{.by = {}, .where = {{"team", {"red"}}}}};
  windows_.Configure(rules::PlanWindows(rules_), {1});
  Fold([](v1::Event* event) {
    (*event->mutable_labels())["team"] = "red";
    event->mutable_task()->set_status(v1::Task::COMPLETED);
  });
  EXPECT_TRUE(Read(Where(Of("tasks.completed"), "team", {"red"})).ok());
  Refuses(Where(Of("tasks.completed"), "team", {"blue"}), ErrorCode::kFailedPrecondition,
          "add {by: [team]} to `series:`");
}

}  // namespace
}  // namespace barograph::server
