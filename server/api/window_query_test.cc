// Method: requests are parsed and projections chosen without a server; answers come from a store
// that is folded by hand.
#include "server/api/window_query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "barograph/v1/event.pb.h"
#include "rules/measure/measure_fold.h"
#include "server/api/wire_time.h"
#include "storage/event/event_view.h"

namespace barograph::server {
namespace {

using rules::Projection;
using std::chrono::hours;
using std::chrono::minutes;
using ::testing::HasSubstr;

const Time kNow = Time(hours(24 * 365 * 56));

v1::QueryWindowsRequest Request(const std::string& measure, std::vector<std::string> by = {},
                                Duration over = minutes(60)) {
  v1::QueryWindowsRequest request;
  request.set_measure(measure);
  for (auto& name : by) request.add_by(std::move(name));
  SetDuration(over, request.mutable_over());
  return request;
}

void AddFilter(v1::QueryWindowsRequest* request, const std::string& dimension,
               std::vector<std::string> values) {
  auto& filter = *request->add_where();
  filter.set_dimension(dimension);
  for (auto& value : values) filter.add_values(std::move(value));
}

WindowQuery Parsed(const v1::QueryWindowsRequest& request) {
  auto query = ParseWindowQuery(request, {"team"});
  EXPECT_TRUE(query.ok()) << (query.ok() ? "" : query.error().message());
  return std::move(query).value();
}

TEST(ParseWindowQueryTest, MistakesAreNamedWithTheNearestWord) {
  const auto refuses = [](const v1::QueryWindowsRequest& request, const std::string& message) {
    const auto query = ParseWindowQuery(request, {"team"});
    ASSERT_FALSE(query.ok()) << message;
    EXPECT_EQ(query.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(query.error().message(), HasSubstr(message));
  };
  refuses(Request("task.completed"), "did you mean 'tasks.completed'");
  refuses(Request("cost", {"agnet"}), "did you mean 'agent'");
  refuses(Request("cost", {"taem"}), "did you mean 'team'");
  refuses(Request("cost", {"agent", "agent"}), "comes twice");
  refuses(Request("cost", {}, std::chrono::seconds(90 * 60 + 30)), "over");
  v1::QueryWindowsRequest no_window;
  no_window.set_measure("cost");
  refuses(no_window, "over: missing");
  v1::QueryWindowsRequest spans = no_window;
  SetTime(kNow, spans.mutable_from());
  refuses(spans, "needs `to`");
  SetTime(kNow + minutes(30), spans.mutable_to());
  refuses(spans, "whole hours");
  v1::QueryWindowsRequest not_money = Request("tasks.completed");
  not_money.set_currency_code("USD");
  refuses(not_money, "is not money");
  v1::QueryWindowsRequest quantile = Request("task.duration");
  quantile.set_quantile(1);
  refuses(quantile, "quantile");
}

TEST(ParseWindowQueryTest, SpansAreCutAtTheCalendarsEdges) {
  v1::QueryWindowsRequest request;
  request.set_measure("cost");
  const Time begin = Time(std::chrono::sys_days(std::chrono::year(2026) / 1 / 31)) + hours(22);
  SetTime(begin, request.mutable_from());
  SetTime(begin + hours(24 * 30), request.mutable_to());
  const auto count = [&](v1::QueryWindowsRequest::Every every) {
    request.set_every(every);
    return Parsed(request).spans.size();
  };
  EXPECT_EQ(count(v1::QueryWindowsRequest::EVERY_HOUR), 720U);
  EXPECT_EQ(count(v1::QueryWindowsRequest::EVERY_DAY), 31U);
  EXPECT_EQ(count(v1::QueryWindowsRequest::EVERY_MONTH), 3U);
  EXPECT_EQ(count(v1::QueryWindowsRequest::EVERY_UNSPECIFIED), 1U);
  request.set_every(v1::QueryWindowsRequest::EVERY_MONTH);
  const auto query = Parsed(request);
  EXPECT_EQ(query.spans[0].second, query.spans[1].first);
  EXPECT_EQ(query.spans[1].first, Time(std::chrono::sys_days(std::chrono::year(2026) / 2 / 1)));
}

TEST(ChooseProjectionTest, TheCoarsestThatCanAnswerIsTaken) {
  const std::vector<Projection> available = {
      {},
      {.by = {"agent"}, .where = {}},
      {.by = {"agent", "team"}, .where = {}},
      {.by = {"agent"}, .where = {{"type", {"development"}}}}};
  const auto chosen = [&](const v1::QueryWindowsRequest& request) {
    const auto projection = ChooseProjection(Parsed(request), available);
    return projection.has_value() ? ProjectionText(*projection) : "scan";
  };
  EXPECT_EQ(chosen(Request("cost")), "{by: []}");
  EXPECT_EQ(chosen(Request("cost", {"agent"})), "{by: [agent]}");
  EXPECT_EQ(chosen(Request("cost", {"team"})), "{by: [agent, team]}") << "added up over agents";
  EXPECT_EQ(chosen(Request("task.duration", {"team"})), "scan") << "sketches cannot be added up";
  EXPECT_EQ(chosen(Request("cost", {"model"})), "scan");
  auto filtered = Request("cost");
  AddFilter(&filtered, "agent", {"CMO", "CTO"});
  EXPECT_EQ(chosen(filtered), "{by: [agent]}");
  auto one_agent = Request("task.duration");
  AddFilter(&one_agent, "agent", {"CMO"});
  EXPECT_EQ(chosen(one_agent), "{by: [agent]}") << "one cell is the whole row";
  auto typed = Request("cost", {"agent"});
  AddFilter(&typed, "type", {"development"});
  EXPECT_EQ(chosen(typed), "{by: [agent], where: {type: [development]}}");
  AddFilter(&typed, "team", {"red"});
  EXPECT_EQ(chosen(typed), "scan");
}

/// A store of one plan that events are folded into.
class Store {
 public:
  explicit Store(const rules::WindowPlan& plan)
      : fold_([this](const rules::MeasureName& name) { return windows_.Intern(name); }) {
    windows_.Configure(plan, {1});
  }
  void Add(const v1::Event& event, Time time) {
    const std::string wire = event.SerializeAsString();
    storage::EventView view;
    ASSERT_TRUE(storage::ReadEvent(wire, storage::EventSource::kOutside, &view).ok());
    windows_.Advance(time);
    windows_.Fold(view, time, fold_.Fold(view, time));
  }
  void AddCost(const std::string& agent, const std::string& currency, std::int64_t units,
               std::int32_t nanos, Time time) {
    v1::Event event;
    event.set_agent(agent);
    event.mutable_cost()->set_category(v1::Cost::MODEL);
    event.mutable_cost()->mutable_amount()->set_currency_code(currency);
    event.mutable_cost()->mutable_amount()->set_units(units);
    event.mutable_cost()->mutable_amount()->set_nanos(nanos);
    Add(event, time);
  }
  v1::QueryWindowsResponse Ask(const v1::QueryWindowsRequest& request, Projection source) {
    const WindowQuery query = Parsed(request);
    WindowAnswer answer(query, std::move(source), kNow);
    while (answer.Step(windows_)) {
    }
    return answer.Take();
  }

 private:
  rules::WindowStore windows_;
  rules::MeasureFold fold_;
};

TEST(WindowAnswerTest, MoneyIsExactAndKeptApartByCurrency) {
  Store store({});
  store.AddCost("CMO", "USD", 1, 1, kNow - minutes(5));
  store.AddCost("CTO", "USD", 2, 500'000'000, kNow - minutes(4));
  store.AddCost("CMO", "EUR", 7, 0, kNow - minutes(3));
  const auto response = store.Ask(Request("cost", {"agent"}), {.by = {"agent"}, .where = {}});
  ASSERT_EQ(response.rows_size(), 3);
  EXPECT_EQ(response.rows(0).labels().at("agent"), "CMO");
  EXPECT_EQ(response.rows(0).unit(), "EUR");
  EXPECT_EQ(response.rows(0).value(), "7");
  EXPECT_EQ(response.rows(1).unit(), "USD");
  EXPECT_EQ(response.rows(1).value(), "1.000000001");
  EXPECT_EQ(response.rows(2).labels().at("agent"), "CTO");
  EXPECT_EQ(response.rows(2).value(), "2.5");
  auto only_dollars = Request("cost");
  only_dollars.set_currency_code("USD");
  const auto total = store.Ask(only_dollars, {});
  ASSERT_EQ(total.rows_size(), 1);
  EXPECT_EQ(total.rows(0).value(), "3.500000001");
}

TEST(WindowAnswerTest, CellsOfAFinerProjectionAreFilteredAndAddedUp) {
  Store store({});
  for (const char* agent : {"a", "b", "c"}) store.AddCost(agent, "USD", 1, 0, kNow - minutes(1));
  auto request = Request("cost");
  AddFilter(&request, "agent", {"a", "c"});
  const auto response = store.Ask(request, {.by = {"agent"}, .where = {}});
  ASSERT_EQ(response.rows_size(), 1);
  EXPECT_EQ(response.rows(0).value(), "2");
  EXPECT_TRUE(response.rows(0).labels().empty());
}

TEST(WindowAnswerTest, RowsBeyondThePageAreToldAsTruncated) {
  Store store({});
  for (int i = 0; i < 10; ++i)
    store.AddCost("a" + std::to_string(i), "USD", 1, 0, kNow - minutes(1));
  auto request = Request("cost", {"agent"});
  request.set_page_size(4);
  const auto response = store.Ask(request, {.by = {"agent"}, .where = {}});
  EXPECT_EQ(response.rows_size(), 4);
  EXPECT_TRUE(response.truncated());
  request.set_page_size(10);
  EXPECT_FALSE(store.Ask(request, {.by = {"agent"}, .where = {}}).truncated());
}

TEST(WindowAnswerTest, DistributionsAnswerWithTheAskedQuantiles) {
  Store store({});
  for (int i = 1; i <= 100; ++i) {
    v1::Event event;
    event.set_agent("CMO");
    event.mutable_request()->set_service("tiles");
    event.mutable_request()->set_ok(true);
    event.mutable_request()->mutable_duration()->set_seconds(i);
    store.Add(event, kNow - minutes(1));
  }
  const auto response = store.Ask(Request("request.duration"), {});
  ASSERT_EQ(response.rows_size(), 3);
  EXPECT_EQ(response.rows(0).count(), 100U);
  EXPECT_EQ(response.rows(0).unit(), "seconds");
  EXPECT_NEAR(std::stod(response.rows(0).value()), 50, 1);
  EXPECT_NEAR(std::stod(response.rows(2).value()), 99, 1.5);
}

TEST(WindowAnswerTest, NothingInTheWindowIsAZeroForAPlainCountAndNoRowPerAgent) {
  Store store({});
  v1::Event event;
  event.set_agent("CMO");
  event.mutable_task()->set_status(v1::Task::COMPLETED);
  store.Add(event, kNow - hours(30));
  const auto total = store.Ask(Request("tasks.completed"), {});
  ASSERT_EQ(total.rows_size(), 1);
  EXPECT_EQ(total.rows(0).value(), "0");
  EXPECT_EQ(
      store.Ask(Request("tasks.completed", {"agent"}), {.by = {"agent"}, .where = {}}).rows_size(),
      0);
}

}  // namespace
}  // namespace barograph::server
