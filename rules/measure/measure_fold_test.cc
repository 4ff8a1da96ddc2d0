// Method: events as protobuf text go in, yields as text come out (measure_test_fold.h says how they
// read). Each table is one kind.
#include "rules/measure/measure_fold.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rules/measure/measure_test_fold.h"

namespace barograph::rules {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::Contains;
using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;
using testing::Not;

using Texts = std::vector<std::string>;

/// Folds each event into a fold of its own.
void Check(std::string_view event, const Texts& yields) {
  TextFold text;
  EXPECT_THAT(text.Fold(event), ElementsAreArray(yields)) << event;
}

TEST(MeasureFoldTest, TasksYieldTheirStatus) {
  Check("task { status: STARTED }", {"tasks.started=1"});
  Check("task { status: PROGRESS }", {"tasks.progress=1"});
  Check("task { status: BLOCKED }", {"tasks.blocked=1"});
  Check("task { status: COMPLETED }", {"tasks.completed=1", "tasks.finished=1", "operations=1"});
  Check("task { status: FAILED }", {"tasks.failed=1", "tasks.finished=1", "operations=1"});
  Check("task { status: CANCELLED }", {"tasks.cancelled=1"});
  Check("count: 40 task { status: FAILED }",
        {"tasks.failed=40", "tasks.finished=40", "operations=40"});
}

TEST(MeasureFoldTest, TasksYieldDurationQualityAndValueAtTheirEnd) {
  Check(
      "count: 2 task { status: COMPLETED duration { seconds: 90 nanos: 5 } quality: 0.75 "
      "value { currency_code: 'EUR' units: 3 } }",
      {"tasks.completed=2", "tasks.finished=2", "operations=2", "task.value[EUR]=6000000000",
       "task.duration~90000000005x2", "task.quality~750000000x2"});
  Check(
      "task { status: FAILED duration { seconds: 1 } quality: 0 value { currency_code: 'EUR' "
      "units: 3 } }",
      {"tasks.failed=1", "tasks.finished=1", "operations=1", "task.duration~1000000000x1",
       "task.quality~0x1"});
  Check("task { status: PROGRESS duration { seconds: 1 } quality: 1 }", {"tasks.progress=1"});
}

TEST(MeasureFoldTest, ATasksOwnCostIsNoCost) {
  Check(
      "task { status: COMPLETED actual_cost { currency_code: 'USD' units: 3 } "
      "estimated_cost { currency_code: 'USD' units: 2 } }",
      {"tasks.completed=1", "tasks.finished=1", "operations=1"});
}

TEST(MeasureFoldTest, CostsYieldAmountsPerCurrency) {
  Check("cost { amount { currency_code: 'USD' units: 1 nanos: 500000000 } }",
        {"cost[USD]=1500000000", "cost.amount[USD]~1500000000x1"});
  Check("count: 3 cost { amount { currency_code: 'JPY' nanos: 7 } }",
        {"cost[JPY]=21", "cost.amount[JPY]~7x3"});
}

TEST(MeasureFoldTest, CostsWithoutAPriceAreCountedNotZero) {
  Check("count: 2 cost { quantity: '1.5' unit: 'hour' }", {"unpriced=2"});
  Check(
      "count: 2 cost { model: 'm' tokens { input: 10 output: 4 cache_read: 3 cache_write: 2 "
      "reasoning: 1 } }",
      {"tokens=28", "tokens.input=20", "tokens.output=8", "tokens.cache_read=6",
       "tokens.cache_write=4", "tokens.reasoning=2", "unpriced=2"});
}

TEST(MeasureFoldTest, PaymentsYieldRevenueByTheirType) {
  const std::string amount = " amount { currency_code: 'USD' units: 2 } }";
  const auto check = [&](std::string_view type, Texts more) {
    Texts yields = {"payments=1", "payment.amount[USD]~2000000000x1"};
    yields.insert(yields.end(), more.begin(), more.end());
    Check("payment { type: " + std::string(type) + amount, yields);
  };
  check("CHARGE", {"revenue.gross[USD]=2000000000", "revenue.net[USD]=2000000000"});
  check("REFUND", {"revenue.refunds[USD]=2000000000", "revenue.net[USD]=-2000000000"});
  check("DISPUTE", {"revenue.net[USD]=-2000000000"});
  check("DISPUTE_WON", {"revenue.net[USD]=2000000000"});
  check("FEE", {"fees[USD]=2000000000", "cost[USD]=2000000000", "cost.amount[USD]~2000000000x1"});
  check("PAYOUT", {"payouts[USD]=2000000000"});
}

TEST(MeasureFoldTest, OtherKindsYieldTheirCounts) {
  Check("count: 5 error { severity: ERROR }", {"errors=5"});
  Check("count: 5 change { type: DEPLOY }", {"changes=5"});
  Check("count: 2 activity { name: 'signup' subject: 's1' }", {"activity:signup=2", "subjects#"});
  Check("activity { name: 'signup' }", {"activity:signup=1"});
  Check("feedback { type: REVIEW score: 4.5 scale: 5 customer: 'c' }",
        {"feedback=1", "feedback.score~4500000000x1", "customers#"});
  Check("feedback { type: COMPLAINT }", {"feedback=1"});
  Check("payment { type: PAYOUT customer: 'c' amount { currency_code: 'USD' } }",
        {"payments=1", "payment.amount[USD]~0x1", "payouts[USD]=0", "customers#"});
}

TEST(MeasureFoldTest, RequestsYieldOutcomeAndDuration) {
  Check("count: 3 request { ok: true duration { nanos: 250000000 } }",
        {"requests=3", "requests.ok=3", "operations=3", "request.duration~250000000x3"});
  Check("request { ok: false }", {"requests=1", "requests.failed=1", "operations=1"});
}

TEST(MeasureFoldTest, EveryEventOfAnAgentCountsTheAgent) {
  Check("agent: 'a' error { severity: ERROR }", {"errors=1", "agents#"});
  Check("agent: 'a' task { status: CANCELLED }", {"tasks.cancelled=1", "agents#"});
}

TEST(MeasureFoldTest, ExactCountersTakeValuesUpToTheirBound) {
  TextFold text;
  const std::vector<std::pair<std::string, std::int64_t>> bounds = {
      {"request.duration", 300'000'000},
      {"request.duration", 100'000'000},
      {"request.duration", 300'000'000},
      {"cost.amount", 5},
      {"errors", 5}};
  text.fold.SetAtMost(bounds);
  const auto check = [&](std::string_view nanos, Texts counters) {
    const Texts yields =
        text.Fold("count: 2 request { ok: true duration { nanos: " + std::string(nanos) + " } }");
    EXPECT_THAT(Texts(yields.begin() + 4, yields.end()), ElementsAreArray(counters)) << nanos;
  };
  const std::string fast = "request.duration[<=100000000]=2",
                    good = "request.duration[<=300000000]=2";
  check("99999999", {fast, good});
  check("100000000", {fast, good});
  check("100000001", {good});
  check("300000000", {good});
  check("300000001", {});
  text.fold.SetAtMost({});
  check("1", {});
  EXPECT_THAT(text.Fold("cost { amount { currency_code: 'USD' nanos: 1 } }"),
              ElementsAre("cost[USD]=1", "cost.amount[USD]~1x1"));
}

TEST(MeasureFoldTest, SamplesOfEachTypeMeasureTheirOwnWay) {
  Check("count: 2 sample { name: 'queue' value: 7.25 type: GAUGE }",
        {"sample:queue[gauge]@7250000000x2"});
  Check("count: 2 sample { name: 'queue' value: -1.5 type: DELTA }", {"sample:queue=-3000000000"});
  Check("sample { name: 'queue' value: 0.1 type: GAUGE }", {"sample:queue[gauge]@100000000x1"});
  Check("sample { name: 'queue' value: 9.2e9 type: GAUGE }",
        {"sample:queue[gauge]@9200000000000000000x1"});
}

TEST(MeasureFoldTest, CumulativeSamplesYieldTheirGrowth) {
  TextFold text;
  const auto check = [&](double value, seconds at, Texts yields, std::string_view extra = "") {
    const std::string event = std::string(extra) + " sample { name: 'n' type: CUMULATIVE value: " +
                              std::to_string(value) + " }";
    EXPECT_THAT(text.Fold(event, TextFold::kTime + at), ElementsAreArray(yields)) << event;
  };
  check(100, seconds(0), {});
  check(103, seconds(1), {"sample:n=3000000000"});
  check(103, seconds(2), {});
  check(90, seconds(1), {});                      // Late: the value at 2 s already includes it.
  check(4, seconds(3), {"sample:n=4000000000"});  // A reset counts from 0.
  check(5, seconds(4), {"sample:n=1000000000"});
  check(50, seconds(5), {},
        "agent: ''  labels { key: 'host' value: 'b' }");  // Another counter begins.
  check(6, seconds(6), {"sample:n=1000000000"});
}

TEST(MeasureFoldTest, NamesBeyondTheLimitShareOne) {
  TextFold text;
  for (std::size_t i = 0; i < kActivitySampleNamesMax; ++i) {
    text.Fold("activity { name: 'n" + std::to_string(i) + "' }");
  }
  EXPECT_THAT(text.Fold("activity { name: 'more' }"), ElementsAre("activity:_overflow=1"));
  EXPECT_THAT(text.Fold("sample { name: 'more' value: 1 type: DELTA }"),
              ElementsAre("sample:_overflow=1000000000"));
  EXPECT_THAT(text.Fold("activity { name: 'n7' }"), ElementsAre("activity:n7=1"));
}

TEST(MeasureFoldTest, AmountsInOneCurrencyTooManyAreUnconverted) {
  TextFold text;
  for (std::size_t i = 0; i < kCurrenciesMax; ++i) {
    const std::string code = {'A', static_cast<char>('A' + i / 26),
                              static_cast<char>('A' + i % 26)};
    EXPECT_THAT(text.Fold("cost { amount { currency_code: '" + code + "' nanos: 1 } }"),
                Contains("cost[" + code + "]=1"));
  }
  EXPECT_THAT(text.Fold("cost { amount { currency_code: 'ZZZ' nanos: 1 } }"),
              ElementsAre("unconverted=1"));
  EXPECT_THAT(text.Fold("cost { amount { currency_code: 'AAB' nanos: 1 } }"),
              Contains("cost[AAB]=1"));
}

TEST(MeasureFoldTest, AlertsCountWhenTheyFire) {
  TextFold text;
  const auto check = [&](storage::AlertState to, Texts yields) {
    storage::AlertTransition alert;
    alert.to = to;
    EXPECT_THAT(text.Fold(storage::ServerEvent(alert)), ElementsAreArray(yields));
  };
  check(storage::AlertState::kPending, {});
  check(storage::AlertState::kFiring, {"alerts.fired=1"});
  check(storage::AlertState::kResolved, {});
}

TEST(MeasureFoldTest, AnAcknowledgementYieldsHowLongTheAlertWaitedForIt) {
  TextFold text;
  storage::Acknowledged acknowledged;
  acknowledged.fired_at = TextFold::kTime;
  acknowledged.at = TextFold::kTime + std::chrono::milliseconds(90'500);
  EXPECT_THAT(text.Fold(storage::ServerEvent(acknowledged)),
              ElementsAre("alert.ack.duration~90500000000x1"));
  acknowledged.labels["shadow"] = "true";
  EXPECT_THAT(text.Fold(storage::ServerEvent(acknowledged)), IsEmpty());
}

storage::PricesApplied Prices(Time from, std::string version, std::int64_t input) {
  storage::PricesApplied prices;
  prices.effective_from = from;
  prices.version = std::move(version);
  prices.currency_code = "USD";
  prices.prices.push_back({"m", "p", input, 2 * input, {}, {}, {}});
  return prices;
}

TEST(MeasureFoldTest, TokensArePricedByTheTableOfTheirTime) {
  TextFold text;
  const Time change = TextFold::kTime;
  text.Fold(Prices(change, "new", 2'000'000));
  text.Fold(Prices(change - hours(1), "old", 1'000'000));
  const std::string event =
      "count: 3 cost { provider: 'p' model: 'm' tokens { input: 10 output: 1 } }";
  EXPECT_THAT(text.Fold(event, change),
              ElementsAre("tokens=33", "tokens.input=30", "tokens.output=3", "cost[USD]=72",
                          "cost.amount[USD]~24x3"));
  EXPECT_THAT(text.Fold(event, change - Duration(1)), Contains("cost[USD]=36"));
  EXPECT_THAT(text.Fold(event, change - hours(1) - Duration(1)), Contains("unpriced=3"));
  EXPECT_THAT(text.Fold("cost { provider: 'p' model: 'other' tokens { input: 10 } }", change),
              Contains("unpriced=1"));
}

/// A fold that has something in each of its tables.
void FoldOfEverything(TextFold* text) {
  text->Fold(Prices(TextFold::kTime - hours(1), "old", 1'000'000));
  text->Fold(
      "task_id: 't1' agent: 'a' task { status: STARTED type: 'x' deadline { seconds: 1700000100 } "
      "}");
  text->Fold("task_id: 't2' task { status: STARTED }");
  text->Fold("task_id: 't1' cost { amount { currency_code: 'USD' units: 1 } }");
  text->Fold("task_id: 't1' cost { amount { currency_code: 'EUR' units: 2 } }");
  text->Fold("task { status: COMPLETED type: 'x' duration { seconds: 60 } }");
  text->Fold("sample { name: 'n' type: CUMULATIVE value: 10 }");
  text->Fold("activity { name: 'signup' }");
}

using Rows = std::map<std::string, std::string, std::less<>>;

void Drain(MeasureFold* fold, std::size_t rows_max, Rows* rows) {
  const auto store = [rows](std::string_view key, std::string_view value) {
    if (value.empty()) {
      rows->erase(std::string(key));
    } else {
      (*rows)[std::string(key)] = value;
    }
  };
  while (!fold->ContinueCheckpoint(rows_max, store)) {
  }
}

std::string CanonicalOf(const Rows& rows) {
  TextFold loaded;
  for (const auto& [key, value] : rows) EXPECT_TRUE(loaded.fold.LoadRow(key, value).ok());
  return loaded.Canonical();
}

TEST(MeasureFoldCheckpointTest, ALoadedFoldIsTheSameAndGoesOnTheSame) {
  TextFold text;
  FoldOfEverything(&text);
  Rows rows;
  text.fold.BeginCheckpoint();
  Drain(&text.fold, 2, &rows);
  TextFold loaded;
  for (const auto& [key, value] : rows) ASSERT_TRUE(loaded.fold.LoadRow(key, value).ok());
  EXPECT_EQ(loaded.Canonical(), text.Canonical());
  const Time later = TextFold::kTime + minutes(5);
  const Time far = TextFold::kTime + std::chrono::hours(24 * 365);
  EXPECT_EQ(loaded.fold.Overdue(far, 100).size(), text.fold.Overdue(far, 100).size());
  EXPECT_EQ(loaded.fold.open_tasks(TextFold::kTime).cost,
            text.fold.open_tasks(TextFold::kTime).cost);
  EXPECT_EQ(loaded.fold.sizes().open_tasks, 2U);
  EXPECT_EQ(loaded.fold.sizes().price_tables, 1U);
  for (const std::string_view event : {"sample { name: 'n' type: CUMULATIVE value: 12 }",
                                       "task_id: 't1' task { status: COMPLETED }",
                                       "cost { provider: 'p' model: 'm' tokens { input: 10 } }"}) {
    EXPECT_EQ(loaded.Fold(event, later), text.Fold(event, later)) << event;
  }
  EXPECT_EQ(loaded.Canonical(), text.Canonical());
}

TEST(MeasureFoldCheckpointTest, RowsAreOfTheMomentItBeganWhateverIsFoldedMeanwhile) {
  TextFold text;
  FoldOfEverything(&text);
  Rows rows;
  text.fold.BeginCheckpoint();
  Drain(&text.fold, 100, &rows);

  text.Fold("task_id: 't3' task { status: STARTED }");
  text.Fold("task_id: 't2' task { status: COMPLETED }");  // Its row goes with the next checkpoint.
  const std::string begun = text.Canonical();
  text.fold.BeginCheckpoint();
  text.Fold("task_id: 't1' task { status: FAILED }");
  text.Fold("task_id: 't2' task { status: STARTED }");
  text.Fold("task_id: 't3' task { status: PROGRESS }");
  text.Fold("task_id: 't4' task { status: STARTED }");
  text.Fold("sample { name: 'n' type: CUMULATIVE value: 20 }", TextFold::kTime + seconds(1));
  Drain(&text.fold, 1, &rows);
  EXPECT_EQ(CanonicalOf(rows), begun);

  const std::string end = text.Canonical();
  text.fold.BeginCheckpoint();
  Drain(&text.fold, 1, &rows);
  EXPECT_EQ(CanonicalOf(rows), end);
}

TEST(MeasureFoldCheckpointTest, OnlyWhatChangedLeaves) {
  TextFold text;
  FoldOfEverything(&text);
  Rows rows;
  text.fold.BeginCheckpoint();
  Drain(&text.fold, 100, &rows);
  text.Fold("task_id: 't2' task { status: PROGRESS }");
  text.Fold("task_id: 't2' task { status: PROGRESS }");
  Rows changed;
  text.fold.BeginCheckpoint();
  Drain(&text.fold, 100, &changed);
  EXPECT_EQ(changed.size(), 1U);
}

TEST(MeasureFoldCheckpointTest, WhatCameAndWentBetweenTwoCheckpointsLeavesNoRow) {
  TextFold text;
  FoldOfEverything(&text);
  Rows rows;
  text.fold.BeginCheckpoint();
  Drain(&text.fold, 100, &rows);
  text.Fold("task_id: 'short' task { status: STARTED }");
  text.Fold("task_id: 'short' task { status: CANCELLED }");
  text.Fold("task_id: 't1' task { status: CANCELLED }");
  text.Fold("task_id: 't1' task { status: STARTED }");
  text.Fold("task_id: 't1' task { status: CANCELLED }");
  text.fold.BeginCheckpoint();
  std::vector<std::string> written;
  while (!text.fold.ContinueCheckpoint(100, [&](std::string_view key, std::string_view value) {
    written.emplace_back(key);
    if (value.empty()) rows.erase(std::string(key));
  })) {
  }
  EXPECT_EQ(written.size(), 1U) << "the row of t1 goes, which the checkpoint before had";
  EXPECT_EQ(CanonicalOf(rows), text.Canonical());
}

TEST(MeasureFoldCheckpointTest, CanonicalDoesNotDependOnTheOrderOfArrival) {
  TextFold one, other;
  for (int i = 0; i < 100; ++i)
    one.Fold("task_id: 't" + std::to_string(i) + "' task { status: STARTED }");
  for (int i = 100; i-- > 0;)
    other.Fold("task_id: 't" + std::to_string(i) + "' task { status: STARTED }");
  EXPECT_EQ(one.Canonical(), other.Canonical());
}

TEST(MeasureFoldCheckpointTest, BrokenRowsAreRefused) {
  TextFold text;
  FoldOfEverything(&text);
  Rows rows;
  text.fold.BeginCheckpoint();
  Drain(&text.fold, 100, &rows);
  TextFold loaded;
  const auto refused = [&](std::string_view key, std::string_view value) {
    const Status status = loaded.fold.LoadRow(key, value);
    ASSERT_FALSE(status.ok());
    EXPECT_EQ(status.error().code(), ErrorCode::kCorruption);
  };
  refused("", "");
  refused("mT", "");
  refused("wT0123456789abcdef", "");
  refused("mQ0123456789abcdef", "");
  for (const auto& [key, value] : rows) {
    if (key[1] == 'N' || key[1] == 'X') continue;  // Plain text has no framing to break.
    refused(key, value + "\x81");
  }
}

}  // namespace
}  // namespace barograph::rules
